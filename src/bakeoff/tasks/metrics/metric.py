"""The contract of a `Metric`: a score of outputs against targets, under weights of the examples.

A bootstrap weights each example by how often it was drawn. `resampled(outputs, targets, weights)` computes R scores at
once from weights [R, N]; the plain score is the same computation with one row of ones.

Outputs and targets are `Outputs`, or arrays, which stand for one row an example: log-probabilities [N, K] for classes,
values [N, size] in the unit of the data; targets are int64 [N] or float [N, size]. Weights are of examples, of which a
ragged one has many rows. N examples, K classes, R replicates.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.schema import Schema
from bakeoff.tasks.outputs import OutputsLike

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class MetricContext:
    """What a metric needs besides outputs and targets.

    Attributes:
        seasonal_scale: mean absolute error of the seasonal-naive forecast on the training data: the unit of MASE.
    """

    seasonal_scale: float | None = None


NO_CONTEXT = MetricContext()


@dataclass(frozen=True, kw_only=True)
class Metric(ABC):
    """A score of predictions.

    Attributes:
        name: as on the command line (`--metric`).
        higher_is_better: which way.
        percent: whether it lies between 0 and 1 and is shown in percent.
        best: the score of a perfect answer; the error of a score is its distance from it.
        targets: the target kinds that it can score.
        binary: whether it needs exactly two classes (the second one counts as positive).
    """

    name: str
    higher_is_better: bool
    percent: bool
    best: float
    targets: tuple[type, ...]
    binary: bool = False

    @property
    def sign(self) -> int:
        """1 where higher is better, else -1: of `sign * score` the greater one is always better."""
        return 1 if self.higher_is_better else -1

    def applies(self, schema: Schema, context: MetricContext = NO_CONTEXT) -> bool:
        """Whether it can score this kind of target, and knows all it needs."""
        return isinstance(schema.target, self.targets) and (not self.binary or schema.outputs == 2)

    def per_example(
        self, outputs: OutputsLike, targets: OutputsLike, context: MetricContext = NO_CONTEXT
    ) -> Floats | None:
        """One value an example [N], whose mean is the score; None where the metric is not a mean over examples."""
        return None

    def losses(
        self, outputs: OutputsLike, targets: OutputsLike, context: MetricContext = NO_CONTEXT
    ) -> tuple[Floats, float] | None:
        """For errors that are a power of a mean of losses: the losses [N], none negative, and the power; else None.

        An RMSE is the mean of the squares to the power 1/2, an MAE the mean of the absolute values to the power 1.
        """
        return None

    def hits(self, outputs: OutputsLike, targets: OutputsLike) -> tuple[Floats, Floats] | None:
        """For weighted shares of right answers: 1 where one is right, else 0 [N], and what each counts [N]; else None.

        What they count sums to 1. One right answer more or less is the finest step of such a score, which no bootstrap
        of few answers shows.
        """
        return None

    @abstractmethod
    def resampled(
        self,
        outputs: OutputsLike,
        targets: OutputsLike,
        weights: NDArray[Any],
        context: MetricContext = NO_CONTEXT,
    ) -> Floats:
        """Scores [R] under R sets of weights of the examples [R, N] (none negative, not all zero)."""

    def score(self, outputs: OutputsLike, targets: OutputsLike, context: MetricContext = NO_CONTEXT) -> float:
        """The plain score."""
        return float(self.resampled(outputs, targets, np.ones((1, len(targets))), context)[0])

    def show(self, score: float) -> str:
        """A score as a person reads it: in percent, or with four digits.

        >>> from bakeoff.tasks.metrics.registry import METRICS
        >>> METRICS["accuracy"].show(0.98456), METRICS["rmse"].show(53.4567)
        ('98.5 %', '53.46')
        """
        if not np.isfinite(score):
            return "-"
        return f"{100 * score:.1f} %" if self.percent else f"{score:#.4g}"


@dataclass(frozen=True, kw_only=True)
class MeanMetric(Metric):
    """A metric that is a mean over examples."""

    @abstractmethod
    def _each(self, outputs: OutputsLike, targets: OutputsLike, context: MetricContext) -> Floats: ...

    def per_example(
        self, outputs: OutputsLike, targets: OutputsLike, context: MetricContext = NO_CONTEXT
    ) -> Floats:
        return self._each(outputs, targets, context)

    def losses(
        self, outputs: OutputsLike, targets: OutputsLike, context: MetricContext = NO_CONTEXT
    ) -> tuple[Floats, float] | None:
        return None if self.higher_is_better else (self._each(outputs, targets, context), 1.0)

    def resampled(
        self,
        outputs: OutputsLike,
        targets: OutputsLike,
        weights: NDArray[Any],
        context: MetricContext = NO_CONTEXT,
    ) -> Floats:
        return weighted_mean(self._each(outputs, targets, context), weights)


def weighted_mean(values: Floats, weights: NDArray[Any]) -> Floats:
    """Means [R] of values [N] under weights [R, N]."""
    return np.asarray((weights @ values) / weights.sum(axis=1), np.float64)
