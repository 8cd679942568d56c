"""CSV, TSV, Parquet and JSON Lines files as Polars frames, with a clear error where a file is damaged.

Polars gets the opened file and never a name: it takes "*", "?" and "[12]" in a name for a pattern.
"""

import codecs
import csv
import io
import json
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import IO, TypedDict

import numpy as np
import polars as pl

from bakeoff.data.dataset import Finding
from bakeoff.data.forms.cells.missing import MISSING_WORDS
from bakeoff.data.forms.cells.numbers import number_form_of, reads_either_way
from bakeoff.data.forms.encodings import text_encoding
from bakeoff.data.forms.endings import OTHER_TABLE_ENDINGS
from bakeoff.data.forms.frames import plain_types
from bakeoff.data.forms.other_tables import check_parquet, read_other_table
from bakeoff.data.forms.table_layout import Layout, layout_of, separated_by_blanks
from bakeoff.data.forms.unicode import column_name
from bakeoff.errors import DataError, printable
from bakeoff.system.files import opened, refuse_special

#: Bytes read at once from a file of any size.
_CHUNK_BYTES = 1 << 24
#: Bytes at the beginning by which the layout is decided.
_SAMPLE_BYTES = 1 << 16


def read_table_file(
    path: Path, *, words: Collection[str] = (), target: str | None = None
) -> tuple[pl.DataFrame, list[Finding]]:
    """The table and the findings of reading it (another encoding, no header).

    Args:
        words: columns of which the cells of a text file stay words as they are written.
        target: the column whose labels stay as they are written where reading them as values would change them.

    Raises:
        DataError: the file is empty, damaged, ragged or not what its ending says; the line is named where there is one.
    """
    refuse_special(path)
    if path.stat().st_size == 0:
        raise DataError(
            f"'{printable(path.name)}' is empty (0 bytes): give a file with a header line and rows."
        )
    ending = path.suffix.lower()
    try:
        if ending in (".parquet", ".pq"):
            with opened(path) as file:
                check_parquet(file, path)
                return plain_types(pl.read_parquet(file)), []
        if ending in OTHER_TABLE_ENDINGS:
            return read_other_table(path, wanted=[*words, *([target] if target else [])])
        if ending in (".jsonl", ".ndjson"):
            return plain_types(_read_json_lines(path)), []
        return _read_delimited(path, words=words, target=target)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, csv.Error) as error:
        reason = printable(str(error).splitlines()[0], most=160)
        raise DataError(
            f"'{printable(path.name)}' cannot be read as a table ({reason}): save it again."
        ) from error


def _read_json_lines(path: Path) -> pl.DataFrame:
    with opened(path) as lines:
        _check_json_lines(lines, path.name, lambda line: line.lstrip().startswith(b"{"))
    try:
        with opened(path) as file:  # read_ndjson would look at the first lines of an opened file alone
            return pl.scan_ndjson(file, infer_schema_length=None).collect()
    except pl.exceptions.PolarsError:
        with opened(path) as lines:
            _check_json_lines(lines, path.name, _is_json_object)
        raise


def _check_json_lines(lines: Iterable[bytes], name: str, is_good: Callable[[bytes], bool]) -> None:
    """Raises `DataError` for the first line with anything in it that is not good."""
    for number, line in enumerate(lines, 1):
        if line.strip() and not is_good(line):
            shown = printable(line.decode("utf-8", "replace").strip(), most=40)
            raise DataError(
                f"Line {number} of '{printable(name)}' is not a JSON object ({shown}): "
                'each line must be one, such as {"size": 3, "kind": "a"}.'
            )


def _is_json_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _read_delimited(
    path: Path, *, words: Collection[str], target: str | None
) -> tuple[pl.DataFrame, list[Finding]]:
    findings: list[Finding] = []
    with opened(path) as file:
        encoding = text_encoding(file, name=path.name, column=target)
    source: Path | bytes = path
    if encoding != "utf-8":
        source = _decoded(path, encoding).encode("utf-8")
        severity = "note" if encoding.startswith("utf") else "warning"
        findings.append(Finding(kind="encoding", severity=severity, values={"encoding": encoding}))
    source, layout = _laid_out(source, path)
    findings += layout.findings
    _check_rows(source, layout.separator, name=path.name, lines_before=_lines_left_out(layout))
    header = next(csv.reader([_sample(source).splitlines()[0]], delimiter=layout.separator), [])
    has_header = not all(_is_number(cell) for cell in header)
    if not has_header:
        findings.append(Finding(kind="no_header", severity="note", values={"columns": len(header)}))
    options = _CsvOptions(separator=layout.separator, has_header=has_header)
    frame = _with_grouped_thousands(_read_csv(source, options, words=words), source, options)
    if target is not None:
        frame = _with_labels_as_written(frame, source, options, target)
    names = [name.strip() if has_header else f"column_{place}" for place, name in enumerate(frame.columns, 1)]
    if len(set(names)) == len(names):
        frame.columns = names
    nameless = [column.name for column in frame if not column.name and column.null_count() == len(column)]
    return frame.drop(nameless), findings  # what a separator at the end of each line makes


def _laid_out(source: Path | bytes, path: Path) -> tuple[Path | bytes, Layout]:
    """The source from its header on, which is mended where it does not fit the rows, and how it was laid out."""
    sample = _sample(source)
    if "\r" in sample and "\n" not in sample:
        source = _content(source).replace(b"\r", b"\n")
        sample = _sample(source)
    if (blanks := separated_by_blanks(sample)) is not None:
        source = blanks.sub(rb"\t", re.sub(rb"(?m)^[ \t]+|[ \t]+$", b"", _content(source)))
        sample = _sample(source)
    known = "\t" if path.suffix.lower() in (".tsv", ".tab") else None
    layout = layout_of(sample, separator=known, is_whole=len(sample) < _SAMPLE_BYTES // 4)
    if not layout.lines_before and layout.header is None:
        return source, layout
    content = _content(source).removeprefix(codecs.BOM_UTF8).lstrip(b"\r\n")
    rest = content.split(b"\n", layout.lines_before)[-1]
    if layout.header is None:
        return rest, layout
    line = io.StringIO()
    csv.writer(line, delimiter=layout.separator, lineterminator="\n").writerow(layout.header)
    return line.getvalue().encode() + rest, layout


def _lines_left_out(layout: Layout) -> int:
    return layout.lines_before - (layout.header is not None)


def _content(source: Path | bytes) -> bytes:
    with _bytes_of(source) as file:
        return file.read()


class _CsvOptions(TypedDict):
    separator: str
    has_header: bool


def _with_grouped_thousands(frame: pl.DataFrame, source: Path | bytes, options: _CsvOptions) -> pl.DataFrame:
    """The frame whose decimals are words again where points group the digits of whole numbers (1.234 beside 999)."""
    doubtful = [column.name for column in frame if column.dtype.is_float() and reads_either_way(column)]
    if not doubtful:
        return frame
    written = _read_csv(source, options, words=[name.strip() for name in doubtful], only=doubtful)
    forms = {column.name: number_form_of(column) for column in written}
    return frame.with_columns(written[name] for name, form in forms.items() if form and not form.is_plain)


def _with_labels_as_written(
    frame: pl.DataFrame, source: Path | bytes, options: _CsvOptions, target: str
) -> pl.DataFrame:
    """The frame whose whole numbers or truth values of the target are words again where these differ (007, true)."""
    place = next(
        (place for place, name in enumerate(frame.columns) if column_name(name.strip()) == target), None
    )
    if place is None or not (frame.dtypes[place].is_integer() or frame.dtypes[place] == pl.Boolean):
        return frame
    name = frame.columns[place]
    values, written = frame[name], _read_csv(source, options, words=[target], only=[name])[name]
    is_same = values.dtype != pl.Boolean and (written == values.cast(pl.String)).all()
    if is_same or len(written) != len(values) or written.n_unique() != values.n_unique():
        return frame
    return frame.with_columns(written)


def _read_csv(
    source: Path | bytes,
    options: _CsvOptions,
    *,
    words: Collection[str] = (),
    only: Sequence[str] | None = None,
) -> pl.DataFrame:
    """Read a CSV file; types are inferred from all rows. Where a number fits no type, all columns stay strings.

    Args:
        words: columns (without blanks around their names) that are not inferred. only: the columns to read.
    """
    overrides = {}
    if words:
        with _bytes_of(source) as file:  # names that the file lacks would rename its columns
            present = pl.read_csv(file, n_rows=0, infer_schema_length=0, **options).columns
        wanted = {column_name(name) for name in words}
        overrides = {name: pl.String for name in present if column_name(name.strip()) in wanted}
    for look_at in (None, 0):
        try:
            with _bytes_of(source) as file:
                return pl.read_csv(
                    file,
                    **options,
                    columns=only,
                    schema_overrides=overrides,
                    null_values=list(MISSING_WORDS),
                    infer_schema_length=look_at,
                )
        except pl.exceptions.ComputeError:
            if look_at == 0:
                raise
    raise AssertionError("unreachable")


def _decoded(path: Path, encoding: str) -> str:
    with opened(path) as file:
        try:
            return file.read().decode(encoding)
        except UnicodeDecodeError as error:
            raise DataError(
                f"'{printable(path.name)}' begins as text in {encoding.upper()} and byte {error.start + 1} is none "
                f"({error.reason}): save it again, best in UTF-8."
            ) from error


def _sample(source: Path | bytes) -> str:
    with _bytes_of(source) as file:
        start = file.read(_SAMPLE_BYTES)
    text = start.decode("utf-8-sig", "ignore").lstrip("\r\n")
    if not text.strip():
        raise DataError("The file holds nothing but blanks: give a header line and rows.")
    return text


def _bytes_of(source: Path | bytes) -> IO[bytes]:
    return io.BytesIO(source) if isinstance(source, bytes) else opened(source)


def _check_rows(source: Path | bytes, separator: str, *, name: str, lines_before: int) -> None:
    """Raises `DataError` for the first line that has more or fewer cells than the header."""
    with _bytes_of(source) as file:
        quoted = any(b'"' in chunk for chunk in iter(lambda: file.read(_CHUNK_BYTES), b""))
        file.seek(0)
        bad = _ragged_quoted(file, separator) if quoted else _ragged_plain(file, separator)
    if bad is not None:
        line, cells, wanted = bad
        raise DataError(
            f"Line {line + lines_before} of '{printable(name)}' has {cells} cells where the first line has {wanted} "
            f"(separated by {separator!r}): mend that line, or put a cell that contains {separator!r} into double "
            "quotes."
        )


def _ragged_plain(file: IO[bytes], separator: str) -> tuple[int, int, int] | None:
    """(line, its cells, the first line's) of the first ragged line of a text without quotes, else None."""
    wanted, line, rest = None, 0, b""
    while True:
        chunk = file.read(_CHUNK_BYTES)
        block = rest + chunk if chunk else rest + b"\n"
        cut = block.rfind(b"\n") + 1
        block, rest = block[:cut], block[cut:]
        signs = np.frombuffer(block, np.uint8)
        ends = np.flatnonzero(signs == ord("\n"))
        counts = np.diff(np.searchsorted(np.flatnonzero(signs == ord(separator)), ends), prepend=0)
        lengths = np.diff(ends, prepend=-1) - 1
        returns = (lengths == 1) & (signs[np.maximum(ends - 1, 0)] == ord("\r")) if len(ends) else lengths > 0
        filled = (lengths > 0) & ~returns
        if wanted is None and filled.any():
            wanted = int(counts[filled][0])
        ragged = np.flatnonzero(filled & (counts != wanted))
        if len(ragged):
            assert wanted is not None
            return line + int(ragged[0]) + 1, int(counts[ragged[0]]) + 1, wanted + 1
        line += len(ends)
        if not chunk:
            return None


def _ragged_quoted(file: IO[bytes], separator: str) -> tuple[int, int, int] | None:
    """The same where cells may be quoted and hold separators and line breaks."""
    longest = csv.field_size_limit(1 << 30)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        reader = csv.reader(text, delimiter=separator)
        wanted = None
        for cells in reader:
            if cells:
                wanted = len(cells) if wanted is None else wanted
                if len(cells) != wanted:
                    return reader.line_num, len(cells), wanted
    finally:
        text.detach()  # the caller closes the file
        csv.field_size_limit(longest)
    return None


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True
