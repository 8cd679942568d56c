"""The trivial answers that every entrant must beat: each looks at the targets alone, or at the end of the series."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Dataset
from bakeoff.data.schema import Forecast, Series
from bakeoff.data.splits import Indices


class BaselineAnswers(NamedTuple):
    """What a baseline answers: outputs float32 [N, outputs] of each part, and how many numbers it learned."""

    outputs: list[NDArray[np.float32]]
    parameters: int


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """A trivial entrant.

    Attributes:
        name: a stored name.
        answer: (dataset, training indices, parts) to its answers to the examples of each part.
    """

    name: str
    answer: Callable[[Dataset, Indices, Sequence[Indices]], BaselineAnswers]


def _majority(dataset: Dataset, train: Indices, parts: Sequence[Indices]) -> BaselineAnswers:
    """Always the most frequent class; its probabilities are the (smoothed) frequencies."""
    counts = np.bincount(dataset.targets_at(train), minlength=dataset.schema.outputs) + 1.0
    return _constant(np.log(counts / counts.sum()), parts)


def _mean(dataset: Dataset, train: Indices, parts: Sequence[Indices]) -> BaselineAnswers:
    """Always the mean of the training targets."""
    targets = dataset.targets_at(train).reshape(len(train), -1)
    return _constant(targets.mean(axis=0), parts, precision=targets.dtype)


def _constant(row: NDArray[Any], parts: Sequence[Indices], *, precision: Any = np.float32) -> BaselineAnswers:
    row = row.astype(precision)
    return BaselineAnswers([np.tile(row, (len(part), 1)) for part in parts], len(row))


def _last_value(dataset: Dataset, train: Indices, parts: Sequence[Indices]) -> BaselineAnswers:
    """The next values are the last one seen."""
    return _naive(dataset, parts, season=1)


def _seasonal(dataset: Dataset, train: Indices, parts: Sequence[Indices]) -> BaselineAnswers:
    """The next values are those of one season before."""
    assert isinstance(dataset.schema.target, Forecast)
    return _naive(dataset, parts, season=dataset.schema.target.season)


def _naive(dataset: Dataset, parts: Sequence[Indices], *, season: int) -> BaselineAnswers:
    schema = dataset.schema
    assert isinstance(schema.target, Forecast)
    assert isinstance(schema.input, Series)
    season = min(season, schema.input.length)
    back = season - np.arange(schema.target.horizon) % season  # 1 is the last value
    outputs = []
    for part in parts:
        rows = dataset.rows_at(part)
        past = np.asarray(rows[:, 0, :], dtype=np.result_type(rows.dtype, np.float32))
        lengths = np.full(len(part), past.shape[1]) if dataset.lengths is None else dataset.lengths[part]
        outputs.append(np.take_along_axis(past, np.maximum(lengths[:, None] - back, 0), axis=1))
    return BaselineAnswers(outputs, 0)


MAJORITY = Baseline(name="majority", answer=_majority)
MEAN = Baseline(name="mean", answer=_mean)
LAST_VALUE = Baseline(name="last_value", answer=_last_value)
SEASONAL_NAIVE = Baseline(name="seasonal_naive", answer=_seasonal)
