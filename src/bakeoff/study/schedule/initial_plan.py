"""What a run decides once, before the first training: everyone's steps, and who is left out."""

from collections.abc import Mapping, Sequence
from typing import Any

from bakeoff.study.design.entrants import Entrant, Profile
from bakeoff.study.design.jobs import SHORTEST_TRAINING, TUNING_PART, Definition, full_steps, tuning_work
from bakeoff.study.design.matched_budgets import price_per_step, share_out
from bakeoff.study.results.outcome import Skipped


def make_plan(
    networks: Sequence[Entrant],
    found: Mapping[str, Profile],
    definition: Definition,
    *,
    seconds_left: float | None,
    workers: int,
) -> dict[str, Any]:
    """The plan as plain facts, so that a continued run has the same.

    Args:
        networks: all that take part. found: their profiles, as far as there was time for them.
        definition: of the study.
        seconds_left: until the last training must be done; None is no clock.
        workers: that train side by side.

    Returns:
        "steps" of each network that is trained, the common "amount" and who was "capped" below it (see
        `bakeoff.study.design.matched_budgets`), the "profiles", and who was "skipped".
    """
    shares = share_out(
        [profile for profile in found.values() if not profile.fault],
        equal=definition.equal,
        examples=definition.sizes[-1],
        wanted=definition.steps or full_steps(definition.sizes[-1]),
        seconds_left=seconds_left,
        workers=workers,
    )
    skipped = [
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
        *(_too_dear(profile, definition, shares.amount, seconds_left or 0.0) for profile in shares.dropped),
    ]
    return {
        "steps": dict(shares.steps),
        "amount": shares.amount,
        "capped": list(shares.capped),
        "profiles": {name: vars(profile) for name, profile in found.items()},
        "skipped": [vars(entry) for entry in skipped],
    }


def _too_dear(profile: Profile, definition: Definition, amount: float, seconds_left: float) -> Skipped:
    """What a network that was dropped would have needed, to have as much as the others have."""
    price = price_per_step(profile, definition.equal, definition.sizes[-1])
    steps = max(int(amount / price), SHORTEST_TRAINING)
    own = tuning_work(steps) * profile.seconds_per_step
    return Skipped(
        entrant=profile.entrant,
        what="too_dear",
        reason=f"{steps} steps at each learning rate do not fit the budget",
        seconds=max(own / TUNING_PART - seconds_left, own),
    )
