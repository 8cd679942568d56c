"""Learning curves: the score forecast for more data, with an interval, or the reason why no forecast is made.

The error at n examples is taken to follow one of several forms, none of which is known to be right (Viering & Loog
2021, arXiv:2103.10948; Mohr & Viering 2022 found the three- and four-parameter power laws best on most data):

    power        c + a n^-b              exponential   c + a exp(-n / s)
    stretched    c + a exp(-(n/s)^1/2)   logarithmic   a - b log n
    inverse log  c + a / log n           constant      c
    kinked       a n^-b up to some size, the same from there on

Each is written by two anchors - its errors at the smallest and the largest measured size - and the part of the last
error that no data will remove (c / last, between 0 and 1; of the kinked form, where the kink is). Those three are
drawn at random and weighed by how well the curve meets the measured points (importance sampling of the posterior), so
that forms are averaged by their evidence and an interval holds the doubt about form and parameters, the spread of
seeds, what the test examples leave open, and a doubt that grows with the distance (`DRIFT`, `STRETCH`), chosen on real
learning curves up to ten times the data and judged on others (docs/benchmarks/curves.md).

Where scores on the training examples are given, no curve falls below what the family could not even fit: for whoever
minimises the training error, it rises towards the same limit that the test error falls to.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bakeoff.study.analysis.curve_points import (
    FEWEST_SIZES,
    NOT_KNOWN,
    UNKNOWN_SPREAD,
    ErrorCurve,
    Tested,
    error_curve,
    fitted_at_best,
    stands_still,
    tested,
    withheld_reason,
)
from bakeoff.study.results.records import Crossover, CurvePoint
from bakeoff.tasks.metrics.registry import METRICS, Floats, Metric

#: Standard deviation of the error of neighbours and boosting over draws of the training examples, relative to the
#: error; assumed, since each size is tried with one seed.
RUNG_SPREAD = 0.04
#: A learning curve is extrapolated from at least this many sizes.
FEWEST_RUNGS = 3

#: Forecasts are made at these multiples of the data.
MULTIPLES = (2, 4, 10)
#: Probability of a forecast's interval.
LEVEL = 0.8
#: Standard deviation of the difference between the true curve and a form at the largest measured size, relative to the
#: error there ...
MISFIT = 0.015
#: ... which grows by this part of itself with each halving of the size.
MISFIT_GROWTH = 0.5
#: Standard deviation of an extrapolation to twice the data, relative to the error; it grows with the square root of the
#: number of doublings.
DRIFT = 0.03
#: The drawn curves are spread around their median by this factor at multiples of the data: what the benchmark's curves
#: ask for, each data set judged by the factor that all others choose (docs/benchmarks/curves.md).
STRETCH: dict[int, float] = {1: 1.0, 2: 0.4, 4: 0.6, 10: 0.7}
#: "More data should help" takes an expected gain of this (points of a share, part of an error), and this probability of
#: a third of it.
EXPECTED_SHARE, EXPECTED_PART, HELPS = 0.0125, 0.025, 0.6
#: Curves drawn from the proposal.
_DRAWS = 40_000
#: Curves resampled from them by their weights.
_RESAMPLED = 2_000
#: A kink lies between the smallest measured size and so many times the largest one.
_FURTHEST_KINK = 16.0
#: What a family can fit is asked of its curves at so many times the data.
_FAR = 16.0
#: Width of the anchors' proposal distribution, in standard deviations of the measured points.
_PROPOSAL_WIDTH = 1.5


#: A transformation of the number of examples in which a form is linear or exponential.
Clock = Callable[[Floats], Floats]

#: Forms c + a exp(-rate clock(n)), by their clocks.
_DECAYS: dict[str, Clock] = {"power": np.log, "exponential": lambda n: n, "stretched": np.sqrt}
#: Forms a - b clock(n), cut off at 0.
_LINES: dict[str, Clock] = {"logarithmic": np.log, "inverse log": lambda n: -1.0 / np.log(n + np.e)}
FORMS: tuple[str, ...] = (*_DECAYS, *_LINES, "kinked", "constant")


@dataclass(frozen=True, kw_only=True, eq=False)
class _Draws:
    """D drawn learning curves, one entry [D] each: the form (an index into `FORMS`), its errors at the two anchors, the
    part of the last error that remains, and a standard normal draw for `DRIFT`."""

    form: NDArray[np.int64]
    first: Floats
    last: Floats
    rest: Floats
    drift: Floats

    def errors(self, sizes: Floats, begin: float, end: float) -> Floats:
        """Errors [D, P] at these sizes; `begin` and `end` are the sizes of the anchors."""
        out = np.empty((len(self.form), len(sizes)))
        for index, name in enumerate(FORMS):
            rows = self.form == index
            out[rows] = evaluate(name, sizes, begin, end, self.first[rows], self.last[rows], self.rest[rows])
        doublings = np.maximum(np.log2(sizes / end), 0.0)
        return out * np.exp(DRIFT * np.sqrt(doublings) * self.drift[:, None])

    def stretched(self, sizes: Floats, begin: float, end: float) -> Floats:
        """Errors [D, P], spread around their median as real curves ask for beyond the largest size."""
        raw = np.log(np.maximum(self.errors(sizes, begin, end), 1e-4 * np.maximum(self.last[:, None], 1e-9)))
        middle = np.median(raw, axis=0)
        factors = np.interp(np.log2(sizes / end), np.log2(list(STRETCH)), list(STRETCH.values()))
        return np.asarray(np.exp(middle + (raw - middle) * factors))


@dataclass(frozen=True, kw_only=True, eq=False)
class CurveFit:
    """A fitted learning curve.

    Attributes:
        metric: name of the metric that its points are in.
        examples: the largest size measured; 0 where there was none.
        withheld: why no forecast is made (a key under "verdict.withheld."), else None.
        evidence: posterior probability of each form, summing to 1; empty where withheld.
        flat: whether the last two sizes do not differ: it may be compared with others, but nothing is forecast of it.
    """

    metric: str
    examples: int
    withheld: str | None
    evidence: Mapping[str, float]
    flat: bool = False
    _begin: float = 0.0
    _noise: float = 0.0
    _tested: Tested = NOT_KNOWN
    _draws: _Draws | None = None

    @property
    def no_forecast(self) -> str | None:
        """Why nothing is said of more data (a key under "verdict.withheld."), else None."""
        return self.withheld or ("flat" if self.flat else None)

    def predict(self, examples: float) -> tuple[float, float, float]:
        """(score, low, high) of the mean over as many seeds as were measured, with an 80 % interval.

        The interval is that of the score on new examples. Only for a fit that is not withheld.
        """
        low, high = (
            self._score(float(error))
            for error in np.quantile(self._noisy_errors(examples), ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
        )
        middle = self._score(float(np.median(self.errors(np.array([float(examples)]))[:, 0])))
        return middle, min(low, high, middle), max(low, high, middle)

    def helps(self, examples: float) -> bool:
        """Whether so many examples are expected to bring a gain that is worth a word.

        Both scores are of one drawn curve, so that what the test examples leave open says nothing of the gain.
        """
        now, then = self.errors(np.array([float(self.examples), float(examples)])).T
        gain = now - then
        unit = 1.0 if METRICS[self.metric].percent else float(np.median(now))
        wanted = (EXPECTED_SHARE if METRICS[self.metric].percent else EXPECTED_PART) * unit
        return float(np.median(gain)) >= wanted and float((gain > wanted / 3).mean()) >= HELPS

    def best_possible(self, examples: float, share: float) -> float:
        """The score that only this share of the drawn curves reaches. Only for a fit that is not withheld."""
        return self._score(float(np.quantile(self._noisy_errors(examples), share)))

    def on_new_examples(self, sizes: Floats, *, narrowed: bool = True) -> Floats:
        """Drawn errors [D, P] at sizes [P] on examples that nobody has seen, without the spread of seeds.

        `narrowed` draws are spread as scores at a given size ask for (`STRETCH`). Where the size at a given score is
        asked for they are not: on power laws those hold the true size in 57 of 100 where 80 are stated, these in more.
        """
        now = self.errors(np.array([float(self.examples)]))[:, 0]
        errors = self.errors(sizes) if narrowed else self._drawn(sizes)
        return self._tested.on_new_examples(errors, now, np.random.default_rng(2))

    def _drawn(self, sizes: Floats) -> Floats:
        assert self._draws is not None, f"the fit is withheld: {self.withheld}"
        return self._draws.errors(sizes, self._begin, float(self.examples))

    def _score(self, error: float) -> float:
        metric = METRICS[self.metric]
        return metric.best - metric.sign * error

    def _noisy_errors(self, examples: float) -> Floats:
        """Drawn errors [D] at this size on new examples, with the spread of seeds."""
        errors = self.on_new_examples(np.array([float(examples)]))[:, 0]
        spread = np.random.default_rng(1).standard_normal(len(errors)) * self._noise
        return np.asarray(errors * np.maximum(1 + spread, 0.0))

    def errors(self, sizes: Floats) -> Floats:
        """Drawn errors [D, P] at sizes [P], without the spread of seeds."""
        assert self._draws is not None, f"the fit is withheld: {self.withheld}"
        return self._draws.stretched(sizes, self._begin, float(self.examples))


def fit_curve(
    points: Sequence[CurvePoint],
    metric: Metric,
    *,
    chance: float | None = None,
    training: Sequence[CurvePoint] = (),
    seed: int = 0,
    fewest: int = FEWEST_SIZES,
    unknown_spread: float = UNKNOWN_SPREAD,
) -> CurveFit:
    """Fit a learning curve, or say why none is fitted.

    Args:
        points: measured, in any order; the scores of the single seeds make the interval better.
        metric: what the scores are.
        chance: the score of the baseline; a curve that is still there is not forecast.
        training: scores on the training examples themselves, by size, where they are known: they bound the forecast.
        seed: of the draws.
        fewest: training sizes that a forecast needs at least.
        unknown_spread: standard deviation over seeds relative to the error, where every size has one seed.
    """
    curve = error_curve(points, metric, unknown_spread)
    rng = np.random.default_rng(seed)
    largest = int(curve.examples[-1]) if len(curve.examples) else 0
    chance_error = None if chance is None else metric.sign * (metric.best - chance)
    withheld = withheld_reason(curve, chance=chance_error, rng=rng, fewest=fewest)
    if withheld is not None:
        return CurveFit(metric=metric.name, examples=largest, withheld=withheld, evidence={})
    draws, weights = _weighted_draws(curve, rng, fitted_at_best(training, metric))
    if weights is None:
        return CurveFit(metric=metric.name, examples=largest, withheld="poor_fit", evidence={})
    chosen = rng.choice(len(weights), size=_RESAMPLED, p=weights)
    evidence = {name: float(weights[draws.form == index].sum()) for index, name in enumerate(FORMS)}
    return CurveFit(
        metric=metric.name,
        examples=largest,
        withheld=None,
        evidence=evidence,
        flat=stands_still(curve),
        _begin=float(curve.examples[0]),
        _noise=curve.relative_noise,
        _tested=tested(points, metric),
        _draws=_Draws(
            form=draws.form[chosen],
            first=draws.first[chosen],
            last=draws.last[chosen],
            rest=draws.rest[chosen],
            drift=rng.standard_normal(_RESAMPLED),
        ),
    )


def forecast(fit: CurveFit, multiples: Sequence[int] = MULTIPLES) -> tuple[CurvePoint, ...]:
    """The forecast at multiples of the largest measured size; empty where it is withheld."""
    if fit.no_forecast is not None:
        return ()
    points = ((fit.examples * multiple, *fit.predict(fit.examples * multiple)) for multiple in multiples)
    return tuple(CurvePoint(examples=n, score=score, low=low, high=high) for n, score, low, high in points)


def crossover(
    first: CurveFit, second: CurveFit, *, names: tuple[str, str], furthest: float = MULTIPLES[-1]
) -> Crossover:
    """The number of examples at which the curve that is behind now is expected to pass the other one.

    It is given only where at least half of the drawn pairs of curves cross before `furthest` times the data, and nine
    in ten of them agree on which is ahead now.
    """
    reason = first.withheld or second.withheld
    if reason is not None:
        return Crossover(behind=names[0], ahead=names[1], withheld=reason)
    start = float(max(first.examples, second.examples))
    sizes = np.geomspace(start, furthest * start, 200)
    ahead_by = second.errors(sizes) - first.errors(sizes)  # positive: the first is ahead
    sign = 1.0 if np.median(ahead_by[:, 0]) >= 0 else -1.0
    ahead, behind = names if sign > 0 else (names[1], names[0])
    passed = sign * ahead_by < 0
    if passed[:, 0].mean() > 0.1:
        return Crossover(behind=behind, ahead=ahead, withheld="too_uncertain")
    where = np.where(passed.any(axis=1), sizes[passed.argmax(axis=1)], np.inf)
    low, middle, high = np.quantile(where, ((1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2), method="lower")
    if not np.isfinite(middle):
        return Crossover(behind=behind, ahead=ahead, withheld="never")
    return Crossover(behind=behind, ahead=ahead, examples=float(middle), low=float(low), high=float(high))


def evaluate(
    name: str, sizes: Floats, begin: float, end: float, first: Floats, last: Floats, rest: Floats
) -> Floats:
    """Errors [D, P] of a form at sizes [P], through `first` at size `begin` and `last` at size `end`, each [D].

    `rest` [D] is the part of `last` that no data will remove (of the decaying forms), or the place of the kink: 1 at
    `begin`, 0 at 16 times `end`.
    """
    if name == "constant":
        return np.repeat(last[:, None], len(sizes), axis=1)
    if name == "kinked":
        return _kinked(sizes, begin, end, first, last, rest)
    clock = _DECAYS.get(name) or _LINES[name]
    start, stop = clock(np.array([begin, end]))
    gone = ((clock(sizes) - start) / (stop - start))[None, :]  # 0 at the first anchor, 1 at the last one
    if name in _LINES:
        return np.maximum(first[:, None] + (last - first)[:, None] * gone, 0.0)
    limit = rest * last
    steepness = np.log(np.maximum(first - limit, 1e-12) / np.maximum(last - limit, 1e-12))
    return limit[:, None] + (first - limit)[:, None] * np.exp(-steepness[:, None] * gone)


def _kinked(sizes: Floats, begin: float, end: float, first: Floats, last: Floats, rest: Floats) -> Floats:
    """A power law without a rest up to the kink, and the same from there on."""
    reach = np.log(_FURTHEST_KINK * end / begin)
    kink = np.maximum((1 - rest) * reach, 1e-3)[:, None]
    at_end = np.minimum(np.log(end / begin), kink)
    fall = np.log(np.maximum(last, 1e-9) / np.maximum(first, 1e-9))[:, None]
    passed = np.minimum(np.log(sizes / begin)[None, :], kink)
    return np.maximum(first, 1e-9)[:, None] * np.exp(fall * passed / at_end)


def _weighted_draws(
    curve: ErrorCurve, rng: np.random.Generator, fitted: tuple[float, float] | None
) -> tuple[_Draws, Floats | None]:
    """Curves from a broad proposal with their posterior weights; None as weights where no form comes near.

    `fitted`: the error that the family could not even fit, with its standard error; None where unknown.
    """
    begin, end = curve.examples[0], curve.examples[-1]
    doubt = MISFIT * (1 + MISFIT_GROWTH * np.log2(end / curve.examples)) * curve.errors
    deviation = np.sqrt(curve.noise**2 + doubt**2)
    form = rng.integers(0, len(FORMS), _DRAWS)
    anchors = rng.standard_normal((2, _DRAWS)) * _PROPOSAL_WIDTH
    first = np.maximum(curve.errors[0] + anchors[0] * deviation[0], 0.0)
    last = np.maximum(curve.errors[-1] + anchors[1] * deviation[-1], 0.0)
    # A decay falls from the first anchor to the last; where noise says otherwise it is flat.
    first = np.maximum(first, last)
    draws = _Draws(form=form, first=first, last=last, rest=rng.random(_DRAWS), drift=np.zeros(_DRAWS))
    misses = (draws.errors(curve.examples, begin, end) - curve.errors) / deviation
    # Student's t with few degrees of freedom: one odd point does not decide.
    degrees = 5.0
    likelihood = -(degrees + 1) / 2 * np.log1p(misses**2 / degrees).sum(axis=1)
    log_weights = likelihood + 0.5 * ((anchors / _PROPOSAL_WIDTH) ** 2).sum(axis=0)
    if fitted is not None:
        far = draws.errors(np.array([_FAR * end]), begin, end)[:, 0]
        log_weights = log_weights + special.log_ndtr((far - fitted[0]) / fitted[1])
    best = float(np.sqrt((misses**2).mean(axis=1)).min())
    if best > 3.0:
        return draws, None
    weights = np.exp(log_weights - log_weights.max())
    return draws, weights / weights.sum()


def fit_rungs(
    points: Sequence[CurvePoint], metric: Metric, *, chance: float | None = None, seed: int = 0
) -> CurveFit:
    """Fit a learning curve to few sizes with one seed each (see `fit_curve`, which asks for more by default)."""
    return fit_curve(
        points, metric, chance=chance, seed=seed, fewest=FEWEST_RUNGS, unknown_spread=RUNG_SPREAD
    )
