"""Handing tasks to a pool of workers, in order, and taking their results as they come."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from bakeoff.study.workers.local import Pool

_POLL_SECONDS = 0.2


class Task(NamedTuple):
    """A function for a worker, its arguments, and what its result is known by."""

    work: Callable[..., Any]
    arguments: tuple[Any, ...]
    payload: Any


def work_off(
    pool: Pool, tasks: Sequence[Task], tell: Callable[[int, int], None]
) -> Iterator[tuple[Any, Any]]:
    """(payload, result or exception) of every task; a worker gets the next one as soon as it is free.

    Args:
        pool: of workers, which has nothing else to do meanwhile.
        tasks: the most urgent first.
        tell: is told (done, total) several times a second.
    """
    waiting, done = list(tasks), 0
    while waiting or pool.running:
        while waiting and pool.running <= pool.workers:
            task = waiting.pop(0)
            pool.submit(task.work, *task.arguments, payload=task.payload)
        for payload, outcome in pool.finished(_POLL_SECONDS):
            done += 1
            yield payload, outcome
        tell(done, len(tasks))
