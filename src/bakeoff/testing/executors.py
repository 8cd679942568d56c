"""The conformance suite of `Executor`: what every executor must do; and one without workers, for tests.

    executor = MyExecutor(...)
    for check in CHECKS:
        check(executor)
    for check in PROCESS_CHECKS:  # where tasks run in processes of their own
        check(executor)
    check_close(executor)  # last: it is closed then

Each check leaves the executor idle. The tasks are functions of this module, which workers must be able to import.
"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bakeoff.data.dataset import Dataset
from bakeoff.data.schema import Schema
from bakeoff.study.workers.executor import (
    Executor,
    SharedDataset,
    Task,
    TaskContext,
    TaskOutcome,
    TaskProgress,
    WorkerLostError,
)

#: The longest that a check waits for tasks that take no time themselves: the first worker has to start.
LONGEST_WAIT_SECONDS = 120.0
#: By how much a deadline may be off that has come to a worker.
DEADLINE_ERROR_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True, eq=False)
class _SameDataset:
    """The handle of workers that are this very process."""

    dataset: Dataset

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _SameDataset) and other.dataset is self.dataset

    def __hash__(self) -> int:
        return id(self.dataset)

    @property
    def schema(self) -> Schema:
        return self.dataset.schema

    def open(self) -> Dataset:
        return self.dataset


@dataclass
class SerialExecutor:
    """Runs each task in this process, while `finished` is called: for tests, and to follow a task with a debugger."""

    workers: int = 1
    _waiting: list[tuple[Task, Any, TaskContext, Any]] = field(default_factory=list)

    @property
    def running(self) -> int:
        return sum(payload is not None for *_, payload in self._waiting)

    def submit(self, task: Task, request: Any, *, payload: Any = None, deadline: float | None = None) -> None:
        self._waiting.append((task, request, TaskContext(deadline=deadline), payload))

    def progress(self) -> Iterator[TaskProgress]:
        for *_, payload in self._waiting:
            if payload is not None:
                yield TaskProgress(payload, 0, 0)

    def finished(self, timeout: float) -> list[TaskOutcome]:
        while self._waiting:
            task, request, context, payload = self._waiting.pop(0)
            try:
                outcome = task(request, context)
            except Exception as error:
                outcome = error
            if payload is not None:
                return [TaskOutcome(payload, outcome)]
        return []

    def share(self, dataset: Dataset) -> SharedDataset:
        return _SameDataset(dataset=dataset)

    def restart(self) -> None:
        self._waiting.clear()

    def close(self) -> None:
        self._waiting.clear()


# ---- tasks


def _square(request: int, context: TaskContext) -> int:
    context.report(1, 2)
    return request * request


def _fail(request: str, context: TaskContext) -> None:
    raise ValueError(request)


def _seconds_left(request: None, context: TaskContext) -> float | None:
    return None if context.deadline is None else context.deadline - time.monotonic()


def _describe(request: SharedDataset, context: TaskContext) -> tuple[str, list[float], bool]:
    dataset = request.open()
    return dataset.fingerprint, np.ravel(dataset.rows_at(slice(None)))[:5].tolist(), request.open() is dataset


def _die(request: None, context: TaskContext) -> None:
    os._exit(1)


def _report_and_wait(request: float, context: TaskContext) -> None:
    context.report(3, 7)
    time.sleep(request)


# ---- checks


def _drain(executor: Executor) -> list[TaskOutcome]:
    found: list[TaskOutcome] = []
    until = time.monotonic() + LONGEST_WAIT_SECONDS
    while executor.running:
        assert time.monotonic() < until, (
            f"after {LONGEST_WAIT_SECONDS:g} s, {executor.running} tasks had not ended"
        )
        found += executor.finished(0.05)
    return found


def check_every_task_ends_once(executor: Executor) -> None:
    """More tasks than workers: each gives its own result, under its own payload, once."""
    numbers = range(2 * executor.workers + 3)
    for number in numbers:
        executor.submit(_square, number, payload=f"square of {number}")
    assert executor.running == len(numbers)
    assert {entry.payload for entry in executor.progress()} <= {f"square of {number}" for number in numbers}
    found = _drain(executor)
    assert sorted(found) == sorted((f"square of {number}", number * number) for number in numbers)
    assert executor.finished(0.0) == []
    assert list(executor.progress()) == []


def check_an_error_is_an_outcome(executor: Executor) -> None:
    """What one task raises is its outcome, and does not touch the next."""
    executor.submit(_fail, "out of range", payload="bad")
    executor.submit(_square, 3, payload="good")
    found = dict(_drain(executor))
    assert isinstance(found["bad"], ValueError)
    assert str(found["bad"]) == "out of range"
    assert found["good"] == 9


def check_a_task_without_payload_is_silent(executor: Executor) -> None:
    """It counts for nobody, however it ends."""
    executor.submit(_fail, "unheard")
    executor.submit(_square, 2)
    assert executor.running == 0
    assert list(executor.progress()) == []
    executor.submit(_square, 4, payload="heard")
    assert _drain(executor) == [("heard", 16)]


def check_a_deadline_reaches_the_task(executor: Executor) -> None:
    """As the same moment on the worker's clock; and None as None."""
    executor.submit(_seconds_left, None, payload="none")
    assert _drain(executor) == [("none", None)]
    executor.submit(_seconds_left, None, payload="some", deadline=time.monotonic() + 1000)
    ((_, left),) = _drain(executor)
    assert abs(left - 1000) < DEADLINE_ERROR_SECONDS + LONGEST_WAIT_SECONDS
    assert left < 1000 + DEADLINE_ERROR_SECONDS, "time does not run backwards on the way to a worker"


def check_a_dataset_is_shared(executor: Executor) -> None:
    """A worker opens it as it is, once; handles are equal where the data are, and only there."""
    dataset, other = _dataset(0), _dataset(1)
    handle = executor.share(dataset)
    again = executor.share(dataset)
    assert handle == again
    assert hash(handle) == hash(again)
    assert handle.schema == dataset.schema
    executor.submit(_describe, handle, payload="data")
    ((_, found),) = _drain(executor)
    assert found == (dataset.fingerprint, np.ravel(dataset.rows_at(slice(None)))[:5].tolist(), True)
    assert executor.share(other) != handle


def check_a_restart_forgets(executor: Executor) -> None:
    """What ran or waited is never heard of again, and later tasks run."""
    for number in range(2 * executor.workers + 1):
        executor.submit(_square, number, payload=number)
    executor.restart()
    assert executor.running == 0
    executor.submit(_square, 5, payload="after")
    assert _drain(executor) == [("after", 25)]


def check_progress_is_seen(executor: Executor) -> None:
    """The last report of a task that is under way."""
    executor.submit(_report_and_wait, 2.0, payload="slow")
    seen, until = set(), time.monotonic() + LONGEST_WAIT_SECONDS
    while executor.running and time.monotonic() < until:
        seen |= set(executor.progress())
        executor.finished(0.05)
    assert ("slow", 3, 7) in seen


def check_a_dead_worker_costs_one_task(executor: Executor) -> None:
    """The task that breaks its worker again and again is lost; all others end as if it had never been there."""
    executor.submit(_square, 2, payload="before")
    executor.submit(_die, None, payload="deadly")
    executor.submit(_square, 3, payload="after")
    found = dict(_drain(executor))
    assert isinstance(found.pop("deadly"), WorkerLostError)
    assert found == {"before": 4, "after": 9}


def check_close(executor: Executor) -> None:
    """Work that is under way ends nowhere; closing twice does nothing."""
    executor.submit(_square, 2, payload="lost")
    executor.close()
    assert executor.running == 0
    executor.close()


def _dataset(seed: int) -> Dataset:
    from bakeoff.data.load import load

    rng = np.random.default_rng(seed)
    return load((rng.normal(size=(40, 3)).astype(np.float32), rng.integers(0, 2, size=40)))


#: What every executor must do.
CHECKS: tuple[Callable[[Executor], None], ...] = (
    check_every_task_ends_once,
    check_an_error_is_an_outcome,
    check_a_task_without_payload_is_silent,
    check_a_deadline_reaches_the_task,
    check_a_dataset_is_shared,
    check_a_restart_forgets,
)
#: Besides, where tasks run in processes of their own.
PROCESS_CHECKS: tuple[Callable[[Executor], None], ...] = (
    check_progress_is_seen,
    check_a_dead_worker_costs_one_task,
)
