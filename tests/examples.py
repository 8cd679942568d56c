"""Small things that many tests begin with: datasets, the definition of a study, a run with a network.

Functions and not fixtures, so that tables of cases can use them; what has to be undone after a test is in conftest.py.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.assembly import with_scaling
from bakeoff.data.dataset import Dataset
from bakeoff.data.encoder import NewExamples
from bakeoff.data.forms.graphs import graphs_of_dense
from bakeoff.data.load import read_new
from bakeoff.data.schema import Classes, Forecast, Graph, Image, Schema, Series, Table, Target, Tokens, Value
from bakeoff.data.splits import Splits
from bakeoff.inference.predictor import Predictor
from bakeoff.models import build
from bakeoff.study.design.jobs import Definition, training_sizes


def made_up(kind: str, *, examples: int = 160, seed: int = 0, numbers: bool = False) -> Dataset:
    """A small dataset with a pattern, of three classes or of two numbers.

    Args:
        kind: "image", "series", "short series", "tokens", "graph", "table" or "forecast" (always of numbers).
        numbers: whether the answers are numbers.
    """
    rng = np.random.default_rng(seed)
    labels = np.arange(examples) % 3
    lengths = None
    if kind == "image":
        shape = Image(channels=1, height=8, width=8)
        inputs = rng.integers(0, 120, (examples, 1, 8, 8)).astype(np.uint8)
        inputs[np.arange(examples), 0, 2 * labels + 1] += 100
    elif kind in ("series", "short series", "forecast"):
        shape = Series(channels=2, length=12)
        inputs = rng.normal(size=(examples, 2, 12)).astype(np.float32)
        inputs[:, 0] += np.sin(np.arange(12) * (1 + labels[:, None]))
        if kind == "short series":
            lengths = rng.integers(5, 13, examples)
            inputs *= (np.arange(12) < lengths[:, None])[:, None]
    elif kind == "tokens":
        shape = Tokens(vocabulary_size=30, length=10)
        lengths = rng.integers(4, 11, examples)
        inputs = (rng.integers(1, 10, (examples, 10)) + 9 * labels[:, None]).astype(np.int32)
        inputs *= np.arange(10) < lengths[:, None]
    elif kind == "graph":
        shape = Graph(nodes=7, features=2)
        lengths = rng.integers(4, 8, examples)
        real = np.arange(7) < lengths[:, None]
        edges = np.triu(rng.random((examples, 7, 7)) < 0.2 + 0.2 * labels[:, None, None], 1)
        edges = (edges | edges.transpose(0, 2, 1)) & real[:, None] & real[:, :, None]
        numbers_of_nodes = rng.normal(size=(examples, 2, 7)) * real[:, None]
        dense = np.concatenate([numbers_of_nodes, edges], axis=1).astype(np.float32)
        inputs = graphs_of_dense(dense, shape, lengths)
    else:
        shape = Table(features=6)
        inputs = (rng.normal(size=(examples, 6)) + labels[:, None]).astype(np.float32)
    target: Target = Classes(names=("a", "b", "c"))
    targets = labels.astype(np.int64)
    if kind == "forecast":
        target = Forecast(horizon=2)
        targets = np.stack([inputs[:, 0, -1], inputs[:, 0, 0]], axis=1)
    elif numbers:
        target = Value(size=2)
        targets = (100.0 + 20.0 * labels[:, None] + rng.normal(size=(examples, 2))).astype(np.float32)
    cut, rest = examples * 5 // 8, examples * 13 // 16
    splits = Splits(train=np.arange(cut), validation=np.arange(cut, rest), test=np.arange(rest, examples))
    return with_scaling(
        Dataset(
            name=kind.replace(" ", "-"),
            schema=Schema(input=shape, target=target),
            inputs=inputs,
            targets=targets,
            splits=splits,
            lengths=lengths,
        )
    )


def rising_or_falling(
    seed: int, count: int = 500, length: int = 16
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Series [N, 1, T] that rise or fall by a step at a random place, in noise, and which of both they do."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, count)
    place = rng.integers(4, length - 4, count)
    step = np.where(np.arange(length) >= place[:, None], 1.0, -1.0) * np.where(y, 1, -1)[:, None]
    return (step + 0.5 * rng.standard_normal((count, length))).astype(np.float32)[:, None], y


def read_again(dataset: Dataset, source: Any) -> NewExamples:
    """New data, read by the encoder as it comes back from its record."""
    assert dataset.encoder is not None
    return read_new(json.loads(json.dumps(dataset.encoder.to_json())), source, schema=dataset.schema)


def study_of(dataset: Dataset | None = None, **changes: Any) -> Definition:
    """The definition of a study of one MLP without a clock, on these data or on some of which only the name is known.

    Args:
        changes: fields of the definition that differ.
    """
    given: Mapping[str, Any] = {
        "dataset": "x" if dataset is None else dataset.fingerprint,
        "entrants": ("mlp",),
        "metric": "accuracy",
        "seed": 0,
        "budget_seconds": None,
        "sizes": (25, 50, 100, 200, 400) if dataset is None else training_sizes(dataset),
    }
    return Definition(**{**given, **changes})


def untrained(dataset: Dataset, model: Any = "linear", *, seed: int = 0, **options: Any) -> Predictor:
    """What a run would hand over, had it trained nothing; `.save(folder)` makes it a run's champion."""
    weights = build(model, dataset.schema, seed=seed, **options).state_dict()
    return Predictor.of(dataset, model=model, width=None, weights=weights, options=options)
