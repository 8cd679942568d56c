"""The time of a run: when it began, when it must be over, and how much of it is left."""

import time
from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Clock:
    """When a run began and must be over, on the monotonic clock.

    Attributes:
        started: of this process; what a run that was killed had spent before is `spent_before`.
        deadline: for the last training; None is no clock.
        reserved_seconds: learning curves end this long before the deadline; tuning may use these seconds, since an
            entrant that is not tuned is not judged.
    """

    started: float
    deadline: float | None = None
    spent_before: float = 0.0
    reserved_seconds: float = 0.0

    def of_curves(self) -> "Clock":
        """The same clock with the deadline of the curves."""
        deadline = None if self.deadline is None else self.deadline - self.reserved_seconds
        return replace(self, deadline=deadline, reserved_seconds=0.0)

    def left(self) -> float | None:
        """Seconds until the deadline; None without a clock."""
        return None if self.deadline is None else self.deadline - time.monotonic()

    def spent(self) -> float:
        """Seconds since the run began, those of an earlier, killed process included."""
        return self.spent_before + time.monotonic() - self.started
