"""Workers that begin to load what training needs while the program itself is still being loaded.

Imports nothing heavy, so that a command can call `begin` first of all.
"""

import os
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from bakeoff.study.workers.local import Pool, available_cores
from bakeoff.train.kernels import compilation

#: The last worker waits for the first one no longer than this.
_LONGEST_WAIT_SECONDS, _POLL_SECONDS = 8.0, 0.02


def begin(workers: int | None, *, wait_for_operators: bool) -> Pool:
    """A pool whose workers, as many as cores where None, are starting. Whoever gets it closes it.

    The program that calls this needs a core to load itself, so the last worker begins to load when the first has
    loaded: all cores are as busy as without that, and the first training begins earlier.

    Args:
        wait_for_operators: see `compiled_operators`.
    """
    pool = Pool(workers=workers or available_cores(), environment=compiled_operators(wait=wait_for_operators))
    for number in range(pool.workers):
        pool.submit(warm_up, number == 0, 0 < number == pool.workers - 1)
    return pool


def compiled_operators(*, wait: bool) -> dict[str, str]:
    """The environment that tells workers about the compiled operators.

    Under a clock nobody waits for them: they are built beside the run, for the next one. Without a clock they are
    built first, so that every run on this machine computes alike.
    """
    wish = os.environ.get("BAKEOFF_NATIVE", "1")
    if wish != "1":
        return {"BAKEOFF_NATIVE": wish}
    if not wait:
        compilation.begin_build()
    elif compilation.is_wanted():
        with suppress(OSError, subprocess.SubprocessError):  # then the workers go without, and say so
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
