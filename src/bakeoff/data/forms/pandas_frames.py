"""What frames of pandas (and of packages like it) have and others lack: an index, and columns of Python objects.

pandas is never imported here: whoever has such a frame has it.
"""

from collections.abc import Collection, Sequence
from typing import Any

from bakeoff.errors import printable

#: Under this name an index without a name can be asked for, as `reset_index` would name it.
INDEX = "index"


def is_pandas_like(source: Any) -> bool:
    """Whether it has columns and an index as pandas' frames have."""
    return all(hasattr(source, name) for name in ("iloc", "reset_index", "columns"))


def with_index_columns(source: Any, wanted: Collection[str | None]) -> Any:
    """The source; of a frame those levels of the index are columns that are wanted by name and no column is called."""
    if not is_pandas_like(source):
        return source
    names = [str(name) if name is not None else INDEX for name in source.index.names]
    columns = {str(column) for column in source.columns}
    levels = [place for place, name in enumerate(names) if name in wanted and name not in columns]
    if not levels:
        return source
    index = source.index.set_names(names)
    return source.set_axis(index, axis=0).reset_index(level=levels)


def with_plain_columns(frame: Any) -> Any:
    """The frame with periods as times, intervals as words and sparse columns written out."""
    plain: dict[str, Any] = {}
    for name, dtype in frame.dtypes.items():
        kind = type(dtype).__name__
        if kind == "PeriodDtype":
            plain[name] = frame[name].dt.to_timestamp()
        elif kind == "IntervalDtype":
            plain[name] = frame[name].astype(str).where(frame[name].notna(), None)
        elif kind == "SparseDtype":
            plain[name] = frame[name].sparse.to_dense()
        elif kind == "CategoricalDtype" and type(dtype.categories.dtype).__name__ == "IntervalDtype":
            plain[name] = frame[name].astype(str).where(frame[name].notna(), None)
    return frame.assign(**plain) if plain else frame


def is_missing(value: Any) -> bool:
    """Whether it is None, NaN, NaT or pandas' NA: not equal to itself, or without a truth value."""
    try:
        return value is None or bool(value != value)
    except (TypeError, ValueError):
        return not hasattr(value, "__len__")


def why_unreadable(column: Any, error: Exception) -> str:
    """The sentence about a column that cannot be converted: its name, and the first row that differs in kind."""
    shown = printable(str(column.name))
    first, other = _first_two_kinds(column.tolist())
    if other is None:
        return (
            f"The column '{shown}' of the frame holds {column.dtype}, which cannot be read ({printable(str(error))}): "
            "give numbers, words or dates, or leave it out."
        )
    return (
        f"The column '{shown}' of the frame holds values of several kinds ({_described(first)}, {_described(other)}): "
        f"make them all numbers or all words, such as frame['{shown}'].astype(str)."
    )


def _first_two_kinds(values: Sequence[Any]) -> tuple[Any, Any]:
    """(row, value) of the first filled cell, and of the first one of another kind; None where there is none."""
    filled = [(row, value) for row, value in enumerate(values) if not is_missing(value)]
    first = filled[0] if filled else None
    other = next((cell for cell in filled if type(cell[1]) is not type(filled[0][1])), None)
    return first, other


def _described(cell: tuple[int, Any]) -> str:
    row, value = cell
    return f"{type(value).__name__} {printable(repr(value), most=30)} in row {row + 1}"
