"""The metrics, each under weights of the examples: accuracy and its kin, areas under curves, errors of values."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.schema import Schema
from bakeoff.tasks.metrics.metric import NO_CONTEXT, Floats, MeanMetric, Metric, MetricContext, weighted_mean
from bakeoff.tasks.outputs import OutputsLike, dense

#: A probability counts as at least this in log-loss (as in scikit-learn for float64), so that no loss is infinite.
LOWEST_PROBABILITY = float(np.finfo(np.float64).eps)


class Accuracy(MeanMetric):
    def _each(self, outputs: OutputsLike, targets: OutputsLike, context: MetricContext) -> Floats:
        return (dense(outputs).argmax(axis=1) == dense(targets)).astype(np.float64)


class LogLoss(MeanMetric):
    def _each(self, outputs: OutputsLike, targets: OutputsLike, context: MetricContext) -> Floats:
        chosen = np.take_along_axis(dense(outputs), dense(targets)[:, None], axis=1)[:, 0].astype(np.float64)
        return -np.maximum(chosen, np.log(LOWEST_PROBABILITY))


class MeanAbsoluteError(MeanMetric):
    def _each(self, outputs: OutputsLike, targets: OutputsLike, context: MetricContext) -> Floats:
        return _columns(np.abs(_difference(outputs, targets))).mean(axis=1)


class MeanAbsoluteScaledError(MeanMetric):
    """MAE over the MAE of the seasonal-naive forecast in training data (Hyndman & Koehler 2006)."""

    def applies(self, schema: Schema, context: MetricContext = NO_CONTEXT) -> bool:
        return super().applies(schema, context) and bool(context.seasonal_scale)

    def _each(self, outputs: OutputsLike, targets: OutputsLike, context: MetricContext) -> Floats:
        assert context.seasonal_scale, "MASE needs the seasonal scale of the training data"
        return _columns(np.abs(_difference(outputs, targets))).mean(axis=1) / context.seasonal_scale


class RootMeanSquaredError(Metric):
    """The root of the mean over examples and outputs alike (scikit-learn averages the roots of several outputs)."""

    def losses(
        self, outputs: OutputsLike, targets: OutputsLike, context: MetricContext = NO_CONTEXT
    ) -> tuple[Floats, float] | None:
        return _columns(_difference(outputs, targets) ** 2).mean(axis=1), 0.5

    def resampled(
        self,
        outputs: OutputsLike,
        targets: OutputsLike,
        weights: NDArray[Any],
        context: MetricContext = NO_CONTEXT,
    ) -> Floats:
        squares = _columns(_difference(outputs, targets) ** 2).mean(axis=1)
        return np.sqrt(weighted_mean(squares, weights))


class RSquared(Metric):
    """The part of the variance explained, averaged over outputs (an output that never changes counts 0)."""

    def resampled(
        self,
        outputs: OutputsLike,
        targets: OutputsLike,
        weights: NDArray[Any],
        context: MetricContext = NO_CONTEXT,
    ) -> Floats:
        # Centred first: the variance under weights is then a small difference of small numbers.
        values = _columns(np.asarray(dense(targets), np.float64))
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

    def hits(self, outputs: OutputsLike, targets: OutputsLike) -> tuple[Floats, Floats] | None:
        truth = dense(targets)
        _, places, counts = np.unique(truth, return_inverse=True, return_counts=True)
        right = (dense(outputs).argmax(axis=1) == truth).astype(np.float64)
        return right, 1.0 / (len(counts) * counts[places.reshape(-1)])

    def resampled(
        self,
        outputs: OutputsLike,
        targets: OutputsLike,
        weights: NDArray[Any],
        context: MetricContext = NO_CONTEXT,
    ) -> Floats:
        truth, _, hit = _class_weights(dense(outputs), dense(targets), weights)
        present = truth > 0
        recalls = np.divide(hit, truth, out=np.zeros_like(hit), where=present)
        return recalls.sum(axis=1) / present.sum(axis=1)


class MacroF1(Metric):
    """The mean over classes of F1 = 2 hits / (true + predicted); a class that neither has does not count."""

    def resampled(
        self,
        outputs: OutputsLike,
        targets: OutputsLike,
        weights: NDArray[Any],
        context: MetricContext = NO_CONTEXT,
    ) -> Floats:
        truth, predicted, hit = _class_weights(dense(outputs), dense(targets), weights)
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
        outputs: OutputsLike,
        targets: OutputsLike,
        weights: NDArray[Any],
        context: MetricContext = NO_CONTEXT,
    ) -> Floats:
        ups, downs = _weights_by_rank(dense(outputs), dense(targets), weights)
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
        outputs: OutputsLike,
        targets: OutputsLike,
        weights: NDArray[Any],
        context: MetricContext = NO_CONTEXT,
    ) -> Floats:
        ups, downs = _weights_by_rank(dense(outputs), dense(targets), weights)
        found = np.cumsum(ups, axis=0)
        total = found[-1].copy()
        everything = np.cumsum(downs, axis=0)
        everything += found
        # A zero below stands where nothing was drawn yet: nothing was found there either.
        np.divide(found, np.maximum(everything, 1e-300), out=found)
        area = np.einsum("gr,gr->r", found, ups)
        return np.divide(area, total, out=np.zeros_like(total), where=total > 0)


def _difference(outputs: OutputsLike, targets: OutputsLike) -> Floats:
    outputs, targets = dense(outputs), dense(targets)
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
        from scipy import sparse  # only here, and slow to import

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
