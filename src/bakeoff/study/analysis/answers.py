"""What is asked of a finished comparison besides its verdict, in one record."""

from dataclasses import dataclass
from typing import Any

from bakeoff.study.analysis.goal import GoalAnswer
from bakeoff.study.analysis.label_noise import LabelNoise
from bakeoff.study.analysis.limits import BestThatFits
from bakeoff.study.analysis.needs_data import NeedsData


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Answers, each None where it was not asked, or cannot be answered.

    Attributes:
        labels: how many labels look wrong. parts: which class or group needs data most. Both are always asked.
        goal: how many examples lead to a score.
        limits: who is best among those that fit.
    """

    labels: LabelNoise | None = None
    parts: NeedsData | None = None
    goal: GoalAnswer | None = None
    limits: BestThatFits | None = None

    def to_json(self) -> dict[str, Any]:
        """What stands beside the verdict: `labels` and `needs_data` always, `goal` and `limits` where asked."""
        always = {"labels": self.labels, "needs_data": self.parts}
        asked = {"goal": self.goal, "limits": self.limits}
        found = always | {key: answer for key, answer in asked.items() if answer is not None}
        return {key: None if answer is None else answer.to_json() for key, answer in found.items()}
