"""How an entrant ended, what of it was left out, and which follows from how its trainings ended.

The values are stored names, and keys of messages ("report.state.", "report.skipped.").
"""

from collections.abc import Mapping
from enum import StrEnum

from bakeoff.train.endings import TrialState as TrialState


class EntrantState(StrEnum):
    """How an entrant ended.

    FINISHED with all seeds of the protocol, or PARTIAL with fewer: only these two are judged. NOT_STARTED, STOPPED,
    DIVERGED and FAILED as its trainings; PRUNED where it was not trained on all examples, since by its learning curve
    it cannot win.
    """

    FINISHED = "finished"
    PARTIAL = "partial"
    NOT_STARTED = "not_started"
    STOPPED = "stopped"
    DIVERGED = "diverged"
    FAILED = "failed"
    PRUNED = "spared"


class Omission(StrEnum):
    """What of an entrant was not done.

    All of it: NO_FIT (it cannot take these data), TOO_EXPENSIVE (in no budget with the others), NOT_STARTED (no time).
    The training on all examples: PRUNED (it cannot win), OUT_OF_TIME (it would not end in its share of the time).
    Parts of its learning curve: SEEDS (further seeds at full size), CURVE (the two largest smaller sizes), LONG_CURVE
    (the sizes below those), CURVE_SEEDS (further seeds of the smaller sizes), CANNOT_WIN (any of these, of an entrant
    that is out of the race).
    """

    NO_FIT = "fault"
    TOO_EXPENSIVE = "too_dear"
    NOT_STARTED = "not_started"
    PRUNED = "spared"
    OUT_OF_TIME = "climbed"
    SEEDS = "seeds"
    CURVE = "curve"
    LONG_CURVE = "long_curve"
    CURVE_SEEDS = "curve_seeds"
    CANNOT_WIN = "cannot_win"


#: The state of an entrant without a score, by what was left out of it; without the parts of a learning curve.
STATE_BY_OMISSION: Mapping[str, EntrantState] = {
    Omission.NO_FIT: EntrantState.FAILED,
    Omission.TOO_EXPENSIVE: EntrantState.NOT_STARTED,
    Omission.NOT_STARTED: EntrantState.NOT_STARTED,
    Omission.PRUNED: EntrantState.PRUNED,
    Omission.OUT_OF_TIME: EntrantState.STOPPED,
}
#: The same by the state of one of its trainings, where nothing was left out; the first that occurs counts.
STATE_BY_TRIAL: Mapping[TrialState, EntrantState] = {
    TrialState.FAILED: EntrantState.FAILED,
    TrialState.STOPPED: EntrantState.STOPPED,
    TrialState.DIVERGED: EntrantState.DIVERGED,
}
