"""`TrainingPlan`: what is decided before the first training of a study."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bakeoff.messages.statement import because, from_stored, to_stored
from bakeoff.study.design.entrants import Profile
from bakeoff.study.results.outcome import Skipped
from bakeoff.system.json_records import record_of


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
        folds: in how many every example is tested once; 0 for a single split.
    """

    steps: Mapping[str, int]
    amount: float
    capped: tuple[str, ...]
    profiles: Mapping[str, Profile]
    skipped: tuple[Skipped, ...]
    widths: Mapping[str, int] = field(default_factory=dict)
    folds: int = 0

    def to_json(self) -> dict[str, Any]:
        return {
            "steps": dict(self.steps),
            "amount": self.amount,
            "capped": list(self.capped),
            "profiles": {
                name: vars(one) | {"fault": to_stored(one.fault)} for name, one in self.profiles.items()
            },
            "skipped": [vars(entry) | {"reason": to_stored(entry.reason)} for entry in self.skipped],
            "widths": dict(self.widths),
        } | ({"folds": self.folds} if self.folds else {})

    @staticmethod
    def from_json(record: Mapping[str, Any]) -> "TrainingPlan":
        parts = {
            "profiles": {
                name: {**facts, "fault": from_stored(facts["fault"])}
                for name, facts in record["profiles"].items()
            },
            "skipped": tuple(map(_skipped, record["skipped"])),
        }
        return record_of(TrainingPlan, {**record, **parts})


def _skipped(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {**facts, "reason": from_stored(facts["reason"]) or because("words", words="")}
