"""What a comparison says in the end: frozen records of figures, and `decide`, which turns them into a `Verdict`.

The records hold numbers and names only. A `Statement` is the key of a sentence in `bakeoff.messages` with the figures
that fill it in, so that a verdict can be said in another language later. Scores are in the metric's own unit (an
accuracy of 0.97, an RMSE in the unit of the target); `metrics.METRICS[name]` knows which way is better.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from bakeoff.messages import say
from bakeoff.study.metrics import METRICS, Metric
from bakeoff.study.uncertainty import Standing

Kind = Literal["baseline", "classical", "network"]
State = Literal["finished", "partial", "not_started", "stopped", "diverged", "failed"]

#: The forecast that the verdict speaks of: this many times the data that there are now.
SPOKEN_MULTIPLE = 4
#: A cheaper entrant is still good where it loses less than this part of what there is to lose (see `_is_good`).
GOOD_ENOUGH = 0.01


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
        return _plain(asdict(self))


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
        return _plain(asdict(self))


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
        metrics: every metric that applies, on the test split, by name.
        judged: whether it had the protocol's full treatment and may appear in the verdict.
        state, reason: how it ended, and in one sentence why, where that was not well.
        needed_seconds: what judging it would take, where the budget was too small.
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
    forecast: tuple[CurvePoint, ...] = ()
    forecast_withheld: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    judged: bool = True
    state: State = "finished"
    reason: str = ""
    needed_seconds: float | None = None

    def to_json(self) -> dict[str, Any]:
        return _plain(asdict(self))


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A sentence of the verdict: its key in `bakeoff.messages`, and the figures that fill it in."""

    key: str
    values: Mapping[str, Any]

    def text(self) -> str:
        """The sentence in the language in force; a value that is a `Statement` is said first."""
        said = {
            name: value.text() if isinstance(value, Statement) else value
            for name, value in self.values.items()
        }
        return say(self.key, **said)


@dataclass(frozen=True, kw_only=True)
class MoreData:
    """What more data is expected to bring the leader.

    Attributes:
        entrant: whose curve it is.
        multiple, examples: how many times the data, and how many examples that is.
        score, low, high: the forecast with its 80 % interval; None where it is withheld.
        now: the fitted score with the data there are.
        helps: whether the whole interval is better than now; None where the forecast is withheld.
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
class Verdict:
    """The answer, with the figures behind each sentence.

    Attributes:
        metric: the deciding one.
        winner: who is best, where it can be told from all others at the stated level; else None.
        leader: the best score, told apart or not; None where nobody was judged.
        tied: all that may be the best, the leader first; empty where there is a winner.
        probability_best: of each judged entrant; they sum to 1.
        level: of the claims (0.95).
        cheapest_good: the least costly of those as good as the best; None where nobody was judged.
        needs_network: whether the networks beat every baseline and classical entrant.
        beats_baseline: whether anything was shown to beat the baseline.
        more_data: the leader's forecast; None where there is no leader or no forecast was asked for.
        crossovers: of learning curves, most relevant first.
        unjudged: who could not be judged, and is no part of all this.
        statements: three or four sentences, each with its figure.
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

    @property
    def sentences(self) -> tuple[str, ...]:
        """The statements in the language in force."""
        return tuple(statement.text() for statement in self.statements)

    def to_json(self) -> dict[str, Any]:
        record = {key: value for key, value in asdict(self).items() if key != "statements"}
        return _plain({**record, "sentences": list(self.sentences)})


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


def decide(
    entrants: Sequence[EntrantResult],
    standing: Standing | None,
    *,
    metric: str,
    crossovers: Sequence[Crossover] = (),
) -> Verdict:
    """The verdict from what was measured. It judges nothing itself that `standing` has not tested.

    Args:
        entrants: all of them, judged or not, with curves and forecasts filled in.
        standing: of the judged ones (`uncertainty.standing`); None where nobody was judged.
        metric: name of the deciding metric.
        crossovers: those of interest, most relevant first.
    """
    measure = METRICS[metric]
    unjudged = tuple(entrant.name for entrant in entrants if not entrant.judged)
    by_name = {entrant.name: entrant for entrant in entrants}
    if standing is None:
        return Verdict(
            metric=metric,
            unjudged=unjudged,
            statements=(Statement(key="verdict.nobody", values={}), *_unjudged(entrants)),
        )
    cheapest = _cheapest_good(by_name, standing, measure)
    classical = [name for name in standing.candidates if by_name[name].kind != "network"]
    more_data = _more_data(by_name[standing.leader], measure)
    named_crossings = tuple(crossovers)
    statements = (
        _first(by_name, standing, measure),
        *_choice(by_name, standing, measure, cheapest, classical),
        *_forecast(more_data, measure, standing),
        *_unjudged(entrants),
        *_crossing(named_crossings),
    )
    return Verdict(
        metric=metric,
        winner=standing.winner,
        leader=standing.leader,
        tied=() if standing.winner else standing.candidates,
        probability_best=dict(standing.probability_best),
        level=standing.level,
        cheapest_good=cheapest,
        needs_network=not classical and bool(standing.above_baseline),
        beats_baseline=bool(standing.above_baseline),
        more_data=more_data,
        crossovers=named_crossings,
        unjudged=unjudged,
        statements=statements[:4],
    )


def _first(by_name: Mapping[str, EntrantResult], standing: Standing, measure: Metric) -> Statement:
    """Who is best, who cannot be told apart, or that nothing beats the baseline."""
    leader = standing.scores[standing.leader]
    values: dict[str, Any] = {
        "leader": standing.leader,
        "metric": Statement(key=f"verdict.metric.{measure.name}", values={}),
        "score": measure.show(leader.score),
        "low": measure.show(leader.low),
        "high": measure.show(leader.high),
        "probability": _probability(standing.probability_best[standing.leader]),
    }
    baseline = standing.baseline
    if baseline is not None and not standing.above_baseline:
        return Statement(
            key="verdict.nothing",
            values={
                **values,
                "baseline": baseline,
                "baseline_score": measure.show(standing.scores[baseline].score),
            },
        )
    if standing.winner:
        return Statement(key="verdict.winner", values=values)
    return Statement(key="verdict.tie", values={**values, "names": ", ".join(standing.candidates)})


def _choice(
    by_name: Mapping[str, EntrantResult],
    standing: Standing,
    measure: Metric,
    cheapest: str,
    classical: Sequence[str],
) -> tuple[Statement, ...]:
    """What to take: no network, or the cheapest good one, with what it saves."""
    if standing.baseline is not None and not standing.above_baseline:
        return ()
    values: dict[str, Any] = {"cheapest": cheapest, "score": measure.show(standing.scores[cheapest].score)}
    if classical:
        best = max(classical, key=lambda name: measure.sign * standing.scores[name].score)
        values |= {"name": best, "score": measure.show(standing.scores[best].score)}
        key = "verdict.no_network_leads" if best == standing.leader else "verdict.no_network"
        return (Statement(key=key, values=values),)
    flops = by_name[cheapest].flops_per_example
    if flops is None:
        return ()
    values["flops"] = count(flops)
    leader_flops = by_name[standing.leader].flops_per_example
    if cheapest != standing.leader and leader_flops:
        values |= {"times": _times(leader_flops / max(flops, 1)), "leader": standing.leader}
        return (Statement(key="verdict.cheapest", values=values),)
    return (Statement(key="verdict.cheapest_is_best", values=values),)


def _more_data(leader: EntrantResult, measure: Metric) -> MoreData | None:
    if leader.forecast_withheld is not None:
        return MoreData(entrant=leader.name, withheld=leader.forecast_withheld)
    if not leader.forecast or not leader.curve or leader.kind == "baseline":
        return None
    largest = max(point.examples for point in leader.curve)
    point = min(
        leader.forecast, key=lambda point: abs(math.log(point.examples / (SPOKEN_MULTIPLE * largest)))
    )
    now = next(point.score for point in leader.curve if point.examples == largest)
    worst = point.low if measure.higher_is_better else point.high
    return MoreData(
        entrant=leader.name,
        multiple=max(round(point.examples / largest), 1),
        examples=point.examples,
        score=point.score,
        low=point.low,
        high=point.high,
        now=now,
        helps=measure.sign * (worst - now) > 0,
    )


def _forecast(more: MoreData | None, measure: Metric, standing: Standing) -> tuple[Statement, ...]:
    if more is None or (standing.baseline is not None and not standing.above_baseline):
        return ()
    if more.withheld is not None:
        reason = Statement(key=f"verdict.withheld.{more.withheld}", values={})
        return (
            Statement(key="verdict.more_data_withheld", values={"entrant": more.entrant, "reason": reason}),
        )
    assert more.score is not None
    assert more.low is not None
    assert more.high is not None
    assert more.now is not None
    figures = {"score": more.score, "low": more.low, "high": more.high, "now": more.now}
    shown = {name: measure.show(value) for name, value in figures.items()}
    key = "verdict.more_data_helps" if more.helps else "verdict.more_data_unsure"
    return (
        Statement(
            key=key,
            values={
                **shown,
                "entrant": more.entrant,
                "multiple": more.multiple,
                "examples": f"{more.examples:,}",
            },
        ),
    )


def _unjudged(entrants: Sequence[EntrantResult]) -> tuple[Statement, ...]:
    """Who could not be judged and, where the budget was the reason, what it would take."""
    left_out = [entrant for entrant in entrants if not entrant.judged]
    if not left_out:
        return ()
    names = ", ".join(entrant.name for entrant in left_out)
    seconds = [entrant.needed_seconds for entrant in left_out if entrant.needed_seconds is not None]
    if seconds:
        return (
            Statement(
                key="verdict.unjudged_budget", values={"names": names, "seconds": f"{sum(seconds):.0f}"}
            ),
        )
    return (Statement(key="verdict.unjudged", values={"names": names}),)


def _crossing(crossovers: Sequence[Crossover]) -> tuple[Statement, ...]:
    for crossing in crossovers:
        if crossing.examples is not None and crossing.low is not None and crossing.high is not None:
            values: dict[str, Any] = {
                "behind": crossing.behind,
                "ahead": crossing.ahead,
                "examples": f"{crossing.examples:,.0f}",
                "low": f"{crossing.low:,.0f}",
                "high": f"{crossing.high:,.0f}",
            }
            key = "verdict.crossover" if math.isfinite(crossing.high) else "verdict.crossover_open"
            return (Statement(key=key, values=values),)
    return ()


def _cheapest_good(by_name: Mapping[str, EntrantResult], standing: Standing, measure: Metric) -> str:
    """The least costly to predict with among those as good as the best; unknown costs come last."""
    if standing.baseline is not None and not standing.above_baseline:
        return standing.baseline
    good = [
        name for name in standing.scores if name in standing.candidates or _is_good(name, standing, measure)
    ]

    def cost(name: str) -> tuple[float, float, float]:
        entrant = by_name[name]
        flops, parameters = entrant.flops_per_example, entrant.parameters
        unknown = math.inf
        return (
            unknown if flops is None else flops,
            unknown if parameters is None else parameters,
            entrant.train_seconds,
        )

    return min(good, key=cost)


def _is_good(name: str, standing: Standing, measure: Metric) -> bool:
    """Whether it was shown to lose next to nothing against the leader (in points, or relative to the error)."""
    gap = standing.difference(standing.leader, name)
    worst = gap.high if measure.higher_is_better else -gap.low
    allowed = GOOD_ENOUGH if measure.percent else GOOD_ENOUGH * abs(standing.scores[standing.leader].score)
    return worst <= allowed


def count(number: float) -> Statement:
    """A large number in words with three digits.

    >>> count(1234).text(), count(5_600_000).text(), count(12).text()
    ('1.23 thousand', '5.6 million', '12')
    """
    for size, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"), (1e3, "thousand")):
        if number >= size:
            return Statement(key=f"verdict.count.{word}", values={"count": f"{number / size:.3g}"})
    return Statement(key="verdict.count.one", values={"count": f"{number:.0f}"})


def _times(factor: float) -> str:
    return f"{factor:,.0f}" if factor >= 10 else f"{factor:.2g}"


def _probability(share: float) -> str:
    """In percent; never quite certain."""
    return "> 99 %" if share > 0.99 else f"{100 * share:.0f} %"


def _plain(value: Any) -> Any:
    """A copy that JSON can hold: tuples as lists, numbers that are not finite as None."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
