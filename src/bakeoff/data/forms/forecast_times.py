"""Times of a table to forecast as numbers: dates with UTC offsets, and hours that a set-back clock shows twice."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bakeoff.data.dataset import Finding
from bakeoff.data.forms.cells.dates import DateForm, read_parts
from bakeoff.data.forms.cells.reading import NO_HINTS, Hints, form_findings, form_of
from bakeoff.data.forms.columns import as_dates, as_numbers
from bakeoff.errors import DataError, listed, printable

#: How far a clock is from UTC, at the end of a cell.
_OFFSET = r"(Z|[+-]\d\d(?::?\d\d)?)\s*$"
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
        form: in which dates are written, None where they are no words.
        findings: what reading them found.
    """

    ticks: NDArray[np.float64]
    shown: pl.Series
    are_dates: bool
    form: DateForm | None = None
    findings: tuple[Finding, ...] = ()


def read_times(column: pl.Series, form: DateForm | None = None, hints: Hints = NO_HINTS) -> Times:
    """Times as numbers and as they are shown; those with UTC offsets are in UTC.

    Args:
        form: in which dates are written, where training knew it.
        hints: what the user says of them.

    Raises:
        DataError: a time is missing or unreadable.
    """
    findings: tuple[Finding, ...] = ()
    found = form if form is not None and _is_in_words(column) else form_of(column, hints)
    is_temporal = column.dtype.is_temporal() and column.dtype not in (pl.Duration, pl.Time)
    are_dates = isinstance(found, DateForm) or is_temporal or (found is None and column.dtype == pl.String)
    if are_dates:
        dates, findings = _dates(column, found if isinstance(found, DateForm) else None)
        shown = dates.dt.to_string("%Y-%m-%d %H:%M:%S").str.strip_suffix(" 00:00:00")
        numbers = dates.dt.epoch("us").cast(pl.Float64) / 1e6
    else:
        shown = column
        numbers = as_numbers(
            column, None if isinstance(found, DateForm) else found, where_from=column.name, share=1.0
        )
    if numbers.null_count():
        row = int(numbers.is_null().arg_true()[0])
        raise DataError(
            f"The time '{printable(column.name)}' is missing or unreadable in {numbers.null_count()} rows (the first "
            f"is row {row + 1}): fill it in or leave those rows out."
        )
    return Times(
        ticks=numbers.to_numpy(),
        shown=shown,
        are_dates=are_dates,
        form=found if isinstance(found, DateForm) else None,
        findings=findings,
    )


def apart(ticks: NDArray[np.float64]) -> tuple[NDArray[np.float64], int] | None:
    """Ticks [T] of one series with the hours that a set-back clock shows twice made distinct, and how many there were.

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


def _is_in_words(column: pl.Series) -> bool:
    return column.dtype == pl.String or column.dtype.is_integer()


def _dates(column: pl.Series, form: DateForm | None) -> tuple[pl.Series, tuple[Finding, ...]]:
    """Datetimes in UTC where the cells have offsets, else by their own clock; and what was guessed."""
    if form is None or column.dtype.is_temporal():
        return as_dates(column, None, where_from=column.name), ()
    words = column.cast(pl.String)
    local, ahead = read_parts(words, form.name)
    noticed = [
        finding for finding in form_findings(column.to_frame(), {column.name: form}) if _is_guess(finding)
    ]
    if not (ahead != 0).any():
        return local, tuple(noticed)
    offsets = words.str.extract(_OFFSET, 1).drop_nulls().unique().sort().to_list()
    values = {"offsets": listed(offsets), "column": printable(column.name)}
    noticed.append(Finding(kind="utc_offsets", severity="note", values=values))
    clock = pl.DataFrame({"local": local, "ahead": ahead.fill_null(0)})
    in_utc = clock.select(pl.col("local") - pl.duration(minutes=pl.col("ahead"))).to_series()
    return in_utc.alias(column.name), tuple(noticed)


def _is_guess(finding: Finding) -> bool:
    return finding.kind in ("dates_ambiguous", "dates_from_digits")
