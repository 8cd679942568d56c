"""Bootstrap replicates of the scores, over test examples and over seeds.

Two things were drawn at random, and both are resampled: which examples are in the test set (a bootstrap, the same
draw for all entrants, so that differences are paired), and the seeds of each network. A few seeds do not determine
their own variance well, so it is moderated: a variance pooled over the networks counts as `PRIOR_DEGREES` further
degrees of freedom (as in Smyth 2004, Stat. Appl. Genet. Mol. Biol. 3:3), and the draw is from Student's t.
R replicates, N examples, E entrants.

Examples that belong together are drawn together: the patients of a study, and the windows of a forecast, whose errors
share most of their past and future. There are then only as many independent pieces of evidence as groups; for few of
them the bootstrap is too narrow by sqrt(1 - 1/G) and by the step from Student's t to the normal distribution, and both
are made up for (Hesterberg 2015, Am. Stat. 69:371). Blocks of time that are longer than the dependence make the
errors of blocks nearly independent (Carlstein 1986, Ann. Stat. 14:1171; few large blocks with Student's t: Ibragimov &
Mueller 2010, J. Bus. Econ. Stat. 28:453).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bakeoff.tasks.metrics.registry import NO_CONTEXT, Floats, Metric, MetricContext
from bakeoff.tasks.outputs import Outputs, OutputsLike

#: Degrees of freedom that the variance of seeds, pooled over the networks, counts for.
PRIOR_DEGREES = 3
#: The fewest replicates ...
FEWEST = 1000
#: ... and the most; in between, as many as make `_WORK` weights in all.
MOST = 4000
#: Weights (replicates times test examples) that take about a tenth of a second for each entrant and seed.
_WORK = 8_000_000
#: Weights that are held in memory at once.
_BLOCK = 1_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Resampled:
    """Scores of entrants and their bootstrap replicates.

    Attributes:
        names: of the entrants.
        scores: [E], mean over seeds.
        replicates: [E, R], over examples and seeds, paired over entrants.
        examples_only: [E, R], the same without the draw of seeds.
        seed_variance: [E], of the mean over seeds; 0 where the seed has no influence or its variance is unknown.
        twin: [E], index of the first entrant with exactly the same predictions (its own index where it is the first).
        smoothing: variance added to a difference of two that are not twins (see `uncertainty`).
        discordant: [E, E], number of examples (or groups) on which two entrants differ; None where the score of an
            example can be other than 0 and 1.
        examples: N.
        groups: number of groups that were resampled; None where single examples were.
    """

    names: tuple[str, ...]
    scores: Floats
    replicates: Floats
    examples_only: Floats
    seed_variance: Floats
    twin: NDArray[np.int64]
    smoothing: float
    examples: int
    groups: int | None = None
    discordant: NDArray[np.int64] | None = None

    def index(self, name: str) -> int:
        return self.names.index(name)

    @property
    def degrees(self) -> int:
        """Degrees of freedom of Student's t for the draw of examples (or groups)."""
        return max((self.groups or self.examples) - 1, 1)

    def stretch(self, level: float) -> float:
        """Factor by which a bootstrap quantile at `level` must be moved away from the score, as groups are few.

        The ratio of the quantiles of Student's t and of the normal distribution; 1 where single examples are drawn.
        """
        if self.groups is None:
            return 1.0
        return float(special.stdtrit(self.degrees, level) / special.ndtri(level))

    def few_discordant(self, first: int, second: int, level: float) -> float:
        """The factor on a critical value because only few examples tell the two apart; about 1 where there are many."""
        if self.discordant is None:
            return 1.0
        degrees = max(int(self.discordant[first, second]), 1)
        return float(special.stdtrit(degrees, level) / special.ndtri(level))

    def standard_error(self, first: int, second: int) -> float:
        """Standard error of the difference of two entrants' scores, over examples and seeds; 0 for twins."""
        if self.twin[first] == self.twin[second]:
            return 0.0
        examples = float(np.var(self.examples_only[first] - self.examples_only[second], ddof=1))
        return float(np.sqrt(examples + self.seed_variance[first] + self.seed_variance[second]))


def resample(
    entrants: Mapping[str, Sequence[OutputsLike]],
    targets: OutputsLike,
    metric: Metric,
    *,
    context: MetricContext = NO_CONTEXT,
    deterministic: Collection[str] = (),
    groups: NDArray[Any] | None = None,
    replicates: int | None = None,
    seed: int = 0,
) -> Resampled:
    """Scores of all entrants and their replicates.

    Args:
        entrants: for each name the outputs on the test split of each of its seeds; N is the number of examples.
        targets: of the same examples.
        deterministic: names whose training has no randomness (one seed gives all outputs there can be).
        groups: [N], a label each; whole groups are drawn (patients, or blocks of time: see
            `Task.resampled_together`). From a single group nothing follows about how groups differ: examples are then
            drawn as if there were no groups.
        replicates: R; by default as many as take about a tenth of a second per entrant and seed.
        seed: of the draws.
    """
    names, given = tuple(entrants), {name: list(map(Outputs.of, runs)) for name, runs in entrants.items()}
    rng = np.random.default_rng(seed)
    units = 0 if groups is None else len(np.unique(groups))
    groups = groups if units > 1 else None
    count = replicates or int(np.clip(_WORK // max(len(targets), 1), FEWEST, MOST))
    runs = [(index, run) for index, name in enumerate(names) for run in _distinct(given[name])]
    owner = np.array([index for index, _ in runs])
    plain = np.array([metric.score(run, targets, context) for _, run in runs])
    drawn = np.empty((len(runs), count))
    columns = [metric.per_example(run, targets, context) for _, run in runs]
    means = np.stack([c for c in columns if c is not None], axis=1) if columns[0] is not None else None
    for start in range(0, count, block := max(1, _BLOCK // max(len(targets), 1))):
        weights = draw_weights(min(block, count - start), len(targets), rng, groups)
        part = slice(start, start + len(weights))
        if means is not None:
            drawn[:, part] = (weights @ means).T / weights.sum(axis=1)
        else:
            for row, (_, run) in enumerate(runs):
                drawn[row, part] = metric.resampled(run, targets, weights, context)
    if groups is not None:
        drawn = plain[:, None] + (drawn - plain[:, None]) * np.sqrt(units / (units - 1))
    average = np.stack([(owner == index) / max((owner == index).sum(), 1) for index in range(len(names))])
    twin = _twins([given[name] for name in names])
    per_seed = [plain[owner == index] for index in range(len(names))]
    single = [len(entrants[name]) == 1 and name not in deterministic for name in names]
    examples_only = average @ drawn
    variance, degrees = seed_variances(per_seed, np.var(examples_only, axis=1), unknown=single)
    smoothing = 1.0 / len(targets) ** 2 if is_hit_or_miss(means) else 0.0
    jitter = rng.standard_t(degrees[:, None], (len(names), count)) * np.sqrt(variance)[:, None]
    jitter += rng.standard_normal((len(names), count)) * np.sqrt(smoothing / 2)
    return Resampled(
        names=names,
        scores=average @ plain,
        replicates=examples_only + jitter[twin],
        examples_only=examples_only,
        seed_variance=variance,
        twin=twin,
        smoothing=smoothing,
        examples=len(targets),
        groups=None if groups is None else units,
        discordant=None if means is None or not smoothing else _discordant(means @ average.T, groups),
    )


def _discordant(hits: Floats, groups: NDArray[Any] | None) -> NDArray[np.int64]:
    """The number of examples (or groups) on which each two entrants differ: [E, E] from hits [N, E]."""
    if groups is not None:
        _, inverse = np.unique(groups, return_inverse=True)
        hits = np.stack([np.bincount(inverse, column) for column in hits.T], axis=1)
    return np.array([(np.abs(hits - one[:, None]) > 1e-12).sum(axis=0) for one in hits.T], dtype=np.int64)


def draw_weights(
    count: int, examples: int, rng: np.random.Generator, groups: NDArray[Any] | None = None
) -> Floats:
    """How often each example was drawn in each of `count` bootstrap samples: [count, examples].

    The memory runs along `count`, which is the axis that the metrics work along.
    """
    if groups is not None:
        labels, inverse = np.unique(groups, return_inverse=True)
        return draw_weights(count, len(labels), rng).T[inverse].T
    chosen = rng.integers(0, examples, size=(examples, count), dtype=np.int64) * count
    chosen += np.arange(count, dtype=np.int64)
    drawn = np.bincount(chosen.ravel(), minlength=count * examples)
    return drawn.reshape(examples, count).astype(np.float64).T


def seed_variances(
    per_seed: Sequence[Floats], example_variance: Floats, *, unknown: Sequence[bool]
) -> tuple[Floats, Floats]:
    """Variance of each entrant's mean over seeds, and the degrees of freedom it is known with.

    What is pooled is the ratio of the variance over seeds to the variance over draws of the examples: a bad entrant,
    with large variances of both kinds, then does not inflate the variance of a good one. The pooled ratio is the median
    (divided by the median of a chi-squared variable), so that one unstable entrant does not decide for all.

    Args:
        per_seed: for each entrant the scores of its distinct runs; one run means that the seed changes nothing, unless
            `unknown` says that only one seed was run: then the pooled variance is used, if there is one.
        example_variance: of each entrant's mean score under the draw of examples, [E].
    """
    own = np.array([len(scores) - 1 for scores in per_seed])
    spreads = np.array([float(np.var(scores, ddof=1)) if len(scores) > 1 else 0.0 for scores in per_seed])
    varied = own > 0
    known = varied & (example_variance > 0)
    pool = float(np.median(spreads[known] / example_variance[known])) if known.any() else 0.0
    typical = float(np.median(own[known])) if known.any() else 1.0
    pooled = pool * typical / float(special.chdtri(typical, 0.5)) * example_variance
    # A variance pooled over one entrant is that entrant's own, and counts for no further degrees of freedom.
    prior = PRIOR_DEGREES if varied.sum() > 1 else 0
    moderated = (prior * pooled + own * spreads) / np.maximum(prior + own, 1)
    variance = np.where(varied, moderated, np.where(np.asarray(unknown, dtype=bool), pooled, 0.0)) / (own + 1)
    return variance, np.maximum(own + prior, PRIOR_DEGREES).astype(np.float64)


def is_hit_or_miss(values: Floats | None) -> bool:
    """Whether every example contributes exactly 0 or 1 to the score, as in accuracy."""
    return values is not None and bool(np.isin(values, (0.0, 1.0)).all())


def _distinct(runs: Sequence[Outputs]) -> Sequence[Outputs]:
    """All runs, or the first alone where every seed gave exactly the same outputs."""
    return runs if any(not runs[0].equals(run) for run in runs[1:]) else runs[:1]


def _twins(entrants: Sequence[Sequence[Outputs]]) -> NDArray[np.int64]:
    twin = np.arange(len(entrants))
    for index, runs in enumerate(entrants):
        for before in range(index):
            other = entrants[before]
            if len(runs) == len(other) and all(a.equals(b) for a, b in zip(runs, other, strict=True)):
                twin[index] = twin[before]
                break
    return twin
