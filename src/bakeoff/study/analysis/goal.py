"""`--goal`: how many examples until a score is reached, by each family, and what the way there costs.

The number is read off the same drawn learning curves that forecasts come from (`curves.CurveFit`): each drawn curve
reaches the goal at some size or not at all, and the answer is the median of those sizes with an 80 % interval.
Nothing is said beyond ten times the data, since no forecast was validated further than that.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from bakeoff.errors import OptionError
from bakeoff.messages.statement import Statement
from bakeoff.study.analysis.learning_curves import LEVEL, MULTIPLES, CurveFit, fit_curve
from bakeoff.study.analysis.rounding import about, two_digits
from bakeoff.study.results.records import EntrantResult, finite
from bakeoff.tasks.metrics.registry import METRICS, Floats, Metric

Outlook = Literal["reached", "likely", "perhaps", "not_there", "withheld"]
#: Nothing is said of more than this many times the data.
FURTHEST = MULTIPLES[-1]
#: The goal counts as out of reach where fewer than this part of the drawn curves come to it. (The protocol's share, by
#: which an entrant is not trained any further, is far smaller: there an error costs a verdict, and here a sentence.)
POSSIBLE_SHARE = 0.1
_SIZES = 120
_WRITTEN = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*(%?)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Goal:
    """A goal as it was written: a value, and whether with a percent sign."""

    value: float
    percent: bool

    def of(self, metric: Metric) -> float:
        """The goal in the metric's own unit.

        Raises:
            OptionError: it is no value that the metric can have.
        """
        if self.percent and not metric.percent:
            raise OptionError(
                f"--goal is a value of the metric {metric.name}, which is no percentage: write it without the "
                "percent sign, as in --goal 2.5."
            )
        value = self.value / 100 if self.percent else self.value
        if metric.percent and not 0 <= value <= 1:
            raise OptionError(
                f"--goal is a value of the metric {metric.name}, between 0 and 1 or 0% and 100%, not "
                f"{self.value:g}{'%' if self.percent else ''}: write --goal {min(self.value, 100):g}%."
            )
        return value


def parse_goal(text: str) -> Goal:
    """A goal from the command line.

    >>> parse_goal("95%"), parse_goal("2.5")
    (Goal(value=95.0, percent=True), Goal(value=2.5, percent=False))

    Raises:
        OptionError: it is no number.
    """
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        raise OptionError(f"--goal is a percentage or a value of the metric, as 95% or 2.5, not '{text}'.")
    return Goal(value=float(found[1]), percent=bool(found[2]))


@dataclass(frozen=True, kw_only=True)
class GoalPath:
    """One entrant's way to the goal.

    Attributes:
        entrant: whose curve it is.
        outlook: "reached" with the data there are, by its test score; "likely" and "perhaps" with more of them (at
            least half of the curves that its points allow come to the goal, or fewer); "not_there" on (almost) any of
            them within `FURTHEST` times the data; "withheld" where nothing can be said.
        shown: where it is reached, whether the 95 % interval of the test score is beyond the goal as well.
        examples: training examples at the goal, in the middle of those curves; None unless reached or likely.
        low, high: 80 % interval of it; `high` is infinite where more than one curve in ten does not come to it.
        more_examples: how many of them are still to be collected.
        training_seconds: of one training with so many examples, in proportion to what one took here; None: unknown.
        flops_per_example: of one prediction.
        furthest: score at `FURTHEST` times the data. furthest_low, furthest_high: its 80 % interval.
        withheld: why nothing can be said (a key under "verdict.withheld."), else None.
    """

    entrant: str
    outlook: Outlook
    shown: bool = False
    examples: float | None = None
    low: float | None = None
    high: float | None = None
    more_examples: float | None = None
    training_seconds: float | None = None
    flops_per_example: int | None = None
    furthest: float | None = None
    furthest_low: float | None = None
    furthest_high: float | None = None
    withheld: str | None = None


@dataclass(frozen=True, kw_only=True)
class GoalAnswer:
    """How to come to a goal.

    Attributes:
        metric: name of the metric. goal: in its unit.
        examples: training examples there are now.
        paths: of each judged entrant: reached first, then by the number of examples, those that do not come to it last.
        statements: what is to be said.
    """

    metric: str
    goal: float
    examples: int
    paths: tuple[GoalPath, ...]
    statements: tuple[Statement, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        return tuple(statement.text() for statement in self.statements)

    def to_json(self) -> dict[str, Any]:
        record = {key: value for key, value in asdict(self).items() if key != "statements"}
        return finite({**record, "sentences": list(self.sentences)})


def answer_goal(
    entrants: Sequence[EntrantResult],
    goal: float,
    *,
    metric: str,
    ceiling: float | None = None,
    seed: int = 0,
) -> GoalAnswer:
    """How each entrant comes to a goal.

    Args:
        entrants: with their measured curves, and their scores on the training examples where these are known.
        goal: in the metric's unit.
        metric: name of the deciding metric.
        ceiling: the score that labels as they are allow; None where unknown.
        seed: of the draws; that of the comparison gives the curves that its forecasts come from.
    """
    measure = METRICS[metric]
    judged = [entrant for entrant in entrants if entrant.judged and entrant.score is not None]
    known = [entrant.score for entrant in judged if entrant.kind == "baseline"]
    chance = (
        None
        if not known
        else measure.sign * max(measure.sign * score for score in known if score is not None)
    )
    now = max((point.examples for entrant in judged for point in entrant.curve), default=0)
    paths = []
    for entrant in judged:
        if entrant.kind == "baseline" and not _reaches(entrant.score, goal, measure):
            continue  # it does not learn
        fit = fit_curve(entrant.curve, measure, chance=chance, training=entrant.training_curve, seed=seed)
        paths.append(_path(entrant, fit, goal, measure, now))
    paths.sort(key=_order)
    answer = GoalAnswer(metric=metric, goal=goal, examples=now, paths=tuple(paths))
    return GoalAnswer(**{**vars(answer), "statements": _statements(answer, measure, ceiling)})


def _reaches(score: float | None, goal: float, measure: Metric) -> bool:
    return score is not None and measure.sign * (score - goal) >= 0


def _path(entrant: EntrantResult, fit: CurveFit, goal: float, measure: Metric, now: int) -> GoalPath:
    path = GoalPath(entrant=entrant.name, outlook="withheld", flops_per_example=entrant.flops_per_example)
    if _reaches(entrant.score, goal, measure):
        worst = entrant.low if measure.higher_is_better else entrant.high
        return replace(
            path,
            outlook="reached",
            shown=_reaches(worst, goal, measure),
            examples=float(now),
            more_examples=0.0,
            training_seconds=entrant.training_seconds,
        )
    if fit.no_forecast is not None:
        return replace(path, withheld=fit.no_forecast)
    furthest, low, high = fit.predict(FURTHEST * fit.examples)
    path = replace(path, furthest=furthest, furthest_low=low, furthest_high=high)
    reached = examples_until(fit, goal)
    if np.isfinite(reached).mean() < POSSIBLE_SHARE:
        return replace(path, outlook="not_there")
    sides = ((1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2)
    least, middle, most = (float(size) for size in np.quantile(reached, sides, method="lower"))
    path = replace(path, outlook="perhaps", low=least, high=most)
    if not math.isfinite(middle):
        return path
    seconds = entrant.training_seconds
    return replace(
        path,
        outlook="likely",
        examples=middle,
        more_examples=max(middle - now, 0.0),
        training_seconds=None if seconds is None else seconds * middle / fit.examples,
    )


def examples_until(fit: CurveFit, goal: float) -> Floats:
    """Training examples [D] at which each drawn curve comes to the goal; infinite beyond `FURTHEST` times the data.

    Only for a fit that is not withheld. The score is that on new examples, so that what the test examples leave open
    is in the spread of the draws.
    """
    measure = METRICS[fit.metric]
    sizes = np.geomspace(fit.examples, FURTHEST * fit.examples, _SIZES)
    allowed = measure.sign * (measure.best - goal)
    there = fit.on_new_examples(sizes, narrowed=False) <= allowed
    return np.where(there.any(axis=1), sizes[there.argmax(axis=1)], np.inf)


_FIRST = {
    outlook: place for place, outlook in enumerate(("reached", "likely", "perhaps", "not_there", "withheld"))
}


def _order(path: GoalPath) -> tuple[int, float]:
    examples = path.examples if path.examples is not None else path.low
    return _FIRST[path.outlook], math.inf if examples is None else examples


def _statements(answer: GoalAnswer, measure: Metric, ceiling: float | None) -> tuple[Statement, ...]:
    """Who is there or comes there, who does not, and what does where nobody is shown to."""
    goal = measure.show(answer.goal)
    said = [_on_the_way(path, goal) for path in answer.paths if path.outlook in ("likely", "perhaps")]
    said += _cost(answer.paths)
    there = [path for path in answer.paths if path.outlook == "reached"]
    if there:
        sure = [path.entrant for path in there if path.shown]
        unsure = [path.entrant for path in there if not path.shown]
        for key, names in (("reached", sure), ("reached_unsure", unsure)):
            if names:
                values = {"goal": goal, "names": ", ".join(names), "examples": f"{answer.examples:,}"}
                said.insert(
                    0 if key == "reached" else bool(sure), Statement(key=f"verdict.goal.{key}", values=values)
                )
    beyond = ", ".join(path.entrant for path in answer.paths if path.outlook == "not_there")
    if beyond:
        said.append(
            Statement(
                key="verdict.goal.not_there", values={"names": beyond, "goal": goal, "multiple": FURTHEST}
            )
        )
    by_reason: dict[str, list[str]] = {}
    for path in answer.paths:
        if path.withheld is not None:
            by_reason.setdefault(path.withheld, []).append(path.entrant)
    for reason, names in by_reason.items():
        because = Statement(key=f"verdict.withheld.{reason}", values={})
        without: dict[str, Any] = {"names": ", ".join(names), "goal": goal, "reason": because}
        said.append(Statement(key="verdict.goal.withheld", values=without))
    if not any(path.outlook in ("reached", "likely") for path in answer.paths):
        said.insert(0, _nobody(answer, goal, measure))
    if ceiling is not None and measure.sign * (ceiling - answer.goal) < 0:
        said.append(
            Statement(key="verdict.goal.ceiling", values={"goal": goal, "ceiling": measure.show(ceiling)})
        )
    return tuple(said)


def _on_the_way(path: GoalPath, goal: str) -> Statement:
    assert path.low is not None
    assert path.high is not None
    values: dict[str, Any] = {
        "entrant": path.entrant,
        "goal": goal,
        "low": about(path.low),
        "multiple": FURTHEST,
    }
    if path.outlook == "perhaps":
        return Statement(key="verdict.goal.perhaps", values=values)
    assert path.examples is not None
    values |= {"examples": about(path.examples), "more": more_examples(path)}
    if not math.isfinite(path.high):
        return Statement(key="verdict.goal.likely_open", values=values)
    return Statement(key="verdict.goal.likely", values={**values, "high": about(path.high)})


def _cost(paths: Sequence[GoalPath]) -> list[Statement]:
    """What one training takes where it comes to the goal, of the first who is likely to."""
    known = [path for path in paths if path.outlook == "likely" and path.training_seconds is not None]
    if not known:
        return []
    seconds = known[0].training_seconds or 0.0
    taken = f"{seconds:.2g} s" if seconds < 100 else f"{seconds / 60:,.0f} min"
    return [Statement(key="verdict.goal.seconds", values={"entrant": known[0].entrant, "seconds": taken})]


def _nobody(answer: GoalAnswer, goal: str, measure: Metric) -> Statement:
    """Nothing measured leads there: who comes nearest, and what may."""
    known = [path for path in answer.paths if path.furthest is not None]
    if not known:
        return Statement(key="verdict.goal.nothing", values={"goal": goal})
    nearest = max(known, key=lambda path: measure.sign * (path.furthest or 0.0))
    shown = {
        name: measure.show(value)
        for name, value in (
            ("score", nearest.furthest),
            ("low", nearest.furthest_low),
            ("high", nearest.furthest_high),
        )
        if value is not None
    }
    values = {"goal": goal, "entrant": nearest.entrant, "multiple": FURTHEST, **shown}
    return Statement(key="verdict.goal.nobody", values=values)


def more_examples(path: GoalPath) -> str:
    """How many are still to be collected: what `about` shows of the whole, less those that there are.

    >>> more_examples(GoalPath(entrant="cnn", outlook="likely", examples=174.2, more_examples=89.2))
    '85'
    """
    assert path.examples is not None
    if not path.more_examples:
        return "0"
    there = round(path.examples - path.more_examples)
    more = two_digits(path.examples) - there
    return f"{more:,.0f}" if more > 0 else about(path.more_examples)
