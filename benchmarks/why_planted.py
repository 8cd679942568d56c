"""Planted inductive biases: data whose answer is known, and whether `why` finds it (see `why.py`)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bakeoff.api.why import why
from bakeoff.data.builtin import load_builtin
from bakeoff.data.dataset import Dataset
from bakeoff.study.workers.executor import Executor

#: Raised when the same task with the same seed gives other rows: tasks, protocol or intervals have changed.
FORMAT = 2
EXAMPLES, LENGTH, SIDE = 1200, 40, 12
Arrays = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Task:
    """A generator with its known answer; `memory` is (too few, enough) of the last steps."""

    make: Callable[[np.random.Generator], Arrays | Dataset]
    kind: str | None
    models: tuple[str, ...]
    must: tuple[str, ...]
    must_not: tuple[str, ...]
    changes: tuple[str, ...]
    steps: int = 300
    memory: tuple[int, int] | None = None


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


def parity(rng: np.random.Generator, last: int = 3, examples: int = 4000) -> Arrays:
    """Whether the product of the last three of 40 signs is positive: no two of them tell anything."""
    x = np.sign(rng.standard_normal((examples, LENGTH)))
    y = (x[:, -last:].prod(axis=1) > 0).astype(np.int64)
    return (x + 0.1 * rng.standard_normal(x.shape))[:, None].astype(np.float32), y


def parity_of_four(rng: np.random.Generator) -> Arrays:
    """`parity` of the last four, with three times the examples: with 4000 nobody here learns it."""
    return parity(rng, last=4, examples=12_000)


def parity_of_five(rng: np.random.Generator) -> Arrays:
    """`parity` of the last five."""
    return parity(rng, last=5, examples=12_000)


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


def homophily(rng: np.random.Generator) -> Dataset:
    """Graphs: whether edges join nodes of one colour (`bakeoff.data.synthetic.planted_graphs`)."""
    return load_builtin("planted:homophily", seed=int(rng.integers(2**31)))


def hubs(rng: np.random.Generator) -> Dataset:
    """Graphs: whether two nodes have far more edges than the others."""
    return load_builtin("planted:hubs", seed=int(rng.integers(2**31)))


def _blobs(rng: np.random.Generator, low: np.ndarray) -> np.ndarray:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    down = np.where(low, 0.7, 0.3)[:, None, None] * SIDE
    right = rng.uniform(0.3, 0.7, (EXAMPLES, 1, 1)) * SIDE
    return 2.0 * np.exp(-((rows - down) ** 2 + (columns - right) ** 2) / (2 * (SIDE / 5) ** 2))


def _image(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return (x + 0.3 * rng.standard_normal(x.shape))[:, None].astype(np.float32)


_SERIES = ("permute_positions", "random_shift", "reverse_time", "shuffle_time", "shuffle_labels")
_GRAPH = ("rewire", "remove_edges", "nodes_alike", "renumber_nodes", "shuffle_labels")
_IMAGE = ("permute_positions", "remove_high", "remove_low", "mirror", "shuffle_labels")
TASKS = {
    "symmetric_motif": Task(
        make=symmetric_motif,
        kind="series",
        models=("mlp@64", "cnn@8"),
        must=("neighbourhood", "order"),
        must_not=("direction", "place"),
        changes=_SERIES,
    ),
    "asymmetric_motif": Task(
        make=asymmetric_motif,
        kind="series",
        models=("mlp@64", "cnn@8"),
        must=("neighbourhood", "order", "direction"),
        must_not=("place",),
        changes=_SERIES,
    ),
    "counting": Task(
        make=counting,
        kind="series",
        models=("mlp@64", "cnn@8"),
        must=(),
        must_not=("neighbourhood", "order", "direction", "place"),
        changes=_SERIES,
    ),
    "last_five": Task(
        make=last_five,
        kind="series",
        models=("linear", "mlp@64"),
        must=("memory", "place", "order", "direction"),
        must_not=("neighbourhood",),
        changes=(*_SERIES, "keep_last_20", "keep_last_10", "keep_last_3", "keep_last_1"),
        memory=(4, 5),
    ),
    "parity": Task(
        make=parity,
        kind="series",
        models=("mlp@64",),
        must=("memory", "place", "order", "direction"),
        must_not=("neighbourhood",),
        changes=(*_SERIES, "keep_last_10", "keep_last_5", "keep_last_1"),
        steps=500,
        memory=(2, 3),
    ),
    "parity_of_four": Task(
        make=parity_of_four,
        kind="series",
        models=("mlp@256",),
        must=("memory", "order"),
        must_not=("neighbourhood",),
        changes=("permute_positions", "shuffle_time", "shuffle_labels", "keep_last_10", "keep_last_2"),
        steps=2500,
        memory=(3, 4),
    ),
    # A convolution from the last step back is learned where neither the MLP nor a GRU is; it lives from neighbourhood.
    "parity_of_five": Task(
        make=parity_of_five,
        kind="series",
        models=("tcn@16",),
        must=("memory", "order"),
        must_not=(),
        changes=("shuffle_time", "shuffle_labels", "keep_last_10", "keep_last_2"),
        steps=1500,
        memory=(4, 5),
    ),
    "axis_table": Task(
        make=axis_table,
        kind="table",
        models=("mlp@64",),
        must=("axes",),
        must_not=("column_order",),
        changes=("rotate_features", "shuffle_columns", "shuffle_labels"),
    ),
    "noise": Task(
        make=noise,
        kind="series",
        models=("linear", "mlp@64", "cnn@8"),
        must=(),
        must_not=("neighbourhood", "order", "direction", "place"),
        changes=_SERIES,
        steps=200,
    ),
    "texture": Task(
        make=texture,
        kind="image",
        models=("mlp@64", "cnn@8"),
        must=("fine_detail",),
        must_not=("coarse_shape", "handedness"),
        changes=_IMAGE,
    ),
    "shape": Task(
        make=shape,
        kind="image",
        models=("linear", "mlp@64"),
        must=("coarse_shape",),
        must_not=("fine_detail", "handedness"),
        changes=_IMAGE,
    ),
    "homophily": Task(
        make=homophily,
        kind=None,
        models=("mlp@64", "gin@16"),
        must=("links", "edges", "node_features"),
        must_not=("numbering",),
        changes=_GRAPH,
        steps=200,
    ),
    "hubs": Task(
        make=hubs,
        kind=None,
        models=("mlp@64", "gin@16"),
        must=("edges",),
        must_not=("links", "node_features", "numbering"),
        changes=_GRAPH,
        steps=200,
    ),
}


def run(name: str, seed: int, pool: Executor) -> dict[str, Any]:
    """One task with one seed: what was found, and what that means."""
    task = TASKS[name]
    found = why(
        task.make(np.random.default_rng(seed)),
        models=task.models,
        changes=task.changes,
        budget_seconds=None,
        steps=task.steps,
        seeds=2,
        sizes=False,
        seed=seed,
        kind=task.kind,
        name=name,
        pool=pool,
    )
    said = set() if found.statements and found.statements[0].key == "why.no_signal" else set(found.matters())
    memory = None if found.memory is None else [found.memory.too_few, found.memory.enough]
    return {
        "format": FORMAT,
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
    """A table in Markdown: power and false alarms by task, and whether the planted memory was found to the step."""
    lines = [
        "| task | seeds | must be found | power | must not be found | false alarms | broken controls | memory exact |",
        "|---|---|---|---|---|---|---|---|",
    ]
    alarms, tables, found, planted = 0, 0, 0, 0
    for name, task in TASKS.items():
        own = [row for row in rows if row["task"] == name]
        if not own:
            continue
        wanted = len(own) * len(task.must)
        missed = sum(len(row["missed"]) for row in own)
        power = f"{wanted - missed} of {wanted}" if wanted else "-"
        false = sum(bool(row["false"]) for row in own)
        broken = sum(bool(row["broken"]) for row in own)
        must, must_not = ", ".join(task.must) or "nothing", ", ".join(task.must_not) or "-"
        exact = "-"
        if task.memory is not None:
            exact = f"{sum(row['memory'] == list(task.memory) for row in own)} of {len(own)}"
        cells = (name, len(own), must, power, must_not, f"{false} of {len(own)}", broken, exact)
        lines.append(f"| {' | '.join(map(str, cells))} |")
        alarms, tables = alarms + false, tables + len(own)
        found, planted = found + wanted - missed, planted + wanted
    total = (
        f"Found: {found} of {planted} planted assumptions; tables with a false alarm: {alarms} of {tables}."
    )
    return "\n".join([*lines, "", total])
