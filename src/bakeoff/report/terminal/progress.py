"""Live progress of a comparison: one line that changes on a terminal, a plain line now and then elsewhere."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bakeoff.messages import say
from bakeoff.report.words.text import clean, duration, shorten
from bakeoff.study.results.outcome import Progress

#: Where there is no terminal, a line is printed when the phase changes, and at most once in this time otherwise.
PLAIN_SECONDS = 10.0
#: Characters of the progress bar.
_BAR = 24


class ProgressView:
    """Shows the events of a running study; use as a context, and give `update` as the study's listener.

    Args:
        console: where to show it; usually standard error, so that results can be piped. If it is no terminal, plain
            lines without any control code are printed.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self._live: Live | None = None
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
            self._live.stop()
            self._live = None

    def update(self, event: Progress) -> None:
        """Show the progress of the study."""
        if not self.console.is_terminal:
            self._print_plain(event)
            return
        if self._live is None:
            self._live = Live(console=self.console, auto_refresh=False, transient=True)
            self._live.start()
        self._live.update(_line(event, self.console.width), refresh=True)

    def _print_plain(self, event: Progress) -> None:
        now = time.monotonic()
        if event.phase == self._phase and now - self._printed_at < PLAIN_SECONDS:
            return
        self._phase, self._printed_at = event.phase, now
        self.console.print(Text(plain_line(event)), soft_wrap=True)


def plain_line(event: Progress) -> str:
    """The event in one line of plain text: phase, percent, the running entrants, and the time left."""
    parts = [f"{phase_name(event.phase)} {100 * _share(event):.0f} %"]
    if event.entrants:
        parts.append(", ".join(clean(name) for name in dict.fromkeys(event.entrants)))
    if event.seconds_left is not None:
        parts.append(time_left(event.seconds_left))
    return " · ".join(parts)


def phase_name(phase: str) -> str:
    return say(f"report.progress.phase.{phase}")


def time_left(seconds: float) -> str:
    return say("report.progress.left", time=duration(max(seconds, 0.0), digits=0))


def _share(event: Progress) -> float:
    return min(event.done / event.total, 1.0) if event.total else 0.0


def _line(event: Progress, width: int) -> Table:
    """Phase, bar, percent, time left and, where there is space, the running entrants."""
    share = _share(event)
    filled = round(_BAR * share)
    bar = Text.assemble(("━" * filled, "bold blue"), ("━" * (_BAR - filled), "bright_black"))
    phase = shorten(phase_name(event.phase), 22)
    left = "" if event.seconds_left is None else time_left(event.seconds_left)
    names = ", ".join(clean(name) for name in dict.fromkeys(event.entrants))
    space = width - len(phase) - _BAR - 6 - len(left) - 10
    grid = Table.grid(padding=(0, 2, 0, 0))
    cells = [Text(phase, style="bold"), bar, Text(f"{100 * share:3.0f} %"), Text(left)]
    if space >= 8:
        cells.append(Text(shorten(names, space), style="dim"))
    grid.add_row(*(_unwrapped(cell) for cell in cells))
    return grid


def _unwrapped(text: Text) -> Text:
    text.no_wrap = True
    return text
