"""A comparison in a notebook: verdict and table as a small piece of HTML that needs no script."""

from markupsafe import Markup

from bakeoff.messages import say
from bakeoff.report.content.figures import metric_label
from bakeoff.report.content.result_rows import EntrantRow, entrant_rows, verdict_label
from bakeoff.report.words.palette import colours
from bakeoff.report.words.text import bound, clean
from bakeoff.study.results.comparison import Comparison

_CELL = "padding:4px 14px 4px 0;text-align:right;white-space:nowrap"
_FIRST = "padding:4px 14px 4px 0;text-align:left;overflow-wrap:anywhere"


def comparison_html(comparison: Comparison) -> str:
    """Verdict and table for a notebook's `_repr_html_`; everything of the user is escaped.

    Colours are those of the notebook, so that it suits a light and a dark one.
    """
    sentences = Markup("").join(
        Markup('<li style="{}">{}</li>').format(
            "font-weight:600" if index == 0 else "", bound(clean(sentence))
        )
        for index, sentence in enumerate(comparison.verdict.sentences)
    )
    heads = (
        say("report.table.entrant"),
        metric_label(comparison.metric),
        "95 %",
        say("report.table.best"),
        say("report.table.parameters"),
        say("report.table.flops"),
        say("report.table.seconds"),
    )
    head = Markup("").join(
        Markup('<th style="{};opacity:.7;font-weight:500">{}</th>').format(_CELL if index else _FIRST, word)
        for index, word in enumerate(heads)
    )
    rows = Markup("").join(_row(row) for row in entrant_rows(comparison.entrants, comparison.verdict))
    return str(
        Markup(
            '<div style="max-width:60em"><div style="opacity:.7">bakeoff · {} · {}</div>'
            '<ul style="list-style:none;margin:.4em 0 .8em;padding:0;line-height:1.55">{}</ul>'
            '<table style="border-collapse:collapse;font-variant-numeric:tabular-nums"><thead><tr>{}</tr></thead>'
            "<tbody>{}</tbody></table></div>"
        ).format(clean(comparison.name), verdict_label(comparison.verdict), sentences, head, rows)
    )


def _row(row: EntrantRow) -> Markup:
    name = Markup('<span style="color:{}">●</span> {}').format(colours("light")[row.style.colour], row.name)
    cells = (row.score, row.narrow, row.probability, row.parameters, row.flops, row.seconds)
    weight = "font-weight:600" if row.best else "" if row.judged else "opacity:.6"
    return Markup('<tr style="{}"><td style="{}">{}</td>{}</tr>').format(
        weight,
        _FIRST,
        name,
        Markup("").join(Markup('<td style="{}">{}</td>').format(_CELL, cell) for cell in cells),
    )
