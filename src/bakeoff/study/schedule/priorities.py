"""Which trainings are worth the time that is left: an entrant's curve in order of what it tells."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from bakeoff.study.design.entrants import Entrant
from bakeoff.study.design.jobs import Definition, TrialRequest
from bakeoff.study.design.states import Omission
from bakeoff.study.protocol import LARGEST_IMBALANCE_RATIO, LEAST_SPLIT_SECONDS, PLANNED_PART


def trial_requests(
    entrant: Entrant, definition: Definition, *, still_in_race: bool
) -> tuple[TrialRequest, ...]:
    """All trainings of an entrant's learning curve, ranked by how much they contribute to the verdict.

    Args:
        still_in_race: whether it may still win or tie. Then further seeds at full size come first (they decide who
            wins), then the curve, then the curve's further seeds. Otherwise the curve comes first (would it win with
            more data?), then the rest.
    """
    first, others = definition.seed, range(definition.seed + 1, definition.seed + definition.seeds)
    full, smaller = definition.sizes[-1], definition.sizes[-2::-1]
    made = (
        (Omission.SEEDS, 0 if still_in_race else 6, tuple((full, seed) for seed in others)),
        (Omission.CURVE, 1 if still_in_race else 3, tuple((size, first) for size in smaller[:2])),
        (Omission.LONG_CURVE, 2 if still_in_race else 4, tuple((size, first) for size in smaller[2:])),
        (
            Omission.CURVE_SEEDS,
            5 if still_in_race else 7,
            tuple((size, seed) for size in smaller for seed in others),
        ),
    )
    return tuple(
        TrialRequest(entrant=entrant.name, what=what, rank=rank, examples=examples, seed=seed)
        for what, rank, points in made
        for examples, seed in points
    )


def select_affordable(
    wanted: Sequence[TrialRequest],
    seconds_per_point: Mapping[str, float],
    seconds_left: float | None,
    workers: int,
) -> tuple[list[TrialRequest], list[TrialRequest]]:
    """(affordable, refused): in order of rank, each request goes to the worker with the least work if it fits there.

    Args:
        wanted: all requests.
        seconds_per_point: predicted seconds of one training of an entrant on one worker.
        seconds_left: until the last job must be done; with None everything is affordable.
        workers: processes that train at the same time.
    """
    affordable: list[TrialRequest] = []
    refused: list[TrialRequest] = []
    loads = [0.0] * workers
    for request in sorted(wanted, key=lambda request: (request.rank, seconds_per_point[request.entrant])):
        idlest = loads.index(min(loads))
        load = loads[idlest] + seconds_per_point[request.entrant]
        if seconds_left is not None and load > PLANNED_PART * seconds_left:
            refused.append(request)
            continue
        loads[idlest] = load
        affordable.append(request)
    return affordable, refused


def split_among_workers(
    affordable: Sequence[TrialRequest], seconds_per_point: Mapping[str, float], workers: int
) -> dict[str, int]:
    """Number of jobs that each entrant's points are split into, so that the workers have about equally much to do.

    One large stack is cheaper than two small ones, so an entrant is split only where the work is unbalanced by more
    than `LARGEST_IMBALANCE_RATIO` and not small (`LEAST_SPLIT_SECONDS`).
    """
    points = Counter(request.entrant for request in affordable)
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

    while fair >= LEAST_SPLIT_SECONDS and busiest() > LARGEST_IMBALANCE_RATIO * fair:
        divisible = [name for name in points if parts[name] < min(points[name], workers)]
        if not divisible:
            break
        parts[max(divisible, key=largest)] += 1
    return parts
