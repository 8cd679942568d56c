"""loky's executor, whose workers take no code from the current folder before all else."""

from typing import Any

from joblib.externals.loky import ProcessPoolExecutor

from bakeoff.system import processes


class Executor(ProcessPoolExecutor):  # type: ignore[misc]
    """Workers, and the processes that watch over their semaphores, start with a safe path; later ones too."""

    def _adjust_process_count(self) -> Any:
        with processes.safe_start():
            return super()._adjust_process_count()
