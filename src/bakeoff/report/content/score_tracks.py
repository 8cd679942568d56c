"""The small plot in each row of the table of results: score and interval on one scale, whose ticks head the column."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bakeoff.study.analysis.verdict import EntrantResult
from bakeoff.tasks.metrics.registry import METRICS

#: Margin on both sides of the shown range, as a part of it.
_MARGIN = 0.06
#: The most ticks of the scale.
_MOST_TICKS = 4


@dataclass(frozen=True, kw_only=True)
class Track:
    """The position of a score and its interval, in percent of the plot's width.

    Attributes:
        left, width: of the interval. dot: of the score.
        outside: "left" or "right" where the score lies outside the scale on that side and only an arrow is drawn.
        cut: the sides on which the interval goes on outside the scale.
    """

    left: float = 0.0
    width: float = 0.0
    dot: float = 0.0
    outside: str = ""
    cut: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Scale:
    """The range of all tracks in the metric's unit, and its ticks: (percent of the width, text with unit)."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]

    def place(self, value: float) -> float:
        """A value's position in percent of the width, at the edge where it is outside."""
        share = (value - self.low) / (self.high - self.low)
        return round(100 * min(max(share, 0.0), 1.0), 2)


def scale_of(order: Sequence[EntrantResult], metric: str) -> Scale | None:
    """A scale over the better half of the entrants, given best first; None where nobody was judged."""
    scored = [_three(entrant) for entrant in order if entrant.score is not None and entrant.judged]
    if not scored:
        return None
    better = scored[: max((len(scored) + 1) // 2 + 1, 2)]
    low, high = min(low for low, _, _ in better), max(high for _, _, high in better)
    reach = (high - low) or abs(high) or 1.0
    plain = Scale(low=low - _MARGIN * reach, high=high + _MARGIN * reach, ticks=())
    percent = METRICS[metric].percent
    ticks = tuple(
        (plain.place(tick), f"{100 * tick:.6g} %" if percent else f"{tick:.6g}")
        for tick in _round_ticks(plain.low, plain.high)
        if not percent or 0 <= tick <= 1
    )
    return Scale(low=plain.low, high=plain.high, ticks=ticks)


def track_of(entrant: EntrantResult, scale: Scale | None) -> Track | None:
    """An entrant's score and interval on the scale; None where it has no score."""
    if scale is None or entrant.score is None or not entrant.judged:
        return None
    low, score, high = _three(entrant)
    if not scale.low <= score <= scale.high:
        return Track(outside="left" if score < scale.low else "right")
    first, last = scale.place(low), scale.place(high)
    cut = tuple(side for side, is_cut in (("left", low < scale.low), ("right", high > scale.high)) if is_cut)
    return Track(left=first, width=round(last - first, 2), dot=scale.place(score), cut=cut)


def _three(entrant: EntrantResult) -> tuple[float, float, float]:
    assert entrant.score is not None
    first = entrant.score if entrant.low is None else entrant.low
    return first, entrant.score, entrant.score if entrant.high is None else entrant.high


def _round_ticks(low: float, high: float) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten between the two, the most that do not crowd."""
    power = 10.0 ** math.floor(math.log10((high - low) / _MOST_TICKS))
    for step in (power * times for times in (1, 2, 5, 10)):
        first, last = math.ceil(low / step), math.floor(high / step)
        if last - first < _MOST_TICKS:
            break
    return [step * count for count in range(first, last + 1)]
