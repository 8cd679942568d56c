"""Runs a list of tasks in workers, in order, and yields their results as they come."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bakeoff.study.workers.executor import Executor, Task, TaskOutcome

#: Seconds between two looks at the workers.
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
    """(payload, result or exception) of every task, as it ends; a worker gets the next one as soon as it is free.

    Args:
        executor: it runs nothing else meanwhile.
        tasks: the most urgent first.
        report: called with (done, total) several times a second.
    """
    waiting = list(tasks)

    def following() -> WorkerTask | None:
        return waiting.pop(0) if waiting else None

    def report_done() -> None:
        report(len(tasks) - len(waiting) - executor.running, len(tasks))

    # One task waits beside those that run, so that no worker waits for the next poll.
    return run_while_given(executor, following, report_done, at_once=executor.workers + 1)


def run_while_given(
    executor: Executor,
    following: Callable[[], WorkerTask | None],
    report: Callable[[], None],
    *,
    at_once: int,
    is_over: Callable[[], bool] = lambda: False,
) -> Iterator[TaskOutcome]:
    """Yields the outcomes of tasks that are asked for one at a time, until none is given and none runs.

    Args:
        executor: it runs nothing else meanwhile.
        following: called for the next task whenever there is room for one; None where there is none for now.
        report: called several times a second.
        at_once: tasks that are submitted and not ended, at most.
        is_over: asked several times a second; where it is, what still runs is given up.
    """
    while True:
        while executor.running < at_once and (entry := following()) is not None:
            executor.submit(entry.task, entry.request, payload=entry.payload, deadline=entry.deadline)
        if not executor.running:
            return
        if is_over():
            executor.restart()
            return
        yield from executor.finished(_POLL_SECONDS)
        report()


def run_one(executor: Executor, task: Task, request: Any) -> Any:
    """What one task returns, or the exception that it raised; the executor runs nothing else meanwhile."""
    ended = run_tasks(
        executor, [WorkerTask(task=task, request=request, payload=task)], lambda done, total: None
    )
    return list(ended)[-1].outcome
