"""Successive rejects among learning rates (Audibert, Bubeck & Munos, Best arm identification, COLT 2010).

At each rejection the worst learning rate of a tuning group is eliminated. Successive halving (Jamieson & Talwalkar
2016, arXiv 1502.07943) eliminates half of them at once, which is cheaper, but too early on a cosine schedule: large
rates that win in the end are behind after a quarter of the steps (docs/benchmarks/speed.md).
"""

import math
from collections.abc import Sequence

from bakeoff.train.recipe import Replica


def eliminated(evaluated: Sequence[tuple[Replica, float]]) -> set[int]:
    """Indices of the replicas to eliminate: in each tuning group, those with its worst learning rate.

    A learning rate is judged by the mean of its replicas' best evaluations so far. Of equally good rates the larger one
    is eliminated; the last one of a group never is.

    Args:
        evaluated: the replicas in training, each with the measure of its best evaluation (lower is better).

    >>> def at(rate):
    ...     return Replica(learning_rate=rate, seed=0, examples=10, tuning_group="mlp")
    >>> eliminated([(at(0.1), 2.0), (at(0.01), 0.5), (at(0.001), 1.0)])
    {0}
    """
    groups: dict[str, dict[float, list[int]]] = {}
    for place, (replica, _) in enumerate(evaluated):
        if replica.tuning_group is not None:
            groups.setdefault(replica.tuning_group, {}).setdefault(replica.learning_rate, []).append(place)
    leaving: set[int] = set()
    for rates in groups.values():
        if len(rates) > 1:
            worst = max(rates, key=lambda rate: (_mean([evaluated[place][1] for place in rates[rate]]), rate))
            leaving.update(rates[worst])
    return leaving


def _mean(measures: Sequence[float]) -> float:
    return math.fsum(measures) / len(measures) if all(map(math.isfinite, measures)) else math.inf
