"""Workers that begin to load what training needs while the program itself is still being loaded.

Imports nothing heavy, so that a command can call `begin` first of all.
"""

import os
import subprocess
import sys

from bakeoff.study.pool import Pool, available_cores


def begin(workers: int | None, *, wait_for_operators: bool) -> Pool:
    """A pool whose workers, as many as cores where None, are starting. Whoever gets it closes it.

    Args:
        wait_for_operators: see `compiled_operators`.
    """
    pool = Pool(workers=workers or available_cores(), environment=compiled_operators(wait=wait_for_operators))
    for number in range(pool.workers):
        pool.submit(warm_up, number == 0)
    return pool


def compiled_operators(*, wait: bool) -> dict[str, str]:
    """The environment that tells workers about the compiled operators.

    Under a clock nobody waits for them: the first worker has them built beside the run, for the next one. Without a
    clock they are built first, so that every run on this machine computes alike.
    """
    wish = os.environ.get("BAKEOFF_NATIVE", "1")
    if wish != "1":
        return {"BAKEOFF_NATIVE": wish}
    if wait:
        subprocess.run(
            [sys.executable, "-m", "bakeoff.train.kernels.native"], check=False, capture_output=True
        )
    return {"BAKEOFF_NATIVE": "ready"}


def warm_up(build: bool, board_path: str, slot: int) -> None:
    """In a worker: import what training needs, and have the compiled operators built."""
    import bakeoff.train.stack  # noqa: F401
    from bakeoff.study import work
    from bakeoff.train.kernels import native

    work.set_up_torch()
    if build:
        native.begin_build()
