"""`ComparisonSettings`: what a comparison is asked for, in one record."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bakeoff.data.options import ReadingOptions
from bakeoff.errors import BudgetError, OptionError, printable
from bakeoff.models import ModelCard
from bakeoff.study.design.matched_budgets import EQUAL, check_equal
from bakeoff.study.protocol import CV_MOST_FOLDS, SEEDS, SHORTEST_BUDGET_SECONDS
from bakeoff.train.device import check_name, choose_device


@dataclass(frozen=True, kw_only=True)
class ComparisonSettings:
    """What `compare` is asked for; `bakeoff.api.compare` describes each.

    Attributes:
        models, budget_seconds, seed, metric, seeds, steps, equal, device, margin, cv: what is compared, and how.
        reading: how the data are read.
        out, name, fresh: where the run lies, and whether one that is there is continued.
    """

    models: Sequence[str | ModelCard] | None = None
    budget_seconds: float | None = 60.0
    seed: int = 0
    metric: str | None = None
    seeds: int = SEEDS
    steps: int | None = None
    equal: str = EQUAL[0]
    device: str = "auto"
    margin: float | None = None
    cv: str | int = "no"
    reading: ReadingOptions = field(default_factory=ReadingOptions)
    out: str | Path = "runs"
    name: str | None = None
    fresh: bool = False

    def check(self) -> None:
        """Refuse what can never be compared, whatever the data.

        Raises:
            BudgetError: the budget is too small for any comparison.
            OptionError: another setting is out of range, or this machine has no such device.
        """
        if self.budget_seconds is not None and self.budget_seconds < SHORTEST_BUDGET_SECONDS:
            raise BudgetError(
                f"The budget is {self.budget_seconds:g} s; a comparison needs at least {SHORTEST_BUDGET_SECONDS:g} s, "
                "and a minute to say much: give --budget 60s, or --budget none for no clock."
            )
        if self.margin is not None and not 0 < self.margin < 1:
            raise OptionError(
                f"'margin' is {self.margin:g}: give a number above 0 and below 1, as 0.01 for one point."
            )
        if self.seeds < 1:
            raise OptionError(f"'seeds' is {self.seeds}: give at least 1.")
        if self.steps is not None and self.steps < 1:
            raise OptionError(f"'steps' is {self.steps}: give at least 1.")
        check_cv(self.cv)
        check_name(self.device)
        if self.device not in ("auto", "cpu"):
            choose_device(self.device)
        check_equal(self.equal, has_clock=self.budget_seconds is not None, steps=self.steps)


def check_cv(cv: str | int) -> None:
    """Raises `OptionError` for what is neither "auto", "no" nor a number of folds."""
    if cv in ("auto", "no") or (
        isinstance(cv, int) and not isinstance(cv, bool) and 2 <= cv <= CV_MOST_FOLDS
    ):
        return
    raise OptionError(
        f"--cv is '{printable(str(cv))}': give 'auto', 'no', or a number of folds from 2 to {CV_MOST_FOLDS}."
    )
