"""Who is best, and how sure that is: scores with intervals, differences, and three answers for each pair with the best.

All from paired replicates over test examples and seeds (`resampling`). Which entrant is put forward is decided by
validation, where its scores are given, and by the test score alone where they are not.

- *Better.* A winner is ahead of each other entrant by more than chance explains. Whoever is put forward by validation
  was chosen before the test split was read, so that each comparison is an ordinary one-sided test (intersection-union;
  Berger 1982, Technometrics 24:295). Whoever leads on test was chosen by the same examples; tests at half the error
  then keep what is stated, for any number of entrants (Gutmann & Maymin 1987, Ann. Stat. 15:456).
- *Practically equal.* An entrant for which the upper bound of what it loses against the best is inside the margin.
- *Undecided.* Everything else (the three answers as in Benavoli, Corani, Demsar & Zaffalon 2017, JMLR 18:77).

Where there is no winner those that may be the best are named by their probability (`probability`), the fewest that
hold 95 % together. An entrant is ruled out where another is ahead of it by more than chance explains for any of them
(Hsu 1984, Ann. Stat. 12:1136; Dunnett's comparison with each entrant in turn as the control).

A difference of accuracies on few examples is too coarse for a bootstrap: 4 against 0 misses of 30 would count as
proof. One pseudo-example that tells the two apart is added to its variance (Agresti & Min 2005, Stat. Med. 24:729),
and the quantile is Student's with as many degrees of freedom as there are examples on which the two differ: only those
carry evidence, as in McNemar's test. For the same reason no difference of shares is said to be within a margin that
the examples are too few to hold: the variance counts as at least that of a difference of just this size.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bakeoff.study.analysis.intervals import score_interval, wilson
from bakeoff.study.analysis.probability import best_probabilities
from bakeoff.study.analysis.resampling import Resampled, resample
from bakeoff.tasks.metrics.registry import NO_CONTEXT, Floats, Metric, MetricContext
from bakeoff.tasks.outputs import OutputsLike

__all__ = [
    "Difference",
    "Estimate",
    "Ranking",
    "ahead_of",
    "difference",
    "loss_bound",
    "rank_entrants",
    "wilson",
]

#: Probability that the set of candidates holds the true best, and of the intervals.
LEVEL = 0.95
#: Probability of the claim that an entrant beats the best baseline: higher, as it is the claim that matters most.
BASELINE_LEVEL = 0.99
#: What is practically equal, where nobody says otherwise: points of a share, and part of an error.
SHARE_MARGIN, ERROR_MARGIN = 0.01, 0.02
#: Error of the second chance of a winner: one that validation did not choose, but that leads clearly on test.
SECOND_CHANCE = 0.01


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A score with its 95 % interval over examples and seeds."""

    score: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Score of `first` minus score of `second`, with its own (not simultaneous) 95 % interval, paired."""

    first: str
    second: str
    estimate: float
    low: float
    high: float
    standard_error: float = 0.0
    example_variance: float = 0.0
    seed_variance: float = 0.0

    def reversed(self) -> "Difference":
        return Difference(
            first=self.second,
            second=self.first,
            estimate=-self.estimate,
            low=-self.high,
            high=-self.low,
            standard_error=self.standard_error,
            example_variance=self.example_variance,
            seed_variance=self.seed_variance,
        )


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """Where the entrants stand.

    Attributes:
        leader: who is put forward: chosen by validation where its scores are given, else the best score on test; among
            exactly equal ones the first.
        top: the best score on test. It is the leader, or ahead of it by what may be chance.
        winner: the leader where it was shown to be ahead of everybody else, else None.
        candidates: the winner alone, or the fewest that hold the best with probability `level`: the leader first, the
            others by their probability. A baseline is none of them where anything was shown to beat it.
        scores: each entrant's score with interval.
        probability_best: of each; they sum to 1, exact ties share.
        differences: of all pairs.
        baseline: the best of the baselines; None where none took part.
        above_baseline: those shown to beat it, at `BASELINE_LEVEL` for all of them together.
        level: of the claims.
        seeds: the fewest seeds that an entrant has.
        margin: what counts as practically equal, in the metric's unit.
        loses_at_most: of each, the upper bound (95 %) of what it loses against the best, in the metric's unit.
        ruled_out: those shown not to be the best.
        examples: of the test split, or the groups of it that are drawn as a whole.
        seeds_unknown: whether some entrant could have come out otherwise with another seed, and nothing is known of
            how much: all is then said of the very networks that were trained.
        training_sets: on how many different ones each was trained. Where it is one, all is said of the networks that
            were trained on it, and nothing of how their families would stand on other examples.
        seeds_borrowed: those with one seed whose spread is that of other entrants, or of other sizes.
    """

    leader: str
    winner: str | None
    candidates: tuple[str, ...]
    scores: Mapping[str, Estimate]
    probability_best: Mapping[str, float]
    differences: tuple[Difference, ...]
    baseline: str | None
    above_baseline: tuple[str, ...]
    level: float
    seeds: int
    top: str = ""
    margin: float = 0.0
    loses_at_most: Mapping[str, float] = field(default_factory=dict)
    ruled_out: tuple[str, ...] = ()
    examples: int = 0
    seeds_unknown: bool = False
    seeds_borrowed: tuple[str, ...] = ()
    training_sets: int = 1

    @property
    def practically_equal(self) -> tuple[str, ...]:
        """Those, beside the leader, shown to lose less than the margin against the best."""
        return tuple(
            name
            for name, loss in self.loses_at_most.items()
            if name != self.leader and loss <= self.margin and name != self.baseline
        )

    @property
    def better(self) -> tuple[str, ...]:
        """Those that another was shown to be better than, and that are not practically equal to the best."""
        return tuple(name for name in self.ruled_out if name not in self.practically_equal)

    @property
    def undecided(self) -> tuple[str, ...]:
        """Those, beside the leader, of which neither was shown."""
        decided = {self.leader, *self.practically_equal, *self.better}
        return tuple(name for name in self.scores if name not in decided)

    def difference(self, first: str, second: str) -> Difference:
        """Of two entrants by name, in this order."""
        for pair in self.differences:
            if (pair.first, pair.second) == (first, second):
                return pair
            if (pair.first, pair.second) == (second, first):
                return pair.reversed()
        assert first == second, (first, second)
        return Difference(first=first, second=second, estimate=0.0, low=0.0, high=0.0)


def rank_entrants(
    entrants: Mapping[str, Sequence[OutputsLike]],
    targets: OutputsLike,
    metric: Metric,
    *,
    baselines: Collection[str] = (),
    deterministic: Collection[str] = (),
    context: MetricContext = NO_CONTEXT,
    groups: NDArray[Any] | None = None,
    level: float = LEVEL,
    validation: Mapping[str, float] | None = None,
    margin: float | None = None,
    elsewhere: Mapping[str, Sequence[Sequence[float]]] | None = None,
    folds: NDArray[np.int64] | None = None,
    replicates: int | None = None,
    seed: int = 0,
) -> Ranking:
    """Compare entrants on one test split.

    Args:
        entrants: for each name the outputs of each of its seeds (one or more); at least one entrant.
        targets: of the same N examples.
        metric: the deciding one.
        baselines: names of the baselines; the best of them is the one to beat.
        deterministic: names whose training has no randomness (given with one output).
        groups: [N], labels of examples that belong together (see `bakeoff.study.analysis.resampling`).
        level: probability of each claim.
        validation: score of each on validation, by which the leader is chosen; None: by test.
        margin: what is practically equal: points of a share (0.01 is one point), a part of an error (0.02 is 2 %).
        elsewhere: scores of several seeds at other sizes, for those with one seed (see `resample`).
        folds: [N], the fold in which each example was tested; None for a test split (see `resample`).
    """
    drawn = resample(
        entrants,
        targets,
        metric,
        context=context,
        deterministic=(*deterministic, *baselines),
        groups=groups,
        elsewhere=elsewhere,
        folds=folds,
        replicates=replicates,
        seed=seed,
    )
    names = drawn.names
    signed = metric.sign * drawn.scores
    order = [int(index) for index in np.argsort(-signed, kind="stable")]
    known = [index for index, name in enumerate(names) if name in set(baselines)]
    baseline = max(known, key=lambda index: signed[index]) if known else None
    above = ahead_of(drawn, baseline, metric, BASELINE_LEVEL) if baseline is not None else []
    top = order[0]
    leader, winner = _put_forward(drawn, metric, validation, top, level, excluded=known if above else ())
    probability = _probability_best(drawn, metric, seed)
    out = [index for index in range(len(names)) if ahead_of(drawn, index, metric, (1 + level) / 2)]
    if winner is not None:
        out = [index for index in range(len(names)) if drawn.twin[index] != drawn.twin[winner]]
    margin = margin_of(metric, float(drawn.scores[top]), margin)
    candidates = (
        [winner]
        if winner is not None
        else _candidates(probability, leader, top, level, known if above else ())
    )
    return Ranking(
        leader=names[leader],
        winner=None if winner is None else names[winner],
        candidates=tuple(names[index] for index in candidates),
        scores={name: _estimate(drawn, index, metric) for index, name in enumerate(names)},
        probability_best={name: float(share) for name, share in zip(names, probability, strict=True)},
        differences=tuple(
            difference(drawn, first, second)
            for first in range(len(names))
            for second in range(first + 1, len(names))
        ),
        baseline=names[baseline] if baseline is not None else None,
        above_baseline=tuple(names[index] for index in order if index in above),
        level=level,
        seeds=min(len(runs) for runs in entrants.values()),
        top=names[top],
        margin=margin,
        loses_at_most={names[index]: loss_bound(drawn, index, metric, level) for index in order},
        ruled_out=tuple(names[index] for index in order if index in out and index != leader),
        examples=drawn.groups or drawn.examples,
        seeds_unknown=bool(drawn.seed_unknown.any()),
        seeds_borrowed=tuple(names[index] for index in np.flatnonzero(drawn.seed_borrowed)),
    )


def margin_of(metric: Metric, best: float, margin: float | None = None) -> float:
    """The margin in the metric's unit: points of a share as they are, a part of the best entrant's error else."""
    if metric.percent:
        return SHARE_MARGIN if margin is None else margin
    return (ERROR_MARGIN if margin is None else margin) * abs(metric.best - best)


def _put_forward(
    drawn: Resampled,
    metric: Metric,
    validation: Mapping[str, float] | None,
    top: int,
    level: float,
    excluded: Collection[int],
) -> tuple[int, int | None]:
    """Who is put forward, and the winner if there is one."""
    everybody = range(len(drawn.names))
    if validation is None:
        # Chosen by the same examples that it is tested on: half the error on each side.
        return top, top if _ahead_of_all(drawn, top, metric, (1 + level) / 2) else None
    chosen = max(
        (index for index in everybody if index not in excluded),
        key=lambda index: (metric.sign * validation[drawn.names[index]], metric.sign * drawn.scores[index]),
    )
    if all(
        shown_ahead(drawn, chosen, other, metric, _chosen_level(drawn, chosen, other, level))
        for other in everybody
        if other != chosen
    ):
        return chosen, chosen
    if chosen != top and _ahead_of_all(drawn, top, metric, 1 - SECOND_CHANCE / 2):
        return top, top
    return chosen, None


def _ahead_of_all(drawn: Resampled, index: int, metric: Metric, level: float) -> bool:
    return all(
        shown_ahead(drawn, index, other, metric, level) for other in range(len(drawn.names)) if other != index
    )


def _chosen_level(drawn: Resampled, first: int, second: int, level: float) -> float:
    """Level of a test on test examples between two, one of whom was chosen by validation, that keeps the error.

    A lucky seed is lucky on both splits. With a correlation r of the two differences (the seeds' part of the variance;
    the splits count as equally large) the critical value c solves 2 P(V > 0, T > c) = 1 - level for two equal
    entrants: `level` itself where r is 0, (1 + level) / 2 where r is 1.
    """
    examples, one, other = drawn.variances(first, second)
    total = examples + drawn.smoothing + one + other
    return _level_at(round((one + other) / total, 2) if total > 0 else 0.0, level)


@cache
def _level_at(correlation: float, level: float) -> float:
    if correlation >= 1:
        return (1 + level) / 2
    places = np.linspace(0.0, 8.0, 4001)
    slope = correlation / np.sqrt(1 - correlation**2)
    above = np.exp(-(places**2) / 2) / np.sqrt(2 * np.pi) * special.ndtr(slope * places)
    beyond = np.cumsum(above[::-1])[::-1] * (places[1] - places[0])
    critical = float(np.interp((1 - level) / 2, beyond[::-1], places[::-1]))
    return float(special.ndtr(critical))


def shown_ahead(drawn: Resampled, first: int, second: int, metric: Metric, level: float) -> bool:
    """Whether the first is ahead of the second by more than chance explains, one-sided, of these two alone."""
    if drawn.twin[first] == drawn.twin[second]:
        return False
    estimate = float(metric.sign * (drawn.scores[first] - drawn.scores[second]))
    return estimate > _critical(drawn, first, second, level) * _tested_error(drawn, first, second)


def _tested_error(drawn: Resampled, first: int, second: int) -> float:
    return float(np.sqrt(drawn.standard_error(first, second) ** 2 + drawn.smoothing))


def _critical(drawn: Resampled, first: int, second: int, level: float) -> float:
    """Student's quantile; where examples count 0 or 1, with no more degrees than examples that tell the two apart."""
    degrees = drawn.pair_degrees(first, second)
    if drawn.discordant is not None:
        degrees = min(degrees, max(float(drawn.discordant[first, second]), 1.0))
    return float(special.stdtrit(degrees, level))


def loss_bound(drawn: Resampled, index: int, metric: Metric, level: float) -> float:
    """Upper bound of what an entrant loses against the best of the others (0 where it loses to none).

    It holds with probability `level` for the best one, whichever that is: the largest bound over all pairs.
    """
    return max(
        (
            _pair_bound(drawn, index, other, metric, level)
            for other in range(len(drawn.names))
            if other != index
        ),
        default=0.0,
    )


def _pair_bound(drawn: Resampled, index: int, other: int, metric: Metric, level: float) -> float:
    if drawn.twin[index] == drawn.twin[other]:
        return 0.0
    gap = float(metric.sign * (drawn.scores[other] - drawn.scores[index]))
    critical = float(special.stdtrit(drawn.pair_degrees(index, other), level))
    bound = gap + critical * _tested_error(drawn, index, other)
    if drawn.smoothing > 0:
        # (bound - gap)^2 = z^2 bound (1 - bound) / N: two that differ by `bound` differ on as many examples at least.
        units = (drawn.groups or drawn.finest) / drawn.inflation
        z = float(special.ndtri(level)) ** 2 / units
        half = gap + z / 2
        bound = max(bound, (half + np.sqrt(max(half**2 - (1 + z) * gap**2, 0.0))) / (1 + z))
    return max(float(bound), 0.0)


def _candidates(
    probability: Floats, leader: int, top: int, level: float, excluded: Collection[int]
) -> list[int]:
    """The fewest that hold the best with this probability, and two at least: the leader first, then by probability."""
    allowed = [index for index in range(len(probability)) if index not in excluded or index == leader]
    order = sorted(allowed, key=lambda index: (-probability[index], index != top))
    named: list[int] = []
    held = 0.0
    for index in order:
        tied = (
            bool(named)
            and probability[index] > 0
            and abs(probability[index] - probability[named[-1]]) < 1e-12
        )
        if held >= level and len(named) > 1 and not tied:
            break
        named.append(index)
        held += float(probability[index])
    rest = [index for index in named if index != leader]
    return (
        [leader, *([] if top in named or top in excluded else [top]), *rest]
        if top != leader
        else [leader, *rest]
    )


def ahead_of(drawn: Resampled, control: int, metric: Metric, level: float) -> list[int]:
    """Entrants shown to be better than this one, at `level` for all of them together (one-sided)."""
    others = [index for index in range(len(drawn.names)) if drawn.twin[index] != drawn.twin[control]]
    if not others:
        return []
    estimates = metric.sign * (drawn.scores[others] - drawn.scores[control])
    # The replicates include the smoothing, so the standard error that divides them must include it too. Without it,
    # two that miss exactly the same examples (error 0) have an unbounded ratio, which sets the critical value of all.
    tested = np.array([_tested_error(drawn, index, control) for index in others])
    noise = metric.sign * (drawn.replicates[others] - drawn.replicates[control]) - estimates[:, None]
    spread = np.maximum(tested, np.std(noise, axis=1) * 1e-3)[:, None]
    ratios = np.divide(noise, spread, out=np.zeros_like(noise), where=spread > 0)
    common = float(np.quantile(ratios.max(axis=0), level)) * drawn.stretch(level)
    reach = np.array([_widened(drawn, index, control, common, level) for index in others]) * tested
    return [index for index, estimate, far in zip(others, estimates, reach, strict=True) if estimate > far]


def _widened(drawn: Resampled, first: int, second: int, common: float, level: float) -> float:
    """The common critical value, grown as far as few examples tell these two apart, and Student's at least."""
    return max(common * drawn.few_discordant(first, second, level), _critical(drawn, first, second, level))


def difference(drawn: Resampled, first: int, second: int, level: float = LEVEL) -> Difference:
    """Of two entrants, with a paired interval from Student's ratio over the replicates."""
    estimate = float(drawn.scores[first] - drawn.scores[second])
    examples, one, other = drawn.variances(first, second)
    twins = drawn.twin[first] == drawn.twin[second]
    reach = 0.0
    if not twins:
        side = (1 + level) / 2
        usual = float(special.stdtrit(drawn.pair_degrees(first, second), side))
        reach = usual * _tested_error(drawn, first, second)
    return Difference(
        first=drawn.names[first],
        second=drawn.names[second],
        estimate=estimate,
        low=estimate - reach,
        high=estimate + reach,
        standard_error=drawn.standard_error(first, second),
        example_variance=0.0 if twins else examples + drawn.smoothing,
        seed_variance=0.0 if twins else one + other,
    )


def _probability_best(drawn: Resampled, metric: Metric, seed: int) -> Floats:
    """Of each; those with exactly equal outputs share that of the one."""
    kept = np.flatnonzero(drawn.twin == np.arange(len(drawn.twin)))
    covariance = np.atleast_2d(np.cov(drawn.replicates[kept]))
    single = best_probabilities(
        metric.sign * drawn.scores[kept], covariance, np.random.default_rng([seed, 1])
    )
    found = np.zeros(len(drawn.names))
    found[kept] = single
    shared = np.array([(drawn.twin == twin).sum() for twin in drawn.twin])
    return np.asarray(found[drawn.twin] / shared, np.float64)


def _estimate(drawn: Resampled, index: int, metric: Metric) -> Estimate:
    score = float(drawn.scores[index])
    low, high = score_interval(drawn, index, metric, LEVEL)
    return Estimate(score=score, low=min(low, score), high=max(high, score))
