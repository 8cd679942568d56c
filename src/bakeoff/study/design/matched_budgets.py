"""What is made equal among the networks of a comparison: steps, parameters, FLOPs or seconds of a training.

One amount is common to all networks, and each network has a price of one optimiser step in it; steps = amount / price:

    steps        price 1
    parameters   price 1, after each network's width was set so that its parameters come nearest to a common figure
    flops        FLOPs of a training step (forward and backward, one batch)
    seconds      seconds of a training step on this machine, as profiled

Baselines, neighbours and boosting have no steps; they are as they are under each of the four.
"""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bakeoff.errors import OptionError, suggest
from bakeoff.study.design.entrants import Entrant, Profile
from bakeoff.study.design.jobs import BATCH, SHORTEST_TRAINING, TUNING_PART, tuning_work

if TYPE_CHECKING:
    from bakeoff.data.schema import Schema

#: What can be made equal; the first is the default.
EQUAL = ("steps", "parameters", "flops", "seconds")
#: Nobody trains for more than this many times the usual steps, however cheap its steps are.
LONGEST = 10
#: A network is too dear where nobody sees every example once because of it, and without it all others train this many
#: times as long.
CROWDING = 2
#: No wider network is tried.
WIDEST = 8192
_HALVINGS = 60


@dataclass(frozen=True, kw_only=True)
class Shares:
    """How the common amount was shared out.

    Attributes:
        steps: of every training, by network.
        amount: what each network was given in the unit of `equal` (steps, FLOPs or seconds of one training).
        capped: networks that got less of it, since `LONGEST` times the usual steps were reached.
        dropped: networks too dear for the time: even `SHORTEST_TRAINING` steps of it do not fit, or leave the others
            far too few (`CROWDING`).
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


def share_out(
    profiles: Sequence[Profile],
    *,
    equal: str,
    examples: int,
    wanted: int,
    seconds_left: float | None,
    workers: int,
) -> Shares:
    """The steps of every network's training.

    The common amount is what `wanted` steps cost the network in the middle (the lower one of two), but at least
    what `SHORTEST_TRAINING` steps cost the dearest. Under a clock it is lowered until every network can be tuned in
    its part of the time. The dearest is dropped, and so on, where it would get fewer than `SHORTEST_TRAINING` steps,
    and where it takes the time that would let the others see each example at least once (`CROWDING`).

    Args:
        profiles: of all networks that can take part.
        equal: one of `EQUAL`.
        examples: of the whole training set; a smaller one than `BATCH` makes smaller batches.
        wanted: the usual number of steps.
        seconds_left: until the last training must be done; None is no clock.
        workers: that train side by side.
    """
    least = min(SHORTEST_TRAINING, wanted)
    epoch = min(math.ceil(examples / BATCH), wanted)
    prices = {profile.entrant: price_per_step(profile, equal, examples) for profile in profiles}

    def planned(kept: Sequence[Profile], dropped: Sequence[Profile]) -> Shares:
        own = {profile.entrant: prices[profile.entrant] for profile in kept}
        amount = max(wanted * statistics.median_low(own.values()), least * max(own.values()))
        if seconds_left is not None:
            amount = _affordable(kept, own, amount, TUNING_PART * seconds_left, workers, LONGEST * wanted)
        steps = {name: int(amount / price * (1 + 1e-9)) for name, price in own.items()}
        return Shares(
            steps={name: min(count, LONGEST * wanted) for name, count in steps.items()},
            amount=amount,
            capped=tuple(name for name, count in steps.items() if count > LONGEST * wanted),
            dropped=tuple(dropped),
        )

    kept = sorted(profiles, key=lambda profile: (prices[profile.entrant], profile.seconds_per_step))
    dropped: list[Profile] = []
    while kept:
        shares = planned(kept, dropped)
        shortest = min(shares.steps.values())
        if seconds_left is None or least <= shortest >= epoch:
            return shares
        if shortest >= least:
            others = planned(kept[:-1], dropped).steps.values() if len(kept) > 2 else ()
            if not others or min(others) < CROWDING * shortest:
                return shares
        dropped.append(kept.pop())
    return Shares(steps={}, amount=0.0, dropped=tuple(dropped))


def price_per_step(profile: Profile, equal: str, examples: int) -> float:
    """What one optimiser step costs in the unit that is made equal."""
    if equal == "flops":
        return float(min(BATCH, examples) * (profile.training_flops or 1))
    return max(profile.seconds_per_step, 1e-9) if equal == "seconds" else 1.0


def _affordable(
    profiles: Sequence[Profile],
    prices: Mapping[str, float],
    amount: float,
    seconds: float,
    workers: int,
    most_steps: int,
) -> float:
    """The largest amount up to this one with which all networks are tuned within these seconds."""

    def takes(amount: float) -> float:
        each = [
            tuning_work(min(amount / prices[p.entrant], most_steps)) * p.seconds_per_step for p in profiles
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
        parameters: the common figure.
        widths: of the networks whose dial was set.
    """

    parameters: int
    widths: Mapping[str, int]


def equal_widths(
    schema: "Schema", entrants: Sequence[Entrant], board_path: str = "", slot: int = 0
) -> Widths:
    """Widths at which these networks have about equally many parameters (a task for a worker: it builds networks).

    The common figure is that of the network in the middle at default widths (the lower one of two). A network
    without a dial, and one whose width the user named, keeps its size. Networks that cannot be built are left out:
    their profile tells why.
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
    """Numbers of the network at this width, counted without memory for them; None where it cannot be built."""
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
