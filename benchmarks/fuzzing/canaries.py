"""Traps: what must not be read, removed, run or waited for."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

from bakeoff.data.load import load
from bakeoff.study.workers.local import LocalExecutor
from fuzzing.checks import WrongError
from fuzzing.dice import Dice
from fuzzing.tables import Attempt


def folders_of_others(dice: Dice, folder: Path) -> Attempt:
    """The start of workers removes no folder that is not certainly its own."""
    place = Path(tempfile.gettempdir())
    name = dice.one_of(
        ("bakeoff-2026-results", "bakeoff-pool-99999999-x", "bakeoff-1-2", "bakeoff-pool-mine")
    )
    kept = place / name / "thesis.txt"
    kept.parent.mkdir(exist_ok=True)
    kept.write_text("years of work\n")
    return lambda: _start_workers(kept)


def _start_workers(kept: Path) -> None:
    LocalExecutor(workers=1).close()
    if not kept.exists():
        raise WrongError(f"a folder of somebody else was removed: '{kept.parent.name}'")


def modules_beside_the_data(dice: Dice, folder: Path) -> Attempt:
    """Files of a person that are called like modules are not run, in no process."""
    for name in dice.some_of(("random", "joblib", "numpy", "json", "queue", "polars", "statistics"), 3):
        (folder / f"{name}.py").write_text(f"open({str(folder / 'ran')!r}, 'w')\nraise SystemExit(3)\n")
    command = [
        sys.executable,
        "-P",
        "-m",
        "bakeoff",
        "compare",
        "iris",
        *_SHORT,
        "--out",
        str(folder / "runs"),
    ]
    return lambda: _run_beside(command, folder)


_SHORT = ("--models", "linear", "--budget", "none", "--steps", "5", "--seeds", "1", "--no-why")


def _run_beside(command: list[str], folder: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if (folder / "ran").exists():
        raise WrongError("a module in the current folder was run")
    if ended.returncode != 0:
        raise WrongError(f"compare ended with {ended.returncode}: {ended.stderr[-300:]}")


def pictures_of_other_kinds(dice: Dice, folder: Path) -> Attempt:
    """PostScript under the name of a picture starts no interpreter, and is not read as one."""
    (folder / "bin").mkdir()
    fake = folder / "bin" / "gs"
    fake.write_text(f"#!/bin/sh\ntouch {folder / 'ran'}\necho 9.5\n")
    fake.chmod(0o755)
    for name in ("a", "b"):
        (folder / "pictures" / name).mkdir(parents=True)
        for place in range(12):
            Image.new("L", (8, 8), 9 * place).save(folder / "pictures" / name / f"{place:02}.png")
    text = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n"
    (folder / "pictures" / "a" / "99.png").write_bytes(text)
    return lambda: _with_path(folder)


def _with_path(folder: Path) -> None:
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{folder / 'bin'}:{before}"
    try:
        load(folder / "pictures")
    finally:
        os.environ["PATH"] = before
        if (folder / "ran").exists():
            raise WrongError("a picture has started ghostscript")


def named_pipe(dice: Dice, folder: Path) -> Attempt:
    """A named pipe is refused and not waited for."""
    path = folder / dice.one_of(
        ("x.csv", "x.npy", "x.npz", "x.ts", "x.parquet", "x.json", "x.zip", "x.gz", "x.txt")
    )
    os.mkfifo(path)
    return lambda: load(path, target="answer")
