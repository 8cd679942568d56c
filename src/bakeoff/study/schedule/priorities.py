"""Which trainings are worth the time that is left: an entrant's curve in order of what it tells."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from bakeoff.study.design.entrants import Entrant
from bakeoff.study.design.jobs import Definition, Parcel

#: Work of less than this many seconds a worker is not dealt out any finer, nor work where the busiest has no more than
#: so many times its part.
WORTH_DEALING, UNEVEN = 1.0, 1.2
#: Predicted times are trusted only up to this part of the time that is left.
TRUST = 0.85


def parcels(entrant: Entrant, definition: Definition, *, contender: bool) -> tuple[Parcel, ...]:
    """An entrant's curve in parcels, by how much they tell.

    For one that may yet win or tie: its other seeds at full size, then its curve, then the curve's other seeds.
    For one that cannot: first a curve (who would gain from more data?), then the rest.
    """
    first, others = definition.seed, range(definition.seed + 1, definition.seed + definition.seeds)
    full, smaller = definition.sizes[-1], definition.sizes[-2::-1]
    made = (
        ("seeds", 0 if contender else 6, tuple((full, seed) for seed in others)),
        ("curve", 1 if contender else 3, tuple((size, first) for size in smaller[:2])),
        ("long curve", 2 if contender else 4, tuple((size, first) for size in smaller[2:])),
        ("curve seeds", 5 if contender else 7, tuple((size, seed) for size in smaller for seed in others)),
    )
    return tuple(
        Parcel(entrant=entrant.name, what=what, rank=rank, examples=examples, seed=seed)
        for what, rank, points in made
        for examples, seed in points
    )


def grant(
    wanted: Sequence[Parcel], seconds_per_point: Mapping[str, float], seconds_left: float | None, workers: int
) -> tuple[list[Parcel], list[Parcel]]:
    """(granted, refused): in order of rank, each that still fits into the time left on the worker with least to do.

    Args:
        wanted: all parcels.
        seconds_per_point: predicted time of one training of an entrant on one worker.
        seconds_left: until the last job must be done; None grants everything.
        workers: that run side by side.
    """
    granted: list[Parcel] = []
    refused: list[Parcel] = []
    loads = [0.0] * workers
    for parcel in sorted(wanted, key=lambda parcel: (parcel.rank, seconds_per_point[parcel.entrant])):
        idlest = loads.index(min(loads))
        load = loads[idlest] + seconds_per_point[parcel.entrant]
        if seconds_left is not None and load > TRUST * seconds_left:
            refused.append(parcel)
            continue
        loads[idlest] = load
        granted.append(parcel)
    return granted, refused


def dealt_out(
    granted: Sequence[Parcel], seconds_per_point: Mapping[str, float], workers: int
) -> dict[str, int]:
    """Into how many jobs each entrant's points are dealt out, so that no worker has much more to do than the others.

    A wide stack is cheaper than two narrow ones: entrants are kept whole where the work is even so, or small.
    """
    points = Counter(parcel.entrant for parcel in granted)
    parts = dict.fromkeys(points, 1)
    fair = sum(seconds_per_point[name] * count for name, count in points.items()) / workers

    def largest(name: str) -> float:
        return seconds_per_point[name] * math.ceil(points[name] / parts[name])

    def busiest() -> float:
        loads = [0.0] * workers
        jobs = (
            seconds_per_point[name] * len(range(first, points[name], parts[name]))
            for name in points
            for first in range(parts[name])
        )
        for seconds in sorted(jobs, reverse=True):
            loads[loads.index(min(loads))] += seconds
        return max(loads)

    while fair >= WORTH_DEALING and busiest() > UNEVEN * fair:
        divisible = [name for name in points if parts[name] < min(points[name], workers)]
        if not divisible:
            break
        parts[max(divisible, key=largest)] += 1
    return parts
