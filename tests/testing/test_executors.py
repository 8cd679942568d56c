"""Executors: the suite that each must pass, tried on those there are, and on broken ones that it must catch."""

from collections.abc import Iterator

import pytest

from bakeoff.study.workers.executor import Executor, TaskOutcome, TaskProgress
from bakeoff.study.workers.local import LocalExecutor
from bakeoff.testing import executors
from bakeoff.testing.executors import CHECKS, PROCESS_CHECKS, SerialExecutor, check_close


@pytest.fixture(scope="module")
def local() -> Iterator[Executor]:
    executor = LocalExecutor(workers=2)
    yield executor
    check_close(executor)
    assert not executor.folder.exists(), "what it shared is left"


@pytest.mark.parametrize("check", [*CHECKS, *PROCESS_CHECKS], ids=lambda check: check.__name__)
def test_the_workers_of_this_machine_keep_the_contract(check, local: Executor) -> None:
    check(local)


@pytest.mark.parametrize("check", [*CHECKS, check_close], ids=lambda check: check.__name__)
def test_so_does_the_executor_without_workers(check) -> None:
    check(SerialExecutor())


class _Raises(SerialExecutor):
    def finished(self, timeout: float) -> list[TaskOutcome]:
        ended = super().finished(timeout)
        for one in ended:
            if isinstance(one.outcome, Exception):
                raise one.outcome
        return ended


class _Twice(SerialExecutor):
    def finished(self, timeout: float) -> list[TaskOutcome]:
        return 2 * super().finished(timeout)


class _NoDeadline(SerialExecutor):
    def submit(self, task, request, *, payload=None, deadline=None) -> None:
        super().submit(task, request, payload=payload)


class _Remembers(SerialExecutor):
    def restart(self) -> None:
        pass


class _OneHandle(SerialExecutor):
    def share(self, dataset):
        self._first = getattr(self, "_first", None) or super().share(dataset)
        return self._first


class _Loud(SerialExecutor):
    def progress(self) -> Iterator[TaskProgress]:
        for *_, payload in self._waiting:
            yield TaskProgress(payload, 0, 0)


@pytest.mark.parametrize(
    ("broken", "check"),
    [
        (_Twice, executors.check_every_task_ends_once),
        (_Raises, executors.check_an_error_is_an_outcome),
        (_Loud, executors.check_a_task_without_payload_is_silent),
        (_NoDeadline, executors.check_a_deadline_reaches_the_task),
        (_OneHandle, executors.check_a_dataset_is_shared),
        (_Remembers, executors.check_a_restart_forgets),
        (SerialExecutor, executors.check_progress_is_seen),
    ],
    ids=lambda value: value.__name__,
)
def test_an_executor_that_breaks_the_contract_is_caught(broken, check, monkeypatch) -> None:
    monkeypatch.setattr(executors, "LONGEST_WAIT_SECONDS", 5.0)
    with pytest.raises((AssertionError, ValueError, TypeError)):
        check(broken())
