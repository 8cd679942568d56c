"""A comparison in a notebook: verdict and table as a small piece of HTML that needs no script."""

from dataclasses import dataclass

from bakeoff.messages import say
from bakeoff.report.content.figures import metric_label
from bakeoff.report.content.result_rows import EntrantRow, entrant_rows, verdict_label
from bakeoff.report.html.document import fragment
from bakeoff.report.words.text import bound, clean
from bakeoff.study.results.comparison import Comparison


@dataclass(frozen=True, kw_only=True)
class NotebookPage:
    data_name: str
    label: str
    sentences: tuple[str, ...]
    heads: tuple[str, ...]
    rows: tuple[EntrantRow, ...]


def comparison_html(comparison: Comparison) -> str:
    """Verdict and table for a notebook's `_repr_html_`; everything of the user is escaped.

    The stylesheet is that of the pages, confined to this piece; text has the notebook's own colour, so that it suits a
    light and a dark one. Where a viewer removes stylesheets, a plain table is left.
    """
    heads = (
        say("report.table.entrant"),
        metric_label(comparison.metric),
        "95 %",
        *(say(f"report.table.{key}") for key in ("best", "parameters", "flops", "seconds")),
    )
    page = NotebookPage(
        data_name=clean(comparison.name),
        label=verdict_label(comparison.verdict),
        sentences=tuple(bound(clean(sentence)) for sentence in comparison.verdict.sentences),
        heads=heads,
        rows=tuple(entrant_rows(comparison.entrants, comparison.verdict)),
    )
    return fragment("notebook.html.j2", page=page)
