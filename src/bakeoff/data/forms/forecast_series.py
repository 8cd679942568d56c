"""The series of a table to forecast: one per group, in order of time, gaps filled with what was known at that time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bakeoff.data.dataset import Finding
from bakeoff.data.forms.cells.dates import DateForm
from bakeoff.data.forms.cells.numbers import NumberForm
from bakeoff.data.forms.cells.reading import NO_HINTS, Form, Hints
from bakeoff.data.forms.columns import as_numbers, as_words
from bakeoff.data.forms.forecast_times import Times, apart, read_times
from bakeoff.errors import DataError, printable

#: The share of steps that are missing or uneven from which the card says so.
_MUCH_UNEVEN = 0.01


@dataclass(frozen=True, kw_only=True, eq=False)
class OneSeries:
    """One group's rows in order of time, from the first with a value in every column to the last with a target.

    Attributes:
        name: of the group; "" where it has none.
        values: float64 [T, C], the target first; a missing value is the last known one before it.
        is_filled: bool [T, C], where a value is such a filled one.
        ticks: [T], times as numbers. times: as they are shown.
        gaps: number of values filled. longest_gap: the most in a row, of one column.
        before: rows left out before the first value of some column.
        future: rows left out after the last value of the target.
        set_back: hours that the clock showed twice.
    """

    name: str
    values: NDArray[np.float64]
    is_filled: NDArray[np.bool_]
    ticks: NDArray[np.float64]
    times: Sequence[Any]
    gaps: int = 0
    longest_gap: int = 0
    before: int = 0
    future: int = 0
    set_back: int = 0

    @property
    def is_known(self) -> NDArray[np.bool_]:
        """Whether the target has a value of its own at each step [T]."""
        return np.asarray(~self.is_filled[:, 0])

    def with_flags(self, places: Sequence[int]) -> "OneSeries":
        """With a further channel for each of these: 1 where its value is a filled one, else 0."""
        flags = self.is_filled[:, list(places)].astype(np.float64)
        return replace(self, values=np.concatenate([self.values, flags], axis=1))

    @property
    def known_targets(self) -> NDArray[np.float64]:
        """The target's values [T], NaN where they are filled."""
        return np.where(self.is_known, self.values[:, 0], np.nan)


def series_of(
    frame: pl.DataFrame,
    *,
    time: str,
    group: str | None,
    channels: Sequence[str],
    forms: Mapping[str, Form] | None = None,
    hints: Hints = NO_HINTS,
) -> tuple[list[OneSeries], list[Finding]]:
    """The series of a table, each in order of time, and what reading them found.

    Args:
        forms: in which the channels' numbers and the times are written, where training knew it.
        hints: what the user says of them.

    Raises:
        DataError: times are missing or occur twice, or a channel is not numeric or empty.
    """
    forms = forms or {}
    known = forms.get(time)
    times = read_times(frame[time], known if isinstance(known, DateForm) else None, hints)
    names = as_words(frame[group]).fill_null("") if group else pl.Series("group", [""] * len(frame))
    columns = [
        as_numbers(frame[channel], _number_form(forms.get(channel)), where_from=channel).to_numpy()
        for channel in channels
    ]
    order = pl.DataFrame({"group": names}).with_row_index("row").sort(["group", "row"])
    series = []
    for key, rows in order.group_by("group", maintain_order=True):
        places = rows["row"].to_numpy()
        own, set_back = _without_repeats(times, places, has_groups=group is not None)
        in_time = np.argsort(own, kind="stable")
        places, own = places[in_time], own[in_time]
        values = np.stack([column[places] for column in columns], axis=1)
        shown = [times.shown[int(place)] for place in places]
        series.append(_one_series(printable(str(key[0])), values, own, shown, channels, set_back))
    unnamed = int((names == "").sum()) if group else 0
    return series, [*times.findings, *_findings(series, unnamed=unnamed, group=group or "")]


def _number_form(form: Form | None) -> NumberForm | None:
    return form if isinstance(form, NumberForm) else None


def short_groups(series: Sequence[OneSeries], *, needed: int, is_new: bool = False) -> list[Finding]:
    """A warning that names the series with fewer than `needed` steps, with their lengths; nothing where none is."""
    short = [one for one in series if len(one.values) < needed]
    if not short:
        return []
    names = ", ".join(f"'{one.name}' ({len(one.values)})" for one in short[:5])
    values = {
        "count": len(short),
        "of": len(series),
        "needed": needed,
        "names": names + (", …" if len(short) > 5 else ""),
    }
    if is_new:
        return [Finding(kind="short_groups_new", severity="warning", values=values)]
    return [Finding(kind="short_groups", severity="warning", values=values)]


def _without_repeats(
    times: Times, places: NDArray[Any], *, has_groups: bool
) -> tuple[NDArray[np.float64], int]:
    """The ticks of one series' rows, in the order of the file, no two alike; and the hours that occur twice."""
    own = times.ticks[places]
    in_time = np.argsort(own, kind="stable")
    twice = np.flatnonzero(np.diff(own[in_time]) == 0)
    if not len(twice):
        return own, 0
    found = apart(own) if times.are_dates else None
    if found is not None:
        return found
    shown = printable(str(times.shown[int(places[in_time[twice[0]]])]))
    hint = (
        " in one group"
        if has_groups
        else "; if the table holds several series, name their column with --group"
    )
    clock = (
        " (an hour that a clock shows twice: write its UTC offset, as 02:00+01:00)" if times.are_dates else ""
    )
    raise DataError(f"The time {shown} occurs twice{hint}: give each step one row{clock}.")


def _one_series(
    name: str,
    values: NDArray[np.float64],
    ticks: NDArray[np.float64],
    times: Sequence[Any],
    channels: Sequence[str],
    set_back: int,
) -> OneSeries:
    known = ~np.isnan(values)
    for place, channel in enumerate(channels):
        if not known[:, place].any():
            raise DataError(
                f"The column '{printable(channel)}' is empty in a whole series: leave it or that series out."
            )
    begin = int(known.argmax(axis=0).max())
    end = max(len(values) - int(known[::-1, 0].argmax()), begin)
    values, known = values[begin:end], known[begin:end]
    return OneSeries(
        name=name,
        values=_filled(values, known),
        is_filled=~known,
        ticks=ticks[begin:end],
        times=times[begin:end],
        gaps=int((~known).sum()),
        longest_gap=max((_longest_run(~known[:, place]) for place in range(known.shape[1])), default=0),
        before=begin,
        future=len(ticks) - end,
        set_back=set_back,
    )


def _filled(values: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Values [T, C], the missing ones replaced by the last known: never by anything of the future."""
    if known.all():
        return values
    last = np.maximum.accumulate(np.where(known, np.arange(len(values))[:, None], 0), axis=0)
    return np.take_along_axis(values, last, axis=0)


def _longest_run(flags: NDArray[np.bool_]) -> int:
    """The most True in a row."""
    ends = np.flatnonzero(~np.concatenate([[False], flags, [False]]))
    return int(np.diff(ends).max()) - 1


def _findings(series: Sequence[OneSeries], *, unnamed: int, group: str) -> list[Finding]:
    findings = []
    if unnamed:
        values: dict[str, Any] = {"count": unnamed, "column": printable(group)}
        findings.append(Finding(kind="unnamed_group", severity="warning", values=values))
    if set_back := sum(one.set_back for one in series):
        findings.append(Finding(kind="clock_set_back", severity="note", values={"count": set_back}))
    if before := sum(one.before for one in series):
        findings.append(Finding(kind="rows_before_first", severity="note", values={"count": before}))
    if future := sum(one.future for one in series):
        findings.append(Finding(kind="future_rows", severity="note", values={"count": future}))
    if gaps := sum(one.gaps for one in series):
        longest = max(one.longest_gap for one in series)
        values = {"count": gaps, "series": sum(one.gaps > 0 for one in series), "longest": longest}
        findings.append(Finding(kind="forecast_gaps", severity="note", values=values))
    return findings + _uneven(series)


def _uneven(series: Sequence[OneSeries]) -> list[Finding]:
    """Whether steps in time are longer or shorter than usual: a gap counts as often as steps would fit into it."""
    uneven = total = missing = longest = 0
    for one in series:
        between = np.diff(one.ticks)
        if not len(between):
            continue
        lengths = between / np.median(between)
        is_uneven = np.abs(lengths - 1) > 0.2
        skipped = np.where(is_uneven, np.maximum(np.rint(lengths) - 1, 0), 0)
        uneven += int(is_uneven.sum())
        missing += int(skipped.sum())
        longest = max(longest, int(skipped.max()))
        total += len(between)
    if max(uneven, missing) <= _MUCH_UNEVEN * max(total, 1):
        return []
    values = {"count": uneven, "of": total}
    if not missing:
        return [Finding(kind="uneven_steps", severity="warning", values=values)]
    values |= {"missing": missing, "longest": longest}
    return [Finding(kind="missing_steps", severity="warning", values=values)]
