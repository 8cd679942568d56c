"""What is made equal among the networks of a comparison: steps, parameters, FLOPs or seconds of a training.

All networks are allocated the same amount, and one optimiser step of a network has a cost; steps = amount / cost. The
unit of both depends on what is made equal:

    steps        cost 1
    parameters   cost 1, after each network's width was set so that its parameters come nearest to a common number
    flops        FLOPs of a training step (forward and backward, one batch)
    seconds      seconds of a training step on this machine, as profiled

Baselines, neighbours and boosting have no optimiser steps; none of the four changes them.
"""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bakeoff.errors import OptionError, suggest
from bakeoff.study.design.entrants import Entrant, Profile
from bakeoff.study.design.jobs import tuning_work
from bakeoff.study.protocol import (
    BATCH_EXAMPLES,
    CROWDING_RATIO,
    LONGEST_RATIO,
    SHORTEST_TRAINING_STEPS,
    TUNING_PART,
)

if TYPE_CHECKING:
    from bakeoff.data.schema import Schema

#: What can be made equal; the first is the default.
EQUAL = ("steps", "parameters", "flops", "seconds")
#: The largest width that is tried to reach a number of parameters.
WIDEST = 8192
#: Bisections of the affordable amount: enough for the last bit of a float.
_HALVINGS = 60


@dataclass(frozen=True, kw_only=True)
class StepAllocation:
    """The optimiser steps that each network was allocated.

    Attributes:
        steps: of every training, by network.
        amount: what each network was allocated, in the unit of `equal` (steps, FLOPs or seconds of one training).
        capped: networks that got less, since they reached `LONGEST_RATIO` times the usual steps.
        dropped: networks that are too expensive for the time: even `SHORTEST_TRAINING_STEPS` steps do not fit, or they
            would leave too few steps to the others (`CROWDING_RATIO`).
    """

    steps: Mapping[str, int]
    amount: float
    capped: tuple[str, ...] = ()
    dropped: tuple[Profile, ...] = ()


def check_equal(equal: str, *, has_clock: bool, steps: int | None) -> None:
    """Raises `OptionError` where `equal` is unknown, or is seconds without a clock or with given steps."""
    if equal not in EQUAL:
        raise OptionError(f"--equal: there is no '{equal}'. {suggest(equal, EQUAL)}")
    if equal == "seconds" and not has_clock:
        raise OptionError(
            "--equal seconds depends on how fast the machine is, and --budget none on nothing but the seed: give a "
            "budget, as --budget 5m, or make flops equal."
        )
    if equal == "seconds" and steps is not None:
        raise OptionError("--equal seconds decides the steps of each network by itself: leave --steps out.")


def allocate_steps(
    profiles: Sequence[Profile],
    *,
    equal: str,
    examples: int,
    wanted: int,
    seconds_left: float | None,
    workers: int,
) -> StepAllocation:
    """The steps of every network's training.

    The common amount is what `wanted` steps of the network with the median cost take (the lower one of two), but at
    least what `SHORTEST_TRAINING_STEPS` steps of the most expensive one take. Under a clock it is lowered until the
    tuning of all networks fits into its part of the time. The most expensive network is dropped, and then the next,
    where it would get fewer than `SHORTEST_TRAINING_STEPS` steps, or where it leaves too few steps to the others
    (`CROWDING_RATIO`).

    Args:
        profiles: of all networks that can take part.
        equal: one of `EQUAL`.
        examples: size of the full training set; where it is smaller than `BATCH_EXAMPLES`, so are the batches.
        wanted: the usual number of steps.
        seconds_left: until the last training must be done; None without a clock.
        workers: processes that train at the same time.
    """
    least = min(SHORTEST_TRAINING_STEPS, wanted)
    epoch = min(math.ceil(examples / BATCH_EXAMPLES), wanted)
    step_costs = {profile.entrant: cost_per_step(profile, equal, examples) for profile in profiles}

    def planned(remaining: Sequence[Profile], dropped: Sequence[Profile]) -> StepAllocation:
        own = {profile.entrant: step_costs[profile.entrant] for profile in remaining}
        amount = max(wanted * statistics.median_low(own.values()), least * max(own.values()))
        if seconds_left is not None:
            amount = _affordable(
                remaining, own, amount, TUNING_PART * seconds_left, workers, LONGEST_RATIO * wanted
            )
        steps = {name: int(amount / step_cost * (1 + 1e-9)) for name, step_cost in own.items()}
        return StepAllocation(
            steps={name: min(count, LONGEST_RATIO * wanted) for name, count in steps.items()},
            amount=amount,
            capped=tuple(name for name, count in steps.items() if count > LONGEST_RATIO * wanted),
            dropped=tuple(dropped),
        )

    remaining = sorted(profiles, key=lambda profile: (step_costs[profile.entrant], profile.seconds_per_step))
    dropped: list[Profile] = []
    while remaining:
        allocation = planned(remaining, dropped)
        shortest = min(allocation.steps.values())
        if seconds_left is None or least <= shortest >= epoch:
            return allocation
        if shortest >= least:
            others = planned(remaining[:-1], dropped).steps.values() if len(remaining) > 2 else ()
            if not others or min(others) < CROWDING_RATIO * shortest:
                return allocation
        dropped.append(remaining.pop())
    return StepAllocation(steps={}, amount=0.0, dropped=tuple(dropped))


def cost_per_step(profile: Profile, equal: str, examples: int) -> float:
    """The cost of one optimiser step in the unit that is made equal."""
    if equal == "flops":
        return float(min(BATCH_EXAMPLES, examples) * (profile.training_flops or 1))
    return max(profile.seconds_per_step, 1e-9) if equal == "seconds" else 1.0


def _affordable(
    profiles: Sequence[Profile],
    step_costs: Mapping[str, float],
    amount: float,
    seconds: float,
    workers: int,
    most_steps: int,
) -> float:
    """The largest amount, at most `amount`, with which the tuning of all networks takes no more than `seconds`."""

    def takes(amount: float) -> float:
        each = [
            tuning_work(min(amount / step_costs[p.entrant], most_steps)) * p.seconds_per_step
            for p in profiles
        ]
        return max(sum(each) / workers, *each) if each else 0.0

    if takes(amount) <= seconds:
        return amount
    low, high = 0.0, amount
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if takes(middle) <= seconds else (low, middle)
    return low


@dataclass(frozen=True, kw_only=True)
class Widths:
    """Widths that bring networks to a common number of parameters.

    Attributes:
        parameters: the common number.
        widths: by network, where the width was set.
    """

    parameters: int
    widths: Mapping[str, int]


def equal_widths(schema: "Schema", entrants: Sequence[Entrant]) -> Widths:
    """Widths at which these networks have about equally many parameters (for a worker, since it builds networks).

    The common number is the median at default widths (the lower one of two). A network whose width cannot be set, or
    was set by the user, keeps its size. Networks that cannot be built are left out: their profile says why.
    """
    counts = {}
    for entrant in entrants:
        found = _parameters(schema, entrant, entrant.width)
        if found is not None:
            counts[entrant.name] = found
    if not counts:
        return Widths(parameters=0, widths={})
    common = statistics.median_low(counts.values())
    widths = {}
    for entrant in entrants:
        if entrant.width is not None or counts.get(entrant.name) in (None, common):
            continue
        if _parameters(schema, entrant, 1) in (None, _parameters(schema, entrant, 2)):
            continue  # its shape is fixed

        def count(width: int, entrant: Entrant = entrant) -> int:
            return _parameters(schema, entrant, width) or 0

        widths[entrant.name] = nearest_width(count, common)
    return Widths(parameters=common, widths=widths)


def _parameters(schema: "Schema", entrant: Entrant, width: int | None) -> int | None:
    """Parameters of the network at this width, built without allocating memory; None where it cannot be built."""
    import torch

    from bakeoff import models

    assert entrant.card is not None
    try:
        with torch.device("meta"):
            module = models.build(entrant.card, schema, width=width, seed=0)
    except Exception:
        return None
    return sum(parameter.numel() for parameter in module.parameters())


def nearest_width(count: Callable[[int], int], wanted: int) -> int:
    """The width whose number of parameters comes nearest to `wanted`, by ratio.

    Args:
        count: parameters at a width; must not fall as the width grows.

    >>> nearest_width(lambda width: 10 * width + 5, 98)
    9
    """
    high = 1
    while high < WIDEST and count(high) < wanted:
        high *= 2
    low = max(high // 2, 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) < wanted else (low, middle)

    def ratio(width: int) -> float:
        parameters = max(count(width), 1)
        return max(parameters / wanted, wanted / parameters)

    return min((low, high), key=ratio)
