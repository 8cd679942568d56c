"""The initial plan of a study, made once before the first training: the steps of each network, and who is left out."""

from collections.abc import Mapping, Sequence

from bakeoff.messages.statement import because
from bakeoff.study.design.entrants import Entrant, Profile
from bakeoff.study.design.jobs import Definition, full_steps, tuning_work
from bakeoff.study.design.matched_budgets import allocate_steps, cost_per_step
from bakeoff.study.design.states import Omission
from bakeoff.study.protocol import SHORTEST_TRAINING_STEPS, TUNING_PART
from bakeoff.study.results.outcome import Skipped
from bakeoff.study.results.training_plan import TrainingPlan


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
            Skipped(entrant=profile.entrant, what=Omission.NO_FIT, reason=profile.fault)
            for profile in found.values()
            if profile.fault
        ),
        *(
            Skipped(
                entrant=network.name,
                what=Omission.NOT_STARTED,
                reason=because("timing" if found else "time_over"),
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
    steps = max(int(amount / step_cost), SHORTEST_TRAINING_STEPS)
    own = tuning_work(steps) * profile.seconds_per_step
    return Skipped(
        entrant=profile.entrant,
        what=Omission.TOO_EXPENSIVE,
        reason=because("steps", steps=steps),
        seconds=max(own / TUNING_PART - seconds_left, own),
    )
