"""What a comparison says besides its verdict, on a terminal: data or labels, and which part needs data most."""

from rich.console import Console
from rich.text import Text

from bakeoff.messages import say
from bakeoff.report.terminal.comparison import WIDEST_TEXT
from bakeoff.report.words.text import clean, wrapped
from bakeoff.study.analysis.label_noise import LabelNoise
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
        console.print(Text("\n".join(wrapped(clean(sentence), width))))
