"""`FitSettings`: what a fit is asked for, in one record."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bakeoff.data.options import ReadingOptions
from bakeoff.errors import OptionError, suggest
from bakeoff.models import ModelCard
from bakeoff.train.single.loggers import check_log
from bakeoff.train.single.trainer import MODES


@dataclass(frozen=True, kw_only=True)
class FitSettings:
    """What `fit` is asked for; `bakeoff.api.fit` describes each.

    Attributes:
        model, width, options, weights, mode: the network, and what of it is trained.
        budget_seconds, epochs, learning_rate, batch_size, accumulate, augment, seed, metric: how it is trained.
        device, precision, threads: where.
        reading: how the data are read. Texts for published weights are cut by the tokenizer that lies beside these,
            where none is named.
        out, name, log: where the run lies, and where it is logged too.
    """

    model: str | ModelCard
    budget_seconds: float | None = None
    epochs: int | None = None
    learning_rate: float | None = None
    batch_size: int | None = None
    accumulate: int = 1
    augment: str | Sequence[str] = "auto"
    seed: int = 0
    weights: str | Path | None = None
    mode: str = "full"
    metric: str | None = None
    device: str = "auto"
    precision: str = "auto"
    threads: int | None = None
    width: int | None = None
    options: dict[str, Any] | None = None
    reading: ReadingOptions = field(default_factory=ReadingOptions)
    out: str | Path = "runs"
    name: str | None = None
    log: str | None = None

    def check(self) -> None:
        """Refuse what can never be trained, whatever the data.

        Raises:
            OptionError: a setting is out of range.
            MissingExtraError: a package that was asked for is not installed.
        """
        if self.mode not in MODES:
            raise OptionError(f"There is no mode called '{self.mode}'. {suggest(self.mode, MODES)}")
        if self.budget_seconds is not None and not self.budget_seconds > 0:
            raise OptionError(
                f"'budget_seconds' is {self.budget_seconds}: give a positive number, or None for no clock."
            )
        if self.learning_rate is not None and not 0 < self.learning_rate < float("inf"):
            raise OptionError(f"'learning_rate' is {self.learning_rate}: give a positive number.")
        check_log(self.log)
