"""Which form the cells of each column have, and what a reader should know of how they were read."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from bakeoff.data.dataset import Finding
from bakeoff.data.forms.cells.dates import DateForm, date_form_of, looks_like_dates
from bakeoff.data.forms.cells.missing import is_missing_word
from bakeoff.data.forms.cells.numbers import NumberForm, number_form_of
from bakeoff.errors import listed, printable
from bakeoff.system.json_records import record_of

Form = NumberForm | DateForm
#: Digits of whole numbers that may be dates -> the form, by which all of at least so many different ones are read.
_COMPACT = {6: "yyyymm", 8: "compact", 10: "compact time", 12: "compact time", 14: "compact time"}
_FEWEST_COMPACT = 5
#: Odd cells that are shown.
_SHOWN = 3
_ORDER_OF = {"dmy": "dmy", "dmy2": "dmy", "mdy": "mdy", "mdy2": "mdy", "ymd2": "ymd", "ymd": "ymd"}


@dataclass(frozen=True, kw_only=True)
class Hints:
    """What the user says of cells that can be read in several ways.

    Attributes:
        decimal: "comma" or "point".
        dates: "dmy", "mdy" or "ymd", the order of their parts; "off": nothing is a date.
    """

    decimal: str | None = None
    dates: str | None = None


NO_HINTS = Hints()


def form_of(column: pl.Series, hints: Hints = NO_HINTS) -> Form | None:
    """The form of a column that holds numbers or dates as words, or dates as whole numbers (20230105); else None."""
    if column.dtype.is_integer():
        return _compact_form(column, hints)
    if column.dtype != pl.String:
        return None
    form = number_form_of(column, decimal=hints.decimal)
    if form is None:
        return date_form_of(column, order=hints.dates)
    if form.is_plain and column.dtype == pl.String:
        numbers = form.read(column).drop_nulls()
        if len(numbers) and (numbers == numbers.round(0)).all() and (numbers.abs() < 1e15).all():
            return _compact_form(numbers.cast(pl.Int64), hints) or form
    return form


def form_to_json(form: Form) -> dict[str, Any]:
    """The record of a form, by which `form_from_json` finds it again."""
    return {"form": type(form).__name__, **asdict(form)}


def form_from_json(record: Mapping[str, Any]) -> Form:
    """The form that wrote the record; `KeyError` or `ValueError` where it is not one."""
    fields = dict(record)
    kind: type[Form] = {"NumberForm": NumberForm, "DateForm": DateForm}[fields.pop("form")]  # type: ignore[assignment]
    return record_of(kind, fields)


def column_forms(frame: pl.DataFrame, hints: Hints = NO_HINTS) -> dict[str, Form]:
    """The form of each column that has one, by name."""
    return {column.name: form for column in frame if (form := form_of(column, hints)) is not None}


def form_findings(frame: pl.DataFrame, forms: Mapping[str, Form]) -> list[Finding]:
    """What was guessed of the cells, with the option that changes it; what is not read is counted."""
    findings = [*_written(forms), *_dates_read(frame, forms)]
    for name, form in forms.items():
        findings += _ambiguous(frame[name], form) + odd_cells(frame[name], form)
    for column in frame:
        if column.dtype == pl.String and column.name not in forms and _is_unread(column):
            values = {"column": printable(column.name), "example": printable(str(column.drop_nulls()[0]))}
            findings.append(Finding(kind="dates_unread", severity="warning", values=values))
    return findings


def odd_cells(column: pl.Series, form: Form) -> list[Finding]:
    """The cells of a column of numbers or dates that are neither, by how often each occurs; they count as missing."""
    if column.dtype != pl.String:
        return []
    odd = column.filter(column.is_not_null() & form.read(column).is_null())
    if len(odd) == 0:
        return []
    counts = odd.rename("word").value_counts(name="count").sort(["count", "word"], descending=[True, False])
    shown = [f"'{printable(word, most=30)}' ({count})" for word, count in counts.head(_SHOWN).rows()]
    values = {
        "column": printable(column.name),
        "count": len(odd),
        "of": len(column) - column.null_count(),
        "examples": ", ".join(shown) + (", …" if len(counts) > _SHOWN else ""),
    }
    severity = "note" if is_missing_word(odd).all() else "warning"
    kind = "odd_dates" if isinstance(form, DateForm) else "odd_numbers"
    return [Finding(kind=kind, severity=severity, values=values)]


def _compact_form(column: pl.Series, hints: Hints) -> DateForm | None:
    numbers = column.drop_nulls()
    if hints.dates == "off" or numbers.n_unique() < _FEWEST_COMPACT:
        return None
    lowest, highest = str(numbers.min()), str(numbers.max())
    if len(lowest) != len(highest) or len(lowest) not in _COMPACT or lowest[:2] not in ("19", "20"):
        return None
    form = DateForm(name=_COMPACT[len(lowest)])
    return form if form.read(numbers.cast(pl.String)).null_count() == 0 else None


def _written(forms: Mapping[str, Form]) -> list[Finding]:
    """The columns of each way to write numbers, but for the plain one."""
    columns: dict[str, list[str]] = {}
    for name, form in forms.items():
        if isinstance(form, NumberForm) and not form.is_plain:
            columns.setdefault(form.shown(), []).append(name)
    return [
        Finding(
            kind="numbers_written",
            severity="note",
            values={"shown": printable(shown), "columns": listed(names), "count": len(names)},
        )
        for shown, names in columns.items()
    ]


def _dates_read(frame: pl.DataFrame, forms: Mapping[str, Form]) -> list[Finding]:
    """One example a form of dates: how it is written, and what was read."""
    found: dict[tuple[str, int | None], list[str]] = {}
    for name, form in forms.items():
        if isinstance(form, DateForm):
            found.setdefault((form.name, form.clock_minutes), []).append(name)
    findings = []
    for names in found.values():
        form, words = forms[names[0]], frame[names[0]].cast(pl.String)
        values: dict[str, Any] = {"columns": listed(names), "count": len(names), **_example(words, form)}
        is_digits = frame[names[0]].dtype != pl.String
        if values["example"] == values["read"]:
            continue
        kind = "dates_from_digits" if is_digits else "dates_read"
        findings.append(Finding(kind=kind, severity="note", values=values))
    return findings


def _ambiguous(column: pl.Series, form: Form) -> list[Finding]:
    if not form.ambiguous:
        return []
    values: dict[str, Any] = {"column": printable(column.name)}
    if isinstance(form, NumberForm):
        is_comma = form.decimal == ","
        values |= {"shown": form.shown(), "other": form.ambiguous, "option": "point" if is_comma else "comma"}
        return [Finding(kind="numbers_ambiguous", severity="warning", values=values)]
    other = DateForm(name=form.ambiguous).read(column).drop_nulls()[0]
    values |= {**_example(column, form), "other": _shown(other), "option": _ORDER_OF[form.ambiguous]}
    return [Finding(kind="dates_ambiguous", severity="warning", values=values)]


def _example(words: pl.Series, form: Form) -> dict[str, str]:
    read = form.read(words)
    place = int(read.is_not_null().arg_true()[0])
    return {"example": printable(str(words[place])), "read": _shown(read[place])}


def _shown(moment: Any) -> str:
    return str(moment).removesuffix(" 00:00:00").removesuffix(":00") if ":" in str(moment) else str(moment)


def _is_unread(column: pl.Series) -> bool:
    filled = column.drop_nulls()
    return filled.n_unique() > 1 and looks_like_dates(filled) and is_short(filled)


def is_short(words: pl.Series) -> bool:
    """Whether these are no texts: a date has no more than 40 letters and signs."""
    return bool(words.str.len_chars().mean() <= 40)  # type: ignore[operator]


def mostly_digits(words: pl.Series) -> bool:
    """Whether cells begin with a digit, and most of their signs are digits: no names, whatever else they are."""
    filled = words.drop_nulls()
    if 2 * int(filled.str.contains(r"^[^\p{L}0-9]*[0-9]").sum()) <= len(filled):
        return False
    signs = int(filled.str.len_chars().sum())
    return signs > 0 and 2 * int(filled.str.count_matches("[0-9]").sum()) > signs
