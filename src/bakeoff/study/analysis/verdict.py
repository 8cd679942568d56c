"""`conclude`: from what was measured and tested to a `Verdict`, with three to five sentences.

Each sentence is as strong as its evidence. "Best" takes a difference from each other that chance does not explain, and
names those that could not be judged. "No network needed" and "cheapest good" take an upper bound of what is lost
against the best that is inside the margin, and stand beside the leader's score. Where neither is shown, the verdict
says that it is open, and what would decide. (`judgement` says the first two sentences, this file the rest.)
"""

import math
from collections.abc import Sequence
from typing import Any

from bakeoff.data.dataset import Finding
from bakeoff.messages.statement import Statement
from bakeoff.study.analysis.judgement import judge
from bakeoff.study.analysis.uncertainty import Ranking
from bakeoff.study.design.states import EntrantState
from bakeoff.study.results.records import (
    SPOKEN_MULTIPLE,
    Crossover,
    CurvePoint,
    EntrantResult,
    Kind,
    MoreData,
    Verdict,
    count,
    result_json,
)
from bakeoff.tasks.metrics.registry import METRICS, Metric

__all__ = [
    "Crossover",
    "CurvePoint",
    "EntrantResult",
    "Kind",
    "MoreData",
    "Statement",
    "Verdict",
    "conclude",
    "count",
    "result_json",
]

#: At most so many sentences, besides those about leaks.
SENTENCES = 5


def conclude(
    entrants: Sequence[EntrantResult],
    ranking: Ranking | None,
    *,
    metric: str,
    crossovers: Sequence[Crossover] = (),
    leaks: Sequence[Finding] = (),
) -> Verdict:
    """The verdict. It states no difference between entrants that the ranking has not tested.

    Args:
        entrants: all of them, judged or not, with curves and forecasts filled in.
        ranking: of the judged ones (see `uncertainty`); None where nobody was judged.
        metric: name of the deciding metric.
        crossovers: those of interest, most relevant first.
        leaks: findings by which every score flatters; they are said after the first sentence.
    """
    measure = METRICS[metric]
    unjudged = tuple(entrant.name for entrant in entrants if not entrant.judged)
    by_name = {entrant.name: entrant for entrant in entrants}
    if ranking is None:
        return Verdict(
            metric=metric,
            unjudged=unjudged,
            statements=(Statement(key="verdict.nobody", values={}), *_unjudged(entrants)),
        )
    judgement = judge(entrants, ranking, measure)
    more_data = _more_data(by_name[ranking.leader], measure)
    named_crossings = tuple(crossovers)
    flattering = tuple(Statement(key=f"verdict.leak.{leak.kind}", values=leak.values) for leak in leaks)
    statements = (
        judgement.statements[0],
        *flattering,
        *judgement.statements[1:],
        *_forecast(more_data, measure, ranking),
        *_unjudged(entrants),
        *_crossing(named_crossings),
    )
    winner = ranking.winner if judgement.compared else None
    return Verdict(
        metric=metric,
        winner=winner,
        leader=ranking.leader,
        top=ranking.top or ranking.leader,
        tied=() if winner or not judgement.compared else ranking.candidates,
        better=ranking.better,
        practically_equal=ranking.practically_equal,
        undecided=ranking.undecided,
        margin=ranking.margin,
        loses_at_most=dict(ranking.loses_at_most),
        deciding=judgement.deciding,
        probability_best=dict(ranking.probability_best),
        level=ranking.level,
        cheapest_good=judgement.cheapest,
        needs_network=judgement.needs_network,
        beats_baseline=bool(ranking.above_baseline),
        more_data=more_data,
        crossovers=named_crossings,
        unjudged=unjudged,
        statements=statements[: SENTENCES + len(flattering)],
    )


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


def _forecast(more: MoreData | None, measure: Metric, ranking: Ranking) -> tuple[Statement, ...]:
    if more is None or (ranking.baseline is not None and not ranking.above_baseline):
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
    """Who could not be judged and, where the budget was too small, the seconds that judging would take."""
    pruned = ", ".join(entrant.name for entrant in entrants if entrant.state == EntrantState.PRUNED)
    said = (Statement(key="verdict.pruned", values={"names": pruned}),) if pruned else ()
    left_out = [
        entrant for entrant in entrants if not entrant.judged and entrant.state != EntrantState.PRUNED
    ]
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
