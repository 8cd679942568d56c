"""A fit on a terminal: a line of progress during training, then the score and the network's folder."""

import shlex
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.cells import cell_len
from rich.console import Console
from rich.live import Live
from rich.text import Text

from bakeoff.messages import say
from bakeoff.models import catalogue
from bakeoff.models.registry.external import PRETRAINED
from bakeoff.report.content.fit_summary import recipe_rows, score_sentence, state_sentences
from bakeoff.report.terminal.progress import PLAIN_SECONDS, time_left
from bakeoff.report.words.text import bound, clean, grouped, significant, wrapped
from bakeoff.study.fitting.result import Fit
from bakeoff.train.single.trainer import Evaluation

#: Characters of the progress bar.
_BAR = 24
#: The longest line of text.
_WIDEST = 110


class FitProgress:
    """Shows the evaluations of a running fit; use as a context, and give `update` as the fit's listener.

    Args:
        console: usually standard error. If it is no terminal, a plain line is printed now and then.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self._live: Live | None = None
        self._printed_at = -PLAIN_SECONDS

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def update(self, evaluation: Evaluation) -> None:
        """Show the progress of the training."""
        if self.console.is_terminal:
            if self._live is None:
                self._live = Live(console=self.console, auto_refresh=False, transient=True)
                self._live.start()
            self._live.update(_bar(evaluation), refresh=True)
        elif time.monotonic() - self._printed_at >= PLAIN_SECONDS:
            self._printed_at = time.monotonic()
            self.console.print(Text(_sentence(evaluation)), soft_wrap=True)


def _sentence(evaluation: Evaluation) -> str:
    """An evaluation in one line: step, losses and the time left at this speed."""
    left = evaluation.seconds / evaluation.step * (evaluation.steps - evaluation.step)
    where = say(
        "fit.progress",
        step=grouped(evaluation.step),
        steps=grouped(evaluation.steps),
        epoch=f"{evaluation.epoch:.1f}",
        training=significant(evaluation.training_loss),
        validation=significant(evaluation.validation_loss),
    )
    return f"{where} · {time_left(left)}"


def _bar(evaluation: Evaluation) -> Text:
    filled = round(_BAR * evaluation.step / evaluation.steps)
    parts = (
        ("━" * filled, "bold blue"),
        ("━" * (_BAR - filled), "bright_black"),
        "  ",
        _sentence(evaluation),
    )
    return Text.assemble(*parts, no_wrap=True, overflow="ellipsis")


def print_fit(console: Console, fit: Fit, *, report: Path) -> None:
    """Score, how the training went, and where the network and the report lie."""
    width = min(console.width, _WIDEST)
    console.print(Text("\n".join(wrapped(bound(score_sentence(fit)), width)), style="bold", no_wrap=True))
    lines = [line for one in state_sentences(fit) for line in wrapped(bound(one), width)]
    console.print(Text("\n".join(lines), no_wrap=True))
    console.print()
    rows = [*recipe_rows(fit), (say("fit.heading.report"), clean(report))]
    indent = max(cell_len(heading) for heading, _ in rows) + 2
    for heading, text in rows:
        gap = " " * (indent - cell_len(heading))
        console.print(Text.assemble((heading + gap, "dim"), text), soft_wrap=True)
    console.print()
    named = (
        ""
        if fit.model in catalogue()
        else f" --model {clean(shlex.quote(fit.model.removesuffix(PRETRAINED)))}"
    )
    console.print(Text(say("fit.predict", folder=clean(fit.folder), model=named)), soft_wrap=True)
