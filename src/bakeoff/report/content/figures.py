"""Records of the figures of a report: numbers and names, independent of a plotting library.

`report.plotly` draws them; the records about predictions for single examples are in `answer_figures`. A test can
check what a figure shows without drawing it. Names are the user's own, unescaped; colours are tokens of `palette`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bakeoff.messages import say
from bakeoff.report.words.palette import styles
from bakeoff.study.analysis.verdict import CurvePoint, EntrantResult
from bakeoff.tasks.metrics.registry import METRICS, Metric

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Style:
    """How one entrant is drawn in every figure: the token of its family's colour, its marker and its dash."""

    colour: str
    marker: str
    dash: str


@dataclass(frozen=True, kw_only=True)
class CurveLine:
    """One entrant's learning curve; `forecast` starts after the last measured point, empty where withheld."""

    name: str
    style: Style
    points: tuple[CurvePoint, ...]
    forecast: tuple[CurvePoint, ...]


@dataclass(frozen=True, kw_only=True)
class CurveFigure:
    """Score against the number of training examples (log axis).

    `examples_now`: all the data there are. `foremost`: the three entrants that end best. `sign`: of the metric, 1 where
    higher is better, else -1.
    """

    metric: str
    percent: bool
    lines: tuple[CurveLine, ...]
    examples_now: int
    foremost: tuple[str, ...] = ()
    sign: int = 1

    @property
    def zoom(self) -> tuple[float, float] | None:
        """The range of scores of the better half of the curves; None where it is not much smaller than the whole."""
        ends = sorted(self.lines, key=lambda line: -self.sign * line.points[-1].score)
        better = ends[: max((len(ends) + 1) // 2, 2)]
        near = [point.score for line in better for point in line.points]
        near += [bound for line in better for point in line.forecast for bound in (point.low, point.high)]
        every_score = [point.score for line in self.lines for point in line.points]
        low, high = min(near), max(near)
        if not 0 < high - low < 0.6 * (max(every_score) - min(every_score)):
            return None
        return low - 0.08 * (high - low), high + 0.08 * (high - low)


@dataclass(frozen=True, kw_only=True)
class CostPoint:
    """One entrant at its cost (log axis). `on_front`: nobody else is as good or better and as cheap or cheaper."""

    name: str
    style: Style
    cost: float
    score: float
    low: float
    high: float
    on_front: bool


@dataclass(frozen=True, kw_only=True)
class CostFigure:
    """Score against one kind of cost: "flops", "parameters" or "seconds"."""

    cost: str
    metric: str
    percent: bool
    points: tuple[CostPoint, ...]


@dataclass(frozen=True, kw_only=True)
class HorizonFigure:
    """Mean absolute error at each step ahead (1 is the next value), for several entrants."""

    lines: tuple[tuple[str, Style, tuple[float, ...]], ...]


def entrant_styles(entrants: Sequence[EntrantResult]) -> dict[str, Style]:
    """The style of each entrant by name; entrants that are not networks are families of their own."""
    drawn = styles([entrant.family if entrant.kind == "network" else entrant.name for entrant in entrants])
    return {
        entrant.name: Style(colour=colour, marker=marker, dash=dash)
        for entrant, (colour, marker, dash) in zip(entrants, drawn, strict=True)
    }


def metric_label(metric: str) -> str:
    """The metric's name in the language in force."""
    return say(f"verdict.metric.{metric}")


def curve_figure(entrants: Sequence[EntrantResult], *, metric: str) -> CurveFigure | None:
    """Learning curves of all that have one; None where nobody was trained at more than one size."""
    drawn = entrant_styles(entrants)
    lines = tuple(
        CurveLine(
            name=entrant.name,
            style=drawn[entrant.name],
            points=tuple(sorted(entrant.curve, key=lambda point: point.examples)),
            forecast=tuple(sorted(entrant.forecast, key=lambda point: point.examples)),
        )
        for entrant in entrants
        if entrant.curve
    )
    if not any(len(line.points) > 1 for line in lines):
        return None
    measure = METRICS[metric]
    best = sorted(lines, key=lambda line: -measure.sign * line.points[-1].score)
    return CurveFigure(
        metric=metric_label(metric),
        percent=measure.percent,
        lines=lines,
        examples_now=max(point.examples for line in lines for point in line.points),
        foremost=tuple(line.name for line in best[:3]),
        sign=measure.sign,
    )


def cost_figure(entrants: Sequence[EntrantResult], *, metric: str, cost: str) -> CostFigure | None:
    """Score against "flops" (per example), "parameters" or "seconds" (of training); None with fewer than two points.

    Entrants of unknown or zero cost are left out (a log axis has no zero), and so are baselines whose score is far from
    the others', which would otherwise be too close to each other in the figure.
    """
    drawn = entrant_styles(entrants)
    measure = METRICS[metric]
    known = [
        (entrant, found, entrant.score)
        for entrant in entrants
        if (found := _cost(entrant, cost)) and entrant.score is not None and np.isfinite(entrant.score)
    ]
    known = _without_low_baseline(known)
    if len(known) < 2:
        return None
    front = _pareto_front([(spent, score) for _, spent, score in known], measure)
    points = tuple(
        CostPoint(
            name=entrant.name,
            style=drawn[entrant.name],
            cost=spent,
            score=score,
            low=score if entrant.low is None else entrant.low,
            high=score if entrant.high is None else entrant.high,
            on_front=on_front,
        )
        for (entrant, spent, score), on_front in zip(known, front, strict=True)
    )
    return CostFigure(cost=cost, metric=metric_label(metric), percent=measure.percent, points=points)


def _without_low_baseline(
    known: list[tuple[EntrantResult, float, float]],
) -> list[tuple[EntrantResult, float, float]]:
    """The entrants without baselines whose score is further from the others' range than that range is wide."""
    scores = [score for entrant, _, score in known if entrant.kind != "baseline"]
    if not scores:
        return known
    low, high = min(scores), max(scores)
    near = high - low
    return [
        (entrant, spent, score)
        for entrant, spent, score in known
        if entrant.kind != "baseline" or low - near <= score <= high + near
    ]


def _cost(entrant: EntrantResult, cost: str) -> float:
    spent = {
        "flops": entrant.flops_per_example,
        "parameters": entrant.parameters,
        "seconds": entrant.train_seconds,
    }[cost]
    return float(spent or 0.0)


def _pareto_front(points: Sequence[tuple[float, float]], measure: Metric) -> list[bool]:
    """Whether no other of the (cost, score) points is at least as good in both and better in one."""
    signed = [(cost, measure.sign * score) for cost, score in points]
    return [
        not any(
            other_cost <= cost and other_score >= score and (other_cost, other_score) != (cost, score)
            for other_cost, other_score in signed
        )
        for cost, score in signed
    ]


def horizon_figure(
    drawn: Mapping[str, Style], targets: Floats, outputs: Mapping[str, Floats]
) -> HorizonFigure | None:
    """Error at each step ahead from targets and outputs [N, horizon]; None for a horizon of one step.

    Args:
        drawn: the style of each entrant by name.
        targets, outputs: true values, and those that each entrant predicted.
    """
    if targets.ndim < 2 or targets.shape[1] < 2:
        return None
    lines = tuple(
        (name, drawn[name], tuple(np.abs(values - targets).mean(axis=0).tolist()))
        for name, values in outputs.items()
        if name in drawn and values.shape == targets.shape
    )
    return HorizonFigure(lines=lines) if lines else None
