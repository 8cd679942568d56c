"""Tables of series to forecast: windows over the past, the next values as targets, everything split by time.

Each example is a window of `window` steps (the target's own past first, then the other numeric columns) and the
`horizon` values that follow it. Two cuts in time divide the examples: a window belongs to a split only if all of its
target values lie between that split's cuts, so no value is a target in two splits. A later window may look back at
earlier targets: at that time they are known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bakeoff.data.assembly import make_dataset
from bakeoff.data.dataset import Dataset, Finding
from bakeoff.data.encoder import FormEncoder, NewExamples, check_shape
from bakeoff.data.forms.cells.numbers import NumberForm
from bakeoff.data.forms.cells.reading import (
    NO_HINTS,
    Form,
    Hints,
    column_forms,
    form_findings,
    form_from_json,
    form_to_json,
)
from bakeoff.data.forms.forecast_series import OneSeries, series_of, short_groups
from bakeoff.data.forms.frame_columns import open_table, require_column, with_joined_groups
from bakeoff.data.forms.pandas_frames import with_index_columns
from bakeoff.data.forms.seasonality import repeat_error, seasonal_period
from bakeoff.data.scaling import of_new_data, without_loss
from bakeoff.data.schema import Forecast, Schema, Series
from bakeoff.data.splits import LARGEST_TEST, LARGEST_VALIDATION, Splits
from bakeoff.errors import DataError, OptionError, listed, printable, suggest

#: Part of the windows for training; the rest after validation is for the test.
TRAIN_SHARE = 0.64
#: Part of the windows for validation.
VALIDATION_SHARE = 0.16
#: The longest window, in steps.
MOST_WINDOW = 512
#: The longest horizon, in steps.
MOST_HORIZON = 1000
#: More windows than this share of the rest, left out since a value to forecast is missing, are a warning.
MANY_LEFT_OUT = 0.1
#: Windows of several series, or of one with gaps, are thinned out so that they take no more than this (those of one
#: series without gaps take no memory).
_MOST_BYTES = 1 << 30


@dataclass(frozen=True, kw_only=True)
class ForecastEncoder(FormEncoder):
    """The columns of the time, the channels (the target first) and the group, and the lengths of window and horizon.

    `forms` says how the cells of these columns are written, where that is not plainly. Each channel of `flags` has a
    further one, which is 1 where a missing value was filled, since training had such gaps.
    """

    kind: ClassVar[str] = "forecast"
    time: str
    group: str | None
    channels: tuple[str, ...]
    window: int
    horizon: int
    forms: Mapping[str, Form] = field(default_factory=dict)
    flags: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "time": self.time,
            "group": self.group,
            "channels": list(self.channels),
            "window": self.window,
            "horizon": self.horizon,
            "flags": list(self.flags),
            "forms": {name: form_to_json(form) for name, form in self.forms.items()},
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        forms = {name: form_from_json(form) for name, form in record.get("forms", {}).items()}
        return super().from_json({**record, "forms": forms})

    def check(self, schema: Schema) -> None:
        check_shape((len(self.channels) + len(self.flags), self.window), schema)
        if self.horizon != schema.outputs:
            raise ValueError(f"it looks {self.horizon} steps ahead, and the network {schema.outputs}")

    def read(self, source: Any, schema: Schema) -> NewExamples:
        """A window for every step with `window` steps before it, the one after the last row included.

        A series ends with its last known target: rows after it are what is asked for. Targets are NaN where the
        following values are not all in the data (filled ones do not count); None where that is so for every window.
        """
        source = with_index_columns(source, (self.time, *(self.group or "").split(","), *self.channels))
        frame, _, described = open_table(source, words=list(self.forms))
        frame = with_joined_groups(frame, self.group)
        for column in (self.time, *self.channels, *([self.group] if self.group else [])):
            if column not in frame.columns:
                raise DataError(
                    f"'{printable(described)}' has no column '{printable(column)}', which the network was trained on. "
                    f"{suggest(column, frame.columns)}"
                )
        inputs, targets, names = [], [], []
        series, findings = series_of(
            frame, time=self.time, group=self.group, channels=self.channels, forms=self.forms
        )
        for one in (each.with_flags(_places(self.flags, self.channels)) for each in series):
            answers = one.known_targets
            for start in range(len(one.values) - self.window + 1):
                end = start + self.window
                inputs.append(one.values[start:end].T)
                future = np.full(self.horizon, np.nan)
                known = answers[end : end + self.horizon]
                future[: len(known)] = known
                targets.append(future)
                names.append(f"{one.name} after {one.times[end - 1]}".strip())
        if not inputs:
            raise DataError(
                f"'{printable(described)}' needs at least {self.window} steps of one series to forecast from."
            )
        future_values = np.stack(targets)
        is_known = ~np.isnan(future_values).any(axis=1)
        future_values[~is_known] = np.nan
        return NewExamples(
            inputs=of_new_data(np.stack(inputs)),
            targets=of_new_data(future_values) if is_known.any() else None,
            names=names,
            findings=(*findings, *short_groups(series, needed=self.window, is_new=True)),
        )


def load_forecast(
    source: Any,
    *,
    time: str,
    target: str | None,
    horizon: int | None = None,
    group: str | None = None,
    window: int | None = None,
    name: str | None = None,
    hints: Hints = NO_HINTS,
) -> Dataset:
    """A dataset of windows from a table.

    Args:
        source: a table file or a frame, one row a step (and group).
        time: its column of times: dates, or numbers.
        target: the numeric column to forecast.
        horizon: steps to forecast; by default the seasonal period where there is one and the series is at least ten
            times as long, else a twentieth of the series, at most 12.
        group: the column that says which series a row belongs to.
        window: past steps that are seen; by default two periods or three horizons, at least 16 and at most a quarter
            of the longest series.
        name: of the dataset.
        hints: what the user says of cells that can be read in several ways.

    Raises:
        DataError: a column is missing or not numeric, a time occurs twice, or the series is too short.
        OptionError: the horizon or the window is out of range.
    """
    for option, value, most in (("horizon", horizon, MOST_HORIZON), ("window", window, MOST_WINDOW)):
        if value is not None and not 1 <= value <= most:
            raise OptionError(f"{option} must be from 1 to {most} steps, not {value}.")
    frame, findings, described = open_table(source)
    frame = with_joined_groups(frame, group)
    require_column(frame, time, option="time")
    target = require_column(frame, target, option="target")
    if group is not None:
        require_column(frame, group, option="group")
    forms = column_forms(frame.drop([group] if group else []), hints)
    channels, channel_findings = _channels(frame, forms, target=target, others_not=[time, group])
    forms = {name: form for name, form in forms.items() if name in (time, *channels)}
    series, series_findings = series_of(
        frame, time=time, group=group, channels=channels, forms=forms, hints=hints
    )
    numbers = {name: form for name, form in forms.items() if name != time}
    written = [
        found
        for found in form_findings(frame.select(channels), numbers)
        if found.kind not in ("odd_numbers", "dates_unread")
    ]
    channel_findings += written
    longest = max(len(one.values) for one in series)
    past = [one.values[: int(len(one.values) * TRAIN_SHARE), 0] for one in series]
    season = seasonal_period(past)
    horizon = horizon or (season if 1 < season <= longest // 10 else max(1, min(12, longest // 20)))
    window = window or int(
        np.clip(max(2 * season, 3 * horizon, 16), 1, max(min(MOST_WINDOW, longest // 4), 1))
    )
    season = season if season <= window else 1
    findings_of_series = short_groups(series, needed=window + horizon)
    flags = _gappy(series, channels)
    series = [one.with_flags(_places(flags, channels)) for one in series]
    inputs, targets, starts, ends, left_out = _windows(series, window=window, horizon=horizon)
    splits = split_by_time(starts, ends, described=_needed(longest, window, horizon))
    first_later = min(starts[splits.validation].min(), starts[splits.test].min())
    is_past = [one.ticks < first_later for one in series]
    scale = repeat_error(
        [one.values[past, 0] for one, past in zip(series, is_past, strict=True)],
        season,
        is_known=[one.is_known[past] for one, past in zip(series, is_past, strict=True)],
    )
    findings += channel_findings + series_findings + findings_of_series
    if left_out:
        values = {"count": left_out, "of": left_out + len(inputs), "target": printable(target)}
        severity = "warning" if left_out > MANY_LEFT_OUT * len(inputs) else "note"
        findings.append(Finding(kind="targets_unknown", severity=severity, values=values))
    return make_dataset(
        name=name or described.rpartition(".")[0] or described,
        input=Series(channels=len(channels) + len(flags), length=window),
        target=Forecast(horizon=horizon, season=season),
        inputs=inputs,
        targets=targets,
        encoder=ForecastEncoder(
            time=time,
            group=group,
            channels=tuple(channels),
            window=window,
            horizon=horizon,
            forms=forms,
            flags=flags,
        ),
        splits=splits,
        times=starts,
        seasonal_scale=scale if np.isfinite(scale) and scale > 0 else None,
        source=described,
        findings=findings,
    )


def split_by_time(starts: NDArray[np.float64], ends: NDArray[np.float64], *, described: str) -> Splits:
    """Splits by two cuts in time, from the times of each window's first and last target value.

    Raises:
        DataError: a split would be empty.
    """
    in_time = np.sort(starts)
    count = len(in_time)
    test_size = min(max(round(count * (1 - TRAIN_SHARE - VALIDATION_SHARE)), 1), LARGEST_TEST)
    validation_size = min(max(round(count * VALIDATION_SHARE), 1), LARGEST_VALIDATION)
    later = in_time[count - test_size]
    earlier = in_time[max(count - test_size - validation_size, 0)]
    parts = {
        "train": np.flatnonzero(ends < earlier),
        "validation": np.flatnonzero((starts >= earlier) & (ends < later)),
        "test": np.flatnonzero(starts >= later),
    }
    for part, places in parts.items():
        if len(places) == 0:
            raise DataError(f"The {part} split would be empty: {described}")
    latest_first = parts["train"][np.argsort(-starts[parts["train"]], kind="stable")]
    return Splits(
        train=latest_first.astype(np.int64),
        validation=parts["validation"].astype(np.int64),
        test=parts["test"].astype(np.int64),
        how="by time",
    )


def _gappy(series: Sequence[OneSeries], channels: Sequence[str]) -> tuple[str, ...]:
    """The channels with filled values in the part of the series that training sees."""
    past = [one.is_filled[: int(len(one.values) * TRAIN_SHARE)] for one in series]
    return tuple(name for place, name in enumerate(channels) if any(part[:, place].any() for part in past))


def _places(names: Sequence[str], channels: Sequence[str]) -> list[int]:
    return [channels.index(name) for name in names]


def _channels(
    frame: pl.DataFrame, forms: Mapping[str, Form], *, target: str, others_not: Sequence[str | None]
) -> tuple[list[str], list[Finding]]:
    """The target and every other numeric column that is not constant; a note names those left out."""
    if not _is_numeric(frame[target], forms):
        raise DataError(f"The target '{printable(target)}' is not numeric: a forecast needs numbers.")
    channels, left_out = [target], list[str]()
    for name in frame.columns:
        if name == target or name in others_not:
            continue
        usable = _is_numeric(frame[name], forms) and frame[name].drop_nulls().n_unique() > 1
        (channels if usable else left_out).append(name)
    if not left_out:
        return channels, []
    values = {"columns": listed(left_out), "count": len(left_out)}
    return channels, [Finding(kind="left_out_forecast", severity="note", values=values)]


def _is_numeric(column: pl.Series, forms: Mapping[str, Form]) -> bool:
    if column.dtype == pl.String:
        return isinstance(forms.get(column.name), NumberForm)
    return column.dtype.is_numeric() or column.dtype == pl.Boolean


def _windows(
    series: Sequence[OneSeries], *, window: int, horizon: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float64], NDArray[np.float64], int]:
    """Inputs [N, C, window] (a view for one series without gaps), targets [N, horizon], times of the first and last
    target, and the number of windows left out because a value to forecast is not known.

    Raises:
        DataError: every series is too short, or no window has all of its targets.
    """
    long_enough = [one for one in series if len(one.values) >= window + horizon]
    if not long_enough:
        longest = max(len(one.values) for one in series)
        raise DataError(_needed(longest, window, horizon))
    kept = [_with_known_targets(one, window=window, horizon=horizon) for one in long_enough]
    total = sum(int(keep.sum()) for keep in kept)
    left_out = sum(len(keep) for keep in kept) - total
    if not total:
        raise DataError(
            f"No window has all of its {horizon} values to forecast: in each one at least is missing, and what is "
            "missing is not made up. Give a smaller --horizon, or fill the target in."
        )
    bytes_needed = total * long_enough[0].values.shape[1] * window * 4
    is_view = len(long_enough) == 1 and not left_out
    every = 1 if is_view else -(-bytes_needed // _MOST_BYTES)
    inputs, targets, starts, ends = [], [], [], []
    for one, keep in zip(long_enough, kept, strict=True):
        chosen = slice(None, None, every) if keep.all() else np.flatnonzero(keep)[::every]
        values = without_loss(one.values)
        views = np.lib.stride_tricks.sliding_window_view(values, window, axis=0)
        inputs.append(views[:-horizon][chosen])
        futures = np.lib.stride_tricks.sliding_window_view(values[window:, 0], horizon)
        targets.append(futures[chosen])
        starts.append(one.ticks[window : len(one.ticks) - horizon + 1][chosen])
        ends.append(one.ticks[window + horizon - 1 :][chosen])
    joined = inputs[0] if len(inputs) == 1 else np.concatenate(inputs)
    return joined, np.concatenate(targets), np.concatenate(starts), np.concatenate(ends), left_out


def _with_known_targets(one: OneSeries, *, window: int, horizon: int) -> NDArray[np.bool_]:
    """Whether each window [N] of a series has a known value for every step to forecast."""
    futures = np.lib.stride_tricks.sliding_window_view(one.is_known[window:], horizon)
    return np.asarray(futures.all(axis=1))


def _needed(longest: int, window: int, horizon: int) -> str:
    return (
        f"the longest series has {longest} steps; windows of {window} and a horizon of {horizon} need at least "
        f"{window + 6 * horizon + 4}. Give more steps, a smaller --horizon or a smaller --window."
    )
