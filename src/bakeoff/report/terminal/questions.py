"""What a comparison says besides its verdict, on a terminal: data or labels, and which part needs data most."""

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bakeoff.messages import say
from bakeoff.report.content.questions import LIMIT_COLUMNS, amounts_of
from bakeoff.report.terminal.comparison import WIDEST_TEXT
from bakeoff.report.words.text import bound, clean, wrapped
from bakeoff.study.analysis.label_noise import LabelNoise
from bakeoff.study.analysis.limits import BestThatFits
from bakeoff.study.analysis.needs_data import NeedsData


def print_questions(console: Console, labels: LabelNoise | None, parts: NeedsData | None) -> None:
    """Print a sentence for each that can be answered; nothing where none can."""
    width = min(console.width, WIDEST_TEXT)
    said = [one.statement() for one in (labels, parts) if one is not None]
    sentences = [statement.text() for statement in said if statement is not None]
    if not sentences:
        return
    console.print()
    console.print(Text(say("report.section.data_or_labels"), style="dim"))
    for sentence in sentences:
        console.print(Text("\n".join(wrapped(bound(clean(sentence)), width))))


def print_limits(console: Console, answer: BestThatFits) -> None:
    """Print who is best within the limits, and what each entrant takes."""
    width = min(console.width, WIDEST_TEXT)
    console.print()
    console.print(Text(say("report.section.limits"), style="dim"))
    for sentence in answer.sentences:
        console.print(Text("\n".join(wrapped(bound(clean(sentence)), width))))
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="dim")
    table.add_column(say("report.table.entrant"), overflow="fold")
    for key in LIMIT_COLUMNS:
        table.add_column(say(f"report.limits.{key}"), justify="right")
    for name, needs in answer.needs.items():
        cells = [amount or "-" for amount in amounts_of(needs)]
        table.add_row(Text(clean(name)), *cells, style="bold" if name == answer.best else "")
    console.print(table)
