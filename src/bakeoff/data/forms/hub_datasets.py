"""`Dataset` objects of the package `datasets` (Hugging Face) as Polars frames, known by what they have, not by class.

Their features say more than the numbers: a `ClassLabel` has names, and a column of images is pictures, not bytes.
"""

from typing import TYPE_CHECKING, Any

from bakeoff.errors import DataError, printable

if TYPE_CHECKING:
    import polars as pl


def is_dataset(source: Any) -> bool:
    """Whether this is such a dataset, or a dictionary of its parts (a `DatasetDict`)."""
    if isinstance(source, dict):
        parts = list(source.values())
        return len(parts) > 0 and all(map(is_dataset, parts))
    return all(hasattr(source, name) for name in ("features", "column_names", "with_format", "num_rows"))


def image_column(source: Any) -> str | None:
    """The first column of pictures, or None."""
    if isinstance(source, dict):
        return None
    kinds = {name: type(feature).__name__ for name, feature in source.features.items()}
    return next((name for name, kind in kinds.items() if kind == "Image"), None)


def has_images(source: Any) -> bool:
    """Whether this is such a dataset with a column of pictures."""
    return is_dataset(source) and image_column(source) is not None


def to_polars(source: Any, *, without: tuple[str, ...] = ()) -> "pl.DataFrame":
    """The rows in their present order, class numbers as the names that their feature gives them.

    Args:
        without: columns that are left out.

    Raises:
        DataError: it is a dictionary of parts.
    """
    import polars as pl

    if isinstance(source, dict):
        parts = ", ".join(f"'{printable(str(part))}'" for part in source)
        raise DataError(
            f"This dictionary holds several datasets ({parts}): give one of them, such as data['train']."
        )
    names = [name for name in source.column_names if name not in without]
    table = source.select_columns(names).with_format("arrow")[:]
    frame = pl.DataFrame(table)
    return frame.with_columns(
        _named(name, list(source.features[name].names))
        for name in names
        if hasattr(source.features[name], "names") and frame[name].dtype.is_integer()
    )


def class_labels(source: Any) -> Any:
    """The classes [N] by name of the one column of class labels, None where there is not one or some are missing."""
    names = [name for name in source.column_names if hasattr(source.features[name], "names")]
    if len(names) != 1:
        return None
    labels = to_polars(source, without=tuple(name for name in source.column_names if name != names[0]))[
        names[0]
    ]
    return None if labels.null_count() else labels.to_numpy().astype(str)


def pictures(source: Any, column: str) -> list[bytes | str | None]:
    """The pictures of a column: each its file's bytes, else its path; None where there is none."""
    cells = source.select_columns([column]).with_format("arrow")[:][column].to_pylist()
    return [None if cell is None else cell.get("bytes") or cell.get("path") for cell in cells]


def _named(column: str, names: list[str]) -> "pl.Expr":
    """The class of each number; a number that is none (-1: not known) is missing."""
    import polars as pl

    return pl.col(column).replace_strict(dict(enumerate(names)), default=None, return_dtype=pl.String)
