"""What a study over changed data can afford: steps, seeds, and which network is trained on which changes."""

from collections.abc import Sequence
from dataclasses import dataclass

from bakeoff.data.interventions.catalogue import Intervention
from bakeoff.study.design.entrants import Profile
from bakeoff.study.design.jobs import tuning_work

#: No entrant is trained for fewer steps; where the budget does not allow them, less is asked.
FEWEST_STEPS = 200
#: Predicted times are trusted up to this part of the time that is left.
TRUST = 0.75
#: At least two seeds: one says nothing about the spread.
FEWEST_SEEDS = 2


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the budget allows.

    Attributes:
        steps, seeds: of every training.
        changes: those that each network is trained on; a network that is not here takes no part.
        left_out: what there is no time for, as "network/change" or "network".
    """

    steps: int
    seeds: tuple[int, ...]
    changes: dict[str, tuple[Intervention, ...]]
    left_out: tuple[str, ...] = ()

    @property
    def every_change(self) -> tuple[Intervention, ...]:
        """All that any network is trained on, most telling first."""
        found = {change.name: change for own in self.changes.values() for change in own}
        return tuple(sorted(found.values(), key=lambda change: change.rank))


@dataclass(frozen=True, kw_only=True)
class Room:
    """Workers, the seconds that are left (None: no clock), and how much slower than profiled the machine has proved."""

    workers: int
    seconds_left: float | None
    slower: float = 1.0


def plan(
    profiles: dict[str, Profile],
    changes: Sequence[Intervention] | dict[str, tuple[Intervention, ...]],
    *,
    seeds: tuple[int, ...],
    room: Room,
    steps: int,
    fewest: int = FEWEST_STEPS,
    tuning: float = tuning_work(1),
) -> Plan:
    """The most that fits: first fewer steps (down to `fewest`), then fewer changes for the dear networks, then
    fewer seeds, then fewer networks.

    Args:
        profiles: of the networks that can take part.
        changes: wanted, most telling first, of all or of each network.
        seeds, steps: wanted.
        room: the time there is.
        tuning: trainings' worth of work that each network needs besides its table.
    """
    seconds = {name: profile.seconds_per_step * room.slower for name, profile in profiles.items()}
    dearest_first = sorted(profiles, key=lambda name: -seconds[name])
    chosen = {name: list(changes[name] if isinstance(changes, dict) else changes) for name in dearest_first}
    left_out: list[str] = []

    def affordable() -> int:
        a_step = sum(seconds[name] * (tuning + len(seeds) * (1 + len(own))) for name, own in chosen.items())
        if room.seconds_left is None:
            return steps
        return int(TRUST * max(room.seconds_left, 0.0) * room.workers / max(a_step, 1e-9))

    while chosen and affordable() < min(fewest, steps):
        name, rank = _dearest_block(chosen, seconds)
        if rank > 0:
            left_out += [f"{name}/{change.name}" for change in chosen[name] if change.rank == rank]
            chosen[name] = [change for change in chosen[name] if change.rank != rank]
        elif len(seeds) > FEWEST_SEEDS:
            seeds = seeds[:-1]
        elif len(chosen) > 1:
            left_out.append(name)
            del chosen[name]
        else:
            break
    return Plan(
        steps=max(min(affordable(), steps), min(fewest, steps)),
        seeds=seeds,
        changes={name: tuple(own) for name, own in chosen.items()},
        left_out=tuple(left_out),
    )


def _dearest_block(chosen: dict[str, list[Intervention]], seconds: dict[str, float]) -> tuple[str, int]:
    """The network and rank of changes (above 0) that cost most together; (dearest network, 0) where none is left."""
    blocks = {
        (name, change.rank): seconds[name] * sum(other.rank == change.rank for other in own)
        for name, own in chosen.items()
        for change in own
        if change.rank > 0
    }
    return max(blocks, key=lambda block: blocks[block]) if blocks else (next(iter(chosen)), 0)
