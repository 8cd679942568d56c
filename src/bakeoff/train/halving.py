"""Successive halving inside the contests of a stack (Jamieson & Talwalkar 2016, arXiv 1502.07943)."""

import math
from collections.abc import Sequence

from bakeoff.train.recipe import Replica


def losers(standings: Sequence[tuple[Replica, float]]) -> set[int]:
    """Places of the replicas that leave: in each contest, those of the worse half of its learning rates.

    A learning rate is judged by the mean of its replicas' best validation losses so far. The better half is rounded
    up, and of equal rates the smaller one stays.

    Args:
        standings: replicas still in training, with their best validation loss.

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
        ranking = sorted(
            rates, key=lambda rate: (_mean([standings[place][1] for place in rates[rate]]), rate)
        )
        for rate in ranking[math.ceil(len(ranking) / 2) :]:
            leaving.update(rates[rate])
    return leaving


def _mean(losses: Sequence[float]) -> float:
    return math.fsum(losses) / len(losses) if all(map(math.isfinite, losses)) else math.inf
