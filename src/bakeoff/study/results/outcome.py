"""The progress that a run reports, and its outcome."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bakeoff.data.dataset import Dataset
from bakeoff.messages.statement import Statement
from bakeoff.study.design.entrants import Entrant, Profile
from bakeoff.study.design.jobs import Definition
from bakeoff.study.design.matched_budgets import StepAllocation
from bakeoff.study.design.states import Omission
from bakeoff.study.design.trial import TrialResult


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Progress of a study: `done` of `total` units of work of this phase.

    Attributes:
        phase: "profile", "tuning", "curves" or "why".
        entrants: what is running now.
        done, total: networks in the phase "profile", trainings in "why", else hundredths of predicted seconds.
        seconds_left: until the last training must be done; None without a clock.
    """

    phase: str
    entrants: tuple[str, ...]
    done: int
    total: int
    seconds_left: float | None


ProgressListener = Callable[[Progress], None]


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """Something that was not done.

    Attributes:
        entrant: whose it was.
        what: it was; a key of messages under "report.skipped.".
        reason: one sentence.
        seconds: that it would have taken, where known.
    """

    entrant: str
    what: Omission
    reason: Statement
    seconds: float | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """What a study has trained.

    Attributes:
        dataset, definition: with the folds that were decided on.
        entrants: with the widths that were set, where parameters are made equal.
        results: of all trials.
        profiles: of the networks, by name.
        best_setting: of each entrant that was tuned; with folds the one chosen in most of them.
        fold_settings: of each entrant that was tuned on all examples, the setting by fold; {None: ...} without folds.
        skipped: what was not done.
        steps: of every training, by network.
        allocation: the allocation that these steps follow from.
        interrupted: whether Ctrl-C ended the study.
    """

    dataset: Dataset
    definition: Definition
    entrants: tuple[Entrant, ...]
    results: tuple[TrialResult, ...]
    profiles: dict[str, Profile]
    best_setting: dict[str, float | None]
    skipped: tuple[Skipped, ...]
    steps: dict[str, int]
    allocation: StepAllocation
    interrupted: bool
    fold_settings: Mapping[str, Mapping[int | None, float | None]] = field(default_factory=dict)
