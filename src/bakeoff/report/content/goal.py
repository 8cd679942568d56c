"""The way to the goal: who is there, and how many examples it takes the others, as formatted rows."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bakeoff.messages import say
from bakeoff.report.content.figures import Style, entrant_styles
from bakeoff.report.words.text import bound, clean, duration, grouped
from bakeoff.study.analysis.goal import FURTHEST, GoalAnswer, GoalPath, more_examples
from bakeoff.study.analysis.rounding import about
from bakeoff.study.results.records import EntrantResult
from bakeoff.tasks.metrics.registry import METRICS


@dataclass(frozen=True, kw_only=True)
class GoalRow:
    """One entrant's way; "" where nothing is known."""

    name: str
    style: Style
    outlook: str
    examples: str
    interval: str
    more: str
    seconds: str


@dataclass(frozen=True, kw_only=True)
class GoalPart:
    """The section: what is wanted, sentences, and a row for each judged entrant."""

    goal: str
    sentences: tuple[str, ...]
    rows: tuple[GoalRow, ...]


def goal_part(entrants: Sequence[EntrantResult], answer: GoalAnswer) -> GoalPart:
    """The section on how these entrants come to a goal."""
    drawn = entrant_styles(entrants)
    name = say(f"verdict.metric.{answer.metric}")
    return GoalPart(
        goal=bound(f"{name} {METRICS[answer.metric].show(answer.goal)}"),
        sentences=tuple(bound(clean(sentence)) for sentence in answer.sentences),
        rows=tuple(_row(path, drawn[path.entrant]) for path in answer.paths),
    )


def _row(path: GoalPath, style: Style) -> GoalRow:
    unsure = path.outlook == "reached" and not path.shown
    return GoalRow(
        name=clean(path.entrant),
        style=style,
        outlook=say(f"report.goal.{'reached_unsure' if unsure else path.outlook}", multiple=FURTHEST),
        examples=_examples(path),
        interval=_interval(path.low, path.high),
        more="" if path.more_examples is None else more_examples(path),
        seconds="" if path.training_seconds is None else duration(path.training_seconds),
    )


def _examples(path: GoalPath) -> str:
    """Two digits of a forecast, every digit of a number that is known."""
    if path.examples is None:
        return ""
    return grouped(round(path.examples)) if path.outlook == "reached" else about(path.examples)


def _interval(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return ""
    last = about(high) if math.isfinite(high) else say("report.goal.beyond", multiple=FURTHEST)
    return say("report.verdict.between", low=about(low), high=last)
