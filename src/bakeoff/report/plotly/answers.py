"""Confusion matrix and residuals, drawn as Plotly's JSON from the records in `answer_figures`."""

import math
from typing import Any

from bakeoff.messages import say
from bakeoff.report.content.answer_figures import ConfusionFigure, ResidualFigure
from bakeoff.report.plotly.parts import Plot, axis, label, layout_of, token
from bakeoff.report.words.text import grouped, significant


def confusion_plot(figure: ConfusionFigure) -> Plot:
    """A matrix of counts: right predictions in one colour, mistakes in another, shaded by their share of the row."""
    size = len(figure.names)
    rows = range(size)
    totals = [max(sum(row), 1) for row in figure.counts]
    shares = [[figure.counts[row][column] / totals[row] for column in rows] for row in rows]
    text = [[str(figure.counts[row][column] or "") for column in rows] for row in rows]
    hover = [
        [
            say(
                "report.hover.confusion",
                true=label(figure.names[row], 40),
                taken=label(figure.names[column], 40),
                count=grouped(figure.counts[row][column]),
                share=f"{100 * shares[row][column]:.1f} %",
            )
            for column in rows
        ]
        for row in rows
    ]
    data = [
        _cells(
            [[shares[r][c] if r == c else None for c in rows] for r in rows],
            text,
            hover,
            "accent",
            highest=1.0,
        ),
        _cells(
            [[shares[r][c] if r != c and figure.counts[r][c] else None for c in rows] for r in rows],
            text,
            hover,
            "family-linear",
            highest=max((shares[r][c] for r in rows for c in rows if r != c), default=1.0) or 1.0,
        ),
    ]
    ticks: Plot = {
        "tickmode": "array",
        "tickvals": list(rows),
        "ticktext": [label(name, 12) for name in figure.names],
    }
    ticks["ticklabelstandoff"] = 4
    plain = {"showgrid": False, "zeroline": False, "ticks": "", "fixedrange": True, "automargin": True}
    span = [-0.5, size - 0.5]
    layout = layout_of(
        x={
            **ticks,
            **plain,
            "title": {"text": say("report.axis.taken"), "standoff": 8},
            "side": "top",
            "range": span,
        },
        y={**ticks, **plain, "title": {"text": say("report.axis.true"), "standoff": 8}, "range": span[::-1]},
    )
    layout["shapes"] = [
        {
            "type": "rect",
            "x0": -0.5,
            "x1": size - 0.5,
            "y0": -0.5,
            "y1": size - 0.5,
            "line": {"color": token("line")},
        }
    ]
    layout["margin"] = {"l": 8, "r": 8, "t": 8, "b": 8}
    layout["meta"] = {"aspect": 1.0, "tallest": 170 + 36 * size if size < 10 else 560}
    return {"data": data, "layout": layout}


def _cells(shares: Any, text: Any, hover: Any, colour: str, *, highest: float) -> Plot:
    return {
        "type": "heatmap",
        "z": shares,
        "zmin": 0,
        "zmax": highest,
        "colorscale": [[0, token(colour, 0.06)], [1, token(colour, 0.78)]],
        "showscale": False,
        "text": text,
        "texttemplate": "%{text}",
        "textfont": {"color": token("ink")},
        "hovertext": hover,
        "hovertemplate": "%{hovertext}<extra></extra>",
        "hoverongaps": False,
        "xgap": 1,
        "ygap": 1,
    }


def residual_plot(figure: ResidualFigure) -> Plot:
    """Predicted against true values, with a diagonal line."""
    values = [value for value in (*figure.true, *figure.predicted) if math.isfinite(value)]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    margin = 0.04 * (high - low or 1.0)
    span = [low - margin, high + margin]
    data: list[Plot] = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": span,
            "y": span,
            "line": {"color": token("faint"), "width": 1.2, "dash": "dot"},
            "hoverinfo": "skip",
            "showlegend": False,
        },
        {
            "type": "scatter",
            "mode": "markers",
            "x": list(figure.true),
            "y": list(figure.predicted),
            "marker": {"size": 6, "color": token("accent", 0.5), "line": {"width": 0}},
            "text": [
                say("report.hover.residual", true=significant(true, 4), predicted=significant(predicted, 4))
                for true, predicted in zip(figure.true, figure.predicted, strict=True)
            ],
            "hovertemplate": "%{text}<extra></extra>",
            "showlegend": False,
        },
    ]
    layout = layout_of(
        x={**axis(say("report.axis.true_value")), "range": span},
        y={**axis(say("report.axis.predicted_value")), "range": span},
    )
    layout["meta"] = {"aspect": 0.9, "tallest": 460}
    return {"data": data, "layout": layout}
