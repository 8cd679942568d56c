"""Learning curves, score against cost and error by step, drawn as Plotly's JSON from the records in `figures`."""

import math
from collections.abc import Sequence

from bakeoff.messages import say
from bakeoff.report.content.figures import CostFigure, CurveFigure, CurveLine, HorizonFigure
from bakeoff.report.plotly.parts import (
    Plot,
    axis,
    label,
    layout_of,
    log_axis,
    score_axis,
    show_cost,
    show_score,
    token,
)
from bakeoff.report.words.text import grouped, significant
from bakeoff.study.analysis.verdict import CurvePoint


def curve_plot(figure: CurveFigure) -> Plot:
    """Learning curves: line and 95 % band where measured, dotted line and hatched 80 % band where forecast.

    The two kinds of band never touch, since they mean different things. The best entrants (`foremost`) are drawn on
    top, with less transparent bands than the others.
    """
    scale = 100.0 if figure.percent else 1.0
    data: list[Plot] = []
    for index, line in reversed(list(enumerate(figure.lines))):
        strength = 1.0 if line.name in figure.foremost else 0.4
        data += _curve_traces(line, group=f"entrant-{index}", scale=scale, figure=figure, strength=strength)
    examples = [point.examples for line in figure.lines for point in (*line.points, *line.forecast)]
    layout = layout_of(
        x=log_axis(examples, say("report.axis.examples")), y=score_axis(figure.metric, figure.percent)
    )
    if any(line.forecast for line in figure.lines):
        layout["shapes"] = [_now_line(figure.examples_now)]
        layout["annotations"] = _now_texts(figure.examples_now)
        layout["margin"]["t"] = 42
    layout["meta"] = {"aspect": 0.56, "tallest": 460}
    if figure.zoom is not None:
        layout["meta"]["zoom"] = [scale * bound for bound in figure.zoom]
    return {"data": data, "layout": layout}


def _curve_traces(
    line: CurveLine, *, group: str, scale: float, figure: CurveFigure, strength: float
) -> list[Plot]:
    colour = line.style.colour
    last = line.points[-1]
    common: Plot = {"type": "scatter", "legendgroup": group, "showlegend": False}
    traces = [_band(line.points, colour, 0.14 * strength, scale, common)]
    if line.forecast:
        ahead = (last, *line.forecast)  # the line goes on from the data there are
        traces.append(
            _hatched(_band(line.forecast, colour, 0.07 * strength, scale, common), colour, strength)
        )
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


def _hatched(band: Plot, colour: str, strength: float) -> Plot:
    """The band with thin lines in it, which tell a forecast from a measurement without colours."""
    lines = {"shape": "/", "size": 7, "solidity": 0.12, "fgcolor": token(colour, 0.55 * strength)}
    return {**band, "fillpattern": {**lines, "bgcolor": band["fillcolor"]}}


def _curve_hover(name: str, point: CurvePoint, figure: CurveFigure, kind: str) -> str:
    figures = say(
        f"report.hover.{kind}",
        examples=grouped(point.examples),
        score=show_score(point.score, percent=figure.percent),
        low=show_score(point.low, percent=figure.percent),
        high=show_score(point.high, percent=figure.percent),
    )
    return f"<b>{label(name, 40)}</b><br>{figures}"


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


def _now_texts(examples: int) -> list[Plot]:
    """Above the line: what it marks, and what the bands on its two sides are."""
    return [
        {
            "x": math.log10(examples),
            "y": 1,
            "yref": "paper",
            "yanchor": "bottom",
            "xanchor": side,
            "xshift": shift,
            "yshift": up,
            "text": say(f"report.figure.{key}"),
            "showarrow": False,
            "font": {"size": 11, "color": token("soft")},
        }
        for key, side, shift, up in (
            ("now", "center", 0, 17),
            ("measured", "right", -5, 1),
            ("expected", "left", 5, 1),
        )
    ]


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
    costs = log_axis(
        [point.cost for point in figure.points], say(f"report.cost.{figure.cost}"), cost=figure.cost
    )
    del costs["title"]  # the heading above the figure says it
    layout = layout_of(x=costs, y=score_axis(figure.metric, figure.percent))
    layout["meta"] = {"aspect": 0.92, "tallest": 340}
    return {"data": data, "layout": layout}


def _cost_hover(name: str, cost: float, score: float, figure: CostFigure) -> str:
    shown = show_score(score, percent=figure.percent)
    spent = f"{say(f'report.cost.{figure.cost}')}: {show_cost(cost, figure.cost)}"
    return f"<b>{label(name, 40)}</b><br>{figure.metric} {shown}<br>{spent}"


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
    layout = layout_of(
        x=axis(say("report.axis.step")), y={**axis(say("report.axis.error")), "rangemode": "tozero"}
    )
    layout["meta"] = {"aspect": 0.56, "tallest": 400}
    return {"data": data, "layout": layout}
