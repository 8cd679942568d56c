"""Workers: what is left behind, and said, when the program that has them is killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bakeoff.study.pool import Pool, report_progress

PROGRAM = """
import operator
import time
from bakeoff.study.pool import Pool

if __name__ == "__main__":
    pool = Pool(workers=1)
    pool.submit(operator.is_, payload="a")
    print("ready", len(pool.finished(60)), flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_program_that_is_killed_leaves_no_semaphores_and_no_warning_of_them(
    tmp_path: Path, how: signal.Signals
) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    with subprocess.Popen(
        [sys.executable, "program.py"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("ready")
        assert _semaphores(process.pid), "there was something to clean up"
        process.send_signal(how)
        assert process.stderr.read() == "", "read to its end, which is that of the resource tracker"
    deadline = time.monotonic() + 10
    while _semaphores(process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _semaphores(process.pid)


def _semaphores(process: int) -> list[Path]:
    return list(Path("/dev/shm").glob(f"sem.loky-{process}-*"))


def test_a_pool_that_is_closed_while_it_starts_unsettles_no_thread() -> None:
    """pytest fails where a thread ends in an exception; without `_take_back` every other pool's thread does."""
    for _ in range(3):
        pool = Pool(workers=1)
        for _ in range(40):
            pool.submit(report_progress)
        pool.close()
