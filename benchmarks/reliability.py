"""What does a comparison survive? Kills, full disks, short budgets, company and a changed clock.

    scripts/bench reliability                            all parts in full: some hours on two cores
    scripts/bench reliability --kills 20 --budgets 5     fewer
    scripts/bench reliability --only disk

Every trial is a line of `--record`, and a trial that is there is not repeated: a bench that was cut off goes on where
it was. The last lines are the table of docs/benchmarks/reliability.md. Status 1 where something was lost.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import reliability_runs as runs

#: Kills are spread over so many runs, each of which is then finished.
RUNS = 10
#: A budget may be passed by the larger of a share and some seconds: on a quiet machine, and beside a process a core.
_QUIET, _BUSY = (0.10, 2.0), (0.25, 5.0)
#: Steps, in kB, in which the disk of the full-disk trials grows until the run fits.
_DISK_KB = (64, 96, 128, 160, 192, 224, 256, 288, 320, 384, 448, 512, 640, 768, 1024, 1536, 2048, 4096)
_CLOCK = """
import threading, time
_true, _moved = time.time, []
time.time = lambda: _true() + ({shift} if _moved else 0)
threading.Timer({after}, _moved.append, [1]).start()
"""
Row = dict[str, Any]


class Bench:
    """Where trials are kept and run, and what an undisturbed run finds."""

    def __init__(self, record: Path, work: Path, seed: int) -> None:
        self.record, self.work, self.seed = record, work, seed
        record.parent.mkdir(parents=True, exist_ok=True)
        lines = record.read_text().splitlines() if record.exists() else []
        self.rows = {row["trial"]: row for row in map(json.loads, lines)}
        undisturbed = runs.finished(work / "undisturbed")
        assert undisturbed.status == 0, undisturbed.text
        again = runs.finished(work / "undisturbed", *runs.PROTOCOL, "--fresh")
        self.seconds, self.truth = again.seconds, runs.figures(work / "undisturbed")

    def trial(self, name: str, attempt: Callable[[random.Random, Path], Row]) -> None:
        """Run a trial in an empty folder, unless its row is there."""
        if name in self.rows:
            return
        place = self.work / name.replace(" ", "-")
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        started = time.monotonic()
        row = {"trial": name, **attempt(random.Random(f"{self.seed}:{name}"), place)}
        row["took"] = round(time.monotonic() - started, 1)
        self.rows[name] = row
        with self.record.open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(json.dumps(row), file=sys.stderr, flush=True)
        for done in self.work.glob(f"{place.name}*"):
            shutil.rmtree(done, ignore_errors=True)

    def compared(self, out: Path, ended: runs.Ended) -> Row:
        """Whether a run ended well with the figures of the undisturbed one."""
        return {
            "status": ended.status,
            "traceback": ended.has_traceback,
            "same": runs.figures(out) == self.truth,
            "left": runs.left_over(out),
        }


def kill(bench: Bench, count: int, *, worker: bool) -> Callable[[random.Random, Path], Row]:
    """One run, killed so often at random moments, and then finished."""

    def attempt(chance: random.Random, out: Path) -> Row:
        hit = lost = 0
        for _ in range(count):
            before = runs.jobs(out)
            hit += runs.killed_after(
                out, chance.uniform(0.5, bench.seconds), worker=worker, choice=chance.random()
            )
            lost += len(before - runs.jobs(out))
            if worker and runs.figures(out):
                shutil.rmtree(out / "iris", ignore_errors=True)
        ended = runs.finished(out)
        return {"kills": hit, "jobs_lost": lost, **bench.compared(out, ended)}

    return attempt


def full_disk(bench: Bench, kilobytes: int) -> Callable[[random.Random, Path], Row]:
    """A run on a disk of this size, which is then made large enough to finish it."""

    def attempt(chance: random.Random, out: Path) -> Row:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(out)], check=True)
        try:
            ended = runs.finished(out)
            first = {
                "first_status": ended.status,
                "first_traceback": ended.has_traceback,
                "says": ended.text.strip()[-200:],
            }
            subprocess.run(["mount", "-o", "remount,size=64m", str(out)], check=True)
            return {**first, **bench.compared(out, runs.finished(out))}
        finally:
            subprocess.run(["umount", "-l", str(out)], check=False)

    return attempt


def budget(seconds: float, *, busy: bool) -> Callable[[random.Random, Path], Row]:
    """A comparison with a budget, alone or beside a process on every core."""

    def attempt(chance: random.Random, out: Path) -> Row:
        load = os.getloadavg()[0]
        others = [
            subprocess.Popen([sys.executable, "-c", "while True: pass"])
            for _ in range((os.cpu_count() or 1) * busy)
        ]
        try:
            data = chance.choice(("iris", "digits", "wine"))
            ended = runs.finished(out, "--budget", str(seconds), data=data)
        finally:
            for other in others:
                other.kill()
                other.wait()
        share, most = _BUSY if busy else _QUIET
        within = ended.seconds <= seconds + max(share * seconds, most)
        row = {
            "budget": seconds,
            "busy": busy,
            "seconds": round(ended.seconds, 1),
            "load_before": round(load, 1),
        }
        return {
            **row,
            "data": data,
            "within": within,
            "status": ended.status,
            "traceback": ended.has_traceback,
        }

    return attempt


def company(bench: Bench) -> Callable[[random.Random, Path], Row]:
    """Two processes begin the same run in one folder at nearly the same time."""

    def attempt(chance: random.Random, out: Path) -> Row:
        first = runs.begun(out)
        time.sleep(chance.uniform(0, bench.seconds / 2))
        ended = runs.finished(out)
        return {"other_status": first.wait(runs.LONGEST_SECONDS), **bench.compared(out, ended)}

    return attempt


def changed_clock(bench: Bench, shift: float) -> Callable[[random.Random, Path], Row]:
    """The clock of the day jumps while a comparison runs, in it and in its workers."""

    def attempt(chance: random.Random, out: Path) -> Row:
        site = out / "site"
        site.mkdir()
        after = chance.uniform(0.5, bench.seconds)
        (site / "sitecustomize.py").write_text(_CLOCK.format(shift=shift, after=after))
        path = os.pathsep.join(filter(None, (str(site), os.environ.get("PYTHONPATH"))))
        ended = runs.finished(out, PYTHONPATH=path)
        return {"shift": shift, **bench.compared(out, ended)}

    return attempt


def trials(
    bench: Bench, asked: argparse.Namespace
) -> Iterator[tuple[str, Callable[[random.Random, Path], Row]]]:
    each = -(-asked.kills // RUNS)
    for place in range(min(RUNS, asked.kills)):
        yield f"kill {place} of {each}", kill(bench, each, worker=False)
    for place in range(min(RUNS, asked.worker_kills)):
        yield f"worker {place}", kill(bench, -(-asked.worker_kills // RUNS), worker=True)
    for size in _DISK_KB:
        yield f"disk {size} kB", full_disk(bench, size)
    for place in range(asked.together):
        yield f"together {place}", company(bench)
    for place, shift in enumerate((-86400, 86400, -3600, 10**8)):
        yield f"clock {place}", changed_clock(bench, shift)
    chance = random.Random(asked.seed)
    for place in range(asked.budgets):
        yield f"budget {place}", budget(round(chance.uniform(10, 60), 1), busy=place % 2 == 1)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--worker-kills", type=int, default=100)
    parser.add_argument(
        "--budgets", type=int, default=100, help="half of them beside a process on every core"
    )
    parser.add_argument("--together", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--only", help="trials whose name begins so: kill, worker, disk, together, clock, budget"
    )
    parser.add_argument("--record", type=Path, default=Path("benchmarks/results/reliability.jsonl"))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="reliability-") as work:
        bench = Bench(asked.record, Path(work), asked.seed)
        for name, attempt in trials(bench, asked):
            if asked.only is None or name.startswith(asked.only):
                bench.trial(name, attempt)
        print("\n".join(table(list(bench.rows.values()))))
        return 0 if all(map(is_good, bench.rows.values())) else 1


def is_good(row: Row) -> bool:
    """Whether nothing was lost, shown or left that must not be."""
    if "within" in row:
        return bool(row["within"] and row["status"] == 0 and not row["traceback"])
    quiet = not row["traceback"] and not row.get("first_traceback") and not row["left"]
    return bool(quiet and row["status"] == 0 and row["same"] and not row.get("jobs_lost"))


def table(rows: list[Row]) -> Iterator[str]:
    yield "| trial | how many | as it must be | what was not | minutes |"
    yield "|---|---|---|---|---|"
    for part in sorted({row["trial"].split()[0] for row in rows}):
        those = [row for row in rows if row["trial"].split()[0] == part]
        wrong = [row["trial"] for row in those if not is_good(row)]
        kills = sum(row.get("kills", 0) for row in those)
        count = f"{kills} kills in {len(those)} runs" if kills else str(len(those))
        minutes = sum(row["took"] for row in those) / 60
        good = f"{len(those) - len(wrong)} of {len(those)}"
        yield f"| {part} | {count} | {good} | {', '.join(wrong) or '-'} | {minutes:.1f} |"


if __name__ == "__main__":
    sys.exit(main())
