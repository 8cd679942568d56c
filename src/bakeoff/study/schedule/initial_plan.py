"""The initial plan of a study, made once before the first training: the steps of each network, and who is left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bakeoff.study.design.entrants import Entrant, Profile
from bakeoff.study.design.jobs import SHORTEST_TRAINING, TUNING_PART, Definition, full_steps, tuning_work
from bakeoff.study.design.matched_budgets import allocate_steps, cost_per_step
from bakeoff.study.results.outcome import Skipped


@dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """What is decided before the first training. It is stored, so that a continued run has the same plan.

    Attributes:
        steps: of every training, by network; networks that are left out are not in it.
        amount: allocated to every network, in the unit of what is made equal (see
        `bakeoff.study.design.matched_budgets`).
        capped: networks that got less than this amount.
        profiles: of the networks, by name.
        skipped: the networks that are left out, with the reasons.
        widths: of networks whose width was set to make parameters equal.
    """

    steps: Mapping[str, int]
    amount: float
    capped: tuple[str, ...]
    profiles: Mapping[str, Profile]
    skipped: tuple[Skipped, ...]
    widths: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "steps": dict(self.steps),
            "amount": self.amount,
            "capped": list(self.capped),
            "profiles": {name: vars(profile) for name, profile in self.profiles.items()},
            "skipped": [vars(entry) for entry in self.skipped],
            "widths": dict(self.widths),
        }

    @staticmethod
    def from_json(record: Mapping[str, Any]) -> "TrainingPlan":
        return TrainingPlan(
            steps=record["steps"],
            amount=record["amount"],
            capped=tuple(record["capped"]),
            profiles={name: Profile(**facts) for name, facts in record["profiles"].items()},
            skipped=tuple(Skipped(**facts) for facts in record["skipped"]),
            widths=record["widths"],
        )


def initial_plan(
    networks: Sequence[Entrant],
    found: Mapping[str, Profile],
    definition: Definition,
    *,
    seconds_left: float | None,
    workers: int,
) -> TrainingPlan:
    """The plan from the networks' profiles.

    Args:
        networks: all that take part.
        found: their profiles, as far as there was time for them.
        definition: of the study.
        seconds_left: until the last training must be done; None without a clock.
        workers: processes that train at the same time.
    """
    allocation = allocate_steps(
        [profile for profile in found.values() if not profile.fault],
        equal=definition.equal,
        examples=definition.sizes[-1],
        wanted=definition.steps or full_steps(definition.sizes[-1]),
        seconds_left=seconds_left,
        workers=workers,
    )
    skipped = (
        *(
            Skipped(entrant=profile.entrant, what="fault", reason=profile.fault)
            for profile in found.values()
            if profile.fault
        ),
        *(
            Skipped(
                entrant=network.name,
                what="not_started",
                reason="timing a few of its steps took too long" if found else "the time was over",
            )
            for network in networks
            if network.name not in found
        ),
        *(
            _too_expensive(profile, definition, allocation.amount, seconds_left or 0.0)
            for profile in allocation.dropped
        ),
    )
    return TrainingPlan(
        steps=dict(allocation.steps),
        amount=allocation.amount,
        capped=allocation.capped,
        profiles=dict(found),
        skipped=skipped,
    )


def _too_expensive(profile: Profile, definition: Definition, amount: float, seconds_left: float) -> Skipped:
    """A dropped network, with the seconds that tuning it with the common amount would have needed besides."""
    step_cost = cost_per_step(profile, definition.equal, definition.sizes[-1])
    steps = max(int(amount / step_cost), SHORTEST_TRAINING)
    own = tuning_work(steps) * profile.seconds_per_step
    return Skipped(
        entrant=profile.entrant,
        what="too_dear",
        reason=f"{steps} steps at each learning rate do not fit the budget",
        seconds=max(own / TUNING_PART - seconds_left, own),
    )
