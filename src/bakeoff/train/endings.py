"""How a training ended, in one word that is stored with it and is a key of messages ("report.state.")."""

from enum import StrEnum


class TrialState(StrEnum):
    """How a training ended.

    FINISHED after all its steps; EARLY because validation no longer improved; ELIMINATED because other learning rates
    did better; DIVERGED because its numbers were no longer finite; STOPPED by the clock or by the user; FAILED with an
    error, which is the reason.
    """

    FINISHED = "finished"
    EARLY = "early"
    ELIMINATED = "outpaced"
    DIVERGED = "diverged"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def counts(self) -> bool:
        """Whether the outputs are those of the protocol's full training."""
        return self in (TrialState.FINISHED, TrialState.EARLY)
