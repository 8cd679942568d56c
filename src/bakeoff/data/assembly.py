"""The last step of every reader: splits, scaling and the `Dataset`, in one place."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.copies import first_equal
from bakeoff.data.dataset import Dataset, Encoder, Finding, Inputs
from bakeoff.data.packed_graphs import PackedGraphs
from bakeoff.data.scaling import Scaling, scaling_of_graphs
from bakeoff.data.schema import Input, Schema, Target, Tokens
from bakeoff.data.splits import Indices, Splits, make_splits

#: Training examples, evenly spread, from which mean and deviation are computed.
STATISTICS_EXAMPLES = 20_000
#: Exact copies are looked for, so that a split does not divide them, in inputs of up to this size.
MOST_HASHED_BYTES = 1 << 30


def dataset_name(text: str) -> str:
    """A short name fit for a folder: letters, digits, dots, dashes; never empty, never starting with a dot.

    >>> dataset_name("My photos (2024)/")
    'My-photos-2024'
    """
    return re.sub(r"[^\w.-]+", "-", text).strip("-._")[:60] or "data"


def make_dataset(
    *,
    name: str,
    input: Input,
    target: Target,
    inputs: Inputs,
    targets: NDArray[Any],
    encoder: Encoder | None,
    splits: Splits | None = None,
    test: Indices | None = None,
    validation: Indices | None = None,
    seed: int = 0,
    groups: NDArray[Any] | None = None,
    offsets: NDArray[np.int64] | None = None,
    lengths: NDArray[np.int64] | None = None,
    labels: Sequence[str] | None = None,
    times: NDArray[np.float64] | None = None,
    seasonal_scale: float | None = None,
    originals: Indices | None = None,
    source: str = "",
    licence: str = "",
    findings: Sequence[Finding] = (),
) -> Dataset:
    """A dataset with its splits (made here unless given) and the scaling of its training split.

    Raises:
        DataError: fewer than ten examples, or a split would be empty.
    """
    schema = Schema(input=input, target=target)
    if splits is None:
        copies_matter = test is None and groups is None and offsets is None
        is_small = _bytes_of(inputs) <= MOST_HASHED_BYTES
        splits = make_splits(
            schema,
            targets,
            seed=seed,
            groups=groups,
            test=test,
            validation=validation,
            originals=first_equal(inputs) if copies_matter and is_small else None,
        )
    return with_scaling(
        Dataset(
            name=dataset_name(name),
            schema=schema,
            inputs=inputs,
            targets=targets,
            splits=splits,
            offsets=offsets,
            lengths=lengths,
            encoder=encoder,
            groups=groups,
            times=times,
            seasonal_scale=seasonal_scale,
            originals=originals,
            labels=labels,
            source=source,
            licence=licence,
            findings=tuple(findings),
        )
    )


def _bytes_of(inputs: Inputs) -> int:
    return inputs.features.nbytes + inputs.edges.nbytes if isinstance(inputs, PackedGraphs) else inputs.nbytes


def with_scaling(dataset: Dataset) -> Dataset:
    """Learn the scaling from the training split (at most `STATISTICS_EXAMPLES` of it, evenly spread)."""
    if isinstance(dataset.schema.input, Tokens):
        return dataset
    train, _ = dataset.examples_of(np.sort(dataset.splits.train))
    rows = train[
        np.unique(np.linspace(0, len(train) - 1, min(len(train), STATISTICS_EXAMPLES)).astype(np.int64))
    ]
    if isinstance(dataset.inputs, PackedGraphs):
        return replace(dataset, scaling=scaling_of_graphs(dataset.inputs[rows]))
    return replace(dataset, scaling=Scaling.learn(dataset.rows_at(rows), dataset.lengths_at(rows)))
