"""Tables in JSON, Feather, Excel and SQLite files hold what Polars, openpyxl and sqlite3 were given."""

import datetime
import json
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import polars as pl
import pyarrow as pa
import pyarrow.parquet
import pytest

import bakeoff
from bakeoff.data.forms.table_file import read_table_file
from bakeoff.data.load import read_new
from bakeoff.errors import DataError

FRAME = pl.DataFrame(
    {
        "a": np.random.default_rng(0).normal(size=60).round(3),
        "b": ["x", "y", None] * 20,
        "n": list(range(60)),
        "y": ["u", "v"] * 30,
    }
)


def workbook(path: Path, **sheets: list[list[Any]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)  # type: ignore[arg-type]
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def database(path: Path, **tables: pl.DataFrame) -> Path:
    with sqlite3.connect(path) as connection:
        for name, frame in tables.items():
            connection.execute(f'CREATE TABLE "{name}" ({", ".join(frame.columns)})')
            marks = ", ".join("?" * frame.width)
            connection.executemany(f'INSERT INTO "{name}" VALUES ({marks})', frame.rows())
    connection.close()
    return path


def written(path: Path) -> Path:
    rows = [FRAME.columns, *map(list, FRAME.rows())]
    if path.suffix == ".xlsx":
        return workbook(path, Sales=rows)
    if path.suffix in (".sqlite", ".db"):
        return database(path, sales=FRAME)
    if path.suffix == ".arrow":
        FRAME.write_ipc_stream(path)
    elif path.suffix == ".feather":
        FRAME.write_ipc(path)
    else:
        columns = FRAME.to_dict(as_series=False)
        forms = {
            "records": FRAME.to_dicts(),
            "columns": columns,
            "pandas": {
                name: {str(row): cell for row, cell in enumerate(cells)} for name, cells in columns.items()
            },
            "split": {"columns": FRAME.columns, "data": list(map(list, FRAME.rows()))},
            "data": {"data": FRAME.to_dicts()},
        }
        path.write_text(json.dumps(forms[path.stem]))
    return path


@pytest.mark.parametrize(
    "name",
    [
        *("records.json", "columns.json", "pandas.json", "split.json", "data.json"),
        *("t.feather", "t.arrow", "t.xlsx", "t.sqlite", "t.db"),
    ],
)
def test_every_kind_of_file_holds_the_same_table(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / name)
    frame, findings = read_table_file(path)
    assert frame.with_columns(pl.col("n").cast(pl.Int64)).equals(FRAME)
    assert not findings
    dataset = bakeoff.load(path, target="y")
    np.testing.assert_array_equal(dataset.inputs, bakeoff.load(FRAME, target="y").inputs)
    new = read_new(dataset.encoder.to_json(), path, schema=dataset.schema)  # type: ignore[union-attr]
    np.testing.assert_array_equal(new.inputs, dataset.inputs)


@pytest.mark.parametrize("ending", ["xlsx", "sqlite"])
def test_of_several_tables_the_one_with_the_target_is_read_and_reported(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"t.{ending}"
    notes = pl.DataFrame({"about": ["sales of a year"]})
    if ending == "xlsx":
        workbook(
            path, About=[["about"], ["sales of a year"]], Sales=[FRAME.columns, *map(list, FRAME.rows())]
        )
    else:
        database(path, About=notes, Sales=FRAME)
    dataset = bakeoff.load(path, target="y")
    assert len(dataset) == 60
    finding = next(finding for finding in dataset.findings if finding.kind.endswith("_chosen"))
    assert finding.values == {"name": "Sales", "count": 1, "others": "'About'"}


def test_dates_and_cells_of_several_kinds_in_a_workbook(tmp_path: Path) -> None:
    day = datetime.datetime(2024, 1, 5)
    rows = [["day", None, "mixed"], [day, "no name", 1], [None, None, None], [day, None, "two"]]
    frame, _ = read_table_file(workbook(tmp_path / "t.xlsx", S=[[], *rows]))
    assert frame.to_dict(as_series=False) == {"day": [day, day], "mixed": ["1", "two"]}


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.json", b"[" * 100_000, "no table in JSON"),
        ("a.json", b'{"a": 1}', "holds no list of records"),
        ("a.json", b'{"a": [1, 2], "b": [1]}', "different lengths"),
        ("a.json", b"[1, 2]", "give a list of records"),
        ("a.json", b"\xff\xfe{", "no table in JSON"),
        ("a.xlsx", b"PK\x03\x04 no", "damaged or no workbook"),
        ("a.sqlite", b"SQLite format 3\0 no", "cannot be read as a SQLite database"),
        ("a.feather", b"ARROW1 no", "cannot be read as a table"),
    ],
)
def test_damaged_files_are_reported(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=sentence):
        bakeoff.load(tmp_path / name, target="y")


def test_a_view_of_a_database_is_a_program_and_is_not_run(tmp_path: Path) -> None:
    path = database(tmp_path / "t.sqlite", sales=FRAME)
    with sqlite3.connect(path) as connection:
        connection.execute(
            "CREATE VIEW endless AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c"
        )
    connection.close()
    assert len(bakeoff.load(path, target="y")) == 60
    assert path.stat().st_mode & 0o600


@pytest.mark.parametrize("ending", ["parquet", "feather"])
def test_a_file_that_unpacks_enormously_is_refused_by_its_metadata(tmp_path: Path, ending: str) -> None:
    path, rows = tmp_path / f"bomb.{ending}", 2_000_000
    block = pa.table({"a": pa.array(np.zeros(rows, np.int64)), "y": pa.array(np.zeros(rows, np.int64))})
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with (
        pyarrow.parquet.ParquetWriter(path, block.schema)
        if ending == "parquet"
        else pa.ipc.new_file(path, block.schema, options=options)
    ) as writer:
        for _ in range(40):  # 1.3 GB in memory
            writer.write_table(block)
    assert path.stat().st_size < 1_000_000
    with pytest.raises(DataError, match=rf"'bomb.{ending}' has 0.\d MB and unpacks to 1.3 GB or more"):
        bakeoff.load(path, target="y")


def test_a_large_table_that_does_not_fit_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FRAME.write_parquet(tmp_path / "t.parquet")
    monkeypatch.setattr("bakeoff.data.forms.other_tables.LARGE_BYTES", 0)
    monkeypatch.setenv("BAKEOFF_MEMORY_GB", "0.000001")
    with pytest.raises(DataError, match=r"The 60 rows of 't.parquet' would take"):
        bakeoff.load(tmp_path / "t.parquet", target="y")


def test_what_was_written_last_into_a_database_is_read(tmp_path: Path) -> None:
    path = database(tmp_path / "t.sqlite", sales=FRAME)
    writer = sqlite3.connect(path)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("INSERT INTO sales VALUES (1.5, 'x', 60, 'u')")
    writer.commit()
    assert (tmp_path / "t.sqlite-wal").stat().st_size > 0
    assert len(bakeoff.load(path, target="y")) == 61
    writer.close()


@pytest.mark.parametrize("ending", [".feather", ".arrow"])
def test_a_damaged_arrow_file_ends_in_a_sentence_and_not_the_program(tmp_path: Path, ending: str) -> None:
    """Polars trusts the offsets in such files: one that leads out of the file once ended the process."""
    path = tmp_path / f"table{ending}"
    words = pl.DataFrame({"word": [f"a word of some letters, {place:02}" for place in range(60)]})
    (words.write_ipc if ending == ".feather" else words.write_ipc_stream)(path, compression="uncompressed")
    assert read_table_file(path)[0].equals(words)
    content = bytearray(path.read_bytes())
    view = (
        len(words["word"][0]).to_bytes(4, "little") + b"a wo"
    )  # then the number of a buffer, and a place in it
    place = content.index(view) + len(view)
    content[place : place + 8] = b"\xff\xff\xff\x7f" * 2
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match=f"'table{ending}' cannot be read as a table"):
        read_table_file(path)
