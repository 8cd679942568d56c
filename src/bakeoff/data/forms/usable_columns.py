"""Which columns of a table are learned from, and the findings about those that are not, and about the rows."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from bakeoff.data.dataset import Finding
from bakeoff.data.forms.cells.dates import looks_like_dates
from bakeoff.data.forms.cells.reading import Form, is_short, mostly_digits
from bakeoff.data.forms.columns import MOST_CATEGORIES, CategoryColumn, Column, DateColumn, as_words
from bakeoff.errors import listed, printable

#: A column of strings is an identifier, not a category, where more than this share of its filled cells are distinct.
IDENTIFIER_SHARE = 0.5
#: Names that a column of row numbers may have.
_ROW_NUMBER_NAMES = (
    *("", "index", "id", "row", "rownum", "row_number", "unnamed: 0", "no", "no.", "번호"),
    *("__index_level_0__", "row_names"),
)
#: Names of columns that say who or what a row is of ...
_IDENTIFIER_NAME = re.compile(
    r"(^|[_ .-])(id|key|uuid)$|[a-z](ID|Id)$|"
    r"(?i:patient|subject|participant|customer|client|user|member|session|device|machine|household|family|person)"
    r"(?i:[_ ]?(id|no|nr|number|code|name))?$|환자|고객|회원|사용자|아이디|피험자"
)
#: ... where there are more different ones than these.
_FEWEST_NAMED = 10
#: Of these, the names under which pandas saves the index of a frame, which may have been shuffled.
_SAVED_INDEX_NAMES = ("", "unnamed: 0", "__index_level_0__", "index")


def usable_frame(frame: pl.DataFrame, forms: Mapping[str, Form]) -> tuple[pl.DataFrame, list[Finding]]:
    """The frame without columns that say nothing: row numbers, identifiers, texts and nested values; with findings."""
    left_out: dict[str, list[str]] = {}
    for name in frame.columns:
        reason = reason_to_leave_out(frame[name], forms.get(name))
        if reason:
            left_out.setdefault(reason, []).append(name)
    findings = [
        Finding(
            kind=f"left_out_{reason}", severity="note", values={"columns": listed(names), "count": len(names)}
        )
        for reason, names in left_out.items()
        if reason != "dates"
    ]
    return frame.drop([name for names in left_out.values() for name in names]), findings


def reason_to_leave_out(column: pl.Series, form: Form | None) -> str | None:
    """Why a column says nothing ("nested", "row_number", "saved_index", "dates", "digits", "identifier"), or None."""
    if column.dtype.is_nested() or column.dtype in (pl.Binary, pl.Object):
        return "nested"
    name = column.name.strip().lower()
    if column.dtype.is_integer() and (name in _ROW_NUMBER_NAMES or name.endswith("id")):
        if len(column) > 1 and (column.diff().drop_nulls() == 1).all():
            return "row_number"
        return "saved_index" if name in _SAVED_INDEX_NAMES and _numbers_rows_once(column) else None
    if column.dtype != pl.String or form is not None:
        return None
    filled = column.drop_nulls()
    distinct = filled.n_unique()
    if distinct <= 20 or distinct <= IDENTIFIER_SHARE * len(filled):
        return None
    if looks_like_dates(filled) and is_short(filled):
        return "dates"  # which `form_findings` names
    return "digits" if mostly_digits(filled) else "identifier"


def division_findings(
    frame: pl.DataFrame, columns: Sequence[Column], forms: Mapping[str, Form]
) -> list[Finding]:
    """What a random division of the rows may not be right for: dates, and identifiers that occur several times."""
    findings = []
    dates = [column.name for column in columns if isinstance(column, DateColumn)]
    if dates:
        values: dict[str, Any] = {"columns": listed(dates), "first": printable(dates[0])}
        findings.append(Finding(kind="rows_have_dates", severity="note", values=values))
    for column in frame:
        distinct = column.drop_nulls().n_unique()
        if _is_identifier(column, distinct, forms) and 2 * distinct <= len(column):
            values = {"column": printable(column.name), "count": distinct, "of": len(column)}
            findings.append(Finding(kind="repeated_identifier", severity="warning", values=values))
    return findings


def _is_identifier(column: pl.Series, distinct: int, forms: Mapping[str, Form]) -> bool:
    """Whether a column names who or what a row is of: by its own name, or by many different words."""
    is_word_or_number = column.dtype == pl.String or column.dtype.is_integer()
    if not is_word_or_number or distinct <= _FEWEST_NAMED:
        return False
    named = _IDENTIFIER_NAME.search(column.name.strip()) is not None
    return named or (column.dtype == pl.String and distinct > MOST_CATEGORIES and column.name not in forms)


def usable_columns(frame: pl.DataFrame, forms: Mapping[str, Form]) -> list[str]:
    """The columns that a table would learn from, by their forms."""
    return [
        column.name
        for column in frame
        if reason_to_leave_out(column, forms.get(column.name)) is None and column.drop_nulls().n_unique() > 1
    ]


def _numbers_rows_once(column: pl.Series) -> bool:
    """Whether these are the places of rows in some order, perhaps of a larger table: from 0 on, each at most once."""
    lowest = column.min()
    is_distinct = len(column) > 1 and column.null_count() == 0 and column.n_unique() == len(column)
    return is_distinct and isinstance(lowest, int) and lowest >= 0


def lumped_levels(column: Column | None, words: pl.Series) -> list[Finding]:
    """How many values of a category have no feature of their own, and in how many training rows they are."""
    if not isinstance(column, CategoryColumn):
        return []
    counts = as_words(words).drop_nulls().rename("word").value_counts(name="count")
    others = counts.filter(~pl.col("word").is_in(list(column.categories)))
    if len(others) == 0:
        return []
    values = {
        "column": printable(column.name),
        "kept": len(column.categories),
        "count": len(others),
        "of": len(counts),
        "share": float(others["count"].sum()) / len(words),
    }
    return [Finding(kind="levels_lumped", severity="warning", values=values)]
