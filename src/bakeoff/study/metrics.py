"""What a score is: one `Metric` a name, each a function of outputs and targets that also takes weights.

Everything is computed under weights of examples (whole numbers from a bootstrap, or ones), for many sets of weights
at once: `resampled(outputs, targets, weights)` with weights [R, N] gives R scores in one go. The plain score is the
case of one row of ones, so that there is one piece of arithmetic for both.

Outputs are log-probabilities [N, K] for classes, values [N, size] in the unit of the data otherwise; targets are
int64 [N] or float [N, size]. N examples, K classes, R replicates.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from bakeoff.data.schema import Classes, Forecast, Schema, Value
from bakeoff.errors import OptionError, suggest

Floats = NDArray[np.float64]

#: A probability counts as at least this in log-loss (as in scikit-learn for float64), so that no loss is infinite.
LOWEST_PROBABILITY = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, kw_only=True)
class MetricContext:
    """What a metric must know besides outputs and targets.

    `seasonal_scale`: mean absolute error of the seasonal-naive forecast in training data, the unit of MASE.
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
        """1 where higher is better, else -1: `sign * score` always grows with quality."""
        return 1 if self.higher_is_better else -1

    def applies(self, schema: Schema, context: MetricContext = NO_CONTEXT) -> bool:
        """Whether it can score this kind of target, and knows all it needs."""
        return isinstance(schema.target, self.targets) and (not self.binary or schema.outputs == 2)

    def per_example(
        self, outputs: NDArray[Any], targets: NDArray[Any], context: MetricContext = NO_CONTEXT
    ) -> Floats | None:
        """One number an example [N] whose plain mean is the score; None where the metric is no such mean."""
        return None

    @abstractmethod
    def resampled(
        self,
        outputs: NDArray[Any],
        targets: NDArray[Any],
        weights: NDArray[Any],
        context: MetricContext = NO_CONTEXT,
    ) -> Floats:
        """Scores [R] under R sets of weights of the examples [R, N] (none negative, not all zero)."""

    def score(
        self, outputs: NDArray[Any], targets: NDArray[Any], context: MetricContext = NO_CONTEXT
    ) -> float:
        """The plain score."""
        return float(self.resampled(outputs, targets, np.ones((1, len(targets))), context)[0])

    def show(self, score: float) -> str:
        """A score as a person reads it: in percent, or with four digits.

        >>> METRICS["accuracy"].show(0.98456), METRICS["rmse"].show(53.4567)
        ('98.5 %', '53.46')
        """
        if not np.isfinite(score):
            return "-"
        return f"{100 * score:.1f} %" if self.percent else f"{score:.4g}"


@dataclass(frozen=True, kw_only=True)
class MeanMetric(Metric):
    """A metric that is a mean over examples."""

    @abstractmethod
    def _each(self, outputs: NDArray[Any], targets: NDArray[Any], context: MetricContext) -> Floats: ...

    def per_example(
        self, outputs: NDArray[Any], targets: NDArray[Any], context: MetricContext = NO_CONTEXT
    ) -> Floats:
        return self._each(outputs, targets, context)

    def resampled(
        self,
        outputs: NDArray[Any],
        targets: NDArray[Any],
        weights: NDArray[Any],
        context: MetricContext = NO_CONTEXT,
    ) -> Floats:
        return weighted_mean(self._each(outputs, targets, context), weights)


class Accuracy(MeanMetric):
    def _each(self, outputs: NDArray[Any], targets: NDArray[Any], context: MetricContext) -> Floats:
        return (outputs.argmax(axis=1) == targets).astype(np.float64)


class LogLoss(MeanMetric):
    def _each(self, outputs: NDArray[Any], targets: NDArray[Any], context: MetricContext) -> Floats:
        chosen = np.take_along_axis(outputs, np.asarray(targets)[:, None], axis=1)[:, 0].astype(np.float64)
        return -np.maximum(chosen, np.log(LOWEST_PROBABILITY))


class MeanAbsoluteError(MeanMetric):
    def _each(self, outputs: NDArray[Any], targets: NDArray[Any], context: MetricContext) -> Floats:
        return _columns(np.abs(_difference(outputs, targets))).mean(axis=1)


class MeanAbsoluteScaledError(MeanMetric):
    """MAE over the MAE of the seasonal-naive forecast in training data (Hyndman & Koehler 2006)."""

    def applies(self, schema: Schema, context: MetricContext = NO_CONTEXT) -> bool:
        return super().applies(schema, context) and bool(context.seasonal_scale)

    def _each(self, outputs: NDArray[Any], targets: NDArray[Any], context: MetricContext) -> Floats:
        assert context.seasonal_scale, "MASE needs the seasonal scale of the training data"
        return _columns(np.abs(_difference(outputs, targets))).mean(axis=1) / context.seasonal_scale


class RootMeanSquaredError(Metric):
    """The root of the mean over examples and outputs alike (scikit-learn averages the roots of several outputs)."""

    def resampled(
        self,
        outputs: NDArray[Any],
        targets: NDArray[Any],
        weights: NDArray[Any],
        context: MetricContext = NO_CONTEXT,
    ) -> Floats:
        squares = _columns(_difference(outputs, targets) ** 2).mean(axis=1)
        return np.sqrt(weighted_mean(squares, weights))


class RSquared(Metric):
    """The part of the variance explained, averaged over outputs (an output that never changes counts 0)."""

    def resampled(
        self,
        outputs: NDArray[Any],
        targets: NDArray[Any],
        weights: NDArray[Any],
        context: MetricContext = NO_CONTEXT,
    ) -> Floats:
        # Centred first: the variance under weights is then a small difference of small numbers.
        values = _columns(np.asarray(targets, np.float64))
        values = values - values.mean(axis=0)
        residual = _columns(_difference(outputs, targets)) ** 2
        scores = np.zeros(len(weights))
        for column in range(values.shape[1]):
            spread = (
                weighted_mean(values[:, column] ** 2, weights)
                - weighted_mean(values[:, column], weights) ** 2
            )
            lost = weighted_mean(residual[:, column], weights)
            known = spread > 1e-12 * max(float((values[:, column] ** 2).mean()), 1e-300)
            scores += np.where(known, 1 - lost / np.where(known, spread, 1.0), np.where(lost == 0, 1.0, 0.0))
        return scores / values.shape[1]


class BalancedAccuracy(Metric):
    """The mean of the classes' recalls; a class that does not occur (in a replicate) does not count."""

    def resampled(
        self,
        outputs: NDArray[Any],
        targets: NDArray[Any],
        weights: NDArray[Any],
        context: MetricContext = NO_CONTEXT,
    ) -> Floats:
        truth, _, hit = _class_weights(outputs, targets, weights)
        present = truth > 0
        recalls = np.divide(hit, truth, out=np.zeros_like(hit), where=present)
        return recalls.sum(axis=1) / present.sum(axis=1)


class MacroF1(Metric):
    """The mean over classes of F1 = 2 hits / (true + predicted); a class that neither has does not count."""

    def resampled(
        self,
        outputs: NDArray[Any],
        targets: NDArray[Any],
        weights: NDArray[Any],
        context: MetricContext = NO_CONTEXT,
    ) -> Floats:
        truth, predicted, hit = _class_weights(outputs, targets, weights)
        either = truth + predicted
        present = either > 0
        scores = np.divide(2 * hit, either, out=np.zeros_like(hit), where=present)
        return scores.sum(axis=1) / present.sum(axis=1)


class AreaUnderROC(Metric):
    """The probability that a positive example is ranked above a negative one, ties counting half.

    Where a replicate holds one class only, 0.5.
    """

    def resampled(
        self,
        outputs: NDArray[Any],
        targets: NDArray[Any],
        weights: NDArray[Any],
        context: MetricContext = NO_CONTEXT,
    ) -> Floats:
        ups, downs = _weights_by_rank(outputs, targets, weights)
        above = np.cumsum(ups, axis=0)
        total = above[-1]
        pairs = total * downs.sum(axis=0)
        above -= ups / 2
        won = np.einsum("gr,gr->r", above, downs)
        return np.divide(won, pairs, out=np.full(len(won), 0.5), where=pairs > 0)


class AreaUnderPrecisionRecall(Metric):
    """Average precision: the sum over thresholds of precision times the recall gained (as scikit-learn's).

    Where a replicate holds no positive example, 0.
    """

    def resampled(
        self,
        outputs: NDArray[Any],
        targets: NDArray[Any],
        weights: NDArray[Any],
        context: MetricContext = NO_CONTEXT,
    ) -> Floats:
        ups, downs = _weights_by_rank(outputs, targets, weights)
        found = np.cumsum(ups, axis=0)
        total = found[-1].copy()
        everything = np.cumsum(downs, axis=0)
        everything += found
        # A zero below stands where nothing was drawn yet: nothing was found there either.
        np.divide(found, np.maximum(everything, 1e-300), out=found)
        area = np.einsum("gr,gr->r", found, ups)
        return np.divide(area, total, out=np.zeros_like(total), where=total > 0)


_CLASSES, _NUMBERS = (Classes,), (Value, Forecast)


def _share(kind: type[Metric], name: str, *, binary: bool = False) -> Metric:
    """A metric of classes between 0 (worst) and 1 (best)."""
    return kind(name=name, higher_is_better=True, percent=True, best=1.0, targets=_CLASSES, binary=binary)


def _error(kind: type[Metric], name: str, targets: tuple[type, ...]) -> Metric:
    """A metric that is 0 for a perfect answer and has no upper end."""
    return kind(name=name, higher_is_better=False, percent=False, best=0.0, targets=targets)


#: Every metric by its name.
METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        _share(Accuracy, "accuracy"),
        _share(BalancedAccuracy, "balanced_accuracy"),
        _error(LogLoss, "log_loss", _CLASSES),
        _share(MacroF1, "macro_f1"),
        _share(AreaUnderROC, "auroc", binary=True),
        _share(AreaUnderPrecisionRecall, "auprc", binary=True),
        _error(RootMeanSquaredError, "rmse", _NUMBERS),
        _error(MeanAbsoluteError, "mae", _NUMBERS),
        RSquared(name="r2", higher_is_better=True, percent=False, best=1.0, targets=_NUMBERS),
        _error(MeanAbsoluteScaledError, "mase", (Forecast,)),
    )
}


def applicable(schema: Schema, context: MetricContext = NO_CONTEXT) -> tuple[Metric, ...]:
    """The metrics that can score this kind of target."""
    return tuple(metric for metric in METRICS.values() if metric.applies(schema, context))


def default_metric(schema: Schema, context: MetricContext = NO_CONTEXT) -> Metric:
    """What decides unless the user says otherwise: accuracy, RMSE, or MASE for forecasts with a known scale."""
    if schema.is_classification:
        return METRICS["accuracy"]
    mase = METRICS["mase"]
    return mase if mase.applies(schema, context) else METRICS["rmse"]


def metric_named(name: str | None, schema: Schema, context: MetricContext = NO_CONTEXT) -> Metric:
    """The metric that the user named, or the default one where None.

    Raises:
        OptionError: no such metric, or it cannot score this kind of target.
    """
    if name is None:
        return default_metric(schema, context)
    usable = [metric.name for metric in applicable(schema, context)]
    if name not in METRICS:
        raise OptionError(f"--metric: there is no metric called '{name}'. {suggest(name, usable)}")
    if name not in usable:
        raise OptionError(
            f"--metric: '{name}' cannot score these targets; choose one of {', '.join(usable)}."
        )
    return METRICS[name]


def score_all(
    outputs: NDArray[Any], targets: NDArray[Any], schema: Schema, context: MetricContext = NO_CONTEXT
) -> dict[str, float]:
    """Every metric that applies, by name."""
    return {metric.name: metric.score(outputs, targets, context) for metric in applicable(schema, context)}


def weighted_mean(values: Floats, weights: NDArray[Any]) -> Floats:
    """Means [R] of values [N] under weights [R, N]."""
    return np.asarray((weights @ values) / weights.sum(axis=1), np.float64)


def _difference(outputs: NDArray[Any], targets: NDArray[Any]) -> Floats:
    assert outputs.shape == targets.shape, (outputs.shape, targets.shape)
    return outputs.astype(np.float64) - targets.astype(np.float64)


def _columns(values: Floats) -> Floats:
    return values[:, None] if values.ndim == 1 else values


def _class_weights(
    outputs: NDArray[Any], targets: NDArray[Any], weights: NDArray[Any]
) -> tuple[Floats, Floats, Floats]:
    """Weight of the examples that are of each class, predicted as it, and both: three [R, K]."""
    predicted = outputs.argmax(axis=1)
    rows, classes = np.arange(len(targets)), outputs.shape[1]

    def summed(labels: NDArray[Any], ones: NDArray[Any]) -> Floats:
        indicator = sparse.csr_array((ones, (rows, labels)), shape=(len(targets), classes))
        return np.asarray((indicator.T @ weights.T).T, np.float64)

    every = np.ones(len(targets))
    return (
        summed(targets, every),
        summed(predicted, every),
        summed(targets, (predicted == targets).astype(np.float64)),
    )


def _weights_by_rank(
    outputs: NDArray[Any], targets: NDArray[Any], weights: NDArray[Any]
) -> tuple[Floats, Floats]:
    """Weight of the positives and of the negatives of each rank, best rank first: two [ranks, R].

    Examples with equal outputs share a rank.
    """
    scores = outputs[:, 1] - outputs[:, 0]
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    by_rank = weights.T[order].astype(np.float64, copy=False)
    positive = (np.asarray(targets)[order] == 1).astype(np.float64)[:, None]
    ups = by_rank * positive
    by_rank -= ups
    if len(starts) == len(order):
        return ups, by_rank
    return np.add.reduceat(ups, starts, axis=0), np.add.reduceat(by_rank, starts, axis=0)
