"""Data frames of other packages as Polars frames: pandas, PyArrow, Modin, DuckDB, any stream of Arrow, datasets.

narwhals converts what it knows. What has `__arrow_c_stream__` (Arrow's PyCapsule interface) needs no package at all.
"""

from collections import Counter
from typing import Any

import numpy as np
import polars as pl

from bakeoff.data.forms import hub_datasets, pandas_frames
from bakeoff.data.forms.unicode import column_name, without_patterns
from bakeoff.errors import DataError, listed, printable


def is_frame(source: Any) -> bool:
    """Whether this is a table in memory: a frame, in memory or lazy, that narwhals supports, or a stream of Arrow."""
    import narwhals as nw

    if isinstance(source, pl.DataFrame | pl.LazyFrame) or pandas_frames.is_pandas_like(source):
        return True
    if hub_datasets.is_dataset(source):
        return not hub_datasets.has_images(source)
    if _is_stream(source):
        return True
    return isinstance(nw.from_native(source, pass_through=True), nw.DataFrame | nw.LazyFrame)


def has_frame(source: Any) -> bool:
    """Whether this is a data frame, or a pair of one and its answers."""
    return is_frame(source) or (isinstance(source, tuple | list) and len(source) == 2 and is_frame(source[0]))


def to_polars(source: Any) -> pl.DataFrame:
    """The frame as Polars, its index (if it has one) left out, its column names as words.

    Raises:
        DataError: two columns have the same name, or a column holds Python objects that are no plain values.
    """
    if hub_datasets.is_dataset(source):
        return plain_types(hub_datasets.to_polars(source))
    _refuse_twice(source)
    if pandas_frames.is_pandas_like(source):
        names = [str(column) for column in source.columns]
        source = pandas_frames.with_plain_columns(source.set_axis(names, axis=1).reset_index(drop=True))
    try:
        frame = _converted(source)
    except (ImportError, ModuleNotFoundError):  # pandas without PyArrow: by way of Python's own values
        frame = pl.DataFrame({name: _from_values(source[name]) for name in source.columns})
    except Exception as error:
        raise DataError(_why_unreadable(source, error)) from error
    _refuse_objects(frame)
    return plain_types(frame)


def _refuse_twice(source: Any) -> None:
    """Raises `DataError` where two columns have one name: of pandas in `columns`, of Arrow in `column_names`."""
    if isinstance(source, pl.DataFrame | pl.LazyFrame):
        return
    found = source.columns if pandas_frames.is_pandas_like(source) else getattr(source, "column_names", ())
    twice = [name for name, count in Counter(map(str, found)).items() if count > 1]
    if twice:
        raise DataError(f"The frame has several columns of the name {listed(twice)}: rename all but one.")


def plain_types(frame: pl.DataFrame) -> pl.DataFrame:
    """Categories become words, decimals and durations (in seconds) floats."""
    frame, casts = without_patterns(frame), []
    for name, dtype in frame.schema.items():
        if dtype in (pl.Categorical, pl.Enum):
            casts.append(pl.col(name).cast(pl.String))
        elif dtype.is_decimal():
            casts.append(pl.col(name).cast(pl.Float64))
        elif dtype == pl.Duration:
            casts.append(pl.col(name).dt.total_microseconds().cast(pl.Float64) / 1e6)
    return frame.with_columns(casts)


def joined_frame(inputs: Any, answers: Any) -> tuple[pl.DataFrame, str]:
    """One frame from inputs and their answers (an array, a series or a frame of one column), and its target's name.

    Raises:
        DataError: their lengths differ, or the answers have several columns.
    """
    frame = to_polars(inputs)
    values = to_polars(answers).to_numpy() if is_frame(answers) else np.asarray(answers)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1 or len(values) != len(frame):
        raise DataError(
            f"There are {len(frame)} rows and answers of the shape {values.shape}: give one answer for each row."
        )
    name = column_name(str(getattr(answers, "name", None) or "target"))
    while name in frame.columns:
        name += "_"
    column = pl.Series(name, values.tolist() if values.dtype.kind == "O" else values, strict=False)
    return frame.with_columns(column), name


class _Stream:
    """A stream of Arrow and nothing else: Polars takes a reader of batches for a list of rows."""

    def __init__(self, source: Any) -> None:
        self._source = source

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._source.__arrow_c_stream__(requested_schema)


def _is_stream(source: Any) -> bool:
    """Whether it gives a table by Arrow's interface, as a column does not."""
    is_table = hasattr(source, "schema") or not hasattr(source, "__array__")
    return hasattr(source, "__arrow_c_stream__") and is_table and not isinstance(source, type)


def _converted(source: Any) -> pl.DataFrame:
    import narwhals as nw

    known = nw.from_native(source, pass_through=True)
    if isinstance(known, nw.LazyFrame):
        return known.collect(backend="polars").to_native()
    if isinstance(known, nw.DataFrame):
        return known.to_polars()
    return pl.DataFrame(_Stream(source))


def _from_values(column: Any) -> pl.Series:
    values = [None if pandas_frames.is_missing(value) else value for value in column.tolist()]
    return pl.Series(str(column.name), values, strict=False)


def _why_unreadable(source: Any, error: Exception) -> str:
    """The sentence about a frame that cannot be converted: the first column that cannot, and its first odd row."""
    if pandas_frames.is_pandas_like(source):
        for name in source.columns:
            try:
                _converted(source[[name]])
            except Exception as reason:
                return pandas_frames.why_unreadable(source[name], reason)
    return f"The frame cannot be read ({printable(str(error))}): give columns of numbers, words or dates."


def _refuse_objects(frame: pl.DataFrame) -> None:
    """Raises `DataError` for a column of Python objects, which no kind of column can be learned from."""
    for name, dtype in frame.schema.items():
        if dtype == pl.Object:
            raise DataError(
                f"The column '{printable(name)}' holds Python objects: give numbers, words or dates, or leave it out."
            )
