"""The rows of the tables of results, formatted: the same for terminal, report and notebook.

Text is cleaned of control characters but not escaped for markup; the code that writes markup escapes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bakeoff.messages import say
from bakeoff.report.content.figures import Style, entrant_styles
from bakeoff.report.content.score_tracks import Scale, Track, scale_of, track_of
from bakeoff.report.words.reasons import reason_text
from bakeoff.report.words.text import amount, clean, duration, significant
from bakeoff.study.analysis.verdict import CurvePoint, EntrantResult, Verdict
from bakeoff.study.design.states import EntrantState
from bakeoff.tasks.metrics.registry import METRICS


@dataclass(frozen=True, kw_only=True)
class EntrantRow:
    """One entrant in the table of results; "" where a value is unknown."""

    name: str
    style: Style
    score: str
    interval: str
    narrow: str
    track: Track | None
    probability: str
    probability_share: float
    parameters: str
    flops: str
    seconds: str
    best: bool
    badge: str
    judged: bool
    note: str


@dataclass(frozen=True, kw_only=True)
class SizeTable:
    """Scores at each number of training examples, then forecasts at multiples of the data.

    `sizes` and `multiples` are headings; each row has a pair (score, interval) for each, ("", "") where there is none.
    """

    sizes: tuple[str, ...]
    multiples: tuple[str, ...]
    rows: tuple["SizeRow", ...]


@dataclass(frozen=True, kw_only=True)
class SizeRow:
    name: str
    style: Style
    scores: tuple[tuple[str, str], ...]
    forecast: tuple[tuple[str, str], ...]


def ranked(entrants: Sequence[EntrantResult], metric: str) -> list[EntrantResult]:
    """The entrants, best first; those without a score last, in their order."""
    sign = METRICS[metric].sign
    return sorted(
        entrants,
        key=lambda entrant: (entrant.score is None or not entrant.judged, -sign * (entrant.score or 0.0)),
    )


def entrant_rows(entrants: Sequence[EntrantResult], verdict: Verdict) -> list[EntrantRow]:
    """The table of results, the best first."""
    drawn = entrant_styles(entrants)
    order = ranked(entrants, verdict.metric)
    scale = scale_of(order, verdict.metric)
    return [
        EntrantRow(
            name=clean(entrant.name),
            style=drawn[entrant.name],
            score=show(entrant.score, verdict.metric),
            interval=interval(entrant.low, entrant.high, verdict.metric),
            narrow=""
            if entrant.low is None or entrant.high is None
            else narrow_interval(entrant.low, entrant.high, verdict.metric),
            track=track_of(entrant, scale),
            probability=_probability(verdict.probability_best.get(entrant.name)),
            probability_share=round(100 * verdict.probability_best.get(entrant.name, 0.0), 1),
            parameters="" if entrant.parameters is None else amount(entrant.parameters),
            flops="" if entrant.flops_per_example is None else amount(entrant.flops_per_example),
            seconds=duration(entrant.train_seconds) if entrant.train_seconds else "",
            best=entrant.name == verdict.winner or entrant.name in verdict.tied,
            badge=_badge(entrant, verdict),
            judged=entrant.judged,
            note=_note(entrant),
        )
        for entrant in order
    ]


def score_scale(entrants: Sequence[EntrantResult], metric: str) -> Scale | None:
    """The scale of the small plots in the table of results; None where nobody was judged."""
    return scale_of(ranked(entrants, metric), metric)


def show(score: float | None, metric: str) -> str:
    """A score as in the verdict; a dash where there is none."""
    return say("report.no_score") if score is None else METRICS[metric].show(score)


def interval(low: float | None, high: float | None, metric: str) -> str:
    """An interval with its unit once: "97.5 to 99.1 %"."""
    if low is None or high is None or low == high:
        return ""
    first, last = METRICS[metric].show(low), METRICS[metric].show(high)
    return say("report.verdict.between", low=first.removesuffix(" %"), high=last)


def narrow_interval(low: float, high: float, metric: str) -> str:
    """An interval without unit, for narrow columns: "97.5–99.1"."""
    if low == high:
        return ""
    shown = [short(bound, metric) for bound in (low, high)]
    return "–".join(shown) if not any(bound.startswith("-") for bound in shown) else " … ".join(shown)


def short(score: float, metric: str) -> str:
    """A score without unit, for narrow columns: in percent with one decimal, or with three digits."""
    measure = METRICS[metric]
    return measure.show(score).removesuffix(" %") if measure.percent else significant(score)


def _probability(share: float | None) -> str:
    if share is None:
        return ""
    return f"{100 * share:.0f} %" if share == 0 or share >= 0.01 else "< 1 %"


def _badge(entrant: EntrantResult, verdict: Verdict) -> str:
    if entrant.name == verdict.winner:
        return say("report.badge.winner")
    if entrant.name in verdict.tied:
        return say("report.badge.tied")
    return say("report.badge.cheapest") if entrant.name == verdict.cheapest_good else ""


def _note(entrant: EntrantResult) -> str:
    """The reason why an entrant was not judged, or its state where it was not completed."""
    if entrant.judged and entrant.state in ("finished", "partial"):
        return ""
    is_shown = entrant.judged or entrant.state == EntrantState.PRUNED
    parts = [say(f"report.state.{entrant.state}") if is_shown else say("report.unjudged")]
    if entrant.reason:
        parts.append(reason_text(entrant.reason))
    if entrant.needed_seconds:
        parts.append(say("report.needed", time=duration(entrant.needed_seconds)))
    return " · ".join(parts)


def size_table(entrants: Sequence[EntrantResult], metric: str) -> SizeTable | None:
    """Scores at each size and forecasts, best entrant first; None where no learning curve was measured."""
    curves = [entrant for entrant in ranked(entrants, metric) if entrant.curve]
    if not curves:
        return None
    drawn = entrant_styles(entrants)
    sizes = sorted({point.examples for entrant in curves for point in entrant.curve})
    ahead = sorted({point.examples for entrant in curves for point in entrant.forecast})
    return SizeTable(
        sizes=tuple(f"{size:,}" for size in sizes),
        multiples=tuple(f"×{size / sizes[-1]:.2g}" for size in ahead),
        rows=tuple(
            SizeRow(
                name=clean(entrant.name),
                style=drawn[entrant.name],
                scores=tuple(_at(entrant.curve, size, metric) for size in sizes),
                forecast=tuple(_at(entrant.forecast, size, metric) for size in ahead),
            )
            for entrant in curves
        ),
    )


def size_title(metric: str) -> str:
    """What the table of sizes shows, with the unit of its scores."""
    name = say(f"verdict.metric.{metric}")
    return say("report.table.at_sizes", metric=f"{name} (%)" if METRICS[metric].percent else name)


def _at(points: Sequence[CurvePoint], examples: int, metric: str) -> tuple[str, str]:
    for point in points:
        if point.examples == examples:
            return short(point.score, metric), narrow_interval(point.low, point.high, metric)
    return "", ""


def verdict_label(verdict: Verdict) -> str:
    """The verdict in a few words: what is known, and no more than that."""
    if verdict.leader is None:
        return say("report.verdict.nobody")
    if not verdict.beats_baseline:
        return say("report.verdict.nothing")
    if verdict.winner:
        return say("report.verdict.winner")
    return say("report.verdict.tie", leader=clean(verdict.leader))


def withheld_forecasts(entrants: Sequence[EntrantResult]) -> list[str]:
    """A sentence for each reason why a forecast is withheld, with all entrants that it applies to."""
    by_reason: dict[str, list[str]] = {}
    for entrant in entrants:
        if entrant.forecast_withheld and entrant.curve and entrant.kind != "baseline":
            by_reason.setdefault(entrant.forecast_withheld, []).append(clean(entrant.name))
    return [
        say(
            "report.note.withheld" if len(names) == 1 else "report.note.withheld_several",
            entrant=", ".join(names),
            reason=say(f"verdict.withheld.{reason}"),
        )
        for reason, names in by_reason.items()
    ]


def entrant_notes(entrants: Sequence[EntrantResult], verdict: Verdict) -> list[str]:
    """A sentence for each note on entrants, with all that it applies to."""
    by_note: dict[str, list[str]] = {}
    for row in entrant_rows(entrants, verdict):
        if row.note:
            by_note.setdefault(row.note, []).append(row.name)
    return [*partial_notes(entrants), *(f"{', '.join(names)}: {note}." for note, names in by_note.items())]


def partial_notes(entrants: Sequence[EntrantResult]) -> list[str]:
    """One sentence on the entrants that were judged on a part of the protocol only; [] where there are none."""
    names = [clean(entrant.name) for entrant in entrants if entrant.judged and entrant.state == "partial"]
    return [say("report.note.partial", names=", ".join(names))] if names else []
