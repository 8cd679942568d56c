"""From the table of score drops to sentences, each with a figure whose interval excludes zero, and to advice."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bakeoff.data.interventions.kinds import KEEP_LAST, KINDS
from bakeoff.explain.biases.records import Cell, EntrantScore, MemoryLength, is_shown
from bakeoff.explain.biases.score_drops import ScoreDrop
from bakeoff.study.analysis.verdict import Statement
from bakeoff.tasks.metrics.registry import Metric

#: A drop is negligible where the upper end of its interval is below this: in shares (2 points), or relative to the
#: score before the change.
NEGLIGIBLE = 0.02
#: The most statements; the rest can be read in the table.
MOST = 8


def statements(
    cells: Sequence[Cell],
    entrants: Sequence[EntrantScore],
    baseline: float,
    memory: MemoryLength | None,
    metric: Metric,
) -> tuple[Statement, ...]:
    """One statement for each assumption that was shown to matter, the largest drop first; or one that none was."""
    found = []
    for assumption in dict.fromkeys(cell.assumption for cell in cells):
        shown = [cell for cell in cells if cell.assumption == assumption and is_shown(cell)]
        if shown:
            chosen = _representative(shown, entrants)
            found.append((chosen.loss.loss, _matters(chosen, cells, baseline, metric)))
    said = [statement for _, statement in sorted(found, key=lambda pair: -pair[0])]
    if not said:
        return (_nothing_shown(cells, metric),)
    if memory is not None:
        said[1:1] = list(_memory(memory, cells, metric))
    return tuple(said[:MOST])


def _nothing_shown(cells: Sequence[Cell], metric: Metric) -> Statement:
    """What was tested, and how large a drop may be there all the same."""
    tested = [cell for cell in cells if not cell.control]
    names = tuple(
        Statement(key=f"why.assumption.{assumption}", values={})
        for assumption in dict.fromkeys(cell.assumption for cell in tested)
    )
    widest = max(tested, key=lambda cell: cell.loss.high).loss
    largest = figures(replace(widest, loss=widest.high), metric)["loss"]
    return Statement(key="why.nothing", values={"names": names, "cells": len(tested), "largest": largest})


def _representative(shown: Sequence[Cell], entrants: Sequence[EntrantScore]) -> Cell:
    """The cell that an assumption's statement is about: the best entrant's, at the most informative amount.

    That is the smallest block that matters, or the most steps that are still too few (`Kind.boundary`).
    """
    rank = {entrant.name: place for place, entrant in enumerate(entrants)}
    best = min(shown, key=lambda cell: rank[cell.entrant]).entrant
    own = [cell for cell in shown if cell.entrant == best]
    boundary = KINDS[own[0].kind].boundary
    if boundary is None:
        return max(own, key=lambda cell: cell.loss.loss)
    amount = boundary(cell.amount or 0 for cell in own)
    return next(cell for cell in own if (cell.amount or 0) == amount)


def _matters(cell: Cell, cells: Sequence[Cell], baseline: float, metric: Metric) -> Statement:
    values: dict[str, Any] = {
        "entrant": cell.entrant,
        **figures(cell.loss, metric),
        "rest": _rest(cell, cells, baseline, metric),
    }
    if cell.amount is not None:
        values["amount"] = cell.amount
    if cell.assumption == "recency":
        values["doing"] = Statement(key=f"why.doing.{cell.kind}", values={"amount": cell.amount})
    return Statement(key=f"why.matters.{cell.assumption}", values=values)


def _rest(cell: Cell, cells: Sequence[Cell], baseline: float, metric: Metric) -> Statement | str:
    """The part of a statement about another entrant with the same change.

    One whose drop is zero or surely smaller, although its score before was high enough to drop as far; if there is
    none, one whose drop is surely larger.
    """
    above = metric.sign * (cell.loss.before - baseline)
    if cell.assumption == "word_order" and cell.loss.high < above / 2:
        return Statement(key="why.rest.words", values={})
    others = [
        other
        for other in cells
        if other.change == cell.change
        and other.entrant != cell.entrant
        and metric.sign * (other.loss.before - baseline) > cell.loss.loss
        and other.loss.high < cell.loss.low
    ]
    if not others:
        return _more(cell, cells, metric)
    unhurt = [other for other in others if other.loss.low <= 0]
    least = max(unhurt or others, key=lambda other: metric.sign * other.loss.before)
    key = "why.rest.nothing" if unhurt else "why.rest.less"
    return Statement(key=key, values={"other": least.entrant, **figures(least.loss, metric)})


def _more(cell: Cell, cells: Sequence[Cell], metric: Metric) -> Statement | str:
    """The entrant whose drop with the same change is surely larger; nothing if there is none."""
    worse = [
        other
        for other in cells
        if other.change == cell.change and is_shown(other) and other.loss.low > cell.loss.high
    ]
    if not worse:
        return ""
    most = max(worse, key=lambda other: other.loss.loss)
    return Statement(key="why.rest.more", values={"other": most.entrant, **figures(most.loss, metric)})


def _memory(memory: MemoryLength, cells: Sequence[Cell], metric: Metric) -> Iterator[Statement]:
    by_amount = {c.amount: c.loss for c in cells if c.kind == KEEP_LAST and c.entrant == memory.entrant}
    enough, worse = by_amount[memory.enough], by_amount[memory.too_few]
    bad = figures(worse, metric)
    yield Statement(
        key="why.memory_length",
        values={
            "entrant": memory.entrant,
            "enough": memory.enough,
            "too_few": memory.too_few,
            "length": memory.length,
            **figures(enough, metric),
            "worse": bad["loss"],
            "worse_low": bad["low"],
            "worse_high": bad["high"],
        },
    )


def advice(
    cells: Sequence[Cell],
    entrants: Sequence[EntrantScore],
    tied: Sequence[str],
    memory: MemoryLength | None,
    metric: Metric,
) -> tuple[Statement, ...]:
    """Which family to use and what to try next; each piece of advice follows from a figure of the table."""
    best = entrants[0]
    key = "why.advice.family" if len(tied) == 1 else "why.advice.families"
    family = Statement(key=key, values={"names": ", ".join(tied), "score": metric.show(best.score)})
    return (family, *next_steps(cells, best, memory, metric))


def next_steps(
    cells: Sequence[Cell], best: EntrantScore, memory: MemoryLength | None, metric: Metric
) -> tuple[Statement, ...]:
    """What to try next with the best entrant."""
    said: list[Statement] = []
    own = {cell.kind: cell for cell in cells if cell.entrant == best.name}
    for kind, name in (
        ("random_shift", "shift"),
        ("mirror", "mirror"),
        ("bag_of_words", "no_word_order"),
        ("permute_positions", "no_positions"),
        ("rewire", "degrees"),
        ("remove_edges", "no_edges"),
    ):
        cell = own.get(kind)
        if kind == "permute_positions" and "bag_of_words" in own:
            continue  # a text has no columns, and the same word stands at another place in each
        if cell is not None and is_negligible(cell.loss, metric):
            values = {"entrant": best.name, **figures(cell.loss, metric)}
            said.append(Statement(key=f"why.advice.{name}", values=values))
    if memory is not None and memory.enough <= memory.length // 2:
        window = {"entrant": memory.entrant, "enough": memory.enough, "length": memory.length}
        said.append(Statement(key="why.advice.window", values=window))
    for cell in own.values():
        if cell.loss.shown and cell.loss.loss < 0 and not cell.control:
            shown = figures(as_gain(cell.loss), metric)
            values = {"entrant": best.name, "change": cell.change, "gain": shown["loss"]}
            said.append(
                Statement(key="why.helps", values={**values, "low": shown["low"], "high": shown["high"]})
            )
    return tuple(said)


def receptive_advice(
    fields: Mapping[str, int], tied: Sequence[str], memory: MemoryLength | None
) -> tuple[Statement, ...]:
    """Advice to enlarge the receptive field of entrants that see less than the best one needs and are behind it.

    Args:
        fields: input positions that a unit of each convolutional entrant can see.
        tied: those that may be the best.
    """
    if memory is None:
        return ()
    return tuple(
        Statement(
            key="why.advice.receptive",
            values={"entrant": name, "field": seen, "too_few": memory.too_few, "best": memory.entrant},
        )
        for name, seen in fields.items()
        if seen <= memory.too_few and name not in tied
    )


def as_gain(loss: ScoreDrop) -> ScoreDrop:
    """The same change with the opposite sign: a drop as a gain, or a gain as a drop."""
    return replace(loss, loss=-loss.loss, low=-loss.high, high=-loss.low)


def is_negligible(loss: ScoreDrop, metric: Metric) -> bool:
    """Whether the upper end of a drop's interval is below `NEGLIGIBLE`."""
    return loss.high < (NEGLIGIBLE if metric.percent else NEGLIGIBLE * abs(loss.before))


def figures(loss: ScoreDrop, metric: Metric) -> dict[str, Statement | str]:
    """A drop and the ends of its interval, formatted: "9.1 points", "8.2", "10.0"."""
    if metric.percent:
        points = {name: f"{100 * getattr(loss, name):.1f}" for name in ("loss", "low", "high")}
        return {**points, "loss": Statement(key="why.points", values={"points": points["loss"]})}
    units = {name: f"{getattr(loss, name):.3g}" for name in ("loss", "low", "high")}
    return {**units, "loss": Statement(key="why.units", values={"units": units["loss"]})}
