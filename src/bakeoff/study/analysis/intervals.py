"""Intervals of a single score: of shares, of errors with long tails, and of anything else.

The part of the examples has limits of its own, which need not lie evenly around the score; the part of the seeds is
Student's. Two independent parts are put together by the squares of their reaches on each side (Zou & Donner 2008,
Stat. Med. 27:1693).
"""

import numpy as np
from scipy import special

from bakeoff.study.analysis.resampling import Resampled
from bakeoff.tasks.metrics.registry import Metric

#: The relative variance of squared normal errors is 2; few examples that show less do not prove a shorter tail. Of N
#: examples it counts as at least 2 + `UNSEEN` / N: large errors that are rare are mostly not among few examples.
NORMAL_TAIL, UNSEEN = 2.0, 30.0
#: The part of an interval's error that is left above it: a mean that a few large errors carry is missed from below.
ABOVE = 0.2
#: From so many examples or groups on, the replicates' own ratios are used, below Student's quantile.
FEWEST_FOR_RATIOS = 15


def score_interval(drawn: Resampled, index: int, metric: Metric, level: float) -> tuple[float, float]:
    """Limits of an entrant's score, over test examples and seeds."""
    score = float(drawn.scores[index])
    side = (1 + level) / 2
    if drawn.smoothing > 0:
        variance = float(np.var(drawn.examples_only[index])) * drawn.stretch(side) ** 2
        finest = drawn.finest / drawn.inflation
        low, high = wilson(score, max(variance, drawn.pseudo_miss), finest, level)
    elif drawn.relative_error is not None:
        low, high = _of_error(score, drawn, index, level)
    else:
        reached = np.quantile(drawn.examples_only[index], (1 - side, side))
        usual = float(special.stdtrit(drawn.degrees, side) / special.ndtri(side))
        low, high = (score + (float(value) - score) * usual for value in reached)
    variance = float(drawn.seed_variance[index])
    reach = float(special.stdtrit(drawn.seed_degrees[index], side)) * np.sqrt(variance)
    low = score - float(np.hypot(score - low, reach))
    high = score + float(np.hypot(high - score, reach))
    if metric.percent:
        return max(low, 0.0), min(high, 1.0)
    if metric.higher_is_better:
        return low, max(min(high, metric.best), score)
    return min(max(low, metric.best), score), high


def _of_error(score: float, drawn: Resampled, index: int, level: float) -> tuple[float, float]:
    """Limits on the logarithm, where a mean of losses is nearly even, from Student's ratio in the replicates.

    A bootstrap of the ratio learns from the data how skewed it is: with few examples of a long-tailed error the mean
    is too low just when its standard error is too small (bootstrap-t; Efron & Tibshirani 1993, chapter 12).
    """
    assert drawn.relative_error is not None
    error = float(drawn.relative_error[index])
    side = (1 + level) / 2
    usual = float(special.stdtrit(drawn.degrees, side))
    far, near = usual, usual
    units = drawn.groups or drawn.examples
    if drawn.relative is not None and units >= FEWEST_FOR_RATIOS:
        if drawn.power == 0.5:
            error = max(error, float(np.sqrt((NORMAL_TAIL + UNSEEN / units) / drawn.units)))
        above, below = ABOVE * (1 - level), 1 - (1 - ABOVE) * (1 - level)
        lowest, highest = (float(value) for value in np.quantile(drawn.relative[index], (above, below)))
        far = max(-lowest, 0.8 * float(special.stdtrit(drawn.degrees, 1 - above)))
        near = max(highest, 0.8 * float(special.stdtrit(drawn.degrees, below)))
    return score * float(np.exp(-near * error * drawn.power)), score * float(
        np.exp(min(far * error * drawn.power, 50.0))
    )


def wilson(score: float, variance: float, examples: float, level: float = 0.95) -> tuple[float, float]:
    """Wilson's interval of a share, with as many examples as its variance corresponds to (`examples` at 0 or 1).

    >>> low, high = wilson(1.0, 0.0, 100)
    >>> round(low, 3), high
    (0.963, 1.0)
    """
    effective = score * (1 - score) / variance if variance > 0 else float(examples)
    effective = max(effective, 1.0)
    z = float(special.ndtri((1 + level) / 2))
    centre = (score + z**2 / (2 * effective)) / (1 + z**2 / effective)
    reach = z / (1 + z**2 / effective) * np.sqrt(score * (1 - score) / effective + z**2 / (4 * effective**2))
    return max(float(centre - reach), 0.0), min(float(centre + reach), 1.0)
