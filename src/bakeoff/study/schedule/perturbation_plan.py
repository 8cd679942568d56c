"""The plan of a study over changed data: steps, seeds, and which network is trained on which changes."""

from collections.abc import Sequence
from dataclasses import dataclass

from bakeoff.data.interventions.catalogue import Intervention
from bakeoff.study.design.entrants import Profile
from bakeoff.study.design.jobs import tuning_work
from bakeoff.study.protocol import FEWEST_PAIRED_SEEDS, WHY_FEWEST_STEPS, WHY_PLANNED_PART


@dataclass(frozen=True, kw_only=True)
class PerturbationPlan:
    """What is trained within the budget.

    Attributes:
        steps, seeds: of every training.
        changes: that each network is trained on; a network that is not here takes no part.
        left_out: what there is no time for, as "network/change" or "network".
    """

    steps: int
    seeds: tuple[int, ...]
    changes: dict[str, tuple[Intervention, ...]]
    left_out: tuple[str, ...] = ()

    @property
    def every_change(self) -> tuple[Intervention, ...]:
        """The changes that any network is trained on, the most informative first."""
        found = {change.name: change for own in self.changes.values() for change in own}
        return tuple(sorted(found.values(), key=lambda change: change.rank))


@dataclass(frozen=True, kw_only=True)
class WorkerTime:
    """The time of all workers.

    Attributes:
        workers: processes that train at the same time.
        seconds_left: until the deadline; None without a clock.
        slower: measured seconds of trainings so far divided by the predicted ones.
    """

    workers: int
    seconds_left: float | None
    slower: float = 1.0


def plan_perturbations(
    profiles: dict[str, Profile],
    changes: Sequence[Intervention] | dict[str, tuple[Intervention, ...]],
    *,
    seeds: tuple[int, ...],
    time: WorkerTime,
    steps: int,
    fewest: int = WHY_FEWEST_STEPS,
    tuning: float = tuning_work(1),
) -> PerturbationPlan:
    """The largest study that fits into the time.

    Where it does not fit, first steps are reduced (down to `fewest`), then changes for the most expensive networks are
    left out, then seeds, then networks.

    Args:
        profiles: of the networks that can take part.
        changes: wanted, the most informative first: of all networks, or of each.
        seeds, steps: wanted.
        time: the time left.
        fewest: steps of a training at least.
        tuning: work for tuning each network, in full trainings.
    """
    seconds = {name: profile.seconds_per_step * time.slower for name, profile in profiles.items()}
    most_expensive_first = sorted(profiles, key=lambda name: -seconds[name])
    chosen = {
        name: list(changes[name] if isinstance(changes, dict) else changes) for name in most_expensive_first
    }
    left_out: list[str] = []

    def affordable() -> int:
        a_step = sum(seconds[name] * (tuning + len(seeds) * (1 + len(own))) for name, own in chosen.items())
        if time.seconds_left is None:
            return steps
        return int(WHY_PLANNED_PART * max(time.seconds_left, 0.0) * time.workers / max(a_step, 1e-9))

    while chosen and affordable() < min(fewest, steps):
        name, rank = _most_expensive_block(chosen, seconds)
        if rank > 0:
            left_out += [f"{name}/{change.name}" for change in chosen[name] if change.rank == rank]
            chosen[name] = [change for change in chosen[name] if change.rank != rank]
        elif len(seeds) > FEWEST_PAIRED_SEEDS:
            seeds = seeds[:-1]
        elif len(chosen) > 1:
            left_out.append(name)
            del chosen[name]
        else:
            break
    return PerturbationPlan(
        steps=max(min(affordable(), steps), min(fewest, steps)),
        seeds=seeds,
        changes={name: tuple(own) for name, own in chosen.items()},
        left_out=tuple(left_out),
    )


def _most_expensive_block(
    chosen: dict[str, list[Intervention]], seconds: dict[str, float]
) -> tuple[str, int]:
    """The network and the rank (above 0) whose changes cost most together; the costliest network and 0 without any."""
    blocks = {
        (name, change.rank): seconds[name] * sum(other.rank == change.rank for other in own)
        for name, own in chosen.items()
        for change in own
        if change.rank > 0
    }
    return max(blocks, key=lambda block: blocks[block]) if blocks else (next(iter(chosen)), 0)
