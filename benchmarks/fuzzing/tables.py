"""Files of tables, of every ending and as people write them; forecasts and texts among them; frames in memory."""

import bz2
import csv
import gzip
import io
import json
import lzma
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from bakeoff.data.dataset import Dataset
from fuzzing import columns
from fuzzing.checks import read, read_again
from fuzzing.damage import HOSTILE, damage_file, odd_value
from fuzzing.dice import Dice

Table = dict[str, list[str]]
#: What is tried with an input that has been made.
Attempt = Callable[[], object]

_LINES = (".csv", ".csv", ".csv", ".tsv", ".tab", ".txt")
_TYPED_ENDINGS = (".parquet", ".feather", ".arrow", ".pq")
_ENDINGS = (*_LINES, ".jsonl", ".ndjson", ".json", ".xlsx", ".sqlite", ".db", ".parquet", ".feather")
_ENCODINGS = {
    "utf-8": 14,
    "utf-8-sig": 2,
    "utf-16": 1,
    "utf-16-le": 0.5,
    "cp949": 1,
    "latin-1": 1,
    "cp1252": 1,
    "utf-7": 0.1,
}
_NEWLINES = {"\n": 6, "\r\n": 3, "\r": 1}


def table_file(dice: Dice, folder: Path) -> Attempt:
    """A file of a table, predicted from; often read again as new data are."""
    rows = dice.weighted({60: 5, 200: 2, 12: 1, 3: 0.5, 0: 0.2})
    count = dice.whole(1, 6)
    table = {name: columns.written(dice, rows) for name in columns.names(dice, count)}
    table["answer"] = columns.classes(dice, rows)
    path = write_table(dice, folder, "made", table)
    again = write_table(dice, folder, "new", {name: cells[: rows // 2] for name, cells in table.items()})
    options = _options(dice, list(table))
    return lambda: _read_twice(path, again if dice.chance(0.4) else None, options)


def forecast_file(dice: Dice, folder: Path) -> Attempt:
    """A table with a column of times; some with groups, gaps, rows of the future or times in disorder."""
    rows, groups = dice.weighted({150: 4, 400: 2, 30: 0.5, 2: 0.2}), dice.weighted({1: 4, 3: 2})
    each = columns.times(dice, rows)
    table: Table = {"when": each * groups, "sold": columns.written(dice, rows * groups)}
    if dice.chance(0.9):
        table["sold"] = [f"{value:.3f}" for value in dice.normal(rows * groups)]
    if dice.chance(0.5):
        table["promo"] = columns.written(dice, rows * groups)
    if groups > 1:
        table["shop"] = [f"s{place // rows}" for place in range(rows * groups)]
    _disturb(dice, table)
    path = write_table(dice, folder, "made", table)
    options = {
        "time": "when",
        "target": "sold",
        "horizon": dice.weighted({None: 3, 1: 2, 5: 2, 20: 1, 10**6: 0.2, -1: 0.2}),
        "window": dice.weighted({None: 6, 8: 2, 1: 1, 0: 0.2, 10**9: 0.1}),
        "group": "shop" if groups > 1 and dice.chance(0.9) else None,
    }
    return lambda: _read_twice(path, path if dice.chance(0.4) else None, options)


def _disturb(dice: Dice, table: Table) -> None:
    rows = len(table["when"])
    if dice.chance(0.3):
        table["sold"] = ["" if dice.chance(0.05) else cell for cell in table["sold"]]
    if dice.chance(0.15):
        table["sold"][-max(1, rows // 20) :] = [""] * max(1, rows // 20)
    if dice.chance(0.3):
        left = [place for place in range(rows) if not dice.chance(0.03)]
        for name, cells in table.items():
            table[name] = [cells[place] for place in left]
    if dice.chance(0.08) and table["when"]:
        table["when"][dice.whole(0, len(table["when"]) - 1)] = dice.one_of(HOSTILE)


def typed_file(dice: Dice, folder: Path) -> Attempt:
    """A Parquet or Arrow file with columns of any type, read again as new data are."""
    frame, target = columns.typed_frame(dice, dice.weighted({60: 5, 10: 1, 0: 0.2}))
    path = folder / ("made" + dice.one_of(_TYPED_ENDINGS))
    _write_typed(dice, frame, path)
    if dice.chance(0.15):
        damage_file(dice, path)
    options = {"target": target, **_further(dice, frame.columns)}
    return lambda: _read_twice(path, path if dice.chance(0.4) else None, options)


def frame_in_memory(dice: Dice, folder: Path) -> Attempt:
    """A frame of Polars, pandas or Arrow with columns of any type."""
    frame, target = columns.typed_frame(dice, dice.weighted({80: 5, 10: 1, 0: 0.2}))
    kind = dice.weighted({"polars": 3, "pandas": 3, "arrow": 2, "lazy": 0.3})
    given: Any = frame
    if kind == "pandas":
        given = frame.to_pandas()
        if dice.chance(0.2):
            given = given.set_index(given.columns[0])
        if dice.chance(0.1):
            given[given.columns[0]] = [odd_value(dice) for _ in range(len(given))]
    elif kind == "arrow":
        given = frame.to_arrow()
    elif kind == "lazy":
        given = frame.lazy()
    options = {"target": target, **_further(dice, frame.columns)}
    if dice.chance(0.3):
        return lambda: read_again(read(given, **options), given)
    return lambda: read(given, **options)


def _options(dice: Dice, names: list[str]) -> dict[str, Any]:
    """How a table is to be read; rarely by a column that is not there."""
    target = dice.weighted({"answer": 12.0, dice.one_of(names): 2.0, dice.one_of(HOSTILE): 0.3})
    return {"target": target, **_further(dice, names)}


def _further(dice: Dice, names: list[str]) -> dict[str, Any]:
    return {
        "group": dice.one_of(names) if dice.chance(0.06) else None,
        "text": dice.one_of(names) if dice.chance(0.04) else None,
        "kind": dice.weighted({None: 12, "table": 2, "text": 1, "image": 0.1}),
        "task": dice.weighted({None: 12, "classes": 1, "value": 0.5}),
        "seed": dice.whole(0, 5),
    }


def _read_twice(path: Path, again: Path | None, options: dict[str, Any]) -> Dataset:
    dataset = read(path, **options)
    return dataset if again is None else read_again(dataset, again)


def write_table(dice: Dice, folder: Path, stem: str, table: Table) -> Path:
    """The table in a file of one of the endings, damaged now and then, and packed now and then."""
    path = folder / (stem + dice.one_of(_ENDINGS))
    if path.suffix in _LINES:
        path.write_bytes(_lines(dice, table, path.suffix))
    else:
        _WRITERS[path.suffix](dice, table, path)
    if dice.chance(0.13):
        damage_file(dice, path)
    return packed(dice, path) if dice.chance(0.12) else path


def _lines(dice: Dice, table: Table, ending: str) -> bytes:
    separator = "\t" if ending in (".tsv", ".tab") else dice.weighted({",": 6, ";": 3, "\t": 1, "|": 1})
    text, newline = io.StringIO(), dice.weighted(_NEWLINES)
    quoting = dice.weighted({csv.QUOTE_MINIMAL: 6, csv.QUOTE_ALL: 1})
    writer = csv.writer(text, delimiter=separator, lineterminator=newline, quoting=quoting)
    before = dice.weighted({"": 16, f"sep={separator}": 0.5, "# exported, station 7": 0.5, " ": 0.3})
    header = list(table) if dice.chance(0.985) else list(table)[1:]
    writer.writerow(header)
    writer.writerows(zip(*table.values(), strict=True))
    whole = (before + newline if before else "") + text.getvalue()
    return whole.encode(dice.weighted(_ENCODINGS), "replace")


def _records(table: Table) -> list[dict[str, Any]]:
    return [dict(zip(table, row, strict=True)) for row in zip(*map(_valued, table.values()), strict=True)]


def _valued(cells: list[str]) -> list[Any]:
    """Cells as numbers, where all of them are."""
    try:
        return [None if not cell else float(cell) for cell in cells]
    except ValueError:
        return list(cells)


def _json_lines(dice: Dice, table: Table, path: Path) -> None:
    lines = [json.dumps(record, ensure_ascii=dice.chance(0.5)) for record in _records(table)]
    if lines and dice.chance(0.15):
        lines[dice.whole(0, len(lines) - 1)] = json.dumps({"answer": odd_value(dice)})
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _json(dice: Dice, table: Table, path: Path) -> None:
    records = _records(table)
    forms: list[Any] = [
        records,
        {name: _valued(cells) for name, cells in table.items()},
        {"data": records},
        {"columns": list(table), "data": [list(record.values()) for record in records]},
        {name: {str(place): cell for place, cell in enumerate(cells)} for name, cells in table.items()},
        odd_value(dice),
    ]
    path.write_text(json.dumps(dice.one_of(forms[:-1]) if dice.chance(0.95) else forms[-1]), encoding="utf-8")


def _workbook(dice: Dice, table: Table, path: Path) -> None:
    import openpyxl
    from openpyxl.utils.exceptions import IllegalCharacterError

    book = openpyxl.Workbook()
    sheet = book.active
    for row in (list(table), *zip(*map(_valued, table.values()), strict=True)):
        try:
            sheet.append(row)
        except (IllegalCharacterError, ValueError):
            sheet.append(["odd"] * len(row))
    if dice.chance(0.3):
        book.create_sheet("notes").append(["made", "by", "hand"])
    book.save(path)


def _database(dice: Dice, table: Table, path: Path) -> None:
    plain = [
        name.replace('"', "").replace("\x00", "") for name in table
    ]  # SQLite's names differ in more than case
    twice = [name.lower() in [other.lower() for other in plain[:place]] for place, name in enumerate(plain)]
    names = ", ".join(
        f'"{name}{place if again else ""}"'
        for place, (name, again) in enumerate(zip(plain, twice, strict=True))
    )
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as connection:
        for name in ("made",) if dice.chance(0.8) else ("made", "other"):
            connection.execute(f"CREATE TABLE {name} ({names})")
            holes = ", ".join("?" * len(table))
            rows = list(zip(*map(_valued, table.values()), strict=True))
            connection.executemany(f"INSERT INTO {name} VALUES ({holes})", rows)
    connection.close()


def _typed(dice: Dice, table: Table, path: Path) -> None:
    _write_typed(
        dice, pl.DataFrame({name: _valued(cells) for name, cells in table.items()}, strict=False), path
    )


def _write_typed(dice: Dice, frame: pl.DataFrame, path: Path) -> None:
    if path.suffix in (".parquet", ".pq"):
        frame.write_parquet(path, compression=dice.one_of(("zstd", "snappy", "uncompressed")))
    elif dice.chance(0.7):
        frame.write_ipc(path)
    else:
        frame.write_ipc_stream(path)


_WRITERS: dict[str, Callable[[Dice, Table, Path], None]] = {
    ".jsonl": _json_lines, ".ndjson": _json_lines, ".json": _json, ".xlsx": _workbook, ".sqlite": _database,
    ".db": _database, ".parquet": _typed, ".pq": _typed, ".feather": _typed, ".arrow": _typed,
}  # fmt: skip


def packed(dice: Dice, path: Path) -> Path:
    """The file, packed; now and then beside others, under a name that leads out, or damaged."""
    kind = dice.weighted({".gz": 4, ".bz2": 1, ".xz": 1, ".zip": 3, ".tar.gz": 1, ".tar": 1})
    result, content = path.with_name(path.name + kind), path.read_bytes()
    name = (
        path.name
        if dice.chance(0.9)
        else dice.one_of(("../out.csv", "/abs.csv", "C:/x.csv", "inner/x.csv", "나.csv"))
    )
    if kind in (".gz", ".bz2", ".xz"):
        squeeze = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}[kind]
        result.write_bytes(squeeze(content))
    elif kind == ".zip":
        with zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, content)
            if dice.chance(0.3):
                archive.writestr("README.txt", "made by hand")
    else:
        with tarfile.open(result, "w:gz" if kind == ".tar.gz" else "w") as archive:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    if dice.chance(0.15):
        damage_file(dice, result)
    return result
