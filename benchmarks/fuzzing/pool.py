"""The watch over the processes that run cases: their time, their memory, and how they end."""

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import psutil

from fuzzing.worker import Outcome, serve

#: A process that holds more is ended, and its case is a finding.
MOST_BYTES = 2 * 10**9
#: A process that holds more between two cases is replaced, so that no case pays for those before it.
_RENEWED_BYTES = 9 * 10**8
_LOOK_SECONDS = 0.05


class WatchedProcess:
    """A process with a folder of its own, and the case that it is at."""

    def __init__(self, place: Path, coverage_file: str | None) -> None:
        self.place = place
        self.number: int | None = None
        place.mkdir(parents=True, exist_ok=True)
        self.connection, theirs = multiprocessing.Pipe()
        environment = {"TMPDIR": str(place / "tmp"), "BAKEOFF_CACHE": str(place / "cache")}
        (place / "tmp").mkdir(exist_ok=True)
        os.environ.update(environment)
        context = multiprocessing.get_context("spawn")
        self.process = context.Process(target=serve, args=(theirs, place, coverage_file), daemon=False)
        self.process.start()
        theirs.close()
        self.connection.recv()
        self.seen = psutil.Process(self.process.pid)

    def begin(self, seed: int, number: int, allowed: float, kind: str) -> None:
        self.number, self.kind, self.started, self.allowed = number, kind, time.monotonic(), allowed
        self.connection.send((seed, number))

    def held_bytes(self) -> int:
        try:
            return int(self.seen.memory_info().rss)
        except psutil.Error:
            return 0

    def overdone(self) -> str | None:
        """What the case at hand has too much of, if anything."""
        load = os.getloadavg()[0] / (os.cpu_count() or 1)
        seconds = time.monotonic() - self.started
        if seconds > self.allowed * max(1.0, load):
            return f"hang (over {seconds:.0f} s)"
        return "memory over 2 GB" if self.held_bytes() > MOST_BYTES else None

    def lost(self, what: str) -> Outcome:
        """The outcome of a case whose process has to be ended, or has ended; with what it was at."""
        with contextlib.suppress(OSError):
            os.kill(self.process.pid or 0, signal.SIGUSR1)  # faulthandler writes where it is
            time.sleep(0.3)
        self.end()
        log = (self.place / "log").read_text(errors="replace")[-6000:]
        ours = [line.strip() for line in log.splitlines() if "/bakeoff/" in line and "File" in line]
        where = ours[0].rpartition("/")[2].replace('"', "") if ours else ""
        assert self.number is not None
        return Outcome(number=self.number, kind=self.kind, state="finding", what=what, where=where, text=log)

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()

    def close(self) -> None:
        """End it in order, so that what it has measured is kept."""
        with contextlib.suppress(OSError):
            self.connection.send(None)
            self.process.join(20)
        self.end()


def outcomes(
    cases: Iterator[tuple[int, str, float]],
    *,
    seed: int,
    processes: int,
    folder: Path,
    coverage_file: str | None,
) -> Iterator[tuple[Outcome, Path]]:
    """The outcome of every case (number, kind, seconds allowed), with the folder of its input, as they end."""
    working = [WatchedProcess(folder / f"process-{place}", coverage_file) for place in range(processes)]
    busy = [each for each in working if _next(each, cases, seed)]
    try:
        while busy:
            ready = wait([each.connection for each in busy], timeout=_LOOK_SECONDS)
            for each in list(busy):
                outcome = _ended(each, each.connection in ready)
                if outcome is None:
                    continue
                yield outcome, each.place / "case"
                busy.remove(each)
                fresh = _renewed(each, coverage_file)
                working[working.index(each)] = fresh
                if _next(fresh, cases, seed):
                    busy.append(fresh)
    finally:
        for each in working:
            each.close()


def _next(process: WatchedProcess, cases: Iterator[tuple[int, str, float]], seed: int) -> bool:
    case: Any = next(cases, None)
    if case is None:
        return False
    number, kind, allowed = case
    process.begin(seed, number, allowed, kind)
    return True


def _ended(process: WatchedProcess, is_ready: bool) -> Outcome | None:
    if is_ready:
        try:
            outcome: Outcome = process.connection.recv()
            return outcome
        except (EOFError, OSError):
            process.process.join()
            return process.lost(f"crash (exit code {process.process.exitcode})")
    what = process.overdone()
    return None if what is None else process.lost(what)


def _renewed(process: WatchedProcess, coverage_file: str | None) -> WatchedProcess:
    """The same process, or a new one where it has ended or has grown."""
    if process.process.is_alive() and process.held_bytes() < _RENEWED_BYTES:
        return process
    if process.process.is_alive():
        process.close()
    return WatchedProcess(process.place, coverage_file)
