"""What a run tells while it goes on, and what it leaves."""

from collections.abc import Callable
from dataclasses import dataclass

from bakeoff.study.design.entrants import Entrant, Profile
from bakeoff.study.design.matched_budgets import Shares
from bakeoff.study.design.trial import TrialResult


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What a person is told while a study runs: `done` of `total` steps or fits of `phase`, for these entrants."""

    phase: str
    entrants: tuple[str, ...]
    done: int
    total: int
    seconds_left: float | None


Listener = Callable[[Progress], None]


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """Something that was not done: who, what (a key under "report.skipped."), and what it would take."""

    entrant: str
    what: str
    reason: str
    seconds: float | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """What a run leaves.

    Attributes:
        entrants: with the widths that were found, where parameters are equal.
        results: all trials. profiles: of the networks.
        best_setting: of each entrant that was tuned. skipped: what was not done.
        steps: of every training, by network. shares: how they came about.
        interrupted: whether the run ended before its time.
    """

    entrants: tuple[Entrant, ...]
    results: tuple[TrialResult, ...]
    profiles: dict[str, Profile]
    best_setting: dict[str, float | None]
    skipped: tuple[Skipped, ...]
    steps: dict[str, int]
    shares: Shares
    interrupted: bool
