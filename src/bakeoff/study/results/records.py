"""The frozen records of a comparison's results and of its verdict, independent of the language.

The records hold numbers and names only. A `Statement` is the key of a sentence in `bakeoff.messages` with the figures
that fill it in; the text is made when it is shown, in the language in force. Scores are in the metric's own unit (an
accuracy of 0.97, an RMSE in the unit of the target).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Protocol

from bakeoff.messages.statement import Statement, reason_text
from bakeoff.study.design.states import EntrantState
from bakeoff.study.protocol import CV_MOST_EXAMPLES

Kind = Literal["baseline", "classical", "network"]
#: The verdict states the forecast for this many times the present data.
SPOKEN_MULTIPLE = 4
#: Of the keys of `Verdict.to_json`: 2 has the three answers, and `leader` is chosen by validation.
VERDICT_VERSION = 2


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """One point of a learning curve.

    Attributes:
        examples: how many training examples.
        score: mean over seeds, in the metric's unit.
        low, high: interval (95 % for measured points, 80 % for forecasts); equal to the score where unknown.
        seeds: the score of each seed at this size; empty for forecasts.
    """

    examples: int
    score: float
    low: float
    high: float
    seeds: tuple[float, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return finite(asdict(self))


@dataclass(frozen=True, kw_only=True)
class Crossover:
    """Where one learning curve is expected to pass another.

    Attributes:
        behind, ahead: who is behind with the data there are now, and whom it passes.
        examples: training examples at which they cross; None where it is withheld.
        low, high: 80 % interval of that number; `high` is infinite where no crossing is possible as well.
        withheld: why no number is given (a key under "verdict.withheld."), else None.
    """

    behind: str
    ahead: str
    examples: float | None = None
    low: float | None = None
    high: float | None = None
    withheld: str | None = None

    def to_json(self) -> dict[str, Any]:
        return finite(asdict(self))


@dataclass(frozen=True, kw_only=True)
class EntrantResult:
    """All that a comparison found out about one entrant.

    Attributes:
        name, kind, family: who it is.
        score, low, high: on the test split, mean over seeds, with a 95 % interval; None where it was not judged.
        validation_score: of the chosen learning rate, mean over seeds.
        parameters: learnable numbers. flops_per_example: of one prediction (one multiply-add is 2). None: unknown.
        train_seconds: of all its trainings together.
        learning_rate: the chosen one; None for baselines and classical entrants.
        curve: measured learning curve on the test split. forecast: at 2, 4 and 10 times the data.
        forecast_withheld: why there is no forecast (a key under "verdict.withheld."), else None.
        training_curve: mean scores on its own training examples, by size, where known; they bound its forecast.
        more_helps: whether four times the data should help (see `CurveFit.helps`); None where nothing is forecast.
        metrics: every metric that applies, on the test split, by name.
        judged: whether it had the protocol's full treatment and may appear in the verdict.
        state, reason: how it ended, and one sentence about the reason where it was not judged.
        needed_seconds: what judging it would take, where the budget was too small.
        steps, training_flops: of each of a network's trainings at full size, as planned.
        protocol_steps: of each of them in the whole protocol, where the clock allowed fewer; None where it did not.
        undertrained: whether one of them took all of these fewer steps, so that it may have been improving still.
        training_seconds: median of what its trainings at full size took.
        allowed_seconds: planned for one training, where seconds are made equal; else None.
        capped: whether it was allocated less than the common amount, since that would be far too many steps.
    """

    name: str
    kind: Kind
    family: str
    score: float | None = None
    low: float | None = None
    high: float | None = None
    validation_score: float | None = None
    parameters: int | None = None
    flops_per_example: int | None = None
    train_seconds: float = 0.0
    learning_rate: float | None = None
    curve: tuple[CurvePoint, ...] = ()
    training_curve: tuple[CurvePoint, ...] = ()
    forecast: tuple[CurvePoint, ...] = ()
    forecast_withheld: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    judged: bool = True
    state: EntrantState = EntrantState.FINISHED
    reason: Statement | None = None
    needed_seconds: float | None = None
    steps: int | None = None
    training_flops: int | None = None
    training_seconds: float | None = None
    allowed_seconds: float | None = None
    capped: bool = False
    protocol_steps: int | None = None
    undertrained: bool = False
    more_helps: bool | None = None

    def to_json(self) -> dict[str, Any]:
        return finite({**asdict(self), "reason": reason_text(self.reason)})


@dataclass(frozen=True, kw_only=True)
class MoreData:
    """What more data is expected to bring the leader.

    Attributes:
        entrant: whose curve it is.
        multiple, examples: how many times the data, and how many examples that is.
        score, low, high: the forecast with its 80 % interval; None where it is withheld.
        now: the fitted score with the data there are.
        helps: whether a gain worth a word is expected (see `CurveFit.helps`); None where the forecast is withheld.
        withheld: why (a key under "verdict.withheld."), else None.
    """

    entrant: str
    multiple: int = SPOKEN_MULTIPLE
    examples: int = 0
    score: float | None = None
    low: float | None = None
    high: float | None = None
    now: float | None = None
    helps: bool | None = None
    withheld: str | None = None


@dataclass(frozen=True, kw_only=True)
class Testing:
    """On which examples the entrants of a comparison were tested, and why on these.

    Attributes:
        folds: in how many folds every example was to be tested once; 0 for one test split.
        finished: so many of them everybody who was judged has finished.
        how: they were made: "stratified", "random", "by group" or "by time"; "" without folds.
        reason: a key under "study.cv.": "asked", "affordable"; or why there are none: "off", "given", "large",
            "few", "budget".
        tested_examples, training_examples: in all folds together, and in each training; 0 where not known.
        explained: whether evidence of why was gathered, which is then that of the first fold.
        champion_on_all: whether the network handed over was trained on all examples after the folds; None without.
    """

    folds: int = 0
    finished: int = 0
    how: str = ""
    reason: str = "off"
    tested_examples: int = 0
    training_examples: int = 0
    champion_on_all: bool | None = None
    explained: bool = False

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "sentences": [statement.text() for statement in self.statements()]}

    def statements(self) -> tuple[Statement, ...]:
        """What was done, and which option changes it; nothing where `--cv no` was asked for."""
        if self.reason == "off":
            return ()
        values = asdict(self) | {"limit": CV_MOST_EXAMPLES}
        if not self.folds:
            return (Statement(key=f"study.cv.{self.reason}", values=values),)
        how = Statement(key=f"study.cv.how.{self.how.replace(' ', '_')}", values={})
        values |= {"how": how}
        said = [Statement(key=f"study.cv.{self._done()}", values=values)]
        if self.explained:
            said.append(Statement(key="study.cv.explained", values=values))
        if self.champion_on_all is not None:
            key = "study.cv.champion" if self.champion_on_all else "study.cv.champion_of_fold"
            said.append(Statement(key=key, values=values))
        return tuple(said)

    def _done(self) -> str:
        """How far the folds came, as a key."""
        if self.finished == self.folds:
            return "rolling" if self.how == "by time" else "folds"
        return "partial" if self.finished else "unfinished"


@dataclass(frozen=True, kw_only=True)
class Deciding:
    """What an open comparison of two entrants needs.

    Attributes:
        first, second: who. gap: score of the first minus that of the second, signed so that positive is better.
        examples, seeds: test examples and trainings of each network that would decide in four of five cases, were
            the gap the true one; None where no number below a million would.
        smallest: the smallest true difference that the present examples and seeds show in four of five cases.
    """

    first: str
    second: str
    gap: float
    examples: int | None
    seeds: int | None
    smallest: float


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The answer, with the figures behind each sentence.

    Attributes:
        metric: the deciding one.
        winner: who is best, where it was shown to be ahead of all others at the stated level; else None. Nobody is
            where fewer than two entrants beside the baseline were judged.
        leader: who is put forward, chosen by validation; None where nobody was judged.
        top: the best score on the test examples; the leader, or ahead of it by what may be chance.
        tied: the fewest that hold the best with probability `level`, the leader first; empty where there is a winner.
        better: who was shown not to be the best, and not practically equal to it either.
        practically_equal: who was shown to lose less than `margin` against the best (beside the leader).
        undecided: who is neither, beside the leader.
        margin: what counts as practically equal, in the metric's unit.
        loses_at_most: of each judged entrant, the upper bound (95 %) of what it loses against the best.
        deciding: what would decide the comparison that the verdict leaves open; None where none is.
        probability_best: of each judged entrant; they sum to 1.
        level: of the claims (0.95).
        cheapest_good: the least costly of the leader and those practically equal to the best; where nothing was shown
            to beat the baseline, the baseline if it loses less than the margin. None where there is none such.
        needs_network: whether a network leads and every baseline and classical entrant was shown not to be the best.
        beats_baseline: whether anything was shown to beat the baseline.
        more_data: the leader's forecast; None where there is no leader or no forecast was asked for.
        crossovers: of learning curves, most relevant first.
        unjudged: who could not be judged, and is no part of all this.
        statements: three to five sentences, each with its figure.
    """

    metric: str
    winner: str | None = None
    leader: str | None = None
    tied: tuple[str, ...] = ()
    probability_best: Mapping[str, float] = field(default_factory=dict)
    level: float = 0.95
    cheapest_good: str | None = None
    needs_network: bool = False
    beats_baseline: bool = False
    more_data: MoreData | None = None
    crossovers: tuple[Crossover, ...] = ()
    unjudged: tuple[str, ...] = ()
    statements: tuple[Statement, ...] = ()
    top: str | None = None
    better: tuple[str, ...] = ()
    practically_equal: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()
    margin: float | None = None
    loses_at_most: Mapping[str, float] = field(default_factory=dict)
    deciding: Deciding | None = None

    @property
    def sentences(self) -> tuple[str, ...]:
        """The statements in the language in force."""
        return tuple(statement.text() for statement in self.statements)

    def to_json(self) -> dict[str, Any]:
        record = {key: value for key, value in asdict(self).items() if key != "statements"}
        return finite({"version": VERDICT_VERSION, **record, "sentences": list(self.sentences)})


def result_json(
    verdict: Verdict, entrants: Sequence[EntrantResult], *, seconds: float, warnings: Sequence[str] = ()
) -> dict[str, Any]:
    """The whole result for programs (`--json`): the verdict's keys, "seconds", "entrants" and "warnings".

    Numbers that JSON has no sign for (infinite, not a number) become null.
    """
    return {
        **verdict.to_json(),
        "seconds": seconds,
        "entrants": [entrant.to_json() for entrant in entrants],
        "warnings": list(warnings),
    }


def count(number: float) -> Statement:
    """A large number with three digits, in the units in which a language counts.

    >>> count(1234).text("en"), count(5_600_000).text("en"), count(12).text("en"), count(493_000).text("ko")
    ('1.23 thousand', '5.6 million', '12', '49.3만')
    """
    return Statement(key="verdict.count", values={"count": number})


class Evidence(Protocol):
    """Why somebody won, in sentences and as a record (made on a floor above, see `bakeoff.study.evidence`)."""

    @property
    def sentences(self) -> tuple[str, ...]: ...

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended it before its time."""
        ...

    def to_json(self) -> dict[str, Any]: ...


def finite(value: Any) -> Any:
    """A copy that JSON can hold: tuples as lists, numbers that are not finite as None."""
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
