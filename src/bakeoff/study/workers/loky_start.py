"""joblib's loky behind four functions: the one place that knows its classes and its private attributes."""

import os
import queue
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from joblib.externals.loky import ProcessPoolExecutor, process_executor

from bakeoff.system import processes
from bakeoff.system.patches import PROCESS_LOCK


class _SafeProcesses(ProcessPoolExecutor):  # type: ignore[misc]
    """Workers, and the processes that watch over their semaphores, start with a safe path; later ones too."""

    def _adjust_process_count(self) -> Any:
        with processes.safe_start():
            return super()._adjust_process_count()


def start(
    workers: int, environment: Mapping[str, str], initializer: Callable[..., None], *arguments: Any
) -> ProcessPoolExecutor:
    """As many worker processes, which take no code from the current folder before all else.

    Args:
        environment: variables of the workers.
        initializer: called with `arguments` in each new worker.
    """
    with _quiet_tracker(), processes.safe_start():
        return _SafeProcesses(
            max_workers=workers,
            env={**environment, **processes.safe_variables()},
            initializer=_in_worker,
            initargs=(initializer, *arguments),
        )


def _in_worker(initializer: Callable[..., None], *arguments: Any) -> None:
    """Begin a worker that may hold as much as we allow.

    Where psutil is installed, loky takes 300 MB more than after the first task for a leak and ends the worker; data
    and stacks may be larger, and how much workers hold is watched by the executor.
    """
    process_executor._USE_PSUTIL = False
    initializer(*arguments)


def process_ids(executor: ProcessPoolExecutor) -> list[int]:
    """Of the workers that are alive."""
    return list(executor._processes)


def end(executor: ProcessPoolExecutor) -> None:
    """Kill the workers, whatever they do."""
    with suppress(Exception):
        _take_back(executor)
        executor.shutdown(wait=False, kill_workers=True)


def _take_back(executor: ProcessPoolExecutor) -> None:
    """Empty the queue of tasks that loky's thread has not read yet, before the executor is shut down.

    The shutdown forgets these tasks while their numbers stay in the queue. A pool that is closed just after it was
    started (because a column's name was wrong) could then print the traceback of a `KeyError` in loky's thread.
    """
    with suppress(queue.Empty):
        while True:
            executor._work_ids.get(block=False)


@contextmanager
def _quiet_tracker() -> Iterator[None]:
    """Inside, loky's resource tracker is started such that it prints no warnings.

    When this process is killed, the tracker removes the semaphores left behind, as it should, and would warn of them
    as leaked, about which a user can do nothing.
    """
    silent = "ignore:resource_tracker:UserWarning"
    with PROCESS_LOCK:
        before = os.environ.get("PYTHONWARNINGS")
        os.environ["PYTHONWARNINGS"] = f"{before},{silent}" if before else silent
        try:
            yield
        finally:
            if before is None:
                del os.environ["PYTHONWARNINGS"]
            else:
                os.environ["PYTHONWARNINGS"] = before
