"""What folds say of the variance of a score, and how much must be added for what they cannot say."""

import numpy as np
from numpy.typing import NDArray

from bakeoff.study.protocol import FOLD_CORRECTION
from bakeoff.tasks.metrics.registry import Floats, Metric, MetricContext
from bakeoff.tasks.outputs import Outputs, OutputsLike


def scores_in_folds(
    outputs: Outputs,
    targets: OutputsLike,
    metric: Metric,
    context: MetricContext,
    folds: NDArray[np.int64] | None,
) -> Floats:
    """The score of each fold [K]; none without folds, or where a fold has none (a ranking metric of a single class)."""
    if folds is None:
        return np.zeros(0)
    places, truth = [np.flatnonzero(folds == fold) for fold in np.unique(folds)], Outputs.of(targets)
    found = np.array([metric.score(outputs.at(own), truth.at(own), context) for own in places])
    return found[np.isfinite(found)]


def beyond_examples(by_fold: Floats, example_variance: float) -> float:
    """Of the mean of all folds, the variance by which folds differ beyond what their examples explain.

    Args:
        by_fold: the score of each. example_variance: of the mean, from the draw of examples.
    """
    return max(float(np.var(by_fold, ddof=1)) / len(by_fold) - example_variance, 0.0)


def fold_inflation(folds: int) -> float:
    """Factor on the variance of a score over examples that were tested in folds.

    The networks of two folds have learned from mostly the same examples, so that the scores of folds move together, and
    no estimate from the folds alone can say how far (Bengio & Grandvalet 2004, JMLR 5:1089). Nadeau & Bengio (2003,
    Mach. Learn. 52:239) take their correlation as the part of the examples that is tested, which makes the variance
    1 + K / (K - 1) times that of independent folds (Bouckaert & Frank 2004 find tests with it repeatable). That is more
    than what learners show; `FOLD_CORRECTION` is the part of it with which intervals hold what they state.

    >>> fold_inflation(0), round(fold_inflation(5), 3)
    (1.0, 1.438)
    """
    return 1.0 + FOLD_CORRECTION * folds / (folds - 1) if folds > 1 else 1.0
