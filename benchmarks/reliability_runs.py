"""Comparisons as a person starts them, in processes that are killed or disturbed, and what must come of them."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

#: A small comparison without a clock: its figures are the same whenever and however often it is begun.
PROTOCOL = ("--models", "linear,mlp", "--budget", "none", "--steps", "60", "--seeds", "2", "--no-why")
#: So long no run takes, however busy the machine.
LONGEST_SECONDS = 900
_FIGURES = ("winner", "leader", "tied", "probability_best", "cheapest_good", "loses_at_most", "unjudged")
_OF_ENTRANTS = (
    "name",
    "score",
    "low",
    "high",
    "validation_score",
    "learning_rate",
    "metrics",
    "curve",
    "state",
)
_OF_TRIALS = ("entrant", "examples", "seed", "setting", "steps", "state", "validation_score", "history")


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a process ended."""

    status: int
    seconds: float
    text: str

    @property
    def has_traceback(self) -> bool:
        return "Traceback (most recent call last)" in self.text


def command(out: Path, *options: str, data: str = "iris") -> list[str]:
    return [sys.executable, "-P", "-m", "bakeoff", "compare", data, *(options or PROTOCOL), "--out", str(out)]


def begun(out: Path, *options: str, data: str = "iris", **variables: str) -> subprocess.Popen[str]:
    """A comparison in a group of processes of its own."""
    _logs(out).mkdir(parents=True, exist_ok=True)
    with (_logs(out) / f"{time.monotonic_ns()}.txt").open("w+") as log:
        return subprocess.Popen(
            command(out, *options, data=data),
            stdout=log, stderr=subprocess.STDOUT, text=True, start_new_session=True,
            env={**os.environ, "BAKEOFF_LANG": "en", **variables},
        )  # fmt: skip


def finished(out: Path, *options: str, **variables: str) -> Ended:
    """A comparison run to its end."""
    started = time.monotonic()
    process = begun(out, *options, **variables)
    status = process.wait(LONGEST_SECONDS)
    return Ended(status=status, seconds=time.monotonic() - started, text=last_log(out))


def _logs(out: Path) -> Path:
    """Beside the folder of runs, whose disk may be full."""
    return out.with_name(out.name + "-logs")


def last_log(out: Path) -> str:
    return max(_logs(out).iterdir(), key=lambda path: path.name).read_text(errors="replace")


def killed_after(out: Path, seconds: float, *, worker: bool, choice: float) -> bool:
    """Begin, wait, and `kill -9` the comparison or one of its workers; False where it had ended before.

    Args:
        worker: whether a worker dies, and the comparison then goes on to its end.
        choice: from 0 to 1, which worker.
    """
    process = begun(out)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
        return False
    if not worker:
        process.kill()
        process.wait()
        return True
    while not (workers := _workers_of(process.pid)) and process.poll() is None:
        time.sleep(0.1)  # they may not have started
    if workers:
        with contextlib.suppress(OSError):
            os.kill(workers[int(choice * len(workers)) % len(workers)], signal.SIGKILL)
    process.wait(LONGEST_SECONDS)
    return bool(workers)


def _workers_of(process: int) -> list[int]:
    """Those of its children that run Python and hold some memory: the tracker of resources is none."""
    with contextlib.suppress(psutil.Error):
        children = psutil.Process(process).children(recursive=True)
        return [child.pid for child in children if child.memory_info().rss > 5e7]
    return []


def figures(out: Path) -> dict[str, Any]:
    """All figures of the newest run that must be the same however often it was killed; empty where there is none."""
    written = sorted(out.glob("iris*/verdict.json"), key=lambda path: path.stat().st_mtime)
    if not written:
        return {}
    record = json.loads(written[-1].read_text())
    found = {name: record[name] for name in _FIGURES}
    found["entrants"] = [{name: each[name] for name in _OF_ENTRANTS} for each in record["entrants"]]
    trials = [{name: each[name] for name in _OF_TRIALS} for each in record["trials"]]
    found["trials"] = sorted(trials, key=json.dumps)
    return found


def jobs(out: Path) -> set[str]:
    """Names of the jobs that are stored."""
    study = out / "iris" / "study.sqlite"
    if not study.exists():
        return set()
    try:
        with contextlib.closing(sqlite3.connect(study, timeout=30)) as connection:
            return {name for (name,) in connection.execute("SELECT name FROM jobs")}
    except sqlite3.Error:
        return set()


def left_over(out: Path) -> list[str]:
    """Files that were begun and not finished."""
    return sorted(path.name for path in out.rglob("*.unfinished"))
