"""Runs a list of tasks in a pool of workers, in order, and yields their results as they come."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from bakeoff.study.workers.local import Pool

_POLL_SECONDS = 0.2


class WorkerTask(NamedTuple):
    """A function for a worker, its arguments, and a payload by which its result is identified."""

    work: Callable[..., Any]
    arguments: tuple[Any, ...]
    payload: Any


def run_tasks(
    pool: Pool, tasks: Sequence[WorkerTask], report: Callable[[int, int], None]
) -> Iterator[tuple[Any, Any]]:
    """Yields (payload, result or exception) of every task; a worker gets the next one as soon as it is free.

    Args:
        pool: of workers, which runs nothing else meanwhile.
        tasks: the most urgent first.
        report: called with (done, total) several times a second.
    """
    waiting, done = list(tasks), 0
    while waiting or pool.running:
        while waiting and pool.running <= pool.workers:
            task = waiting.pop(0)
            pool.submit(task.work, *task.arguments, payload=task.payload)
        for payload, outcome in pool.finished(_POLL_SECONDS):
            done += 1
            yield payload, outcome
        report(done, len(tasks))
