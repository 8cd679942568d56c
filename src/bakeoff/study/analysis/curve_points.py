"""A measured learning curve prepared for a fit, and the reason where no fit should be made.

Curves are fitted as errors (distance from the metric's best score), which fall as the data grow. About one curve in
seven is not monotone (Loog & Viering 2022, arXiv:2211.14061): it has a peak or a dip, or the error is still at chance
level. Such a curve gets a reason instead of a forecast.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bakeoff.study.protocol import TRAINING_SCORE_EXAMPLES
from bakeoff.study.results.records import CurvePoint
from bakeoff.tasks.metrics.registry import Floats, Metric

#: A forecast needs at least this many distinct training sizes.
FEWEST_SIZES = 4
#: Degrees of freedom that the relative spread of seeds, pooled over all sizes, counts for at each size.
_POOLED_DEGREES = 4
#: Standard deviation over seeds relative to the error, assumed where every size has one seed.
UNKNOWN_SPREAD = 0.08
#: No forecast is made where the error rises with more data, noise alone would explain that rise with less than this
#: probability ...
_RISE_LEVEL = 0.005
#: ... and the rise is larger than this part of the error.
_LEAST_RISE = 0.05
#: Simulated monotone curves from which that probability is estimated.
_SIMULATIONS = 1000


@dataclass(frozen=True, kw_only=True, eq=False)
class ErrorCurve:
    """Errors by size, smallest size first.

    Attributes:
        examples: [P], distinct sizes.
        errors: [P], mean over seeds of the distance from the best score.
        noise: [P], standard error of that mean (the spread of seeds).
        relative_noise: typical noise / error, for sizes not measured.
        floor: differences of errors smaller than this count as noise.
        degrees: degrees of freedom of the estimate of the noise.
    """

    examples: Floats
    errors: Floats
    noise: Floats
    relative_noise: float
    floor: float
    degrees: float


def error_curve(
    points: Sequence[CurvePoint], metric: Metric, unknown_spread: float = UNKNOWN_SPREAD
) -> ErrorCurve:
    """The points as errors; points that are not finite are left out, and of two points of one size the last one counts.

    Args:
        unknown_spread: standard deviation over seeds relative to the error, where every size has one seed.
    """
    by_size = {point.examples: point for point in points if np.isfinite(point.score) and point.examples > 0}
    chosen = [by_size[size] for size in sorted(by_size)]
    errors = np.array([max(metric.sign * (metric.best - point.score), 0.0) for point in chosen])
    floor = max(1e-3 if metric.percent else 0.0, 2e-3 * float(errors.max(initial=0.0)), 1e-12)
    scale = np.maximum(errors, floor)
    counts = np.array([max(len(point.seeds), 1) for point in chosen])
    several = np.array([len(point.seeds) > 1 for point in chosen], dtype=bool)
    spread = np.array([np.std(point.seeds, ddof=1) if len(point.seeds) > 1 else 0.0 for point in chosen])
    if several.any():
        pooled = float(np.mean((spread[several] / scale[several]) ** 2))
        degrees = float((counts[several] - 1).sum())
    else:
        pooled, degrees = unknown_spread**2, 0.0
    own = np.where(several, counts - 1, 0)
    variance = (_POOLED_DEGREES * pooled * scale**2 + own * spread**2) / (_POOLED_DEGREES + own)
    typical = float(np.median(counts)) if len(counts) else 1.0
    return ErrorCurve(
        examples=np.array([float(point.examples) for point in chosen]),
        errors=errors,
        noise=np.sqrt(variance / counts + floor**2),
        relative_noise=float(np.sqrt(pooled / typical)),
        floor=floor,
        degrees=_POOLED_DEGREES + degrees,
    )


def withheld_reason(
    curve: ErrorCurve,
    *,
    chance: float | None = None,
    rng: np.random.Generator,
    fewest: int = FEWEST_SIZES,
) -> str | None:
    """Why no forecast should be made (a key under "verdict.withheld."), or None.

    Args:
        chance: the error of the best baseline; a network that is still there has not learned anything.
        fewest: training sizes that a forecast needs at least.
    """
    if len(curve.examples) < fewest:
        return "too_few_points"
    drop = float(curve.errors[0] - curve.errors[-1])
    noise = float(curve.noise[-2:].max())
    if noise > max(0.25 * drop, 0.12 * float(curve.errors[-1]), 2 * curve.floor):
        return "too_noisy"
    if chance is not None and curve.errors[-1] > chance - max(2 * noise, 0.02 * chance):
        return "no_learning"
    return _not_monotone(curve, rng)


def _not_monotone(curve: ErrorCurve, rng: np.random.Generator) -> str | None:
    """Whether errors rise by more than noise explains: "peaking" inside the curve, "dipping" at its end."""
    falling = _falling(curve.errors, curve.noise)
    found = float((((curve.errors - falling) / curve.noise) ** 2).sum())
    rise = curve.errors - np.minimum.accumulate(curve.errors)
    if rise.max() <= max(_LEAST_RISE * float(curve.errors[int(rise.argmax())]), 2 * curve.floor):
        return None
    draws = falling + rng.standard_t(curve.degrees, (_SIMULATIONS, len(falling))) * curve.noise
    by_chance = np.array(
        [(((draw - _falling(draw, curve.noise)) / curve.noise) ** 2).sum() for draw in draws]
    )
    if found <= float(np.quantile(by_chance, 1 - _RISE_LEVEL)):
        return None
    return "dipping" if rise[-1] >= 0.5 * rise.max() else "peaking"


def _falling(errors: Floats, noise: Floats) -> Floats:
    """The nearest errors that never rise (weighted isotonic regression)."""
    from scipy.optimize import isotonic_regression  # only here, and slow to import

    return np.asarray(isotonic_regression(errors, weights=noise**-2.0, increasing=False).x)


def stands_still(curve: ErrorCurve) -> bool:
    """Whether the last size is no better than the one before, so that a trend cannot be told from standing still."""
    return bool(curve.errors[-2] - curve.errors[-1] <= curve.floor)


@dataclass(frozen=True, kw_only=True)
class Tested:
    """What the test examples leave open about a score.

    Attributes:
        examples: so many test examples a share is worth; infinite where nothing is known.
        relative: standard error of an error in the data's unit, relative to it.
    """

    examples: float = float("inf")
    relative: float = 0.0

    def on_new_examples(self, errors: Floats, now: Floats, rng: np.random.Generator) -> Floats:
        """Errors [D, P] on new examples, of errors on these; `now` [D] are those at the size that was tested.

        What these examples leave open is one draw a curve (of a share by Jeffreys' posterior of a proportion), and
        shrinks with its error: test examples that happen to be easy are so at every size.
        """
        if np.isfinite(self.examples):
            misses = np.clip(now, 0.0, 1.0) * self.examples
            drawn = rng.beta(misses + 0.5, self.examples - misses + 0.5)
            least = 0.5 / self.examples
            part = (errors + least) / (now + least)[:, None]
            return np.clip(errors + (drawn - now)[:, None] * part, 0.0, 1.0)
        if self.relative > 0:
            return errors * np.exp(self.relative * rng.standard_normal(len(errors)))[:, None]
        return errors


NOT_KNOWN = Tested()


def tested(points: Sequence[CurvePoint], metric: Metric) -> Tested:
    """What the interval of the largest size leaves open besides the spread of seeds."""
    last = max((point for point in points if np.isfinite(point.score)), key=lambda point: point.examples)
    width = last.high - last.low
    if not width > 0:
        return NOT_KNOWN
    seeds = float(np.var(last.seeds, ddof=1)) / len(last.seeds) if len(last.seeds) > 1 else 0.0
    error = metric.sign * (metric.best - last.score)
    if not metric.percent:
        variance = max((width / (2 * _Z)) ** 2 - seeds, 0.0)
        return Tested(relative=float(np.sqrt(variance)) / max(error, 1e-12))
    examples = _worth(error, width)
    spread = error * (1 - error)
    if spread > 0:  # the share of the variance that is not the seeds'
        examples = spread / max(spread / examples - seeds, 0.1 * spread / examples)
    return Tested(examples=examples)


_Z = 1.959964


def _worth(share: float, width: float) -> float:
    """Examples of which Wilson's 95 % interval of this share is so wide (by bisection)."""
    low, high = 1.0, 1e9
    for _ in range(80):
        middle = float(np.sqrt(low * high))
        reach = _Z / (1 + _Z**2 / middle) * np.sqrt(share * (1 - share) / middle + (_Z / (2 * middle)) ** 2)
        # At 0 and 1 the interval ends there: its width is that of the same formula.
        low, high = (middle, high) if 2 * reach > width else (low, middle)
    return high


def fitted_at_best(training: Sequence[CurvePoint], metric: Metric) -> tuple[float, float] | None:
    """The error on the training examples at the largest size with its standard error; None where it bounds nothing.

    For whoever minimises it, the training error rises with the examples towards the best that the family can do. One
    that falls (neighbours, an unfinished training) says nothing of the limit.
    """
    known = sorted((p for p in training if np.isfinite(p.score)), key=lambda point: point.examples)
    if len(known) < 2:
        return None
    errors = [max(metric.sign * (metric.best - point.score), 0.0) for point in known]
    last, before = errors[-1], errors[-2]
    tested_on = [min(p.examples, TRAINING_SCORE_EXAMPLES) for p in known]
    if metric.percent:
        deviations = [float(np.sqrt(e * (1 - e) / n)) for e, n in zip(errors, tested_on, strict=True)]
    else:
        deviations = [e / float(np.sqrt(2 * n)) for e, n in zip(errors, tested_on, strict=True)]
    if last <= 0 or last < before - deviations[-2]:
        return None
    return last, max(deviations[-1], 1e-3 * last)
