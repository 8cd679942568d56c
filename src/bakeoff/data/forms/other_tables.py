"""Tables in files that are no lines of text: JSON, Feather (Arrow), Excel workbooks and SQLite databases.

A workbook or database may hold several tables: that with the wanted columns is taken, and a finding says so.
"""

import json
import sqlite3
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl

from bakeoff.data.dataset import Finding
from bakeoff.data.forms.arrow_files import read_apart
from bakeoff.data.forms.frames import plain_types
from bakeoff.data.forms.size_checks import LARGE_BYTES, check_fits, check_growth
from bakeoff.data.forms.unicode import column_name
from bakeoff.errors import DataError, MissingExtraError, listed, printable
from bakeoff.system.files import opened

#: Bytes in memory of a byte of JSON, as Python's objects.
_JSON_GROWTH = 12
#: Values that are taken from a database at once.
_ROWS = 10_000


def read_other_table(path: Path, *, wanted: Collection[str] = ()) -> tuple[pl.DataFrame, list[Finding]]:
    """The table of a file that ends in one of `OTHER_TABLE_ENDINGS`, and what was guessed.

    Args:
        wanted: columns that the table should have, where the file holds several.

    Raises:
        DataError: it is damaged, holds no table, or is too large.
        MissingExtraError: openpyxl, which reads workbooks, is not installed.
    """
    frame, findings = _READERS[path.suffix.lower()](path, wanted)
    return plain_types(frame), findings


def _json(path: Path, wanted: Collection[str]) -> tuple[pl.DataFrame, list[Finding]]:
    """Records [{column: value}], columns {column: [values]}, or one of these under the key "data"."""
    check_fits(path.stat().st_size * _JSON_GROWTH, f"'{printable(path.name)}', a single JSON value,")
    try:
        with opened(path) as file:
            value = json.loads(file.read())
        return pl.DataFrame(_columns_of(value), strict=False), []
    except RecursionError as error:
        raise _no_json_table(path, "it is nested too deep") from error
    except (ValueError, TypeError, pl.exceptions.PolarsError) as error:
        raise _no_json_table(path, printable(str(error).splitlines()[0])) from error


def _columns_of(value: Any) -> dict[str, list[Any]]:
    """Column -> values of JSON that is a table. Raises `ValueError` where it is none."""
    if isinstance(value, Mapping) and isinstance(value.get("data"), list):
        names, rows = value.get("columns"), value["data"]
        if isinstance(names, list) and all(isinstance(row, list) and len(row) == len(names) for row in rows):
            return {str(name): [row[place] for row in rows] for place, name in enumerate(names)}
        value = rows
    if isinstance(value, Mapping) and value and all(isinstance(cells, list) for cells in value.values()):
        if len({len(cells) for cells in value.values()}) > 1:
            raise ValueError("its columns have different lengths")
        return dict(value)
    if isinstance(value, Mapping) and value and all(isinstance(cells, Mapping) for cells in value.values()):
        rows = list(dict.fromkeys(row for cells in value.values() for row in cells))  # pandas' to_json
        return {name: [cells.get(row) for row in rows] for name, cells in value.items()}
    if isinstance(value, list) and value and all(isinstance(record, Mapping) for record in value):
        names = list(dict.fromkeys(name for record in value for name in record))
        return {name: [record.get(name) for record in value] for name in names}
    raise ValueError("it holds no list of records")


def _no_json_table(path: Path, reason: str) -> DataError:
    return DataError(
        f"'{printable(path.name)}' is no table in JSON ({reason}): give a list of records, such as "
        '[{"size": 3, "kind": "a"}], or one record a line in a file that ends in .jsonl.'
    )


def _arrow(path: Path, wanted: Collection[str]) -> tuple[pl.DataFrame, list[Finding]]:
    with opened(path) as file:
        is_file = file.read(6) == b"ARROW1"
    if is_file:
        with opened(path) as file:
            _check_rows(pl.scan_ipc(file), path)
    return read_apart(path, is_file=is_file), []


def _workbook(path: Path, wanted: Collection[str]) -> tuple[pl.DataFrame, list[Finding]]:
    try:
        import openpyxl
    except ImportError as error:
        raise MissingExtraError("openpyxl", "excel") from error
    _check_archive(path)
    with opened(path) as file:
        try:
            book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
            sheets = {sheet.title: _sheet(sheet.iter_rows(values_only=True)) for sheet in book.worksheets}
        except DataError:
            raise
        except Exception as error:  # openpyxl raises many types on damaged bytes
            raise DataError(
                f"'{printable(path.name)}' cannot be read as a workbook ({printable(str(error))}): save it again, "
                "or as CSV."
            ) from error
    return _chosen(path, {name: sheet for name, sheet in sheets.items() if sheet.width}, wanted, what="sheet")


def _check_archive(path: Path) -> None:
    """Raises `DataError` for a workbook (a zip archive) that unpacks to more than memory or `size_checks` allow."""
    import zipfile

    try:
        with opened(path) as file, zipfile.ZipFile(file) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile as error:
        raise DataError(
            f"'{printable(path.name)}' is damaged or no workbook: save it again as .xlsx, or as CSV."
        ) from error
    check_growth(path.stat().st_size, unpacked, path.name)
    check_fits(unpacked, f"The sheets of '{printable(path.name)}'")


def _sheet(rows: Any) -> pl.DataFrame:
    """The cells below the first row with anything in it, which names the columns; rows without a cell are passed by."""
    filled = [row for row in rows if any(cell is not None for cell in row)]
    if not filled:
        return pl.DataFrame()
    places = [place for place, name in enumerate(filled[0]) if name is not None]
    names = [str(filled[0][place]).strip() for place in places]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"A sheet has several columns of the name {listed(twice)}: rename all but one.")
    return pl.DataFrame(
        [
            _cells(name, [row[place] if place < len(row) else None for row in filled[1:]])
            for name, place in zip(names, places, strict=True)
        ]
    )


def _cells(name: str, cells: list[Any]) -> pl.Series:
    """A column of cells; words where they are of several kinds, as in a file of text."""
    kinds = {float if isinstance(cell, int) and not isinstance(cell, bool) else type(cell) for cell in cells}
    if len(kinds - {type(None)}) > 1:
        cells = [None if cell is None else str(cell) for cell in cells]
    return pl.Series(name, cells, strict=False)


def _database(path: Path, wanted: Collection[str]) -> tuple[pl.DataFrame, list[Finding]]:
    """A table of a SQLite file, which is opened for reading alone; views, which are programs, are not run."""
    with opened(path):  # refuses a pipe or a device
        pass
    try:
        has_log = Path(
            f"{path.resolve()}-wal"
        ).exists()  # what was written last stands there, not in the file
        mode = "mode=ro" if has_log else "mode=ro&immutable=1"
        database = sqlite3.connect(f"file:{quote(str(path.resolve()))}?{mode}", uri=True)
        try:
            database.execute("PRAGMA trusted_schema = OFF")
            found = database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "
                "AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name"
            )
            tables = {str(name): _table(database, str(name)) for (name,) in found.fetchall()}
        finally:
            database.close()
    except sqlite3.Error as error:
        raise DataError(
            f"'{printable(path.name)}' cannot be read as a SQLite database ({printable(str(error))}): save it again, "
            "or its table as CSV."
        ) from error
    return _chosen(
        path, {name: table for name, table in tables.items() if table.height}, wanted, what="table"
    )


def _table(database: sqlite3.Connection, name: str) -> pl.DataFrame:
    cursor = database.execute('SELECT * FROM "{}"'.format(name.replace('"', '""')))
    names = [column[0] for column in cursor.description]
    columns: list[list[Any]] = [[] for _ in names]
    while rows := cursor.fetchmany(_ROWS):
        for place, column in enumerate(columns):
            column.extend(row[place] for row in rows)
    return pl.DataFrame([_cells(name, column) for name, column in zip(names, columns, strict=True)])


def _chosen(
    path: Path, tables: Mapping[str, pl.DataFrame], wanted: Collection[str], *, what: str
) -> tuple[pl.DataFrame, list[Finding]]:
    """The first table with all the wanted columns, else the first of all; a finding says where there are others."""
    if not tables:
        raise DataError(
            f"'{printable(path.name)}' holds no {what} with rows: give a file with a header and rows."
        )
    names = {column_name(name) for name in wanted}
    fitting = [
        name for name, table in tables.items() if names <= {column_name(column) for column in table.columns}
    ]
    first = (fitting or list(tables))[0]
    if len(tables) == 1:
        return tables[first], []
    others = [name for name in tables if name != first]
    values = {"name": printable(first), "count": len(others), "others": listed(others)}
    if what == "sheet":
        return tables[first], [Finding(kind="sheet_chosen", severity="warning", values=values)]
    return tables[first], [Finding(kind="table_chosen", severity="warning", values=values)]


_Reader = Callable[[Path, Collection[str]], tuple[pl.DataFrame, list[Finding]]]
_READERS: dict[str, _Reader] = {
    ".json": _json,
    **dict.fromkeys((".feather", ".arrow", ".ipc"), _arrow),
    **dict.fromkeys((".xlsx", ".xlsm"), _workbook),
    **dict.fromkeys((".sqlite", ".sqlite3", ".db"), _database),
}


def check_parquet(file: Any, path: Path) -> None:
    """Raises `DataError` for a Parquet file that would take too much memory, by its number of rows and their types."""
    _check_rows(pl.scan_parquet(file), path)
    file.seek(0)


def _check_rows(table: pl.LazyFrame, path: Path) -> None:
    """The same of a table whose number of rows and types stand in the file's metadata."""
    rows = table.select(pl.len()).collect().item()
    needed = float(rows) * sum(map(_cell_bytes, table.collect_schema().values()))
    check_growth(path.stat().st_size, needed, path.name)
    if needed > LARGE_BYTES:
        check_fits(needed, f"The {rows} rows of '{printable(path.name)}'")


def _cell_bytes(dtype: pl.DataType) -> float:
    """Bytes of a cell in memory, at least."""
    if dtype.is_nested() or dtype in (pl.String, pl.Binary):
        return 16
    narrow = {pl.Boolean: 0.125, pl.Int8: 1, pl.UInt8: 1, pl.Int16: 2, pl.UInt16: 2}
    middle = (pl.Int32, pl.UInt32, pl.Float32, pl.Date, pl.Categorical)
    return next((size for kind, size in narrow.items() if dtype == kind), 4 if dtype in middle else 8)
