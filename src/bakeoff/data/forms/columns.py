"""One column of a table and the numbers it becomes: a number, a category or a date.

Each kind is a frozen record that was learned from the training rows and can be written as JSON. `encode` gives one
Float32 column per feature, never missing, for any rows of the same column.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bakeoff.data.forms.cells.dates import DATE_SHARE, DateForm, date_form_of
from bakeoff.data.forms.cells.missing import is_missing_word
from bakeoff.data.forms.cells.numbers import LEAST_NUMBER_SHARE, NUMBER_SHARE, PLAIN, NumberForm
from bakeoff.data.forms.cells.reading import Form
from bakeoff.data.forms.written import TRUTH, UNKNOWN_TRUTH, as_known_words
from bakeoff.data.scaling import needs_centring
from bakeoff.errors import DataError, printable
from bakeoff.system.json_records import record_of

#: A category has one feature for each of this many most frequent values, and one for all others.
MOST_CATEGORIES = 32
_DATE_PARTS = ("days", "year", "month", "day", "weekday", "hour")


@dataclass(frozen=True, kw_only=True)
class NumberColumn:
    """A column of numbers.

    Attributes:
        name: of the column.
        median: of the training rows, by which missing values are replaced.
        flag: whether there is a second feature, 1 where the value is missing (where training rows have missing values).
        truth: whether training rows held truth values, which are 1 and 0.
        offset: is subtracted in float64, so that float32 keeps what is below 1e-7 of a large offset (seconds since
            1970); 0 where float32 loses nothing that matters.
        form: how the numbers were written where that is not plainly; new cells are read so.
    """

    name: str
    median: float
    flag: bool
    truth: bool = False
    offset: float = 0.0
    form: NumberForm | None = None

    @property
    def features(self) -> tuple[str, ...]:
        return (self.name, f"{self.name} is missing") if self.flag else (self.name,)

    def encode(self, column: pl.Series) -> list[pl.Series]:
        if self.truth:
            numbers = as_truth(column, where_from=self.name)
        else:
            numbers = as_numbers(column, self.form, where_from=self.name)
        features = [(numbers.fill_null(self.median) - self.offset).cast(pl.Float32)]
        return [*features, numbers.is_null().cast(pl.Float32)] if self.flag else features


@dataclass(frozen=True, kw_only=True)
class CategoryColumn:
    """One 0/1 feature for each of `categories`, and one for any other (or missing) value.

    Of more than `MOST_CATEGORIES` categories in training the most frequent ones have a feature. The feature "(other)"
    always exists, since new data may have values that the training rows do not have.
    """

    name: str
    categories: tuple[str, ...]
    flag: bool

    @property
    def features(self) -> tuple[str, ...]:
        names = (*(f"{self.name} = {category}" for category in self.categories), f"{self.name} = (other)")
        return (*names, f"{self.name} is missing") if self.flag else names

    def encode(self, column: pl.Series) -> list[pl.Series]:
        words = as_words(column)
        if column.dtype != pl.String:
            words = as_known_words(words, self.categories)
        features = [(words == category).fill_null(False).cast(pl.Float32) for category in self.categories]
        known = words.is_in(list(self.categories)).fill_null(False)
        other = ~known & words.is_not_null() if self.flag else ~known
        features.append(other.cast(pl.Float32))
        return [*features, words.is_null().cast(pl.Float32)] if self.flag else features


@dataclass(frozen=True, kw_only=True)
class DateColumn:
    """The parts of a date that differ in training: days since an origin, year, month, day, weekday (1 Monday), hour.

    Attributes:
        name: of the column.
        format: the name of the form in which the dates are written (`cells.dates.PATTERNS`); None where the column
            held dates and no words.
        parts: that differ. medians: of each, by which missing values are replaced.
        flag: whether there is a feature that is 1 where the value is missing.
        origin: days since 1970 that are subtracted, so that float32 keeps the seconds.
        clock_minutes: how far the clock is ahead of UTC in which cells with an offset are read.
    """

    name: str
    format: str | None
    parts: tuple[str, ...]
    medians: tuple[float, ...]
    flag: bool
    origin: float = 0.0
    clock_minutes: int | None = None

    @property
    def form(self) -> DateForm | None:
        """How the dates are written; None where they were no words."""
        return None if self.format is None else DateForm(name=self.format, clock_minutes=self.clock_minutes)

    def __post_init__(self) -> None:
        if len(self.parts) != len(self.medians) or not set(self.parts) <= set(_DATE_PARTS):
            raise ValueError("the parts of a date are not those that there are")
        if self.format is not None:
            DateForm(name=self.format)  # raises ValueError where there is no such form

    @property
    def features(self) -> tuple[str, ...]:
        names = tuple(f"{self.name}: {part}" for part in self.parts)
        return (*names, f"{self.name} is missing") if self.flag else names

    def encode(self, column: pl.Series) -> list[pl.Series]:
        dates = as_dates(column, self.form, where_from=self.name)
        features = [
            _date_part(dates, part, self.origin).fill_null(median).cast(pl.Float32)
            for part, median in zip(self.parts, self.medians, strict=True)
        ]
        return [*features, dates.is_null().cast(pl.Float32)] if self.flag else features


Column = NumberColumn | CategoryColumn | DateColumn


def is_read_as_words(column: Column) -> bool:
    """Whether training had words here (or truth values), so that new cells must be read as they are written."""
    if isinstance(column, DateColumn):
        return column.format is not None
    return isinstance(column, CategoryColumn) or column.truth or column.form is not None


_KINDS: dict[str, type[Any]] = {kind.__name__: kind for kind in (NumberColumn, CategoryColumn, DateColumn)}


def column_to_json(column: Column) -> dict[str, Any]:
    return {"column": type(column).__name__, **asdict(column)}


def column_from_json(record: dict[str, Any]) -> Column:
    """Raises `ValueError`, `KeyError` or `AttributeError` where it is none."""
    fields = dict(record)
    column: Column = record_of(_KINDS[str(fields.pop("column"))], fields)
    return column


def learn_column(train: pl.Series, form: Form | None = None) -> Column | None:
    """The encoding of this column, learned from its training rows only; None where it is constant there.

    Args:
        form: in which numbers or dates are written in the whole column.
    """
    if isinstance(form, DateForm) or (
        train.dtype.is_temporal() and train.dtype not in (pl.Duration, pl.Time)
    ):
        return _learn_date(train, form if isinstance(form, DateForm) else None)
    if form is not None or train.dtype.is_numeric() or train.dtype in (pl.Boolean, pl.Duration, pl.Time):
        return _learn_number(train, form)
    return _learn_category(as_words(train))


def as_numbers(
    column: pl.Series, form: NumberForm | None = None, *, where_from: str, share: float | None = None
) -> pl.Series:
    """Float64, missing values as null.

    Args:
        form: in which words are numbers; the plain one if none is given.
        share: of the words that must be numbers; words for "missing" do not count.

    Raises:
        DataError: an infinite value, or too few of the words are numbers.
    """
    if column.dtype == pl.Duration:
        return column.dt.total_microseconds().cast(pl.Float64) / 1e6
    if column.dtype == pl.Time:
        return column.cast(pl.Int64).cast(pl.Float64) / 1e9
    if column.dtype.is_temporal():
        raise DataError(f"The column '{printable(where_from)}' holds dates where training had numbers.")
    if column.dtype == pl.Null:
        return column.cast(pl.Float64)
    if not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
        words = as_words(column)
        numbers = (form or PLAIN).read(words)
        lost = ~is_missing_word(words) & numbers.is_null()
        if share is None:
            share = NUMBER_SHARE if form is None else LEAST_NUMBER_SHARE
        if lost.sum() > (1 - share) * max(int(words.is_not_null().sum()), 1):
            row = int(lost.arg_true()[0])
            raise DataError(
                f"The column '{printable(where_from)}' held numbers in training, and row {row + 1} of the new data has "
                f"'{printable(str(words[row]))}': give numbers, or leave the cell empty where it is not known."
            )
    else:
        numbers = column.cast(pl.Float64)
    numbers = numbers.fill_nan(None)
    bad = numbers.is_infinite().fill_null(False) | (numbers.abs() > 3e38).fill_null(False)
    if bad.any():
        row = int(bad.arg_true()[0])
        raise DataError(
            f"The column '{printable(where_from)}' has {numbers[row]} in row {row + 1} ({int(bad.sum())} such values); "
            "networks need finite numbers: correct it, or leave the cell empty where the value is not known."
        )
    return numbers


def as_truth(column: pl.Series, *, where_from: str) -> pl.Series:
    """Float64, 1 where true and 0 where false; missing and unknown values as null.

    Raises:
        DataError: a value is neither; the message names its row.
    """
    if column.dtype == pl.Boolean:
        return column.cast(pl.Float64)
    words = as_words(column).str.strip_chars().str.to_lowercase()
    words = pl.select(pl.when(words.is_in(list(UNKNOWN_TRUTH))).then(None).otherwise(words)).to_series()
    truth = words.replace_strict(TRUTH, default=None, return_dtype=pl.Float64)
    lost = words.is_not_null() & truth.is_null()
    if lost.any():
        row = int(lost.arg_true()[0])
        raise DataError(
            f"The column '{printable(where_from)}' held true and false in training, and row {row + 1} of the new data "
            f"has '{printable(str(column[row]))}': give one of them, or leave the cell empty where it is not known."
        )
    return truth


def as_words(column: pl.Series) -> pl.Series:
    """Strings, missing values as null; whole floats without their ".0", so that 1 and 1.0 are the same category."""
    if column.dtype == pl.String:
        return column
    if column.dtype.is_nested() or column.dtype == pl.Binary:
        raise DataError(
            f"The column '{printable(column.name)}' holds {column.dtype}, which is neither a word nor a number nor a "
            "date: name another column, or write its parts in columns of their own."
        )
    if column.dtype.is_float():
        present = column.drop_nulls().drop_nans()
        if len(present) and (present == present.round(0)).all() and (present.abs() < 1e15).all():
            column = column.fill_nan(None).cast(pl.Int64, strict=False)
    return column.cast(pl.String, strict=False)


def as_dates(column: pl.Series, form: DateForm | None, *, where_from: str) -> pl.Series:
    """Datetimes without a zone (microseconds), missing values as null.

    Args:
        form: in which the dates are written; where it is None, or reads nearly nothing, it is sought in the column.

    Raises:
        DataError: nothing in the column is a date.
    """
    if column.dtype.is_temporal() and column.dtype not in (pl.Duration, pl.Time):
        if isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone is not None:
            column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return column.cast(pl.Datetime("us"))
    if column.dtype == pl.Null:
        return column.cast(pl.Datetime("us"))
    words = as_words(column)
    filled = words.filter(~is_missing_word(words))
    found = form if form is not None and _reads(form, filled) else date_form_of(words)
    if found is not None or len(filled) == 0:
        return (found or DateForm(name="ymd")).read(words)
    raise DataError(
        f"The column '{printable(where_from)}' should hold dates, and has '{printable(str(filled[0]))}': "
        "write them as 2024-03-05."
    )


def _reads(form: DateForm, filled: pl.Series) -> bool:
    return form.read(filled).null_count() <= (1 - DATE_SHARE) * len(filled)


def _learn_number(train: pl.Series, form: NumberForm | None) -> NumberColumn | None:
    numbers = as_numbers(train, form, where_from=train.name, share=0.0)
    filled = numbers.drop_nulls()
    flag = numbers.null_count() > 0
    if len(filled) == 0 or (filled.n_unique() == 1 and not flag):
        return None
    median = filled.median()
    assert isinstance(median, int | float)
    return NumberColumn(
        name=train.name,
        median=float(median),
        flag=flag,
        truth=train.dtype == pl.Boolean,
        offset=float(median) if needs_centring(filled.to_numpy()) else 0.0,
        form=form,
    )


def _learn_date(train: pl.Series, form: DateForm | None) -> DateColumn | None:
    dates = as_dates(train, form, where_from=train.name)
    if dates.null_count() == len(dates):
        return None
    origin = float(str(_date_part(dates, "days").median()))
    columns = {part: _date_part(dates, part, origin) for part in _DATE_PARTS}
    varying = {
        part: column.drop_nulls() for part, column in columns.items() if column.drop_nulls().n_unique() > 1
    }
    if not varying:
        return None
    medians = [column.median() for column in varying.values()]
    return DateColumn(
        name=train.name,
        format=None if form is None else form.name,
        parts=tuple(varying),
        medians=tuple(float(str(median)) for median in medians),
        flag=dates.null_count() > 0,
        origin=origin,
        clock_minutes=None if form is None else form.clock_minutes,
    )


def _date_part(dates: pl.Series, part: str, origin: float = 0.0) -> pl.Series:
    if part == "days":
        return dates.dt.epoch("us").cast(pl.Float64) / 86400e6 - origin
    value: pl.Series = getattr(dates.dt, part)()
    return value.cast(pl.Float64)


def _learn_category(words: pl.Series) -> CategoryColumn | None:
    filled = words.drop_nulls()
    flag = len(filled) < len(words)
    if len(filled) == 0 or (filled.n_unique() == 1 and not flag):
        return None
    counts = (
        filled.rename("word").value_counts(name="count").sort(["count", "word"], descending=[True, False])
    )
    frequent = counts["word"].head(MOST_CATEGORIES).to_list()
    return CategoryColumn(name=words.name, categories=tuple(sorted(frequent)), flag=flag)


def feature_names(columns: Sequence[Column]) -> tuple[str, ...]:
    """The names of all features, in the order of the encoded numbers."""
    return tuple(name for column in columns for name in column.features)


def first_of_each(frame: pl.DataFrame) -> NDArray[np.int64]:
    """For each row the number of the first one that equals it (by a hash of 64 bits)."""
    hashes = frame.hash_rows().to_numpy()
    _, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
    return first.astype(np.int64)[inverse.reshape(-1)]
