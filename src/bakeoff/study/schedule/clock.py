"""The time of a run: when it began, when it must be over, and how much of it is left."""

import time
from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Clock:
    """When a run began and must be over, on the monotonic clock.

    Attributes:
        started: of this process; what a run that was killed had spent before is `spent_before`.
        deadline: for the last training; None is no clock.
        kept_seconds: before the deadline the curves are over; tuning, without which nobody is judged, may use them.
    """

    started: float
    deadline: float | None = None
    spent_before: float = 0.0
    kept_seconds: float = 0.0

    def of_curves(self) -> "Clock":
        """The same clock with the deadline of the curves."""
        deadline = None if self.deadline is None else self.deadline - self.kept_seconds
        return replace(self, deadline=deadline, kept_seconds=0.0)

    def left(self) -> float | None:
        return None if self.deadline is None else self.deadline - time.monotonic()

    def spent(self) -> float:
        return self.spent_before + time.monotonic() - self.started
