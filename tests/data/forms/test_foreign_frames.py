"""Frames as other packages give them: indices, odd types, streams; what cannot be read is named by column and row."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import bakeoff
from bakeoff.data.forms.frames import is_frame, to_polars
from bakeoff.data.load import read_new
from bakeoff.errors import DataError

ROWS = 60
X = np.random.default_rng(0).normal(size=ROWS)
Y = np.array(["u", "v"])[np.arange(ROWS) % 2]


def test_objects_of_several_kinds_are_reported_with_column_and_rows() -> None:
    frame = pd.DataFrame({"x": X, "m": [1, "two", 3.0] * 20, "y": Y})
    with pytest.raises(
        DataError, match=r"column 'm' .* \(int 1 in row 1, str 'two' in row 2\): make them all"
    ):
        bakeoff.load(frame, target="y")


def test_objects_that_are_nothing_plain_are_reported_with_their_column() -> None:
    class Thing:
        pass

    for frame in (
        pd.DataFrame({"x": X, "o": [Thing()] * ROWS}),
        pl.DataFrame({"x": X, "o": [Thing()] * ROWS}),
    ):
        with pytest.raises(DataError, match="column 'o'"):
            to_polars(frame)


def test_columns_of_one_name_are_reported_by_name() -> None:
    frame = pd.concat([pd.DataFrame({"a": X, "y": Y}), pd.DataFrame({"a": X})], axis=1)
    arrow = pa.table([pa.array(X), pa.array(X), pa.array(Y)], names=["a", "a", "y"])
    for source in (frame, arrow):
        with pytest.raises(DataError, match="several columns of the name 'a': rename all but one"):
            bakeoff.load(source, target="y")


@pytest.mark.parametrize("name", ["day", None])
def test_times_in_the_index_are_the_column_of_times(name: str | None) -> None:
    days = pd.date_range("2022-01-01", periods=200, name=name)
    frame = pd.DataFrame({"sold": np.sin(np.arange(200) / 3)}, index=days)
    asked = {"time": name or "index", "target": "sold", "horizon": 3, "window": 9}
    dataset = bakeoff.load(frame, **asked)
    plain = bakeoff.load(frame.reset_index(), **asked)
    np.testing.assert_array_equal(dataset.inputs, plain.inputs)
    np.testing.assert_array_equal(dataset.times, plain.times)  # type: ignore[arg-type]
    new = read_new(dataset.encoder.to_json(), frame, schema=dataset.schema)  # type: ignore[union-attr]
    assert len(new) == 200 - 9 + 1


def test_an_index_that_nobody_asked_for_is_left_out() -> None:
    frame = pd.DataFrame({"x": X, "y": Y}, index=pd.Index(np.arange(ROWS) * 7, name="customer"))
    assert bakeoff.load(frame, target="y").encoder.feature_names == ("x",)  # type: ignore[union-attr]
    grouped = bakeoff.load(frame, target="y", group="customer")
    assert len(set(grouped.groups)) == ROWS  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pd.array([1, None, 3], dtype="Int64"), [1, None, 3]),
        (pd.array([True, None, False], dtype="boolean"), [True, None, False]),
        (pd.array(["a", None, "b"], dtype="string"), ["a", None, "b"]),
        (pd.Categorical(["a", "b", None]), ["a", "b", None]),
        (pd.Categorical([3, 1, 2]), [3, 1, 2]),
        (
            pd.period_range("2020-01", periods=3, freq="M"),
            list(pd.date_range("2020-01", periods=3, freq="MS")),
        ),
        (pd.interval_range(0, 3, 3), ["(0, 1]", "(1, 2]", "(2, 3]"]),
        (pd.cut([1, 2, 3], [0, 2, 4]), ["(0, 2]", "(0, 2]", "(2, 4]"]),
        (pd.arrays.SparseArray([0, 0, 5]), [0, 0, 5]),
        (pd.to_timedelta([1, 2, None], unit="h"), [3600.0, 7200.0, None]),
        (np.array([1, 2.5, None], object), [1, 2.5, None]),
        (np.array([True, None, False], object), [True, None, False]),
    ],
)
def test_every_type_of_pandas_is_what_pandas_shows(column: Any, expected: list[Any]) -> None:
    assert to_polars(pd.DataFrame({"c": column}))["c"].to_list() == expected


class Stream:
    """What a package that knows Arrow's PyCapsule interface hands over."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


def test_tables_batches_and_streams_of_arrow_are_tables() -> None:
    table = pa.table({"x": X, "w": pa.array(Y).dictionary_encode(), "y": Y})
    expected = bakeoff.load(pl.DataFrame({"x": X, "w": Y, "y": Y}), target="y").inputs
    for source in (table, table.to_batches()[0], table.to_reader(max_chunksize=7), Stream(table)):
        assert is_frame(source)
        np.testing.assert_array_equal(bakeoff.load(source, target="y").inputs, expected)


def test_arrays_tensors_and_series_are_no_frames() -> None:
    for source in (
        np.zeros((3, 2)),
        [1, 2],
        (np.zeros(3), np.zeros(3)),
        {"x": X},
        pd.Series(X),
        "iris",
        None,
    ):
        assert not is_frame(source)


def test_a_lazy_frame_is_collected() -> None:
    lazy = pl.LazyFrame({"x": X, "y": Y}).with_columns(pl.col("x") * 2)
    np.testing.assert_allclose(bakeoff.load(lazy, target="y").inputs[:, 0], 2 * X, rtol=1e-6)
    with pytest.raises(DataError, match="The frame cannot be read"):
        bakeoff.load(lazy.select(pl.col("gone")), target="y")


def test_two_keys_name_the_groups_and_are_no_features() -> None:
    frame = pl.DataFrame(
        {"shop": [f"s{k % 4}" for k in range(ROWS)], "item": [k % 3 for k in range(ROWS)], "x": X, "y": Y}
    )
    dataset = bakeoff.load(frame, target="y", group="shop,item")
    assert set(dataset.groups) == {f"s{a} / {b}" for a in range(4) for b in range(3)}  # type: ignore[arg-type]
    assert dataset.encoder.feature_names == ("x",)  # type: ignore[union-attr]
    with pytest.raises(DataError, match="There is no column 'itm'"):
        bakeoff.load(frame, target="y", group="shop, itm")


def test_two_keys_name_the_series_of_a_forecast() -> None:
    steps = np.arange(60)
    parts = [
        pl.DataFrame(
            {"day": steps, "shop": [shop] * 60, "item": [item] * 60, "sold": np.sin(steps / 3) + place}
        )
        for place, (shop, item) in enumerate([("a", 1), ("a", 2), ("b", 1)])
    ]
    asked: dict[str, Any] = {"time": "day", "target": "sold", "horizon": 2, "window": 6}
    with pytest.raises(DataError, match="occurs twice"):
        bakeoff.load(pl.concat(parts), group="shop", **asked)
    dataset = bakeoff.load(pl.concat(parts), group="shop,item", **asked)
    assert len(dataset) == 3 * (60 - 6 - 2 + 1)
    new = read_new(dataset.encoder.to_json(), pl.concat(parts), schema=dataset.schema)  # type: ignore[union-attr]
    assert new.names[0] == "a / 1 after 5"


@pytest.mark.parametrize(
    ("names", "target"), [([0, 1, 2], 2), ([("f", "a"), ("f", "b"), ("t", "y")], ("t", "y"))]
)
def test_a_target_is_named_as_the_frame_names_its_columns(names: list[Any], target: Any) -> None:
    frame = pd.DataFrame({0: X, 1: X[::-1], 2: Y})
    frame.columns = pd.MultiIndex.from_tuples(names) if isinstance(names[0], tuple) else pd.Index(names)
    assert bakeoff.load(frame, target=target).schema.target.class_names == ("u", "v")
