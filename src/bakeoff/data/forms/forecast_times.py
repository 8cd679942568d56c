"""Times of a table to forecast as numbers: dates with UTC offsets, and hours that a set-back clock shows twice."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bakeoff.data.dataset import Finding
from bakeoff.data.forms.columns import NUMBER_SHARE, as_dates, as_numbers, date_format_of, looks_like_numbers
from bakeoff.errors import DataError, listed, printable

#: A date, a time of day, and how far that clock is from UTC.
_WITH_OFFSET = r"^\s*(.*\d:\d\d(?::\d\d(?:\.\d+)?)?)\s*(Z|[+-]\d\d(?::?\d\d)?)\s*$"
_HOUR = 3600.0
#: Clocks are set back in these months (north: autumn; south: autumn there) ...
_MONTHS_SET_BACK = (2, 3, 4, 5, 9, 10, 11)
#: ... in the night of a Sunday, so that the hour shown twice begins before this one.
_LATEST_HOUR = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class Times:
    """The times of a table's rows.

    Attributes:
        ticks: float64 [rows]: seconds for dates, else the numbers themselves.
        shown: as they are shown, in the order of the rows.
        are_dates: whether the ticks are seconds.
        findings: what reading them found.
    """

    ticks: NDArray[np.float64]
    shown: pl.Series
    are_dates: bool
    findings: tuple[Finding, ...] = ()


def read_times(column: pl.Series) -> Times:
    """Times as numbers and as they are shown; those with UTC offsets are in UTC.

    Raises:
        DataError: a time is missing or unreadable.
    """
    findings: tuple[Finding, ...] = ()
    are_dates = not (column.dtype.is_numeric() or (column.dtype == pl.String and looks_like_numbers(column)))
    if are_dates:
        dates, findings = _dates(column)
        shown = dates.dt.to_string("%Y-%m-%d %H:%M:%S").str.strip_suffix(" 00:00:00")
        numbers = dates.dt.epoch("us").cast(pl.Float64) / 1e6
    else:
        shown = column
        numbers = as_numbers(column, where_from=column.name, share=1.0)
    if numbers.null_count():
        row = int(numbers.is_null().arg_true()[0])
        raise DataError(
            f"The time '{printable(column.name)}' is missing or unreadable in {numbers.null_count()} rows (the first "
            f"is row {row + 1}): fill it in or leave those rows out."
        )
    return Times(ticks=numbers.to_numpy(), shown=shown, are_dates=are_dates, findings=findings)


def apart(ticks: NDArray[np.float64]) -> tuple[NDArray[np.float64], int] | None:
    """Ticks [T] of one series with the hours that a set-back clock shows twice told apart, and how many there were.

    Both passes through such an hour get half of it, so that all other ticks stay local times, comparable between
    series. None where a time occurs twice for another reason, or where the rows are in no order that tells them apart.

    Args:
        ticks: seconds of local times, in the order of the file.
    """
    steps = np.diff(ticks)
    forward = steps[steps > 0]
    usual = float(np.median(forward)) if len(forward) else 0.0
    if not 0 < usual <= _HOUR or _HOUR % usual:
        return None
    backward = np.flatnonzero(steps <= 0)
    found = ticks.copy()
    for place in backward:
        begin = ticks[place + 1]
        if steps[place] != usual - _HOUR or not _may_be_set_back(begin):
            return None
        is_hour = (ticks >= begin) & (ticks < begin + _HOUR)
        is_second = is_hour & (np.arange(len(ticks)) > place)
        found[is_hour] = begin + (ticks[is_hour] - begin) / 2
        found[is_second] += _HOUR / 2
    return (found, len(backward)) if (np.diff(found) > 0).all() else None


def _may_be_set_back(tick: float) -> bool:
    date = np.datetime64(int(tick), "s").item()
    return date.month in _MONTHS_SET_BACK and date.isoweekday() == 7 and date.hour < _LATEST_HOUR


def _dates(column: pl.Series) -> tuple[pl.Series, tuple[Finding, ...]]:
    if column.dtype == pl.String:
        local, offsets = column.str.extract(_WITH_OFFSET, 1), column.str.extract(_WITH_OFFSET, 2)
        known = offsets.drop_nulls()
        filled = len(column) - column.null_count()
        if len(known) >= max(NUMBER_SHARE * filled, 1) and (known != "Z").any():
            clock = as_dates(local, date_format_of(local), where_from=column.name)
            values = {"offsets": listed(known.unique().sort().to_list()), "column": printable(column.name)}
            finding = Finding(kind="utc_offsets", severity="note", values=values)
            return clock - _durations(offsets), (finding,)
    date_format = date_format_of(column) if column.dtype == pl.String else None
    return as_dates(column, date_format, where_from=column.name), ()


def _durations(offsets: pl.Series) -> pl.Series:
    """How far the clocks are ahead of UTC, of words as `+02:00`, `-0330`, `+09` or `Z`."""
    digits = offsets.str.replace("Z", "+00").str.replace(":", "")
    hours = digits.str.slice(1, 2).cast(pl.Int64)
    minutes = digits.str.slice(3, 2).cast(pl.Int64, strict=False).fill_null(0)
    ahead = hours * 60 + minutes
    is_behind = digits.str.starts_with("-")
    signed = pl.select(pl.when(is_behind).then(-ahead).otherwise(ahead)).to_series()
    return (signed * 60_000_000).cast(pl.Duration("us"))
