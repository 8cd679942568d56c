"""A fit on a terminal, when it has ended: the score and the network's folder."""

import shlex
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from bakeoff.messages import say
from bakeoff.models import catalogue
from bakeoff.models.registry.external import PRETRAINED
from bakeoff.report.content.fit_summary import recipe_rows, score_sentence, state_sentences
from bakeoff.report.words.text import bound, clean, wrapped
from bakeoff.study.fitting.result import Fit

#: The longest line of text.
_WIDEST = 110


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
