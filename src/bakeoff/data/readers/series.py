"""Time series for classification or regression: `.ts` and UCR files, pairs of them, and folders that hold a pair."""

from pathlib import Path
from typing import Any

from bakeoff.data.dataset import Dataset
from bakeoff.data.options import ReadingOptions
from bakeoff.data.readers.base import Claim, Reader

_USE_A_TABLE = "put the series into a table with a column of times (--time)"


def _is_ucr(path: Path) -> bool:
    from bakeoff.data.forms.series import is_ucr_file

    return is_ucr_file(path)


def _holds_series(folder: Path) -> bool:
    from bakeoff.data.forms.series import series_files_of

    return bool(series_files_of(folder))


def _read(source: Any, options: ReadingOptions, *, seed: int, name: str | None) -> Dataset:
    from bakeoff.data.forms.series import load_series

    return load_series(source, seed=seed, name=name, task=options.task)


SERIES = Reader(
    described="a file of series",
    plural="files of series",
    claims=(
        Claim(endings=(".ts",)),
        # With a target, such a file is a table: UCR files have no names of columns.
        Claim(endings=(".tsv", ".txt", ""), without=("target",), looks=_is_ucr),
        Claim(folders=True, looks=_holds_series),
    ),
    options=frozenset({"kind", "task"}),
    kinds=("series",),
    instead={"time": _USE_A_TABLE, "horizon": _USE_A_TABLE, "window": _USE_A_TABLE},
    read=_read,
)
