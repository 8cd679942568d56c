"""Successive rejects inside the contests of a stack (Audibert, Bubeck & Munos, Best arm identification, COLT 2010).

The worst learning rate leaves at each rejection, one after the other. Successive halving (Jamieson & Talwalkar 2016,
arXiv 1502.07943) takes half of them at once, which is cheaper, and on a cosine schedule too early: after a quarter of
the steps large rates are behind that win in the end (docs/benchmarks/speed.md).
"""

import math
from collections.abc import Sequence

from bakeoff.train.recipe import Replica


def losers(standings: Sequence[tuple[Replica, float]]) -> set[int]:
    """Places of the replicas that leave: in each contest, those of the worst of its learning rates.

    A learning rate is judged by the mean of its replicas' best evaluations so far. Of equal rates the smaller one
    stays, and the last one always does.

    Args:
        standings: replicas still in training, each with the measure of its best evaluation: lower is better.

    >>> def at(rate):
    ...     return Replica(learning_rate=rate, seed=0, examples=10, contest="mlp")
    >>> losers([(at(0.1), 2.0), (at(0.01), 0.5), (at(0.001), 1.0)])
    {0}
    """
    contests: dict[str, dict[float, list[int]]] = {}
    for place, (replica, _) in enumerate(standings):
        if replica.contest is not None:
            contests.setdefault(replica.contest, {}).setdefault(replica.learning_rate, []).append(place)
    leaving: set[int] = set()
    for rates in contests.values():
        if len(rates) > 1:
            worst = max(rates, key=lambda rate: (_mean([standings[place][1] for place in rates[rate]]), rate))
            leaving.update(rates[worst])
    return leaving


def _mean(measures: Sequence[float]) -> float:
    return math.fsum(measures) / len(measures) if all(map(math.isfinite, measures)) else math.inf
