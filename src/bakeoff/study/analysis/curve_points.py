"""A measured learning curve made ready for a fit, and what is wrong with it where no fit should be made.

Curves are fitted as errors (distance from the metric's best score), which fall as the data grow. About one curve in
seven does not behave (Loog & Viering 2022, arXiv:2211.14061): it peaks, it dips, or it has not begun to learn. Such a
curve gets no forecast but a reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bakeoff.study.results.records import CurvePoint
from bakeoff.tasks.metrics.registry import Floats, Metric

#: A trend needs at least this many sizes.
FEWEST_SIZES = 4
#: The spread of seeds, pooled over sizes relative to the error, counts for so many degrees of freedom at each size.
_POOLED_DEGREES = 4
#: Where nothing is known of the spread of seeds (one seed at every size): relative to the error.
UNKNOWN_SPREAD = 0.08
#: A rise of the error counts as a fault where it is this improbable as noise, and larger than this part of the error.
_FAULT_LEVEL, _FAULT_RISE = 0.005, 0.05
_SIMULATIONS = 1000


@dataclass(frozen=True, kw_only=True, eq=False)
class ErrorCurve:
    """Errors by size, smallest size first.

    Attributes:
        examples: [P], distinct sizes.
        errors: [P], mean over seeds of the distance from the best score.
        noise: [P], standard error of that mean (the spread of seeds).
        relative_noise: typical noise / error, for sizes not measured.
        floor: the smallest difference of errors that means anything.
        degrees: degrees of freedom that the noise is known with.
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
    """The curve of errors; points that are not finite are left out, the last of two points of one size counts.

    `unknown_spread` of seeds, relative to the error, is assumed where there is one seed at every size.
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


def fault(
    curve: ErrorCurve,
    *,
    chance: float | None = None,
    rng: np.random.Generator,
    fewest: int = FEWEST_SIZES,
) -> str | None:
    """Why no forecast should be made (a key under "verdict.withheld."), or None.

    Args:
        chance: the error of an entrant that knows nothing; a curve still there has not begun to learn.
        fewest: sizes that a trend needs.
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
    """Whether the errors rise by more than noise explains: a peak inside, or a dip at the end."""
    falling = _falling(curve.errors, curve.noise)
    found = float((((curve.errors - falling) / curve.noise) ** 2).sum())
    rise = curve.errors - np.minimum.accumulate(curve.errors)
    if rise.max() <= max(_FAULT_RISE * float(curve.errors[int(rise.argmax())]), 2 * curve.floor):
        return None
    draws = falling + rng.standard_t(curve.degrees, (_SIMULATIONS, len(falling))) * curve.noise
    by_chance = np.array(
        [(((draw - _falling(draw, curve.noise)) / curve.noise) ** 2).sum() for draw in draws]
    )
    if found <= float(np.quantile(by_chance, 1 - _FAULT_LEVEL)):
        return None
    return "dipping" if rise[-1] >= 0.5 * rise.max() else "peaking"


def _falling(errors: Floats, noise: Floats) -> Floats:
    """The nearest errors that never rise (weighted isotonic regression)."""
    from scipy.optimize import isotonic_regression  # only here, and slow to import

    return np.asarray(isotonic_regression(errors, weights=noise**-2.0, increasing=False).x)
