"""Tables of series to forecast: windows, cuts in time, seasons, and the future as new data."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import bakeoff
from bakeoff.data.card import finding_sentence
from bakeoff.data.forms.seasonality import autocorrelation, repeat_error, seasonal_period
from bakeoff.data.load import read_new
from bakeoff.data.schema import Forecast, Series
from bakeoff.errors import DataError, OptionError
from bakeoff.messages import set_language
from examples import read_again

#: Box & Jenkins (1976), series G: thousands of airline passengers a month, 1949 to 1960.
AIRLINE = """
112 118 132 129 121 135 148 148 136 119 104 118 115 126 141 135 125 149 170 170 158 133 114 140
145 150 178 163 172 178 199 199 184 162 146 166 171 180 193 181 183 218 230 242 209 191 172 194
196 196 236 235 229 243 264 272 237 211 180 201 204 188 235 227 234 264 302 293 259 229 203 229
242 233 267 269 270 315 364 347 312 274 237 278 284 277 317 313 318 374 413 405 355 306 271 306
315 301 356 348 355 422 465 467 404 347 305 336 340 318 362 348 363 435 491 505 404 359 310 337
360 342 406 396 420 472 548 559 463 407 362 405 417 391 419 461 472 535 622 606 508 461 390 432
"""


def airline() -> pl.DataFrame:
    passengers = np.array(AIRLINE.split(), np.int64)
    months = [f"{1949 + month // 12}-{month % 12 + 1:02}" for month in range(len(passengers))]
    return pl.DataFrame({"month": months, "passengers": passengers})


def test_the_airline_series_has_a_period_of_twelve_months() -> None:
    dataset = bakeoff.load(airline(), time="month", target="passengers")
    assert dataset.schema.target == Forecast(horizon=12, season=12)
    assert isinstance(dataset.schema.input, Series)
    assert dataset.schema.input.channels == 1


def test_windows_are_the_past_and_targets_what_follows() -> None:
    values = airline()["passengers"].to_numpy()
    dataset = bakeoff.load(airline(), time="month", target="passengers", horizon=3, window=24)
    assert dataset.inputs.shape == (len(values) - 24 - 3 + 1, 1, 24)
    for place in (0, 17, len(dataset) - 1):
        np.testing.assert_array_equal(dataset.inputs[place, 0], values[place : place + 24])
        np.testing.assert_array_equal(dataset.targets[place], values[place + 24 : place + 27])


def test_no_value_is_a_target_in_two_splits_and_the_future_tests() -> None:
    dataset = bakeoff.load(airline(), time="month", target="passengers", horizon=6, window=24)
    reach = {
        part: (indices.min() + 24, indices.max() + 24 + 6)
        for part, indices in vars(dataset.splits).items()
        if part != "how"
    }
    assert reach["train"][1] <= reach["validation"][0]
    assert reach["validation"][1] <= reach["test"][0]
    assert (np.diff(dataset.splits.train) < 0).all()
    np.testing.assert_array_equal(dataset.splits.train[:3], dataset.splits.train.max() - np.arange(3))


def test_the_unit_of_mase_is_the_seasonal_naive_error_before_the_first_validation_target() -> None:
    values = airline()["passengers"].to_numpy().astype(float)
    dataset = bakeoff.load(airline(), time="month", target="passengers", horizon=12, window=24)
    past = values[: dataset.splits.validation.min() + 24]
    assert dataset.seasonal_scale == pytest.approx(np.abs(past[12:] - past[:-12]).mean())
    assert dataset.seasonal_scale != pytest.approx(np.abs(values[12:] - values[:-12]).mean())


def test_rows_in_any_order_and_dates_of_any_type_give_the_same_dataset() -> None:
    expected = bakeoff.load(airline(), time="month", target="passengers")
    shuffled = airline().sample(fraction=1.0, shuffle=True, seed=3)
    typed = airline().with_columns(pl.col("month").add("-01").str.to_date())
    for frame in (shuffled, typed):
        dataset = bakeoff.load(frame, time="month", target="passengers")
        assert dataset.fingerprint == expected.fingerprint


def test_groups_are_series_of_their_own_cut_at_the_same_times() -> None:
    rng = np.random.default_rng(0)
    frames = [
        pl.DataFrame(
            {"t": np.arange(first, 120), "shop": shop, "sales": rng.standard_normal(120 - first) + 10 * first}
        )
        for shop, first in (("north", 0), ("south", 30))
    ]
    dataset = bakeoff.load(pl.concat(frames), time="t", target="sales", group="shop", horizon=4, window=10)
    assert len(dataset) == (120 - 13) + (90 - 13)
    starts = np.concatenate([np.arange(10, 117), np.arange(40, 117)])
    splits = dataset.splits
    assert starts[splits.train].max() + 4 <= starts[splits.validation].min()
    assert starts[splits.validation].max() + 4 <= starts[splits.test].min()
    mixed = (dataset.inputs.max(axis=(1, 2)) > 200) & (dataset.inputs.min(axis=(1, 2)) < 100)
    assert not mixed.any()


def test_other_numeric_columns_are_further_channels_and_words_are_left_out() -> None:
    frame = airline().with_columns(
        pl.Series("price", np.arange(144) ** 0.5),
        pl.Series("note", ["x", "y"] * 72),
        pl.Series("one", [1] * 144),
    )
    dataset = bakeoff.load(frame, time="month", target="passengers", horizon=2)
    assert isinstance(dataset.schema.input, Series)
    assert dataset.schema.input.channels == 2
    np.testing.assert_allclose(dataset.inputs[0, 1, :5], np.arange(5) ** 0.5, rtol=1e-6)
    finding = next(finding for finding in dataset.findings if finding.kind == "left_out_forecast")
    assert finding.values["columns"] == "'note', 'one'"


def test_new_data_give_every_window_and_the_last_one_looks_into_the_unknown() -> None:
    dataset = bakeoff.load(airline(), time="month", target="passengers", horizon=3, window=24)
    new = read_again(dataset, airline())
    np.testing.assert_array_equal(new.inputs[: len(dataset)], dataset.inputs)
    np.testing.assert_array_equal(new.targets[: len(dataset)], dataset.targets)
    assert len(new) == len(dataset) + 3
    assert np.isnan(new.targets[-3:]).all()
    assert new.names[-1] == "after 1960-12-01"
    alone = read_again(dataset, airline().tail(24))
    assert alone.targets is None
    np.testing.assert_array_equal(alone.inputs[0], new.inputs[-1])
    with pytest.raises(DataError, match="needs at least 24 steps"):
        read_again(dataset, airline().tail(23))


def kinds_of(dataset: Any) -> list[str]:
    return [finding.kind for finding in dataset.findings]


def values_of(dataset: Any, kind: str) -> dict[str, Any]:
    values: dict[str, Any] = next(finding.values for finding in dataset.findings if finding.kind == kind)
    return values


def without(rows: Any) -> pl.DataFrame:
    """The airline's passengers, missing in these rows."""
    passengers = pl.when(pl.int_range(144).is_in(list(rows))).then(None).otherwise(pl.col("passengers"))
    return airline().with_columns(passengers=passengers)


def test_missing_values_are_the_last_known_ones_and_never_come_from_the_future() -> None:
    dataset = bakeoff.load(without([5, 6]), time="month", target="passengers", horizon=12, window=24)
    np.testing.assert_array_equal(dataset.inputs[0, 0, 4:8], [121, 121, 121, 148])
    assert kinds_of(dataset) == ["forecast_gaps"]
    assert values_of(dataset, "forecast_gaps") == {"count": 2, "series": 1, "longest": 2}
    changed = without([5, 6]).with_columns(
        passengers=pl.when(pl.int_range(144) >= 7).then(999).otherwise(pl.col("passengers"))
    )
    other = bakeoff.load(changed, time="month", target="passengers", horizon=12, window=24)
    np.testing.assert_array_equal(other.inputs[0, 0, :7], dataset.inputs[0, 0, :7])


def test_a_window_with_a_made_up_target_is_left_out_and_counted() -> None:
    full = bakeoff.load(airline(), time="month", target="passengers", horizon=3, window=24)
    dataset = bakeoff.load(without([60]), time="month", target="passengers", horizon=3, window=24)
    assert len(dataset) == len(full) - 3
    assert values_of(dataset, "targets_unknown") == {"count": 3, "of": len(full), "target": "passengers"}
    keep = np.delete(np.arange(len(full)), [60 - 24 - 2, 60 - 24 - 1, 60 - 24])
    np.testing.assert_array_equal(dataset.targets, full.targets[keep])
    np.testing.assert_array_equal(dataset.times, full.times[keep])
    new = read_again(dataset, without([60]))
    assert np.isnan(new.targets).any(axis=1).sum() == 3 + 3


def test_no_complete_window_is_an_error_that_names_the_horizon() -> None:
    with pytest.raises(DataError, match="No window has all of its 2 values to forecast"):
        bakeoff.load(without(range(1, 144, 2)), time="month", target="passengers", horizon=2, window=24)


@pytest.mark.parametrize("is_walk", [True, False])
def test_a_random_walk_or_noise_with_every_second_value_missing_is_not_forecast_beyond_chance(
    is_walk: bool,
) -> None:
    steps = np.random.default_rng(0).standard_normal(4000)
    truth = np.cumsum(steps) if is_walk else steps
    values = [None if step % 2 else value for step, value in enumerate(truth)]
    frame = pl.DataFrame({"step": np.arange(4000), "y": values})
    dataset = bakeoff.load(frame, time="step", target="y", horizon=1, window=16)
    train, test = dataset.splits.train, dataset.splits.test
    past = np.column_stack([dataset.inputs[:, 0, :], np.ones(len(dataset))])
    line = np.linalg.lstsq(past[train], dataset.targets[train, 0], rcond=None)[0]
    error = np.abs(past[test] @ line - dataset.targets[test, 0]).mean()
    best = (2 * np.sqrt(1 / np.pi)) if is_walk else np.sqrt(2 / np.pi)  # of two steps ahead, and of the mean
    assert error > 0.95 * best
    assert dataset.seasonal_scale == pytest.approx(2 * np.sqrt(1 / np.pi), rel=0.1)


def test_an_empty_tail_of_targets_is_the_future_that_predict_answers() -> None:
    known = bakeoff.load(airline().head(120), time="month", target="passengers", horizon=6, window=24)
    dataset = bakeoff.load(without(range(120, 144)), time="month", target="passengers", horizon=6, window=24)
    assert dataset.fingerprint == known.fingerprint
    assert values_of(dataset, "future_rows") == {"count": 24}
    new = read_again(dataset, without(range(120, 144)))
    assert new.names[-1] == "after 1958-12-01"
    np.testing.assert_array_equal(new.inputs[-1, 0], airline()["passengers"].to_numpy()[96:120])
    assert np.isnan(new.targets[-6:]).all()
    assert [finding.kind for finding in new.findings] == ["future_rows"]


def test_rows_before_the_first_value_are_left_out_since_only_the_future_could_fill_them() -> None:
    frame = airline().with_columns(
        price=pl.when(pl.int_range(144) < 10).then(None).otherwise(pl.int_range(144))
    )
    dataset = bakeoff.load(frame, time="month", target="passengers", horizon=3, window=24)
    assert values_of(dataset, "rows_before_first") == {"count": 10}
    np.testing.assert_array_equal(dataset.inputs[0, 1], np.arange(10, 34))


def shops() -> pl.DataFrame:
    frames = [
        pl.DataFrame({"t": np.arange(length), "shop": shop, "sold": np.arange(length) % 9.0})
        for shop, length in (("old", 200), ("new", 12), (None, 150))
    ]
    return pl.concat(frames, how="vertical_relaxed")


def test_groups_too_short_are_named_with_their_lengths_and_one_without_a_name_is_reported() -> None:
    dataset = bakeoff.load(shops(), time="t", target="sold", group="shop", horizon=7, window=21)
    assert values_of(dataset, "short_groups") == {"count": 1, "of": 3, "needed": 28, "names": "'new' (12)"}
    assert values_of(dataset, "unnamed_group") == {"count": 150, "column": "shop"}
    new = read_again(dataset, shops())
    assert [(finding.kind, finding.values["count"]) for finding in new.findings] == [
        ("unnamed_group", 150),
        ("short_groups_new", 1),
    ]
    assert new.findings[1].values["needed"] == 21


def test_missing_rows_count_by_the_length_of_the_gap() -> None:
    steps = airline().with_columns(month=pl.int_range(144))
    hole = steps.filter(~pl.col("month").is_between(60, 89))
    dataset = bakeoff.load(hole, time="month", target="passengers", horizon=3, window=24)
    assert values_of(dataset, "missing_steps") == {"count": 1, "of": 113, "missing": 30, "longest": 30}
    often = airline().filter(pl.int_range(144) % 10 != 3)
    assert kinds_of(bakeoff.load(often, time="month", target="passengers")) == ["missing_steps"]


def local_hours(*, minutes: int = 60) -> list[str]:
    """Local times of 60 days over the end of summer time in Berlin, 2022."""
    begin = datetime(2022, 10, 1, tzinfo=UTC)
    count = 60 * 24 * 60 // minutes
    zone = ZoneInfo("Europe/Berlin")
    return [
        (begin + timedelta(minutes=minutes * step)).astimezone(zone).strftime("%Y-%m-%d %H:%M")
        for step in range(count)
    ]


@pytest.mark.parametrize("minutes", [60, 30, 15])
def test_an_hour_that_a_clock_set_back_shows_twice_is_read_in_the_order_of_the_file(minutes: int) -> None:
    times = local_hours(minutes=minutes)
    frame = pl.DataFrame({"hour": times, "load": np.arange(len(times), dtype=float)})
    dataset = bakeoff.load(frame, time="hour", target="load", horizon=1, window=16)
    assert values_of(dataset, "clock_set_back") == {"count": 1}
    np.testing.assert_array_equal(dataset.targets[:, 0], np.arange(16, len(times)))
    assert (np.diff(dataset.times) > 0).all()
    assert len(read_again(dataset, frame)) == len(dataset) + 1


def test_a_time_that_occurs_twice_for_another_reason_is_refused() -> None:
    for twice in ("2022-10-12 02:00", "2022-10-16 14:00"):
        times = local_hours()[: 24 * 20]
        place = times.index(twice)
        broken = [*times[:place], twice, *times[place:]]
        frame = pl.DataFrame({"hour": broken, "load": np.arange(len(broken), dtype=float)})
        with pytest.raises(DataError, match=f"{twice}:00 occurs twice.* write its UTC offset"):
            bakeoff.load(frame, time="hour", target="load")


@pytest.mark.parametrize("written", ["%Y-%m-%d %H:%M:%S%:z", "%Y-%m-%dT%H:%M%z"])
def test_times_with_utc_offsets_are_read_as_utc(written: str) -> None:
    begin = datetime(2022, 10, 1, tzinfo=UTC)
    hours = [begin + timedelta(hours=hour) for hour in range(60 * 24)]
    zone = ZoneInfo("Europe/Berlin")
    local = [hour.astimezone(zone) for hour in hours]
    offsets = [hour.strftime("%z") for hour in local]
    words = [
        hour.strftime(written.replace("%:z", "")) + (f"{offset[:3]}:{offset[3:]}" if "%:z" in written else "")
        for hour, offset in zip(local, offsets, strict=True)
    ]
    frame = pl.DataFrame({"hour": words, "load": wave(24, len(words), 0.05, 0)})
    dataset = bakeoff.load(frame, time="hour", target="load", horizon=1, window=16)
    np.testing.assert_array_equal(dataset.times, [hour.timestamp() for hour in hours[16:]])
    colon = ":" if "%:z" in written else ""
    assert values_of(dataset, "utc_offsets")["offsets"] == f"'+01{colon}00', '+02{colon}00'"
    assert kinds_of(dataset) == ["utc_offsets"]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_finding_of_a_forecast_is_a_sentence_in_both_languages(language: str) -> None:
    frame = airline().with_columns(hour=pl.Series(local_hours()[:144]))
    sets = [
        bakeoff.load(without([0, 5, 60, 143]), time="month", target="passengers", horizon=3, window=24),
        bakeoff.load(shops(), time="t", target="sold", group="shop", horizon=7, window=21),
        bakeoff.load(frame.filter(pl.int_range(144) % 10 != 3), time="hour", target="passengers", horizon=3),
    ]
    set_language(language)
    try:
        sentences = [finding_sentence(finding) for dataset in sets for finding in dataset.findings]
    finally:
        set_language(None)
    assert len(sentences) >= 7
    assert all("{" not in sentence for sentence in sentences)
    assert any("가" <= sign <= "힣" for sentence in sentences for sign in sentence) == (language == "ko")


@pytest.mark.parametrize(
    ("change", "options", "error", "sentence"),
    [
        ({}, {"target": "month"}, DataError, "'month' is not numeric"),
        ({}, {"target": "passenger"}, DataError, "Did you mean 'passengers'"),
        ({}, {"time": "mouth"}, DataError, "Did you mean 'month'"),
        ({}, {"horizon": 0}, OptionError, "horizon must be from 1"),
        ({}, {"horizon": 100}, DataError, "longest series has 144 steps"),
        ({}, {"window": 139}, DataError, "longest series has 144 steps"),
        ({"month": pl.lit("1950-01")}, {}, DataError, "occurs twice"),
        ({"month": pl.lit("spring")}, {}, DataError, "should hold dates"),
        ({"passengers": pl.lit(float("inf"))}, {}, DataError, "inf in row 1"),
    ],
)
def test_series_that_cannot_be_forecast_are_refused_in_a_sentence(
    change: dict[str, pl.Expr], options: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        bakeoff.load(airline().with_columns(**change), **{"time": "month", "target": "passengers", **options})


def wave(period: int, length: int, noise: float, seed: int) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    return (
        np.sin(2 * np.pi * np.arange(length) / period)
        + noise * rng.standard_normal(length)
        + 0.01 * np.arange(length)
    )


@settings(max_examples=40, deadline=None)
@given(period=st.integers(4, 40), seed=st.integers(0, 10**6))
def test_a_noisy_wave_has_its_period(period: int, seed: int) -> None:
    found = seasonal_period([wave(period, 12 * period, 0.2, seed)])
    assert abs(found - period) <= max(1, period // 20)


@pytest.mark.parametrize("seed", range(20))
def test_a_random_walk_and_noise_have_no_period(seed: int) -> None:
    steps = np.random.default_rng(seed).standard_normal(300)
    assert seasonal_period([steps]) == 1
    assert seasonal_period([np.cumsum(steps)]) == 1
    assert seasonal_period([np.arange(300.0)]) == 1


def test_the_autocorrelation_is_the_textbook_sum() -> None:
    values = np.random.default_rng(0).standard_normal(50)
    steps = np.arange(50)
    rest = values - np.polyval(np.polyfit(steps, values, 1), steps)
    expected = [(rest[: 50 - lag] * rest[lag:]).sum() / (rest * rest).sum() for lag in range(10)]
    np.testing.assert_allclose(autocorrelation(values, 9), expected, atol=1e-12)
    assert repeat_error([np.array([1.0, 2.0, 4.0])], 1) == 1.5


def test_hours_and_time_zones_are_read() -> None:
    start = datetime(2024, 1, 1)
    frame = pl.DataFrame(
        {"when": [start + timedelta(hours=hour) for hour in range(400)], "load": wave(24, 400, 0.05, 0)}
    ).with_columns(pl.col("when").dt.replace_time_zone("Asia/Seoul"))
    dataset = bakeoff.load(frame, time="when", target="load")
    assert dataset.schema.target == Forecast(horizon=24, season=24)


def test_a_channel_with_gaps_has_a_further_one_that_says_which_values_are_filled() -> None:
    rng = np.random.default_rng(0)
    other = rng.normal(0, 1, 200)
    gaps = rng.random(200) < 0.2
    gaps[0] = False
    frame = pl.DataFrame(
        {
            "t": range(200),
            "y": rng.normal(0, 1, 200),
            "x": [None if gap else v for gap, v in zip(gaps, other, strict=True)],
        }
    )
    dataset = bakeoff.load(frame, time="t", target="y", horizon=1, window=10)
    assert dataset.schema.input == Series(channels=3, length=10)
    np.testing.assert_array_equal(dataset.inputs[5, 2], gaps[5:15].astype(np.float32))
    record = json.loads(json.dumps(dataset.encoder.to_json()))
    new = read_new(record, frame, schema=dataset.schema)
    np.testing.assert_array_equal(new.inputs[5, 2], gaps[5:15].astype(np.float32))
    filled = other.copy()
    for step in range(1, 200):  # never from the future
        filled[step] = filled[step - 1] if gaps[step] else other[step]
    np.testing.assert_allclose(dataset.inputs[:, 1, 0], filled[:190], rtol=1e-6)
