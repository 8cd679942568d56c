"""Each figure in one sentence, for those who do not see it: the text alternative that stands beside its drawing."""

from typing import assert_never

import numpy as np

from bakeoff.messages import say
from bakeoff.report.content.answer_figures import ConfusionFigure, ResidualFigure, largest_confusions
from bakeoff.report.content.figures import CostFigure, CurveFigure, HorizonFigure
from bakeoff.report.content.training_figures import LossFigure, ReachFigure
from bakeoff.report.words.text import clean, grouped, significant

Figure = (
    CurveFigure | CostFigure | HorizonFigure | ConfusionFigure | ResidualFigure | LossFigure | ReachFigure
)

#: The most mistakes that are named.
_MOST_MISTAKES = 3


def summary(figure: Figure) -> str:
    """What the figure shows, with its figures, in the language in force."""
    match figure:
        case CurveFigure():
            return _curves(figure)
        case CostFigure():
            return _cost(figure)
        case HorizonFigure():
            return _horizon(figure)
        case ConfusionFigure():
            return _confusion(figure)
        case ResidualFigure():
            return _residuals(figure)
        case LossFigure():
            return _losses(figure)
        case ReachFigure():
            return say("report.alt.reach", steps=figure.last_steps, length=len(figure.norms))
        case _:
            assert_never(figure)


def _curves(figure: CurveFigure) -> str:
    first = min(point.examples for line in figure.lines for point in line.points)
    best = next(line for line in figure.lines if line.name == figure.foremost[0])
    return say(
        "report.alt.curves",
        metric=figure.metric,
        count=len(figure.lines),
        first=grouped(first),
        last=grouped(figure.examples_now),
        best=clean(best.name),
        score=_score(best.points[-1].score, percent=figure.percent),
    )


def _cost(figure: CostFigure) -> str:
    front = sorted((point for point in figure.points if point.on_front), key=lambda point: point.cost)
    named = (f"{clean(point.name)} ({_score(point.score, percent=figure.percent)})" for point in front)
    return say(
        "report.alt.cost",
        metric=figure.metric,
        cost=say(f"report.cost.{figure.cost}"),
        count=len(figure.points),
        front=", ".join(named),
    )


def _score(score: float, *, percent: bool) -> str:
    return f"{100 * score:.1f} %" if percent else significant(score, 4)


def _horizon(figure: HorizonFigure) -> str:
    lines = (
        say(
            "report.alt.horizon_line",
            name=clean(name),
            first=significant(errors[0]),
            last=significant(errors[-1]),
            steps=len(errors),
        )
        for name, _, errors in figure.lines
    )
    return say("report.alt.horizon", lines="; ".join(lines))


def _confusion(figure: ConfusionFigure) -> str:
    counts = np.array(figure.counts)
    mistakes = (
        say("report.alt.mistake", true=clean(true), taken=clean(taken), count=grouped(count))
        for true, taken, count in largest_confusions(figure, most=_MOST_MISTAKES)
    )
    right = say(
        "report.alt.right",
        entrant=clean(figure.entrant),
        right=grouped(int(np.trace(counts))),
        count=grouped(int(counts.sum())),
    )
    named = ", ".join(mistakes)
    return f"{right} {say('report.alt.mistakes', mistakes=named)}" if named else right


def _residuals(figure: ResidualFigure) -> str:
    away = np.abs(np.array(figure.predicted) - np.array(figure.true))
    away = away[np.isfinite(away)]
    half, furthest = (float(np.median(away)), float(away.max())) if len(away) else (np.nan, np.nan)
    return say(
        "report.alt.residuals",
        entrant=clean(figure.entrant),
        shown=grouped(len(figure.true)),
        half=significant(half),
        furthest=significant(furthest),
    )


def _losses(figure: LossFigure) -> str:
    return say(
        "report.alt.losses",
        first=significant(figure.training[0]),
        last=significant(figure.training[-1]),
        steps=grouped(figure.steps[-1]),
        best=grouped(figure.steps[figure.best]),
        kept=significant(figure.validation[figure.best]),
    )
