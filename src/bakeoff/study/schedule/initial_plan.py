"""The initial plan of a study, made once before the first training: the steps of each network, and who is left out."""

from collections.abc import Mapping, Sequence

from bakeoff.messages.statement import because
from bakeoff.study.design.entrants import Entrant, Profile
from bakeoff.study.design.jobs import Definition, full_steps, tuning_work
from bakeoff.study.design.matched_budgets import StepAllocation, allocate_steps, cost_per_step
from bakeoff.study.design.states import Omission
from bakeoff.study.protocol import FOLDS_PART, SHORTEST_TRAINING_STEPS, TUNING_PART
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
    """The plan from the networks' profiles, with the number of folds.

    Of several numbers of folds the first is taken with which every network, tuned in each fold, is left all the steps
    that it is to take; with none of them there are no folds. A single number was asked for, and is taken.

    Args:
        networks: all that take part.
        found: their profiles, as far as there was time for them.
        definition: of the study.
        seconds_left: until the last training must be done; None without a clock.
        workers: processes that train at the same time.
    """
    folds = 0
    allocation = _allocated(found, definition, seconds_left, workers)
    for count in definition.cv:
        parted = None if seconds_left is None else seconds_left / count * FOLDS_PART / TUNING_PART
        tried = _allocated(found, definition, parted, workers)
        if len(definition.cv) == 1 or (not tried.dropped and _has_all_steps(tried, definition)):
            folds, allocation = count, tried
            break
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
        folds=folds,
    )


def _wanted(definition: Definition) -> int:
    return definition.steps or full_steps(definition.sizes[-1])


def _allocated(
    found: Mapping[str, Profile], definition: Definition, seconds_left: float | None, workers: int
) -> StepAllocation:
    return allocate_steps(
        [profile for profile in found.values() if not profile.fault],
        equal=definition.equal,
        examples=definition.sizes[-1],
        wanted=_wanted(definition),
        seconds_left=seconds_left,
        workers=workers,
    )


def _has_all_steps(allocation: StepAllocation, definition: Definition) -> bool:
    """Whether the networks have the steps of the protocol: all of them, or where they differ the one in the middle."""
    steps = sorted(allocation.steps.values())
    return not steps or steps[(len(steps) - 1) // 2] >= _wanted(definition)


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
