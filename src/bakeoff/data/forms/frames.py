"""Data frames of other packages (pandas, PyArrow, Modin ...) as Polars frames, by way of narwhals."""

from typing import Any

import numpy as np
import polars as pl

from bakeoff.errors import DataError, printable


def is_frame(source: Any) -> bool:
    """Whether this is a data frame that narwhals supports."""
    import narwhals as nw

    if isinstance(source, pl.DataFrame | pl.LazyFrame):
        return True
    return bool(nw.dependencies.is_into_dataframe(source))


def has_frame(source: Any) -> bool:
    """Whether this is a data frame, or a pair of one and its answers."""
    return is_frame(source) or (isinstance(source, tuple | list) and len(source) == 2 and is_frame(source[0]))


def to_polars(source: Any) -> pl.DataFrame:
    """The frame as Polars, its index (if it has one) left out, its column names as words.

    Raises:
        DataError: two columns have the same name, or a column holds Python objects that are no plain values.
    """
    import narwhals as nw

    if isinstance(source, pl.LazyFrame):
        return source.collect()
    if isinstance(source, pl.DataFrame):
        return source
    if hasattr(source, "columns") and hasattr(source, "iloc"):
        names = [str(column) for column in source.columns]
        if len(set(names)) < len(names):
            raise DataError("Two columns of the frame have the same name: rename one.")
        source = source.set_axis(names, axis=1).reset_index(drop=True)
    try:
        return nw.from_native(source, eager_only=True).to_polars()
    except (ImportError, ModuleNotFoundError):  # pandas without PyArrow: by way of Python's own values
        columns = {
            name: [None if _is_missing(v) else v for v in source[name].tolist()] for name in source.columns
        }
        return pl.DataFrame({name: pl.Series(name, values, strict=False) for name, values in columns.items()})
    except Exception as error:
        raise DataError(
            f"The frame cannot be read ({printable(str(error))}): give columns of numbers, words or dates."
        ) from error


def _is_missing(value: Any) -> bool:
    """Whether it is None, NaN, NaT or pandas' NA: not equal to itself, or without a truth value."""
    try:
        return value is None or bool(value != value)
    except TypeError:
        return True


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
    name = str(getattr(answers, "name", None) or "target")
    while name in frame.columns:
        name += "_"
    column = pl.Series(name, values.tolist() if values.dtype.kind == "O" else values, strict=False)
    return frame.with_columns(column), name
