"""Planted inductive biases: are the right assumptions found, and the wrong ones not? And MNIST-1D, positions shuffled.

    scripts/bench why [--seeds 20] [--tasks motif counting ...] [--mnist1d] [--workers 2]

Each task has assumptions that must be found and others that must not be. Power is the part of the first that was
found; false alarms are the tables in which any of the second was. The stated level is 5 % for a whole table.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bakeoff.explain.why import why
from bakeoff.study import warm
from bakeoff.study.pool import Pool

EXAMPLES, LENGTH, SIDE = 1200, 40, 12
Arrays = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Task:
    """A generator with its known answer."""

    make: Callable[[np.random.Generator], Arrays]
    kind: str
    models: tuple[str, ...]
    must: tuple[str, ...]
    must_not: tuple[str, ...]
    changes: tuple[str, ...]
    steps: int = 300


def _hidden(rng: np.random.Generator, shapes: np.ndarray) -> Arrays:
    """Series of noise with one of the shapes somewhere, going round at the end, so that every place is alike.

    The shapes have mean 0 and equal energy: neither the sum of a series nor its spread gives the class away.
    """
    shapes = shapes - shapes.mean(axis=1, keepdims=True)
    shapes = 3.5 * shapes / np.linalg.norm(shapes, axis=1, keepdims=True)
    y = rng.integers(0, len(shapes), EXAMPLES)
    x = 0.5 * rng.standard_normal((EXAMPLES, LENGTH))
    start = rng.integers(0, LENGTH, EXAMPLES)
    x[np.arange(EXAMPLES)[:, None], (start[:, None] + np.arange(shapes.shape[1])) % LENGTH] += shapes[y]
    return x[:, None].astype(np.float32), y


def symmetric_motif(rng: np.random.Generator) -> Arrays:
    """A hump or a zigzag anywhere; both read the same backwards."""
    return _hidden(rng, np.array([[0, 1, 2, 2, 2, 1, 0], [2, -1, 2, -1, 2, -1, 2]], float))


def asymmetric_motif(rng: np.random.Generator) -> Arrays:
    """A ramp up or a ramp down anywhere; each is the other one backwards."""
    up = np.linspace(-2, 2, 7)
    return _hidden(rng, np.stack([up, -up]))


def counting(rng: np.random.Generator) -> Arrays:
    """Few or many spikes, wherever they are."""
    y = rng.integers(0, 2, EXAMPLES)
    count = np.where(y, rng.integers(9, 13, EXAMPLES), rng.integers(3, 7, EXAMPLES))
    spikes = np.argsort(rng.random((EXAMPLES, LENGTH)), axis=1) < count[:, None]
    x = 2.0 * spikes + 0.3 * rng.standard_normal((EXAMPLES, LENGTH))
    return x[:, None].astype(np.float32), y


def last_five(rng: np.random.Generator) -> Arrays:
    """The majority of the last five of 40 signs."""
    x = np.sign(rng.standard_normal((EXAMPLES, LENGTH)))
    y = (x[:, -5:].sum(axis=1) > 0).astype(np.int64)
    return (x + 0.1 * rng.standard_normal(x.shape))[:, None].astype(np.float32), y


def axis_table(rng: np.random.Generator) -> Arrays:
    """Thresholds on two of twelve columns."""
    x = rng.standard_normal((EXAMPLES, 12))
    return x.astype(np.float32), ((x[:, 0] > 0.3) ^ (x[:, 1] > -0.2)).astype(np.int64)


def noise(rng: np.random.Generator) -> Arrays:
    """Labels drawn without looking."""
    return rng.standard_normal((EXAMPLES, 1, LENGTH)).astype(np.float32), rng.integers(0, 2, EXAMPLES)


def texture(rng: np.random.Generator) -> Arrays:
    """Stripes one pixel wide, lying or standing, at a random phase, under large random blobs."""
    y = rng.integers(0, 2, EXAMPLES)
    wave = np.where((np.arange(SIDE) + rng.integers(0, 2, EXAMPLES)[:, None]) % 2, 1.0, -1.0)
    stripes = np.where(y[:, None, None], wave[:, :, None], wave[:, None, :]) * np.ones((1, SIDE, SIDE))
    return _image(0.5 * stripes + _blobs(rng, rng.integers(0, 2, EXAMPLES)), rng), y


def shape(rng: np.random.Generator) -> Arrays:
    """A large blob in the upper or the lower half, under fine stripes that say nothing."""
    y = rng.integers(0, 2, EXAMPLES)
    fine = rng.choice([-0.5, 0.5], (EXAMPLES, 1, 1)) * np.where(np.arange(SIDE) % 2, 1.0, -1.0)[None, None]
    return _image(fine + _blobs(rng, y), rng), y


def _blobs(rng: np.random.Generator, low: np.ndarray) -> np.ndarray:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    down = np.where(low, 0.7, 0.3)[:, None, None] * SIDE
    right = rng.uniform(0.3, 0.7, (EXAMPLES, 1, 1)) * SIDE
    return 2.0 * np.exp(-((rows - down) ** 2 + (columns - right) ** 2) / (2 * (SIDE / 5) ** 2))


def _image(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return (x + 0.3 * rng.standard_normal(x.shape))[:, None].astype(np.float32)


_SERIES = ("permute_positions", "random_shift", "reverse_time", "shuffle_time", "shuffle_labels")
_IMAGE = ("permute_positions", "remove_high", "remove_low", "mirror", "shuffle_labels")
TASKS = {
    "symmetric_motif": Task(
        make=symmetric_motif,
        kind="series",
        models=("mlp", "cnn"),
        must=("neighbourhood", "order"),
        must_not=("direction", "place"),
        changes=_SERIES,
    ),
    "asymmetric_motif": Task(
        make=asymmetric_motif,
        kind="series",
        models=("mlp", "cnn"),
        must=("neighbourhood", "order", "direction"),
        must_not=("place",),
        changes=_SERIES,
    ),
    "counting": Task(
        make=counting,
        kind="series",
        models=("mlp", "cnn"),
        must=(),
        must_not=("neighbourhood", "order", "direction", "place"),
        changes=_SERIES,
    ),
    "last_five": Task(
        make=last_five,
        kind="series",
        models=("linear", "mlp"),
        must=("memory", "place", "order", "direction"),
        must_not=("neighbourhood",),
        changes=(*_SERIES, "keep_last_20", "keep_last_10", "keep_last_3", "keep_last_1"),
    ),
    "axis_table": Task(
        make=axis_table,
        kind="table",
        models=("mlp",),
        must=("axes",),
        must_not=("column_order",),
        changes=("rotate_features", "shuffle_columns", "shuffle_labels"),
    ),
    "noise": Task(
        make=noise,
        kind="series",
        models=("linear", "mlp", "cnn"),
        must=(),
        must_not=("neighbourhood", "order", "direction", "place"),
        changes=_SERIES,
        steps=200,
    ),
    "texture": Task(
        make=texture,
        kind="image",
        models=("mlp", "cnn"),
        must=("fine_detail",),
        must_not=("coarse_shape", "handedness"),
        changes=_IMAGE,
    ),
    "shape": Task(
        make=shape,
        kind="image",
        models=("linear", "mlp"),
        must=("coarse_shape",),
        must_not=("fine_detail", "handedness"),
        changes=_IMAGE,
    ),
}


def run(name: str, seed: int, pool: Pool) -> dict[str, Any]:
    """One task with one seed: what was found, and what that means."""
    task = TASKS[name]
    x, y = task.make(np.random.default_rng(seed))
    found = why(
        (x, y),
        models=task.models,
        changes=task.changes,
        budget_seconds=None,
        steps=task.steps,
        seeds=2,
        seed=seed,
        kind=task.kind,
        name=name,
        pool=pool,
    )
    said = set() if found.statements and found.statements[0].key == "why.no_signal" else set(found.matters())
    memory = None if found.memory is None else [found.memory.too_few, found.memory.enough]
    return {
        "task": name,
        "seed": seed,
        "found": sorted(said),
        "missed": sorted(set(task.must) - said),
        "false": sorted(set(task.must_not) & said),
        "broken": [statement.key for statement in found.broken],
        "memory": memory,
        "scores": {entrant.name: round(entrant.score, 3) for entrant in found.entrants},
        "sentences": list(found.sentences[:3]),
        "seconds": round(found.seconds, 1),
    }


def summary(rows: list[dict[str, Any]]) -> str:
    """A table in Markdown: power and false alarms by task."""
    lines = [
        "| task | seeds | must be found | power | must not be found | tables with a false alarm | broken controls |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, task in TASKS.items():
        own = [row for row in rows if row["task"] == name]
        if not own:
            continue
        wanted = len(own) * len(task.must)
        missed = sum(len(row["missed"]) for row in own)
        power = f"{wanted - missed} of {wanted}" if wanted else "-"
        false = sum(bool(row["false"]) for row in own)
        broken = sum(bool(row["broken"]) for row in own)
        must, must_not = ", ".join(task.must) or "nothing", ", ".join(task.must_not)
        lines.append(
            f"| {name} | {len(own)} | {must} | {power} | {must_not} | {false} of {len(own)} | {broken} |"
        )
    return "\n".join(lines)


def mnist1d(pool: Pool, models: tuple[str, ...], steps: int) -> dict[str, Any]:
    """Every family on MNIST-1D, as it is and with its positions shuffled."""
    found = why(
        "mnist1d",
        models=models,
        changes=["permute_positions"],
        budget_seconds=None,
        steps=steps,
        seeds=3,
        pool=pool,
    )
    rows = {}
    for cell in found.cells:
        loss = cell.loss
        rows[cell.entrant] = [
            round(100 * v, 1) for v in (loss.before, loss.after, loss.loss, loss.low, loss.high)
        ]
    return {"steps": steps, "rows": rows, "sentences": list(found.sentences), "seconds": round(found.seconds)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--tasks", nargs="*", default=list(TASKS))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--mnist1d", nargs="*", metavar="MODEL", help="also (or only) MNIST-1D, with these networks"
    )
    parser.add_argument("--steps", type=int, default=4000, help="of the networks on MNIST-1D")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/why.jsonl"))
    options = parser.parse_args()
    began, rows = time.monotonic(), []
    pool = warm.begin(options.workers, wait_for_operators=True)
    try:
        if options.mnist1d is not None:
            models = tuple(options.mnist1d) or ("linear", "mlp", "cnn", "gru")
            _keep(options.out, {"mnist1d": mnist1d(pool, models, options.steps)})
        for seed in range(options.seeds):
            for name in options.tasks:
                rows.append(run(name, seed, pool))
                _keep(options.out, rows[-1])
    finally:
        pool.close()
    print(summary(rows))
    print(f"\n{platform.platform()}, torch {torch.__version__}, {time.monotonic() - began:.0f} s")


def _keep(path: Path, row: dict[str, Any]) -> None:
    print(json.dumps(row, ensure_ascii=False), flush=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
