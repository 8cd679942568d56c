"""Live progress, whatever is running: one line that changes on a terminal, a plain line now and then elsewhere."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, ParamSpec, Self

from rich.cells import cell_len
from rich.console import Console, JustifyMethod
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

from bakeoff.messages import say
from bakeoff.report.words.text import clean, duration, grouped, shorten, significant
from bakeoff.study.results.outcome import Progress as StudyProgress
from bakeoff.train.single.trainer import Evaluation

#: Where there is no terminal, a line is printed when the phase changes, and at most once in this time otherwise.
PLAIN_SECONDS = 10.0
#: Cells of the bar, and on terminals narrower than `_NARROW`.
_BAR, _SHORT_BAR, _NARROW = 24, 10, 60
#: Fewer cells than this are not worth a detail.
_SHORTEST_DETAIL = 8

Event = ParamSpec("Event")


@dataclass(frozen=True, kw_only=True)
class ProgressStep:
    """How far something is.

    Attributes:
        phase: what is being done now, in words.
        share: of the phase, from 0 to 1.
        seconds_left: until the end of everything; None where nobody knows.
        detail: on what, or how it goes; "" where there is nothing to add.
    """

    phase: str
    share: float
    seconds_left: float | None = None
    detail: str = ""

    @property
    def percent(self) -> str:
        return f"{100 * self.share:.0f} %"

    @property
    def time_left(self) -> str:
        if self.seconds_left is None:
            return ""
        return say("report.progress.left", time=duration(max(self.seconds_left, 0.0), digits=0))

    @property
    def line(self) -> str:
        """Everything in one line of plain text."""
        return " · ".join(
            part for part in (f"{self.phase} {self.percent}", self.detail, self.time_left) if part
        )


def study_step(event: StudyProgress) -> ProgressStep:
    """Of a comparison: the phase, and the entrants that are being trained."""
    return ProgressStep(
        phase=say(f"report.progress.phase.{event.phase}"),
        share=_share(event.done, event.total),
        seconds_left=event.seconds_left,
        detail=", ".join(clean(name) for name in dict.fromkeys(event.entrants)),
    )


def fit_step(evaluation: Evaluation) -> ProgressStep:
    """Of one training: its losses, and the time left at this speed."""
    left = evaluation.seconds / evaluation.step * (evaluation.steps - evaluation.step)
    detail = say(
        "fit.progress",
        step=grouped(evaluation.step),
        steps=grouped(evaluation.steps),
        epoch=f"{evaluation.epoch:.1f}",
        training=significant(evaluation.training_loss),
        validation=significant(evaluation.validation_loss),
    )
    return ProgressStep(
        phase=say("report.progress.phase.fit"),
        share=_share(evaluation.step, evaluation.steps),
        seconds_left=left,
        detail=detail,
    )


def why_step(phase: str, done: int, total: int, seconds_left: float | None) -> ProgressStep:
    """Of a study on changed data: trainings that are done, of all."""
    return ProgressStep(
        phase=say(f"why.progress.{phase}"),
        share=_share(done, total),
        seconds_left=seconds_left,
        detail=f"{done}/{total}",
    )


def _share(done: float, total: float) -> float:
    return min(done / total, 1.0) if total else 0.0


class ProgressView(Generic[Event]):
    """Shows the events of whatever runs; use as a context, and give `update` as its listener.

    Args:
        console: where to show it; usually standard error, so that results can be piped. If it is no terminal, plain
            lines without any control code are printed; if it is quiet, nothing.
        step_of: what an event says.
    """

    def __init__(self, console: Console, step_of: Callable[Event, ProgressStep]) -> None:
        self.console = console
        self._step_of = step_of
        self._live: tuple[Progress, TaskID] | None = None
        self._phase = ""
        self._printed_at = -PLAIN_SECONDS

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the live line; the next event would show it again."""
        if self._live is not None:
            self._live[0].stop()
            self._live = None

    def update(self, *event: Event.args, **options: Event.kwargs) -> None:
        """Show how far it is."""
        if self.console.quiet:
            return
        step = self._step_of(*event, **options)
        if not self.console.is_terminal:
            self._print_plain(step)
            return
        if self._live is None:
            self._live = self._begin()
        live, task = self._live
        live.update(
            task, completed=step.share, visible=True, refresh=True, cells=_cells(step, self.console.width)
        )

    def _begin(self) -> tuple[Progress, TaskID]:
        live = Progress(
            _text("phase", style="bold"),
            BarColumn(_bar_width(self.console.width), complete_style="bold blue"),
            _text("percent", justify="right"),
            _text("left"),
            _text("detail", style="dim"),
            console=self.console,
            auto_refresh=False,
            transient=True,
        )
        task = live.add_task("", total=1.0, visible=False, cells={})
        live.start()
        return live, task

    def _print_plain(self, step: ProgressStep) -> None:
        now = time.monotonic()
        if step.phase == self._phase and now - self._printed_at < PLAIN_SECONDS:
            return
        self._phase, self._printed_at = step.phase, now
        self.console.print(Text(step.line), soft_wrap=True)


def _text(field: str, *, style: str = "none", justify: JustifyMethod = "left") -> TextColumn:
    """A column of one of the texts of `_cells`, taken letter by letter: names are the user's."""
    column = Column(no_wrap=True, overflow="ellipsis", justify=justify)
    return TextColumn(f"{{task.fields[cells][{field}]}}", style=style, markup=False, table_column=column)


def _cells(step: ProgressStep, width: int) -> dict[str, str]:
    """The texts of the line, which together with the bar take at most `width` cells."""
    percent, left = f"{step.percent:>5}", step.time_left
    space = width - _bar_width(width) - cell_len(percent) - cell_len(left) - 4  # a blank between any two
    phase = shorten(step.phase, max(space, 1))
    space -= cell_len(phase)
    detail = shorten(step.detail, space) if space >= _SHORTEST_DETAIL else ""
    return {"phase": phase, "percent": percent, "left": left, "detail": detail}


def _bar_width(width: int) -> int:
    return _BAR if width >= _NARROW else _SHORT_BAR
