"""Runs a list of tasks in workers, in order, and yields their results as they come."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bakeoff.study.workers.executor import Executor, Task, TaskOutcome

_POLL_SECONDS = 0.2


@dataclass(frozen=True, kw_only=True)
class WorkerTask:
    """A function for a worker, its request and deadline, and a payload by which its result is identified."""

    task: Task
    request: Any
    payload: Any
    deadline: float | None = None


def run_tasks(
    executor: Executor, tasks: Sequence[WorkerTask], report: Callable[[int, int], None]
) -> Iterator[TaskOutcome]:
    """Yields (payload, result or exception) of every task; a worker gets the next one as soon as it is free.

    Args:
        executor: it runs nothing else meanwhile.
        tasks: the most urgent first.
        report: called with (done, total) several times a second.
    """
    waiting, done = list(tasks), 0
    while waiting or executor.running:
        while waiting and executor.running <= executor.workers:
            entry = waiting.pop(0)
            executor.submit(entry.task, entry.request, payload=entry.payload, deadline=entry.deadline)
        for ended in executor.finished(_POLL_SECONDS):
            done += 1
            yield ended
        report(done, len(tasks))


def run_one(executor: Executor, task: Task, request: Any) -> Any:
    """What one task returns, or the exception that it raised; the executor runs nothing else meanwhile."""
    ended = run_tasks(
        executor, [WorkerTask(task=task, request=request, payload=task)], lambda done, total: None
    )
    return list(ended)[-1].outcome
