"""Starts the workers early: they import PyTorch while the program itself is still importing its modules.

Imports nothing heavy, so that a command can call `start_workers` first of all.
"""

import os
import subprocess
import time
from contextlib import suppress

from bakeoff.study.workers.executor import Executor, TaskContext
from bakeoff.study.workers.local import LocalExecutor
from bakeoff.study.workers.requests import WarmUpRequest
from bakeoff.system.hardware import available_cores
from bakeoff.train.kernels import compilation

#: The longest that the last worker waits for the first one.
_LONGEST_WAIT_SECONDS = 8.0
#: Seconds between two looks whether the first one is ready.
_POLL_SECONDS = 0.02


def start_workers(workers: int | None, *, wait_for_operators: bool) -> Executor:
    """An executor of this machine whose workers are starting. The caller closes it.

    The calling program needs a core for its own imports, so the last worker starts importing only when the first one
    is ready: no core is idle, and the first training starts earlier.

    Args:
        workers: how many; as many as cores where None.
        wait_for_operators: see `compiled_operators`.
    """
    environment = compiled_operators(wait=wait_for_operators)
    executor = LocalExecutor(workers=workers or available_cores(), environment=environment)
    for number in range(executor.workers):
        is_last = 0 < number == executor.workers - 1
        request = WarmUpRequest(is_first=number == 0, is_last=is_last, loaded=executor.folder / "loaded")
        executor.submit(warm_up, request)
    return executor


def compiled_operators(*, wait: bool) -> dict[str, str]:
    """Environment variables of the workers, by which they use the compiled operators or not.

    Args:
        wait: whether missing operators are built first, so that every run without a clock on this machine computes the
            same figures. Otherwise they are built in the background, for the next run.
    """
    setting = os.environ.get("BAKEOFF_NATIVE", "1")
    if setting != "1":
        return {"BAKEOFF_NATIVE": setting}
    if not wait:
        compilation.begin_build()
    elif compilation.is_wanted():
        with suppress(OSError, subprocess.SubprocessError):  # then the workers use torch's, and record it
            compilation.build()
    return {"BAKEOFF_NATIVE": "ready"}


def warm_up(request: WarmUpRequest, context: TaskContext) -> None:
    """In a worker: import what training needs."""
    longest = time.monotonic() + _LONGEST_WAIT_SECONDS
    while request.is_last and not request.loaded.exists() and time.monotonic() < longest:
        time.sleep(_POLL_SECONDS)
    import bakeoff.study.workers.tasks
    import bakeoff.train.stacked.fit_stack  # noqa: F401
    from bakeoff.study.workers import training

    training.set_up_torch()
    if request.is_first:
        request.loaded.touch()
