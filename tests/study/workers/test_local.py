"""Workers: what is left behind, and said, when the program that has them is killed."""

import operator
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from bakeoff.study.workers.executor import TaskContext, WorkerLostError
from bakeoff.study.workers.local import LocalExecutor
from bakeoff.system import own_folders

PROGRAM = """
import operator
import time
from bakeoff.study.workers.local import LocalExecutor

if __name__ == "__main__":
    pool = LocalExecutor(workers=1)
    pool.submit(operator.is_, None, payload="a")
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


@pytest.mark.skipif(own_folders.fcntl is None, reason="without flock nothing is ever removed")
def test_of_the_temporary_folder_only_what_a_killed_pool_of_ours_left_is_removed(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-S", "-c", ""])
    gone.wait()
    for name in ("bakeoff-2026-results", f"bakeoff-{gone.pid}-x", "bakeoff-pool-mine"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "thesis.txt").write_text("five years")
    program = (
        "import time\nfrom bakeoff.study.workers.local import LocalExecutor\n"
        "print(LocalExecutor().folder, flush=True)\ntime.sleep(60)"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", program]

    def begin() -> "tuple[subprocess.Popen[str], Path]":
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert process.stdout is not None
        return process, Path(process.stdout.readline().strip())

    (killed, left), (lives, kept) = begin(), begin()
    assert (left / "progress").exists(), "while both live"
    killed.kill()
    killed.wait()
    third, _ = begin()
    for process in (lives, third):
        process.kill()
        process.wait()
    for process in (killed, lives, third):
        assert process.stdout is not None
        process.stdout.close()
    assert not left.exists()
    assert (kept / "progress").exists()
    assert len(list(tmp_path.glob("*/thesis.txt"))) == 3


def _semaphores(process: int) -> list[Path]:
    return list(Path("/dev/shm").glob(f"sem.loky-{process}-*"))


def test_a_pool_that_is_closed_while_it_starts_unsettles_no_thread() -> None:
    """pytest fails where a thread ends in an exception; without `_take_back` every other pool's thread does."""
    for _ in range(3):
        executor = LocalExecutor(workers=1)
        for _ in range(40):
            executor.submit(operator.is_, None)
        executor.close()


def test_of_workers_that_hold_too_much_together_the_one_that_holds_the_most_is_ended() -> None:
    program = "block = b'x' * {}; print('there', flush=True); input()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    small, large = (
        subprocess.Popen([sys.executable, "-S", "-c", program.format(size)], **pipes)
        for size in (30_000_000, 60_000_000)
    )
    with small, large:
        assert small.stdout.readline() == large.stdout.readline() == b"there\n"
        for limit, ended in ((200_000_000, False), (80_000_000, True)):
            executor = LocalExecutor(workers=2, memory_bytes=limit)
            executor._processes = SimpleNamespace(_processes={small.pid: small, large.pid: large})
            executor._watch_memory()
            executor._processes = None
            executor.close()
            if ended:
                large.wait(10)
            assert (large.poll() is not None) is ended
        assert small.poll() is None
        small.kill()


def test_a_worker_that_goes_on_holding_much_is_not_replaced() -> None:
    """loky, where psutil is installed, would take it for a leak a second later: 300 MB more than at first."""

    def hold(bytes_held: int, context: TaskContext) -> int:
        import os
        import sys
        from types import SimpleNamespace

        from joblib.externals.loky import process_executor

        process_executor._MEMORY_LEAK_CHECK_DELAY = 0.0  # at once, and not a second later
        if bytes_held:
            sys.modules["held"] = SimpleNamespace(block=b"x" * bytes_held)  # type: ignore[assignment]
        return os.getpid()

    executor = LocalExecutor(workers=1, memory_bytes=2_000_000_000)
    processes: list[object] = []
    for number, size in enumerate((0, 400_000_000, 0)):
        executor.submit(hold, size, payload=number)
        processes += [ended.outcome for ended in executor.finished(60)]
    executor.close()
    assert len(processes) == 3
    assert len(set(processes)) == 1


def test_a_task_that_needs_more_than_all_may_hold_is_given_up_and_the_limit_is_named() -> None:
    def hold(megabytes: int, context: TaskContext) -> int:
        import time

        block = b"x" * (megabytes * 1_000_000)
        time.sleep(30 if megabytes > 1 else 0)
        return len(block)

    executor = LocalExecutor(workers=1, memory_bytes=300_000_000)
    for size in (400, 1):
        executor.submit(hold, size, payload=size)
    ended: dict[int, object] = {}
    deadline = time.monotonic() + 60
    while executor.running and time.monotonic() < deadline:
        ended |= dict(executor.finished(0.1))
    executor.close()
    assert ended[1] == 1_000_000
    assert isinstance(ended[400], WorkerLostError)
    assert "0.3 GB" in str(ended[400])
