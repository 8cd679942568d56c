"""The strength of a bias: how far an entrant's score drops when an assumption no longer holds, with a paired interval.

Before and after the change, the entrant is trained with the same seeds and tested on the same examples, so that the
drop is paired over both. Its variance has two parts: the draw of examples (of the mean over seeds of the paired
differences) and the draw of seeds (of the paired differences of the seeds, moderated as in `analysis.resampling`). A
table has many cells, so a drop counts as shown where Holm's procedure rejects "no drop" for it at `LEVEL` over the
whole
table: where no drop is real, none at all is shown with at least that probability.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bakeoff.study.analysis.resampling import draw_weights, is_hit_or_miss, seed_variances
from bakeoff.study.analysis.uncertainty import LEVEL
from bakeoff.tasks.metrics.registry import NO_CONTEXT, Floats, Metric, MetricContext

#: Replicates of the bootstrap for metrics that are no mean over examples.
REPLICATES = 400


@dataclass(frozen=True, kw_only=True, eq=False)
class Pair:
    """An entrant's test outputs before and after a change, one array [N, outputs] a seed, with the targets [N, ...].

    `targets_after` differ from `targets` only where the change touched the labels.
    """

    before: Sequence[NDArray[Any]]
    after: Sequence[NDArray[Any]]
    targets: NDArray[Any]
    targets_after: NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class ScoreDrop:
    """The drop of a score by a change of the data, in the metric's unit.

    Attributes:
        before, after: scores, mean over seeds.
        loss: the drop, positive where the score got worse (the name is part of the JSON record).
        low, high: its paired 95 % interval.
        p_value: of "no difference", two-sided, for this cell alone.
        shown: whether it is significant over the whole table (Holm 1979).
    """

    before: float
    after: float
    loss: float
    low: float
    high: float
    p_value: float
    shown: bool = False


def score_drops(
    pairs: Sequence[Pair], metric: Metric, *, context: MetricContext = NO_CONTEXT, seed: int = 0
) -> list[ScoreDrop]:
    """The drop of each pair, with `shown` still False (see `with_claims`)."""
    rows = [_differences(pair, metric, context, seed) for pair in pairs]
    variances = np.array([row.example_variance for row in rows])
    seeds, degrees = seed_variances([row.per_seed for row in rows], variances, unknown=[False] * len(rows))
    found = []
    for row, of_seeds, freedom in zip(rows, seeds, degrees, strict=True):
        error, df = _error(row, float(of_seeds), float(freedom))
        loss = row.before - row.after if metric.higher_is_better else row.after - row.before
        reach = float(special.stdtrit(df, (1 + LEVEL) / 2)) * error
        found.append(
            ScoreDrop(
                before=row.before,
                after=row.after,
                loss=loss,
                low=loss - reach,
                high=loss + reach,
                p_value=float(2 * special.stdtr(df, -abs(loss) / error)) if error > 0 else float(loss == 0),
            )
        )
    return found


def with_claims(p_values: Sequence[float], level: float = LEVEL) -> list[bool]:
    """Which hypotheses Holm's step-down procedure rejects, with a family-wise error of at most 1 - level.

    >>> with_claims([0.001, 0.04, 0.02, 0.9])
    [True, False, False, False]
    """
    order = np.argsort(p_values, kind="stable")
    rejected = [False] * len(order)
    for rank, index in enumerate(order):
        if p_values[int(index)] > (1 - level) / (len(order) - rank):
            break
        rejected[int(index)] = True
    return rejected


@dataclass(frozen=True, kw_only=True, eq=False)
class _Row:
    before: float
    after: float
    per_seed: Floats
    example_variance: float
    smoothing: float
    examples: int


def _differences(pair: Pair, metric: Metric, context: MetricContext, seed: int) -> _Row:
    before = np.array([metric.score(run, pair.targets, context) for run in pair.before])
    after = np.array([metric.score(run, pair.targets_after, context) for run in pair.after])
    examples = len(pair.targets)
    each_before = [metric.per_example(run, pair.targets, context) for run in pair.before]
    each_after = [metric.per_example(run, pair.targets_after, context) for run in pair.after]
    smoothing = 0.0
    if each_before[0] is not None:
        first, second = (
            np.mean([c for c in columns if c is not None], axis=0) for columns in (each_before, each_after)
        )
        example_variance = float(np.var(first - second, ddof=1)) / examples if examples > 1 else 0.0
        smoothing = 1.0 / examples**2 if is_hit_or_miss(each_before[0]) else 0.0
    else:
        weights = draw_weights(REPLICATES, examples, np.random.default_rng(seed))
        drawn = [
            np.mean([metric.resampled(run, targets, weights, context) for run in runs], axis=0)
            for runs, targets in ((pair.before, pair.targets), (pair.after, pair.targets_after))
        ]
        example_variance = float(np.var(drawn[0] - drawn[1], ddof=1))
    paired = len(before) == len(after)
    per_seed = metric.sign * (before - after) if paired else metric.sign * (before.mean() - after)
    if np.ptp(per_seed) == 0:
        per_seed = per_seed[:1]  # the seed changed nothing
    return _Row(
        before=float(before.mean()),
        after=float(after.mean()),
        per_seed=per_seed,
        example_variance=example_variance,
        smoothing=smoothing,
        examples=examples,
    )


def _error(row: _Row, of_seeds: float, freedom: float) -> tuple[float, float]:
    """Standard error of a drop, and its degrees of freedom by Satterthwaite's approximation."""
    of_examples = row.example_variance + row.smoothing
    total = of_examples + of_seeds
    if total == 0:
        return 0.0, 1.0
    df = total**2 / (of_examples**2 / max(row.examples - 1, 1) + of_seeds**2 / freedom)
    return float(np.sqrt(total)), float(df)
