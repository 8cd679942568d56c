"""Starts the workers early: they import PyTorch while the program itself is still importing its modules.

Imports nothing heavy, so that a command can call `start_workers` first of all.
"""

import os
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from bakeoff.study.workers.local import Pool, available_cores
from bakeoff.train.kernels import compilation

#: The longest that the last worker waits for the first one.
_LONGEST_WAIT_SECONDS = 8.0
#: Seconds between two looks whether the first one is ready.
_POLL_SECONDS = 0.02


def start_workers(workers: int | None, *, wait_for_operators: bool) -> Pool:
    """A pool whose workers are starting. The caller closes it.

    The calling program needs a core for its own imports, so the last worker starts importing only when the first one
    is ready: no core is idle, and the first training starts earlier.

    Args:
        workers: how many; as many as cores where None.
        wait_for_operators: see `compiled_operators`.
    """
    pool = Pool(workers=workers or available_cores(), environment=compiled_operators(wait=wait_for_operators))
    for number in range(pool.workers):
        pool.submit(warm_up, number == 0, 0 < number == pool.workers - 1)
    return pool


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


def warm_up(is_first: bool, is_last: bool, board_path: str, slot: int) -> None:
    """In a worker: import what training needs."""
    loaded = Path(board_path).with_name("loaded")
    longest = time.monotonic() + _LONGEST_WAIT_SECONDS
    while is_last and not loaded.exists() and time.monotonic() < longest:
        time.sleep(_POLL_SECONDS)
    import bakeoff.train.stacked.fit_stack  # noqa: F401
    from bakeoff.study.workers import tasks as worker_tasks

    worker_tasks.set_up_torch()
    if is_first:
        loaded.touch()
