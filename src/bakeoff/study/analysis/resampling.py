"""What else the scores could have been: replicates over test examples and over seeds.

Two things were drawn by chance, and both are drawn again: which examples are in the test set (a bootstrap, the same
draw for all entrants, so that differences are paired), and which seed each network got. Scores of seeds also differ
because each seed errs on other examples; that part is in the draw of examples already, so it is taken off before the
rest counts as the spread of seeds (the two-way analysis of variance of examples by seeds). The few seeds of a study
say little about their own spread, so it is moderated: a spread pooled over the networks counts as further degrees of
freedom (as in Smyth 2004, Stat. Appl. Genet. Mol. Biol. 3:3), and the draw is from Student's t.
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
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bakeoff.study.analysis.fold_variance import beyond_examples, fold_inflation, scores_in_folds
from bakeoff.tasks.metrics.registry import NO_CONTEXT, Floats, Metric, MetricContext
from bakeoff.tasks.outputs import Outputs, OutputsLike

#: Degrees of freedom that the variance of seeds, pooled over the networks, counts for.
PRIOR_DEGREES = 3
#: Probability of the upper limit of the seeds' variance, by which degrees of freedom are counted.
SEEDS_LIMIT = 0.95
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
    """Scores of entrants, and what they could have been.

    Attributes:
        names: of the entrants.
        scores: [E], mean over seeds.
        replicates: [E, R], over examples and seeds, paired over entrants.
        examples_only: [E, R], the same without the draw of seeds.
        seed_variance: [E], of the mean over seeds; 0 where the seed cannot matter or nothing is known of it.
        seed_degrees: [E], the degrees of freedom that it is known with.
        seed_unknown: [E], whether the seed could matter and nothing at all is known of how much.
        seed_borrowed: [E], whether one seed was run and the spread is that of others or of other sizes.
        seeds: [E], how many trainings each score is the mean of.
        seed_noise: [E], of the mean over seeds, the variance that the seeds' own errors on the examples explain.
        spread_degrees: degrees of freedom of all that is known of the spread of seeds, over all entrants.
        twin: [E], the first entrant with exactly the same predictions (itself where there is none before).
        smoothing: variance added to a difference of two that are not twins (see `standing`).
        pseudo_miss: variance that one miss makes, and so the least, of a score whose examples count differently
            (balanced accuracy): a bootstrap of a rare class without a miss takes it for certain. 0 elsewhere.
        discordant: [E, E], number of examples (or groups) on which two entrants differ; where examples count
            differently, of equal ones that they are worth. None where an example's score can be other than 0 and 1.
        examples: N.
        groups: number of groups that were resampled; None where single examples were.
        inflation: factor by which the variance over examples is larger because they were tested in folds; 1 without.
        relative: [E, R], for errors: of the mean loss's logarithm, Student's ratio in each replicate; None otherwise.
        relative_error: [E], its standard error in the data. power: of the mean loss, that makes the score.
    """

    names: tuple[str, ...]
    scores: Floats
    replicates: Floats
    examples_only: Floats
    seed_variance: Floats
    twin: NDArray[np.int64]
    smoothing: float
    examples: int
    seed_degrees: Floats
    seed_unknown: NDArray[np.bool_]
    seed_borrowed: NDArray[np.bool_]
    seeds: NDArray[np.int64]
    seed_noise: Floats
    spread_degrees: float
    groups: int | None = None
    pseudo_miss: float = 0.0
    discordant: Floats | None = None
    relative: Floats | None = None
    relative_error: Floats | None = None
    power: float = 1.0
    inflation: float = 1.0

    @property
    def units(self) -> float:
        """Independent examples (or groups) that the scores are worth."""
        return (self.groups or self.examples) / self.inflation

    def index(self, name: str) -> int:
        return self.names.index(name)

    @property
    def finest(self) -> float:
        """So many equal examples would make the finest step that a share has here; N where all count alike."""
        return float(self.smoothing**-0.5) if self.smoothing > 0 else float(self.examples)

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
        degrees = max(float(self.discordant[first, second]), 1.0)
        return float(special.stdtrit(degrees, level) / special.ndtri(level))

    def standard_error(self, first: int, second: int) -> float:
        """Standard error of the difference of two entrants' scores, over examples and seeds; 0 for twins."""
        if self.twin[first] == self.twin[second]:
            return 0.0
        return float(np.sqrt(sum(self.variances(first, second))))

    @cached_property
    def _example_variances(self) -> Floats:
        """Of all differences, from the examples: [E, E]."""
        covariance = np.atleast_2d(np.cov(self.examples_only))
        own = np.diag(covariance)
        return np.asarray(np.maximum(own[:, None] + own - 2 * covariance, 0.0), np.float64)

    def variances(self, first: int, second: int) -> tuple[float, float, float]:
        """Of the difference of two entrants' scores: from the examples, and from the seeds of each."""
        examples = float(self._example_variances[first, second])
        return examples, float(self.seed_variance[first]), float(self.seed_variance[second])

    def pair_degrees(self, first: int, second: int) -> float:
        """Degrees of freedom of the standard error of a difference (Satterthwaite 1946, Biometrics 2:110).

        The pooled spread is the same for all, so that the seeds of two count for no more than all seeds that were run.
        A spread that came out small by chance would count as well known too; the seeds' share is therefore taken at
        the upper limit (`SEEDS_LIMIT`) of what their scores allow.
        """
        examples, one, other = self.variances(first, second)
        examples += self.smoothing
        parts = one**2 / self.seed_degrees[first] + other**2 / self.seed_degrees[second]
        known = max(self.spread_degrees, 1.0)
        degrees = min((one + other) ** 2 / parts, known) if parts > 0 else known
        noise = float(self.seed_noise[first] + self.seed_noise[second])
        stretch = known / float(special.chdtri(known, SEEDS_LIMIT))
        seeds = max((one + other + noise) * stretch - noise, 0.0)
        parts = examples**2 / self.degrees + seeds**2 / degrees
        return float((examples + seeds) ** 2 / parts) if parts > 0 else float(self.degrees)


def resample(
    entrants: Mapping[str, Sequence[OutputsLike]],
    targets: OutputsLike,
    metric: Metric,
    *,
    context: MetricContext = NO_CONTEXT,
    deterministic: Collection[str] = (),
    groups: NDArray[Any] | None = None,
    elsewhere: Mapping[str, Sequence[Sequence[float]]] | None = None,
    folds: NDArray[np.int64] | None = None,
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
        elsewhere: for a name with one run here, the scores of several seeds at other numbers of training examples,
            from which the spread of its seeds is borrowed.
        folds: [N], the fold in which each example was tested, by trainings that had not seen it; None for a test split.
            A name with one run has then one training in each fold, with a seed of its own: how far the scores of folds
            differ beyond what their examples explain says what a seed does.
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
    average = np.stack([(owner == index) / max((owner == index).sum(), 1) for index in range(len(names))])
    losses, power = _relative_losses([metric.losses(run, targets, context) for _, run in runs], average)
    ratios = np.empty((len(names), count)) if losses is not None and groups is None else None
    for start in range(0, count, block := max(1, _BLOCK // max(len(targets), 1))):
        weights = draw_weights(min(block, count - start), len(targets), rng, groups)
        part = slice(start, start + len(weights))
        if means is not None:
            drawn[:, part] = (weights @ means).T / weights.sum(axis=1)
        else:
            for row, (_, run) in enumerate(runs):
                drawn[row, part] = metric.resampled(run, targets, weights, context)
        if ratios is not None and losses is not None:
            ratios[:, part] = _log_ratios(losses, weights)
    if groups is not None:
        drawn = plain[:, None] + (drawn - plain[:, None]) * np.sqrt(units / (units - 1))
    twin = _twins([given[name] for name in names])
    per_seed = [plain[owner == index] for index in range(len(names))]
    single = np.array([len(entrants[name]) == 1 and name not in deterministic for name in names])
    examples_only = average @ drawn
    noise = np.array(
        [_noise(drawn[owner == index] - plain[owner == index, None]) for index in range(len(names))]
    )
    variance, degrees = seed_variances(per_seed, np.var(examples_only, axis=1), unknown=single, noise=noise)
    # Where others' seeds differ by no more than their examples explain, what is borrowed is a spread of 0: not unknown.
    borrowed = single & any(len(scores) > 1 for scores in per_seed)
    spread_degrees = float(sum(len(scores) - 1 for scores in per_seed))
    in_folds = np.zeros(len(names), bool)
    for index in np.flatnonzero(single):
        by_fold = scores_in_folds(given[names[index]][0], targets, metric, context, folds)
        if len(by_fold) > 1:
            in_folds[index], borrowed[index] = True, False
            variance[index] = beyond_examples(by_fold, float(np.var(examples_only[index])))
            degrees[index] = max(len(by_fold) - 1, PRIOR_DEGREES)
            spread_degrees += len(by_fold) - 1
    for index in np.flatnonzero(single & ~in_folds):
        found = [np.asarray(scores) for scores in (elsewhere or {}).get(names[index], ()) if len(scores) > 1]
        if found:
            own = sum(len(scores) - 1 for scores in found)
            variance[index] = sum(float(np.var(s, ddof=1)) * (len(s) - 1) for s in found) / own
            degrees[index], borrowed[index] = max(own, PRIOR_DEGREES), True
            spread_degrees += own
    inflation = fold_inflation(0 if folds is None else len(np.unique(folds)))
    centre = (average @ plain)[:, None]
    examples_only = centre + (examples_only - centre) * np.sqrt(inflation)
    hits, weight = _hits(metric, [run for _, run in runs], targets, means)
    smoothing = float(weight.max()) ** 2 if hits is not None else 0.0
    jitter = rng.standard_t(degrees[:, None], (len(names), count)) * np.sqrt(variance)[:, None]
    jitter += rng.standard_normal((len(names), count)) * np.sqrt(smoothing / 2)
    return Resampled(
        names=names,
        scores=average @ plain,
        replicates=examples_only + jitter[twin],
        examples_only=examples_only,
        seed_variance=variance,
        seed_degrees=degrees,
        seed_unknown=single & ~borrowed & ~in_folds,
        seed_borrowed=borrowed,
        seeds=np.array([len(entrants[name]) for name in names]),
        seed_noise=noise / np.array([len(scores) for scores in per_seed]),
        spread_degrees=spread_degrees,
        twin=twin,
        smoothing=smoothing,
        examples=len(targets),
        groups=None if groups is None else units,
        pseudo_miss=smoothing if np.ptp(weight) > 1e-12 else 0.0,
        discordant=None if hits is None else _discordant(hits @ average.T, weight, groups),
        relative=ratios,
        relative_error=None if losses is None else _relative_errors(losses, groups) * np.sqrt(inflation),
        power=power,
        inflation=inflation,
    )


def _noise(deviations: Floats) -> float:
    """From the draws of examples, the variance of a seed's score that is not shared by all seeds [S, R]."""
    return float(np.var(deviations, axis=0, ddof=1).mean()) if len(deviations) > 1 else 0.0


def _relative_losses(
    given: Sequence[tuple[Floats, float] | None], average: Floats
) -> tuple[Floats | None, float]:
    """Losses over their mean, averaged over seeds, [N, E], and the power; None where the metric is no such error."""
    columns = [pair[0] for pair in given if pair is not None]
    if len(columns) < len(given) or any(column.mean() <= 0 for column in columns):
        return None, 1.0
    return np.stack([column / column.mean() for column in columns], axis=1) @ average.T, given[0][1]  # type: ignore[index]


def _relative_errors(losses: Floats, groups: NDArray[Any] | None) -> Floats:
    """Standard error of each mean of relative losses [N, E]; for groups, of the mean of their sums."""
    if groups is not None:
        _, inverse = np.unique(groups, return_inverse=True)
        sums = np.stack([np.bincount(inverse, column) for column in losses.T], axis=1)
        losses = sums / sums.mean(axis=0)
    return np.asarray(losses.std(axis=0, ddof=1) / np.sqrt(len(losses)), np.float64)


def _log_ratios(losses: Floats, weights: Floats) -> Floats:
    """Student's ratio of the logarithm of the mean, in each replicate: [E, R] from losses [N, E], weights [R, N]."""
    count = len(losses)
    mean = np.maximum((weights @ losses) / count, 1e-12)
    spread = np.maximum((weights @ losses**2) / count - mean**2, 0.0)
    error = np.maximum(np.sqrt(spread / count) / mean, 1e-6)
    return np.asarray((np.log(mean) / error).T, np.float64)


def _hits(
    metric: Metric, runs: Sequence[Outputs], targets: OutputsLike, means: Floats | None
) -> tuple[Floats | None, Floats]:
    """Which examples each run gets right, [N, runs], and what each counts, [N]; None where none is just right."""
    equal = np.full(len(targets), 1.0 / len(targets))
    if is_hit_or_miss(means):
        return means, equal
    found = [metric.hits(run, targets) for run in runs]
    known = [pair for pair in found if pair is not None]
    if not known:
        return None, equal
    return np.stack([right for right, _ in known], axis=1), known[0][1]


def _discordant(hits: Floats, weight: Floats, groups: NDArray[Any] | None) -> Floats:
    """The number of examples (or groups) on which each two entrants differ: [E, E] from hits [N, E].

    Examples that count differently are worth (sum w^2)^2 / sum w^4 equal ones, the degrees of freedom of a sum of
    variances (Satterthwaite).
    """
    if groups is not None:
        _, inverse = np.unique(groups, return_inverse=True)
        hits = np.stack([np.bincount(inverse, column) for column in hits.T], axis=1)
        weight = np.ones(len(hits))
    squares = (weight / weight.max()) ** 2
    summed, worth = np.zeros((2, hits.shape[1], hits.shape[1]))
    for row, one in enumerate(hits.T):
        differ = (np.abs(hits - one[:, None]) > 1e-12).astype(np.float64)
        summed[row], worth[row] = squares @ differ, squares**2 @ differ
    return np.divide(summed**2, worth, out=np.zeros_like(summed), where=worth > 0)


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
    per_seed: Sequence[Floats],
    example_variance: Floats,
    *,
    unknown: Sequence[bool] | NDArray[np.bool_],
    noise: Floats | None = None,
) -> tuple[Floats, Floats]:
    """Variance of each entrant's mean over seeds beyond what the draw of examples explains, and its degrees of freedom.

    What is pooled is the ratio of a seed's variance to the noise of examples that it has anyhow: a bad entrant, whose
    scores spread widely in every respect, then says nothing against a good one. The pool is the median (over the
    median of a chi-squared variable), so that one unstable entrant does not decide for all.

    Args:
        per_seed: for each entrant the scores of its distinct runs; one run means that the seed changes nothing, unless
            `unknown` says that only one seed was run: then the pooled variance is used, if there is one.
        example_variance: of each entrant's mean score under the draw of examples, [E].
        noise: of one seed's score, the variance that its own errors on the examples explain, [E]; it is taken off.
            None: nothing is, and the ratio is to `example_variance`.
    """
    own = np.array([len(scores) - 1 for scores in per_seed])
    spreads = np.array([float(np.var(scores, ddof=1)) if len(scores) > 1 else 0.0 for scores in per_seed])
    varied = own > 0
    scale = example_variance if noise is None else noise
    off = np.zeros(len(own)) if noise is None else noise
    known = varied & (scale > 0)
    pool = 0.0
    if known.any():
        typical = float(np.median(own[known]))
        ratios = np.log(np.maximum(spreads[known] / scale[known], 1e-6))
        pool = float(np.exp(np.median(ratios))) * typical / float(special.chdtri(typical, 0.5))
        pool = pool if noise is None else max(pool, 1.0)
    # A variance pooled over one entrant is that entrant's own, and counts for no further degrees of freedom.
    prior = _prior_degrees(spreads[known] / scale[known], own[known]) if varied.sum() > 1 else 0.0
    moderated = (prior * pool * scale + own * spreads) / np.maximum(prior + own, 1)
    net = np.where(varied, np.maximum(moderated - off, 0.0), 0.0)
    relative = float(np.median(net[known] / example_variance[known])) if known.any() else 0.0
    variance = np.where(np.asarray(unknown, dtype=bool) & ~varied, relative * example_variance, net) / (
        own + 1
    )
    return variance, np.maximum(own + prior, PRIOR_DEGREES).astype(np.float64)


def _prior_degrees(ratios: Floats, own: NDArray[np.int64]) -> float:
    """How much the pooled spread counts: more, the less the entrants' spreads differ beyond chance.

    The variance of the logarithm of a variance with d degrees is trigamma(d / 2); what is seen beyond it is that of
    the true spreads, trigamma(prior / 2) (Smyth 2004, section 6.2), here with trigamma(x) about 1 / x + 1 / 2 x^2.
    At least `PRIOR_DEGREES`, and at most half of all degrees that were pooled.
    """
    most = max(float(own.sum()) / 2, PRIOR_DEGREES)
    if len(ratios) < 3:
        return PRIOR_DEGREES
    seen = float(np.var(np.log(np.maximum(ratios, 1e-6)), ddof=1))
    excess = seen - float(special.polygamma(1, float(np.median(own)) / 2))
    if excess <= 0:
        return most
    half = (1 + np.sqrt(1 + 2 * excess)) / (2 * excess)
    return float(np.clip(2 * half, PRIOR_DEGREES, most))


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
