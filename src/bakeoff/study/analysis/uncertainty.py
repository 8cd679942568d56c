"""The ranking of entrants with its uncertainty: scores with intervals, differences, and the set that may be the best.

All from paired replicates over test examples and seeds (`resampling`). The set of candidates is Hsu's: an entrant is
ruled out where another is ahead of it by more than chance explains *for any of them*, so that the true best is in the
set with at least the stated probability, however many took part (Hsu 1984, Ann. Stat. 12:1136; Dunnett's comparison
with each entrant in turn as the control). There is a winner where the set has one member.

A difference of accuracies on few examples is too coarse for a bootstrap: 4 against 0 misses of 30 would count as
proof. One pseudo-example that tells the two apart is added to its variance (Agresti & Min 2005, Stat. Med. 24:729),
and the quantile is Student's with as many degrees of freedom as there are examples on which the two differ: only those
carry evidence, as in McNemar's test.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bakeoff.study.analysis.resampling import Resampled, resample
from bakeoff.tasks.metrics.registry import NO_CONTEXT, Metric, MetricContext
from bakeoff.tasks.outputs import OutputsLike

#: Probability that the set of candidates holds the true best, and of the intervals.
LEVEL = 0.95
#: Probability of the claim that an entrant beats the best baseline: higher, as it is the claim that matters most.
BASELINE_LEVEL = 0.99


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

    def reversed(self) -> "Difference":
        return Difference(
            first=self.second,
            second=self.first,
            estimate=-self.estimate,
            low=-self.high,
            high=-self.low,
            standard_error=self.standard_error,
        )


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """The entrants ranked, with what is certain about it.

    Attributes:
        leader: the entrant with the best score; among exactly equal ones the first.
        winner: the leader where nobody else may be the best, else None.
        candidates: all that may be the best, best first.
        scores: each entrant's score with interval.
        probability_best: of each; they sum to 1, exact ties share.
        differences: of all pairs.
        baseline: the best of the baselines; None where none took part.
        above_baseline: those shown to beat it, at `BASELINE_LEVEL` for all of them together.
        level: of the candidates.
        seeds: the fewest seeds that an entrant has.
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
        level: probability that the candidates hold the true best.
    """
    drawn = resample(
        entrants,
        targets,
        metric,
        context=context,
        deterministic=(*deterministic, *baselines),
        groups=groups,
        replicates=replicates,
        seed=seed,
    )
    signed = metric.sign * drawn.scores
    order = [int(index) for index in np.argsort(-signed, kind="stable")]
    leader = order[0]
    known = [index for index, name in enumerate(drawn.names) if name in set(baselines)]
    baseline = max(known, key=lambda index: signed[index]) if known else None
    above = ahead_of(drawn, baseline, metric, BASELINE_LEVEL) if baseline is not None else []
    candidates = [index for index in order if not ahead_of(drawn, index, metric, level)]
    if baseline is not None and leader != baseline and leader not in above and baseline not in candidates:
        candidates.append(baseline)
    assert leader in candidates
    names = drawn.names
    return Ranking(
        leader=names[leader],
        winner=names[leader] if len(candidates) == 1 else None,
        candidates=tuple(names[index] for index in candidates),
        scores={name: _estimate(drawn, index, metric) for index, name in enumerate(names)},
        probability_best=_probability_best(drawn, metric),
        differences=tuple(
            difference(drawn, first, second)
            for first in range(len(names))
            for second in range(first + 1, len(names))
        ),
        baseline=names[baseline] if baseline is not None else None,
        above_baseline=tuple(names[index] for index in order if index in above),
        level=level,
        seeds=min(len(runs) for runs in entrants.values()),
    )


def ahead_of(drawn: Resampled, control: int, metric: Metric, level: float) -> list[int]:
    """Entrants shown to be better than this one, at `level` for all of them together (one-sided)."""
    others = [index for index in range(len(drawn.names)) if drawn.twin[index] != drawn.twin[control]]
    if not others:
        return []
    estimates = metric.sign * (drawn.scores[others] - drawn.scores[control])
    errors = np.array([drawn.standard_error(index, control) for index in others])
    # The replicates include the smoothing, so the standard error that divides them must include it too. Without it,
    # two that miss exactly the same examples (error 0) have an unbounded ratio, which sets the critical value of all.
    tested = np.sqrt(errors**2 + drawn.smoothing)
    noise = metric.sign * (drawn.replicates[others] - drawn.replicates[control]) - estimates[:, None]
    spread = np.maximum(tested, np.std(noise, axis=1) * 1e-3)[:, None]
    ratios = np.divide(noise, spread, out=np.zeros_like(noise), where=spread > 0)
    critical = max(
        float(np.quantile(ratios.max(axis=0), level)) * drawn.stretch(level),
        float(special.stdtrit(drawn.degrees, level)),
    )
    reach = critical * np.array([drawn.few_discordant(index, control, level) for index in others]) * tested
    return [index for index, estimate, far in zip(others, estimates, reach, strict=True) if estimate > far]


def difference(drawn: Resampled, first: int, second: int, level: float = LEVEL) -> Difference:
    """Of two entrants, with a paired interval from Student's ratio over the replicates."""
    estimate = float(drawn.scores[first] - drawn.scores[second])
    error = drawn.standard_error(first, second)
    twins = drawn.twin[first] == drawn.twin[second]
    reach = 0.0
    if not twins:
        noise = np.abs(drawn.replicates[first] - drawn.replicates[second] - estimate)
        side = (1 + level) / 2
        usual = float(special.stdtrit(drawn.degrees, side))
        reach = max(
            float(np.quantile(noise, level)) * drawn.stretch(side),
            usual * float(np.sqrt(error**2 + drawn.smoothing)),
        )
    return Difference(
        first=drawn.names[first],
        second=drawn.names[second],
        estimate=estimate,
        low=estimate - reach,
        high=estimate + reach,
        standard_error=error,
    )


def _probability_best(drawn: Resampled, metric: Metric) -> dict[str, float]:
    values = metric.sign * drawn.replicates
    best = values >= values.max(axis=0) - 1e-12
    shares = (best / best.sum(axis=0)).mean(axis=1)
    return {name: float(share) for name, share in zip(drawn.names, shares, strict=True)}


def _estimate(drawn: Resampled, index: int, metric: Metric) -> Estimate:
    """Percentiles of the replicates; for metrics of hits and misses Wilson's interval with the replicates' variance."""
    score = float(drawn.scores[index])
    if drawn.smoothing > 0:
        examples_variance = float(np.var(drawn.examples_only[index])) * drawn.stretch((1 + LEVEL) / 2) ** 2
        variance = examples_variance + float(drawn.seed_variance[index])
        low, high = wilson(score, variance, drawn.examples)
    else:
        reached = np.quantile(drawn.replicates[index], ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
        low, high = (score + (float(value) - score) * drawn.stretch((1 + LEVEL) / 2) for value in reached)
    if metric.higher_is_better:
        high = min(high, metric.best)
    else:
        low = max(low, metric.best)
    return Estimate(score=score, low=min(low, score), high=max(high, score))


def wilson(score: float, variance: float, examples: int, level: float = LEVEL) -> tuple[float, float]:
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
