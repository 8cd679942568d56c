"""The last step of every reader: splits, scaling and the `Dataset`, in one place."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Dataset, Encoder, Finding, Indices, Splits, make_splits, with_scaling
from bakeoff.data.schema import Input, Schema, Target


def dataset_name(text: str) -> str:
    """A short name fit for a folder: letters, digits, dots, dashes; never empty, never starting with a dot.

    >>> dataset_name("My photos (2024)/")
    'My-photos-2024'
    """
    return re.sub(r"[^\w.-]+", "-", text).strip("-._")[:60] or "data"


def finish(
    *,
    name: str,
    input: Input,
    target: Target,
    inputs: NDArray[Any],
    targets: NDArray[Any],
    encoder: Encoder | None,
    splits: Splits | None = None,
    test: Indices | None = None,
    validation: Indices | None = None,
    seed: int = 0,
    groups: NDArray[Any] | None = None,
    lengths: NDArray[np.int64] | None = None,
    labels: Sequence[str] | None = None,
    times: NDArray[np.float64] | None = None,
    seasonal_scale: float | None = None,
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
        splits = make_splits(schema, targets, seed=seed, groups=groups, test=test, validation=validation)
    return with_scaling(
        Dataset(
            name=dataset_name(name),
            schema=schema,
            inputs=inputs,
            targets=targets,
            splits=splits,
            lengths=lengths,
            encoder=encoder,
            groups=groups,
            times=times,
            seasonal_scale=seasonal_scale,
            labels=labels,
            source=source,
            licence=licence,
            findings=tuple(findings),
        )
    )
