"""Figures as Plotly's JSON: a thin drawing of the records in `figures`.

A Plotly figure here is a plain dictionary {"data": [...], "layout": {...}}. Colours in it are tokens of `palette`
("token:family-cnn", "token:ink/0.15" for 15 % opacity): the page resolves them against its theme, and
`with_colours` does so here. Plotly reads a little HTML in its labels, so each word of the user goes through `label`.
"""

import html
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

from bakeoff.messages import say
from bakeoff.report.figures import (
    ConfusionFigure,
    CostFigure,
    CurveFigure,
    CurveLine,
    HorizonFigure,
    ResidualFigure,
)
from bakeoff.report.palette import colours
from bakeoff.report.text import amount, clean, duration, grouped, shorten, significant
from bakeoff.study.verdict import CurvePoint

Plot = dict[str, Any]

_TOKEN = re.compile(r"token:([a-z-]+)(?:/([0-9.]+))?")


def label(text: object, width: int | None = None) -> str:
    """User text that Plotly shows letter by letter: cleaned, shortened to `width` cells, escaped.

    >>> label("<b>a & b</b>")
    '&lt;b&gt;a &amp; b&lt;/b&gt;'
    """
    plain = clean(text)
    return html.escape(plain if width is None else shorten(plain, width), quote=False)


def token(name: str, opacity: float | None = None) -> str:
    return f"token:{name}" if opacity is None else f"token:{name}/{opacity:g}"


def with_colours(plot: Any, theme: str) -> Any:
    """A copy with each colour token replaced by the theme's colour ("light" or "dark")."""
    known = colours(theme)
    if isinstance(plot, dict):
        return {key: with_colours(value, theme) for key, value in plot.items()}
    if isinstance(plot, list):
        return [with_colours(value, theme) for value in plot]
    found = _TOKEN.fullmatch(plot) if isinstance(plot, str) else None
    if not found:
        return plot
    colour, opacity = known[found[1]], found[2]
    if opacity is None:
        return colour
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def curve_plot(figure: CurveFigure) -> Plot:
    """Learning curves: line and 95 % band where measured, dotted line and 80 % band where forecast.

    The foremost entrants lie on top, and their bands are stronger than the others'.
    """
    scale = 100.0 if figure.percent else 1.0
    data: list[Plot] = []
    for index, line in reversed(list(enumerate(figure.lines))):
        strength = 1.0 if line.name in figure.foremost else 0.4
        data += _curve_traces(line, group=f"entrant-{index}", scale=scale, figure=figure, strength=strength)
    examples = [point.examples for line in figure.lines for point in (*line.points, *line.forecast)]
    layout = _layout(
        x=_log_axis(examples, say("report.axis.examples")), y=_score_axis(figure.metric, figure.percent)
    )
    if any(line.forecast for line in figure.lines):
        layout["shapes"] = [_now_line(figure.examples_now)]
        layout["annotations"] = [_now_text(figure.examples_now)]
    layout["meta"] = {"aspect": 0.56, "tallest": 460}
    return {"data": data, "layout": layout}


def _curve_traces(
    line: CurveLine, *, group: str, scale: float, figure: CurveFigure, strength: float
) -> list[Plot]:
    colour = line.style.colour
    last = line.points[-1]
    common: Plot = {"type": "scatter", "legendgroup": group, "showlegend": False}
    traces = [_band(line.points, colour, 0.14 * strength, scale, common)]
    if line.forecast:
        start = CurvePoint(examples=last.examples, score=last.score, low=last.score, high=last.score)
        ahead = (start, *line.forecast)
        traces.append(_band(ahead, colour, 0.1 * strength, scale, common))
        traces.append(
            {
                **common,
                "mode": "lines+markers",
                "x": [point.examples for point in ahead],
                "y": [scale * point.score for point in ahead],
                "line": {"color": token(colour), "width": 1.6, "dash": "dot"},
                "marker": {
                    "symbol": f"{line.style.marker}-open",
                    "size": [0, *[7] * len(line.forecast)],
                    "color": token(colour),
                },
                "text": [
                    "",
                    *(_curve_hover(line.name, point, figure, "forecast") for point in line.forecast),
                ],
                "hovertemplate": "%{text}<extra></extra>",
            }
        )
    traces.append(
        {
            **common,
            "mode": "lines+markers",
            "x": [point.examples for point in line.points],
            "y": [scale * point.score for point in line.points],
            "line": {"color": token(colour), "width": 2.2, "dash": line.style.dash},
            "marker": {"symbol": line.style.marker, "size": 7.5, "color": token(colour)},
            "text": [_curve_hover(line.name, point, figure, "measured") for point in line.points],
            "hovertemplate": "%{text}<extra></extra>",
        }
    )
    return traces


def _band(points: Sequence[CurvePoint], colour: str, opacity: float, scale: float, common: Plot) -> Plot:
    """The area between `low` and `high` as one closed line."""
    return {
        **common,
        "mode": "lines",
        "x": [point.examples for point in (*points, *reversed(points))],
        "y": [scale * point.high for point in points] + [scale * point.low for point in reversed(points)],
        "fill": "toself",
        "fillcolor": token(colour, opacity),
        "line": {"width": 0, "color": token(colour, 0)},
        "hoverinfo": "skip",
    }


def _curve_hover(name: str, point: CurvePoint, figure: CurveFigure, kind: str) -> str:
    figures = say(
        f"report.hover.{kind}",
        examples=grouped(point.examples),
        score=show_score(point.score, percent=figure.percent),
        low=show_score(point.low, percent=figure.percent),
        high=show_score(point.high, percent=figure.percent),
    )
    return f"<b>{label(name, 40)}</b><br>{figures}"


def show_score(score: float, *, percent: bool) -> str:
    """A score as in the verdict: in percent with one decimal, or with four digits."""
    if not math.isfinite(score):
        return "–"
    return f"{100 * score:.1f} %" if percent else f"{score:.4g}"


def _now_line(examples: int) -> Plot:
    return {
        "type": "line",
        "x0": examples,
        "x1": examples,
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "line": {"color": token("faint"), "width": 1, "dash": "dot"},
    }


def _now_text(examples: int) -> Plot:
    return {
        "x": math.log10(examples),
        "y": 1,
        "yref": "paper",
        "yanchor": "bottom",
        "xanchor": "center",
        "text": say("report.figure.now"),
        "showarrow": False,
        "font": {"size": 11, "color": token("soft")},
    }


def cost_plot(figure: CostFigure) -> Plot:
    """Score against one cost, with the Pareto front as a step line and its entrants named."""
    scale = 100.0 if figure.percent else 1.0
    front = sorted((point for point in figure.points if point.on_front), key=lambda point: point.cost)
    data: list[Plot] = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [point.cost for point in front],
            "y": [scale * point.score for point in front],
            "line": {"color": token("faint"), "width": 1.4, "shape": "hv"},
            "hoverinfo": "skip",
            "showlegend": False,
        }
    ]
    for point in figure.points:
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": [point.cost],
                "y": [scale * point.score],
                "error_y": {
                    "type": "data",
                    "symmetric": False,
                    "array": [scale * (point.high - point.score)],
                    "arrayminus": [scale * (point.score - point.low)],
                    "color": token(point.style.colour, 0.55),
                    "thickness": 1.3,
                    "width": 0,
                },
                "marker": {
                    "symbol": point.style.marker if point.on_front else f"{point.style.marker}-open",
                    "size": 11 if point.on_front else 9,
                    "color": token(point.style.colour),
                    "line": {"width": 1.5, "color": token(point.style.colour)},
                },
                "text": [_cost_hover(point.name, point.cost, point.score, figure)],
                "hovertemplate": "%{text}<extra></extra>",
                "showlegend": False,
            }
        )
    axis = _log_axis(
        [point.cost for point in figure.points], say(f"report.cost.{figure.cost}"), cost=figure.cost
    )
    del axis["title"]  # the heading above the figure says it
    layout = _layout(x=axis, y=_score_axis(figure.metric, figure.percent))
    layout["meta"] = {"aspect": 0.92, "tallest": 340}
    return {"data": data, "layout": layout}


def show_cost(value: float, cost: str) -> str:
    """A cost with its unit: "flops", "parameters" or "seconds"."""
    return duration(value) if cost == "seconds" else amount(value, "FLOPs" if cost == "flops" else "")


def _cost_hover(name: str, cost: float, score: float, figure: CostFigure) -> str:
    shown = show_score(score, percent=figure.percent)
    spent = f"{say(f'report.cost.{figure.cost}')}: {show_cost(cost, figure.cost)}"
    return f"<b>{label(name, 40)}</b><br>{figure.metric} {shown}<br>{spent}"


def confusion_plot(figure: ConfusionFigure) -> Plot:
    """A matrix of counts: right answers in one colour, mistakes in another, each shaded by the share of its row."""
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
    layout = _layout(
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
    """Predicted against true values; on the line they are equal."""
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
    layout = _layout(
        x={**_axis(say("report.axis.true_value")), "range": span},
        y={**_axis(say("report.axis.predicted_value")), "range": span},
    )
    layout["meta"] = {"aspect": 0.9, "tallest": 460}
    return {"data": data, "layout": layout}


def horizon_plot(figure: HorizonFigure) -> Plot:
    """Mean absolute error at each step ahead."""
    data = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "legendgroup": f"horizon-{index}",
            "x": list(range(1, len(errors) + 1)),
            "y": list(errors),
            "line": {"color": token(style.colour), "width": 2, "dash": style.dash},
            "marker": {"symbol": style.marker, "size": 6, "color": token(style.colour)},
            "text": [
                f"<b>{label(name, 40)}</b><br>{say('report.hover.horizon', step=step, error=significant(error, 4))}"
                for step, error in enumerate(errors, 1)
            ],
            "hovertemplate": "%{text}<extra></extra>",
            "showlegend": False,
        }
        for index, (name, style, errors) in enumerate(figure.lines)
    ]
    layout = _layout(
        x=_axis(say("report.axis.step")), y={**_axis(say("report.axis.error")), "rangemode": "tozero"}
    )
    layout["meta"] = {"aspect": 0.56, "tallest": 400}
    return {"data": data, "layout": layout}


def _layout(*, x: Plot, y: Plot) -> Plot:
    return {
        "xaxis": x,
        "yaxis": y,
        "margin": {"l": 8, "r": 14, "t": 24, "b": 8},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": token("soft"), "size": 12},
        "hoverlabel": {
            "bgcolor": token("panel"),
            "bordercolor": token("line"),
            "font": {"color": token("ink"), "size": 12.5},
            "align": "left",
        },
        "hovermode": "closest",
        "dragmode": False,
        "showlegend": False,
    }


def _axis(title: str) -> Plot:
    return {
        "title": {"text": title, "standoff": 10, "font": {"color": token("soft"), "size": 12}},
        "gridcolor": token("grid"),
        "linecolor": token("line"),
        "zeroline": False,
        "automargin": True,
        "fixedrange": True,
        "ticks": "",
    }


def _score_axis(metric: str, percent: bool) -> Plot:
    return {**_axis(metric), **({"ticksuffix": " %"} if percent else {}), "nticks": 7}


def _log_axis(values: Iterable[float], title: str, *, cost: str | None = None) -> Plot:
    """A log axis with few round ticks, written with k, M, G or as times."""
    found = [value for value in values if value > 0] or [1.0, 10.0]
    low, high = math.log10(min(found)), math.log10(max(found))
    margin = max(0.06 * (high - low), 0.08)
    show = (lambda value: show_cost(value, cost)) if cost else amount
    ticks = _round_ticks(low - margin, high + margin)
    return {
        **_axis(title),
        "type": "log",
        "range": [low - margin, high + margin],
        "tickmode": "array",
        "tickvals": ticks,
        "ticktext": [_short_tick(show(value)) for value in ticks],
    }


def _round_ticks(low: float, high: float, most: int = 7) -> list[float]:
    """1-2-5 numbers between 10^low and 10^high, fewer of each decade until there are at most `most`."""
    for steps in ((1, 2, 5), (1, 3), (1,)):
        decades = range(math.floor(low), math.ceil(high) + 1)
        ticks = [step * 10.0**decade for decade in decades for step in steps]
        ticks = [tick for tick in ticks if low <= math.log10(tick) <= high]
        if len(ticks) <= most:
            return ticks
    return ticks[:: math.ceil(len(ticks) / most)]


def _short_tick(text: str) -> str:
    """'5.00 k' is '5 k' on an axis; '0.5 s' stays."""
    return re.sub(r"\.0+(?=\D|$)", "", text).replace("FLOPs", "").strip()
