"""Losses while a network learned, and the reach of its gradient, drawn as Plotly's JSON from `training_figures`."""

from bakeoff.messages import say
from bakeoff.report.content.figures import Style
from bakeoff.report.content.training_figures import (
    ONLY_STYLE,
    TRAINING_STYLE,
    VALIDATION_STYLE,
    LossFigure,
    ReachFigure,
)
from bakeoff.report.plotly.parts import Plot, axis, layout_of, token
from bakeoff.report.words.text import grouped, significant


def loss_plot(figure: LossFigure) -> Plot:
    """Training and validation loss by step; a large mark on the evaluation whose weights are kept."""
    best = figure.best
    best_mark = _losses(
        figure.steps[best : best + 1], figure.validation[best : best + 1], VALIDATION_STYLE, 12
    )
    best_mark["mode"] = "markers"
    best_mark["text"] = [say("report.hover.kept", step=grouped(figure.steps[best]))]
    layout = layout_of(
        x=axis(say("report.axis.training_step")),
        y={**axis(say("report.axis.loss")), "rangemode": "tozero"},
    )
    layout["meta"] = {"aspect": 0.5, "tallest": 380}
    return {
        "data": [
            _losses(figure.steps, figure.training, TRAINING_STYLE, 4),
            _losses(figure.steps, figure.validation, VALIDATION_STYLE, 5),
            best_mark,
        ],
        "layout": layout,
    }


def _losses(steps: tuple[int, ...], losses: tuple[float, ...], style: Style, size: int) -> Plot:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": list(steps),
        "y": list(losses),
        "line": {"color": token(style.colour), "width": 2, "dash": style.dash},
        "marker": {"symbol": style.marker, "size": size, "color": token(style.colour)},
        "text": [
            say("report.hover.loss", step=grouped(step), loss=significant(loss))
            for step, loss in zip(steps, losses, strict=True)
        ],
        "hovertemplate": "%{text}<extra></extra>",
        "showlegend": False,
    }


def reach_plot(figure: ReachFigure) -> Plot:
    """The gradient's norm at each step of the input; the last steps that hold 95 % of it are shaded."""
    count = len(figure.norms)
    layout = layout_of(
        x={**axis(say("report.axis.input_step")), "range": [0.5, count + 0.5]},
        y={**axis(say("report.axis.gradient")), "rangemode": "tozero"},
    )
    layout["shapes"] = [
        {
            "type": "rect",
            "yref": "paper",
            "x0": count - figure.last_steps + 0.5,
            "x1": count + 0.5,
            "y0": 0,
            "y1": 1,
            "fillcolor": token("accent", 0.1),
            "line": {"width": 0},
        }
    ]
    layout["meta"] = {"aspect": 0.4, "tallest": 300}
    trace = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": list(range(1, count + 1)),
        "y": list(figure.norms),
        "line": {"color": token(ONLY_STYLE.colour), "width": 2},
        "marker": {"size": 5, "color": token(ONLY_STYLE.colour)},
        "text": [
            say("report.hover.gradient", step=step, norm=significant(norm))
            for step, norm in enumerate(figure.norms, 1)
        ],
        "hovertemplate": "%{text}<extra></extra>",
        "showlegend": False,
    }
    return {"data": [trace], "layout": layout}
