"""Where the table begins in a text file: lines before the header, the separator, and headers that do not fit the rows.

People's files begin with `sep=;`, comments, a title and an empty line; R leaves out the name of the row names; a cell
of the header may be broken without quotes. The rows decide: a header is the first line that has as many cells as they.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bakeoff.data.dataset import Finding
from bakeoff.data.forms.cells.missing import MISSING_BESIDE_NUMBERS
from bakeoff.errors import printable

SEPARATORS = (",", ";", "\t", "|")
#: Rows that are looked at, and how many must follow a header that is not the first line.
_MOST_ROWS, _FEWEST_ROWS = 60, 3
#: The most lines before a header.
_MOST_LINES_BEFORE = 40
#: The name of a column that the header leaves out.
_ROW_NAMES = "row_names"
#: The most lines of titles.
_MOST_TITLES = 6
_BRACKETED = re.compile(r"\s*[(\[].*[)\]]\s*")
_COMMENT = re.compile(r"\s*(#|//|%)")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a text file is laid out.

    Attributes:
        separator: of cells.
        lines_before: physical lines before the rows (or before the header, where that needs no mending).
        header: the cells of a header that was mended, and stands no longer in the file after these lines; else None.
        findings: what was left out or mended.
    """

    separator: str
    lines_before: int = 0
    header: tuple[str, ...] | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Record:
    cells: list[str]
    begin: int  # physical lines before it
    end: int  # and up to its end


def layout_of(sample: str, *, separator: str | None = None, is_whole: bool = True) -> Layout:
    r"""The layout of a file, by its first lines.

    Args:
        sample: the first lines. separator: where the file's ending says which.
        is_whole: whether that is the whole file, so that its last line is whole too.

    >>> layout_of("# made today\nName;Size\na;1\nb;2\nc;3\n").lines_before
    1
    """
    skipped, named = _named_separator(sample)
    comments = _comments(sample, skipped)
    separator = named or separator
    for first in dict.fromkeys((comments, skipped)):
        begins = _separator(sample, first)
        for candidate in (separator,) if separator else (begins, *(s for s in SEPARATORS if s != begins)):
            records = _records(sample, candidate, first, is_whole=is_whole)
            found = _found(records, candidate, first=first, unnamed=int(named is not None))
            if found is not None:
                return found
    return Layout(separator=separator or _separator(sample, comments), lines_before=comments)


def _found(records: Sequence[_Record], separator: str, *, first: int, unnamed: int) -> Layout | None:
    """The layout where a header fits the rows after it, else None."""
    widths = [len(record.cells) for record in records]
    if not records or max(widths) < 2:
        return None
    body = Counter(widths[1:]).most_common(1)[0][0] if len(widths) > 1 else widths[0]
    if body == widths[0]:
        return _fitting(records, separator, first=first, unnamed=unnamed)
    for place in range(min(len(records), _MOST_LINES_BEFORE)):
        mended = _mended(records[place:], widths[place:])
        if mended is not None:
            header, rows_from, kind = mended
            row = records[place + rows_from]
            lines = records[place].begin if kind is None else row.begin
            found = _left_out(records[place].begin - unnamed)
            if kind is not None:
                found += (Finding(kind=kind, severity="note", values={"names": _names(header)}),)
            cells = None if kind is None else tuple(header)
            return Layout(separator=separator, lines_before=lines, header=cells, findings=found)
    return None


def _fitting(records: Sequence[_Record], separator: str, *, first: int, unnamed: int) -> Layout:
    """The layout where the first line has as many cells as the rows: a title, or a line of units, may stand there."""
    place = next(
        (place for place, record in enumerate(records[:_MOST_TITLES]) if not _is_title(record.cells)), 0
    )
    if place and not _is_header_after_titles(records[place:]):
        place = 0
    header, before = records[place], first if place == 0 else records[place].begin
    told = _left_out(before - unnamed)
    if not _has_units(records[place + 1 :]):
        return Layout(separator=separator, lines_before=before, findings=told)
    units = records[place + 1]
    told += (Finding(kind="units_row", severity="note", values={"names": _names(units.cells)}),)
    return Layout(separator=separator, lines_before=units.end, header=tuple(header.cells), findings=told)


def _is_title(cells: Sequence[str]) -> bool:
    """Whether names are missing (but that of an index, or cells after the last name), or one stands for several."""
    names = [cell.strip() for cell in cells]
    return len(names) > 1 and ("" in names[1:] or len(set(names)) < len(names))


def _is_header_after_titles(records: Sequence[_Record]) -> bool:
    """Whether words, and below them numbers, begin here: then what stands above is a title or a wider header."""
    return len(records) > _FEWEST_ROWS and len(_words_over_numbers(records)) > 0


def _has_units(records: Sequence[_Record]) -> bool:
    """Whether the row under the header holds words alone, and numbers stand below several of them."""
    words = _words_over_numbers(records) if len(records) > _FEWEST_ROWS else []
    return len(words) > 1 or any(_BRACKETED.fullmatch(cell) for cell in words)


def _words_over_numbers(records: Sequence[_Record]) -> list[str]:
    """The cells of a line that stand above numbers; none where it holds a number, or a word for a missing one."""
    first = records[0].cells
    found = [cell for cell, numeric in zip(first, _number_columns(records[1:]), strict=False) if numeric]
    are_words = not any(map(_is_number, first)) and all(
        cell.strip().lower() not in MISSING_BESIDE_NUMBERS for cell in found
    )
    return found if are_words else []


def _number_columns(rows: Sequence[_Record]) -> list[bool]:
    """Of each column, whether all its filled cells are numbers."""
    columns = (
        [cell for cell in cells if cell.strip()] for cells in zip(*(row.cells for row in rows), strict=False)
    )
    return [bool(cells) and all(map(_is_number, cells)) for cells in columns]


def _mended(records: Sequence[_Record], widths: Sequence[int]) -> tuple[list[str], int, str | None] | None:
    """(header, its records, finding) where the first record, or two of them, are a header of all rows after them."""
    header, width = records[0].cells, widths[0]
    if width < 2 or not any(cell.strip() for cell in header):
        return None
    rows = widths[1:]
    if len(rows) >= _FEWEST_ROWS and len(set(rows)) == 1:
        if rows[0] == width:
            return header, 1, None
        if rows[0] == width + 1 and not any(_is_number(cell) for cell in header):
            if all(not record.cells[-1].strip() for record in records[1:]):
                return [*header, ""], 1, "separator_after_rows"
            return [_ROW_NAMES, *header], 1, "row_names"
    if len(rows) > _FEWEST_ROWS and len(set(rows[1:])) == 1 and width < rows[1] > rows[0] > 1:
        second = records[1].cells
        if width + rows[0] - 1 == rows[1] and not any(map(_is_number, (*header, *second))):
            joined = f"{header[-1]} {second[0]}".strip()
            return [*header[:-1], joined, *second[1:]], 2, "header_joined"
    return None


def _left_out(lines: int) -> tuple[Finding, ...]:
    if lines <= 0:
        return ()
    return (Finding(kind="lines_before_header", severity="note", values={"count": lines}),)


def _names(header: Sequence[str]) -> str:
    return ", ".join(f"'{printable(cell.strip(), most=30)}'" for cell in header[:6] if cell != _ROW_NAMES)


def _named_separator(sample: str) -> tuple[int, str | None]:
    """(lines, separator) of a first line as `sep=;`, which Excel writes and reads."""
    match = re.match(r"\s*\"?sep=(.)\"?[ ,;]*(?:\r?\n|\r)", sample, re.IGNORECASE)
    return (sample[: match.end()].count("\n"), match[1]) if match else (0, None)


def _comments(sample: str, first: int) -> int:
    """Lines before the first one that is neither empty nor a comment."""
    lines = sample.split("\n")
    for place in range(first, len(lines)):
        if lines[place].strip() and not _COMMENT.match(lines[place]):
            is_header = place > first and _is_commented_header(lines[place - 1], lines[place])
            return place - 1 if is_header else place
    return first


def _is_commented_header(comment: str, row: str) -> bool:
    """Whether a comment names the columns: it has as many cells as the row after it, and that has numbers."""
    counts = [[line.count(separator) for separator in SEPARATORS] for line in (comment, row)]
    cells = re.split(r"[,;\t|]", row)
    return max(counts[0]) > 0 and counts[0] == counts[1] and any(map(_is_number, cells))


def _separator(sample: str, first: int) -> str:
    """The separator that occurs most often in a line, outside of quotes."""
    header = next((line for line in sample.split("\n")[first:] if line.strip()), "")
    return max(SEPARATORS, key=re.sub(r'"[^"]*"', "", header).count)


def _records(sample: str, separator: str, first: int, *, is_whole: bool) -> list[_Record]:
    text = "\n".join(sample.split("\n")[first:])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    records, before = [], 0
    try:
        for cells in reader:
            if cells and any(cell.strip() for cell in cells):
                records.append(_Record(cells=cells, begin=first + before, end=first + reader.line_num))
            before = reader.line_num
            if len(records) > _MOST_ROWS:
                return records
    except csv.Error:
        return records
    return records if is_whole else records[:-1]


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True


def separated_by_blanks(sample: str) -> re.Pattern[bytes] | None:
    r"""What separates the cells where blanks alone do, as in files of fixed width; None where another sign does.

    >>> separated_by_blanks("x   y\n1.5 2\n  3 4\n5  6\n").pattern
    b'[ \\t]+'
    """
    lines = [
        line for line in sample.split("\n")[: _MOST_ROWS + 1] if line.strip() and not _COMMENT.match(line)
    ][:-1]
    if len(lines) < _FEWEST_ROWS or '"' in sample or any(separator in lines[0] for separator in SEPARATORS):
        return None
    widths = {len(line.split()) for line in lines}
    has_numbers = any(map(_is_number, lines[-1].split()))
    return re.compile(rb"[ \t]+") if len(widths) == 1 and widths.pop() > 1 and has_numbers else None
