"""`decide`: from what was measured and tested to a `Verdict`, with three or four sentences."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bakeoff.study.metrics import METRICS, Metric
from bakeoff.study.records import (
    SPOKEN_MULTIPLE,
    Crossover,
    CurvePoint,
    EntrantResult,
    Kind,
    MoreData,
    State,
    Statement,
    Verdict,
    count,
    result_json,
)
from bakeoff.study.uncertainty import Standing

__all__ = [
    "Crossover",
    "CurvePoint",
    "EntrantResult",
    "Kind",
    "MoreData",
    "State",
    "Statement",
    "Verdict",
    "count",
    "decide",
    "result_json",
]

#: A cheaper entrant is still good where it loses less than this part of what there is to lose (see `_is_good`).
GOOD_ENOUGH = 0.01


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
        helps=measure.sign * (worst - now) > 0 if leader.more_helps is None else leader.more_helps,
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
    spared = ", ".join(entrant.name for entrant in entrants if entrant.state == "spared")
    said = (Statement(key="verdict.spared", values={"names": spared}),) if spared else ()
    left_out = [entrant for entrant in entrants if not entrant.judged and entrant.state != "spared"]
    if not left_out:
        return said
    names = ", ".join(entrant.name for entrant in left_out)
    seconds = [entrant.needed_seconds for entrant in left_out if entrant.needed_seconds is not None]
    if sum(seconds) >= 1:
        needed = f"{math.ceil(sum(seconds))}"
        statement = Statement(key="verdict.unjudged_budget", values={"names": names, "seconds": needed})
    elif seconds:
        statement = Statement(key="verdict.unjudged_time", values={"names": names})
    else:
        statement = Statement(key="verdict.unjudged", values={"names": names})
    return (statement, *said)


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


def _times(factor: float) -> str:
    return f"{factor:,.0f}" if factor >= 10 else f"{factor:.2g}"


def _probability(share: float) -> str:
    """In percent; never quite certain."""
    return "> 99 %" if share > 0.99 else f"{100 * share:.0f} %"
