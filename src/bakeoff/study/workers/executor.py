"""The contract of what runs tasks in workers: `Executor`; and what a task is given besides its request: `TaskContext`.

A *task* is a function of a module, `task(request, context)`: `request` is one frozen record that can be pickled, with
everything that the task needs; `context` is made by the executor in the worker. A task keeps nothing that it was given,
changes nothing outside itself but files that the request names, and returns a value that can be pickled. It must give
the same value when it is run again, for an executor may run it more than once where a worker dies.

An executor promises:

- **Thread safety**: none. One thread owns an executor and calls all its methods. Tasks run elsewhere, at the same time.
- **Order**: tasks begin in the order in which they were submitted, and end in any order. Each ends once.
- **Errors**: what a task raises is no exception of the executor's: it is the outcome of that task.
- **Death of a worker**: the tasks that were lost begin again in a new worker. One that breaks its worker again and
  again ends with `WorkerLostError` as its outcome, and all others end as if it had never been there.
- **Deadlines**: on the monotonic clock of the process that submits. `TaskContext.deadline` is the same moment on the
  worker's clock. A task ends itself by then; an executor ends no task because of it.
- **Progress**: `progress` tells the last report of each task that is under way. It may be late, and nothing may depend
  on it.
- **Data**: `share` makes a dataset readable by all workers, once. The handle is small and can be pickled, and equal
  handles have equal data, so that a worker that has opened one keeps what it made of it. It is valid until `close`.
- **Ownership**: whoever makes an executor closes it. After `close` nothing that it started is alive, and nothing that
  it shared is left. Closing twice does nothing.

`bakeoff.testing.executors` tries all of this on any executor. `bakeoff.study.workers.local` is the one in use.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from bakeoff.data.dataset import Dataset
from bakeoff.data.schema import Schema


def ignore_progress(done: int, total: int) -> None:
    """A `report` for whoever calls a task outside of workers."""


@dataclass(frozen=True, kw_only=True)
class TaskContext:
    """What a task is given by its executor.

    Attributes:
        report: called with (done, total) of the task's progress, as often as it likes.
        deadline: when it must end, on the monotonic clock of the worker; None for never.
    """

    report: Callable[[int, int], None] = ignore_progress
    deadline: float | None = None


#: `task(request, context)`, a function of a module.
Task = Callable[[Any, TaskContext], Any]


class SharedDataset(Protocol):
    """A dataset that workers can open. Hashable; equal where the data are."""

    @property
    def schema(self) -> Schema: ...

    def open(self) -> Dataset:
        """The dataset, read-only; opened once in each process."""
        ...

    def __hash__(self) -> int: ...


class TaskProgress(NamedTuple):
    """The last report of a task that is under way; (0, 0) before there is any."""

    payload: Any
    done: int
    total: int


class TaskOutcome(NamedTuple):
    """How a task ended: with what it returned, or with the exception that it raised."""

    payload: Any
    outcome: Any


class WorkerLostError(Exception):
    """The outcome of a task that broke the workers it was given to; its argument is the reason, a `Statement`."""


class Executor(Protocol):
    """Runs tasks in workers; see the module for what it promises."""

    @property
    def workers(self) -> int:
        """How many tasks run at the same time."""
        ...

    @property
    def running(self) -> int:
        """Tasks with a payload that were submitted and have not been returned by `finished`."""
        ...

    def submit(self, task: Task, request: Any, *, payload: Any = None, deadline: float | None = None) -> None:
        """Start a task as soon as a worker is free.

        Args:
            task, request: `task(request, context)` is called in a worker.
            payload: what the task is known by in `progress` and `finished`; a task without one is in neither.
            deadline: of its context, on this process's monotonic clock.
        """

    def progress(self) -> Iterator[TaskProgress]:
        """The progress of every task with a payload that is under way."""
        ...

    def finished(self, timeout: float) -> list[TaskOutcome]:
        """The outcomes of tasks with a payload that ended; waits up to `timeout` seconds for the first; each once."""
        ...

    def share(self, dataset: Dataset) -> SharedDataset:
        """A handle by which workers open this dataset; made once as long as the dataset stays the same."""
        ...

    def restart(self) -> None:
        """Forget everything that runs or waits (after Ctrl-C); later tasks get new workers."""

    def close(self) -> None:
        """End the workers, whatever they do, and remove what was shared."""
