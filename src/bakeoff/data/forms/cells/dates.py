r"""Dates as people write them: a table of patterns, one of which must read nearly the whole column.

Each pattern finds the parts of a date; a time of day, "AM" or "오후" and an offset from UTC may follow any of them.
Two-digit years are 1969 to 2068, as POSIX has them.
"""

import re
from dataclasses import dataclass

import polars as pl

from bakeoff.data.forms.cells.missing import is_missing_word
from bakeoff.data.forms.cells.months import AFTERNOON, ERAS, MONTHS, MORNING, ZONES
from bakeoff.data.forms.cells.numbers import evenly

#: A column holds dates where at least this share of its cells with a value are; the rest count as missing.
DATE_SHARE = 0.9
#: Cells that are tried before the whole column is.
_SAMPLE, _LARGER_SAMPLE = 500, 20_000
#: Months in which one day alone occurs, as in a column of months' first days.
_FEWEST_MONTHS = 3
_FIRST_YEAR = 69  # of two digits; those below it are of this century

_YEAR, _MONTH, _DAY = r"(?P<year>[12][0-9]{3})", r"(?P<month>[0-9]{1,2})", r"(?P<day>[0-9]{1,2})"
_SHORT = r"(?P<year>[0-9]{2})"
_EITHER = r"(?P<year>[12][0-9]{3}|[0-9]{2})"
_NAME = r"(?P<name>\p{L}{3,10})\.?"
_WEEKDAY = r"(?:\p{L}{2,10}\.?,?\s+)?"
_SEP = r"\s?[-/.]\s?"
_TIME = (
    r"(?P<early>(?i:am|pm|오전|오후|午前|午後|上午|下午))?\s*(?P<hour>[0-9]{1,2})"
    r"(?:(?::|\s?[시時时h]\s?)(?P<minute>[0-9]{1,2})(?:(?::|[분分]?\s?)(?P<second>[0-9]{2})[초秒]?(?:[.,](?P<fraction>[0-9]{1,9}))?)?)?"
    r"\s?[시時时분分h]?\s*(?P<late>(?i:[ap]\.?m\.?))?"
    rf"\s*(?P<offset>Z|{'|'.join(ZONES)}|(?:UTC|GMT)?[+-][0-9]{{2}}(?::?[0-9]{{2}})?)?(?:\[[\w/]+\])?"
)
_CLOCK = rf"\s*{_TIME}(?:\s?Uhr)?"
_TAIL = rf"(?:(?:\s*T|:|[\s,]+(?:at\s|um\s|à\s)?){_CLOCK})?"
_MONTH_AND_DAY = (
    r"\s*[년年]\s*(?P<month>[0-9]{1,2})\s*[월月](?:\s*(?P<day>[0-9]{1,2})\s*[일日])?"
    r"(?:\s*\(\p{L}+\)|\s*\p{L}(?:요일|曜日))?"
)
#: Name -> pattern without a time of day; the likelier one first where a column can be read in several ways.
DATE_FORMS = {
    "ymd": rf"{_YEAR}{_SEP}{_MONTH}{_SEP}{_DAY}\.?(?:\s?\(\p{{L}}+\))?",
    "dmy": rf"{_DAY}{_SEP}{_MONTH}{_SEP}{_YEAR}",
    "mdy": rf"{_MONTH}{_SEP}{_DAY}{_SEP}{_YEAR}",
    "dmy2": rf"{_DAY}{_SEP}{_MONTH}{_SEP}{_SHORT}",
    "mdy2": rf"{_MONTH}{_SEP}{_DAY}{_SEP}{_SHORT}",
    "ymd2": rf"{_SHORT}{_SEP}{_MONTH}{_SEP}{_DAY}",
    "day month year": rf"{_WEEKDAY}{_DAY}(?:st|nd|rd|th|er|\.)?[\s/-]*(?:of\s+|de\s+)?{_NAME},?"
    rf"(?:\s+de)?[\s/-]*{_EITHER}",
    "month day year": rf"{_WEEKDAY}{_NAME}\s*{_DAY}(?:st|nd|rd|th)?,?\s+{_YEAR}",
    "year month day": rf"{_YEAR}[\s-]+{_NAME}[\s-]+{_DAY}",
    "month year": rf"{_NAME}[\s/,-]*{_EITHER}",
    "cjk": rf"{_EITHER}{_MONTH_AND_DAY}",
    "era": rf"(?P<era>{'|'.join(ERAS)})\s*(?P<year>[0-9]{{1,2}}|元){_MONTH_AND_DAY}",
    "quarter": rf"{_YEAR}\s?[-/.]?\s?Q(?P<quarter>[1-4])",
    "quarter year": rf"Q(?P<quarter>[1-4])[\s/.'’-]{{0,2}}{_EITHER}",
    "of quarter": r"(?P<quarter>[1-4])(?:\s?Q|\.?\s?Quart(?:al|er)|(?:st|nd|rd|th) [Qq]uarter)"
    rf"(?:\s?of)?[\s/.'’-]{{0,2}}{_EITHER}",
    "cjk quarter": r"(?P<year>[12][0-9]{3})\s*년?\s*(?P<quarter>[1-4])\s*(?:분기|四半期|季度)",
    "week": rf"{_YEAR}-?\s?W(?P<week>[0-9]{{1,2}})(?:-?(?P<weekday>[1-7]))?",
    "compact": r"(?P<year>(?:19|20)[0-9]{2})(?P<month>[0-9]{2})(?P<day>[0-9]{2})",
    "ym": rf"{_YEAR}\s?[-/]\s?{_MONTH}",
    "my": rf"{_MONTH}\s?[-/.]\s?{_YEAR}",
    "yyyymm": r"(?P<year>(?:19|20)[0-9]{2})(?P<month>[0-9]{2})",
}
#: Patterns that hold the time themselves, or are a time of day alone (of the first day of 1970).
_WHOLE = {
    "ctime": rf"\p{{L}}{{3}}\s+{_NAME}\s+{_DAY}\s+{_TIME}\s+{_YEAR}",
    "compact time": rf"{DATE_FORMS['compact']}[T\s_-]?(?P<hour>[0-9]{{2}})(?::?(?P<minute>[0-9]{{2}})"
    r"(?::?(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]{1,6}))?)?)?\s?(?P<offset>Z|[+-][0-9]{2}:?[0-9]{2})?",
    "time": r"(?P<early>(?i:오전|오후|午前|午後|上午|下午))?\s*(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?\s*(?P<late>(?i:[ap]\.?m\.?))?",
}
_NO_TIME = (
    *_WHOLE,
    "compact",
    "quarter",
    "quarter year",
    "of quarter",
    "cjk quarter",
    "week",
    "ym",
    "my",
    "yyyymm",
    "month year",
)


def _tail_of(name: str) -> str:
    if name in _NO_TIME:
        return ""
    return rf"(?:T?{_CLOCK})?" if name in ("cjk", "era") else _TAIL


PATTERNS = {name: rf"^(?:{pattern}){_tail_of(name)}$" for name, pattern in {**DATE_FORMS, **_WHOLE}.items()}
#: Which parts come first -> forms of that order.
ORDERS = {"dmy": ("dmy", "dmy2"), "mdy": ("mdy", "mdy2"), "ymd": ("ymd", "ymd2")}
_NUMERIC = tuple(name for names in ORDERS.values() for name in names)
_PARTS = ("year", "month", "day", "hour", "minute", "second", "fraction", "early", "late", "offset", "name")
_PADDED = {"ymd": ("%Y", "%m", "%d"), "dmy": ("%d", "%m", "%Y"), "mdy": ("%m", "%d", "%Y")}
_HOURS = "[0-9]{2}:[0-9]{2}"
_PADDED_TIMES = (
    ("", ""),
    (f" {_HOURS}", " %H:%M"),
    (f"T{_HOURS}", "T%H:%M"),
    (f" {_HOURS}:[0-9]{{2}}", " %H:%M:%S"),
    (f"T{_HOURS}:[0-9]{{2}}", "T%H:%M:%S"),
)
_LOOKS = (
    r"[0-9]{1,4}\s?[-/.년年\s]\s?(?:[0-9]{1,2}|\p{L}{3,9})\s?[-/.월月,\s]\s?[0-9]{1,4}(?:\b|[일日])"
    r"|\b[0-9]{1,2}:[0-9]{2}\b"
)
_ADDRESS = r"^[0-9]{1,3}(?:\.[0-9]{1,3}){3}$"


@dataclass(frozen=True, kw_only=True)
class DateForm:
    """How the dates of a column are written.

    Attributes:
        name: of the pattern, a key of `PATTERNS`.
        ambiguous: the name of another one that reads the column as well, or "".
        clock_minutes: how far the clock is ahead of UTC in which the column is read, where its cells have offsets: the
            one that all have, else 0 (UTC); None where they have none.
    """

    name: str
    ambiguous: str = ""
    clock_minutes: int | None = None

    def __post_init__(self) -> None:
        unknown = {self.name, self.ambiguous or self.name} - set(PATTERNS)
        if unknown:  # so says a damaged record, or one of another version
            raise ValueError(f"dates are written in no form called {unknown.pop()!r}")

    def read(self, words: pl.Series) -> pl.Series:
        """Datetimes (microseconds) by the column's clock, null where a word is no date of this form.

        >>> DateForm(name="cjk").read(pl.Series(["2023년 1월 5일 오후 2:30"]))[0].isoformat()
        '2023-01-05T14:30:00'
        """
        local, ahead = read_parts(words, self.name)
        if self.clock_minutes is None:
            return local
        shift = (pl.lit(self.clock_minutes) - pl.col("ahead")).fill_null(0)
        return (
            pl.DataFrame({"local": local, "ahead": ahead})
            .select((pl.col("local") + pl.duration(minutes=shift)).alias(words.name))
            .to_series()
        )


def date_form_of(words: pl.Series, *, order: str | None = None) -> DateForm | None:
    """The form in which nearly all cells of a column are dates, or None.

    Args:
        words: the cells, missing ones as null.
        order: "dmy", "mdy" or "ymd" where the user says which part comes first; "off" for no dates.

    >>> date_form_of(pl.Series(["1/5/2023", "1/25/2023"]))
    DateForm(name='mdy', ambiguous='', clock_minutes=None)
    """
    filled = words.filter(~is_missing_word(words)).drop_nulls()
    if len(filled) == 0 or order == "off":
        return None
    forms = [name for name in PATTERNS if order is None or name not in _NUMERIC or name in ORDERS[order]]
    for most in (_SAMPLE, _LARGER_SAMPLE):
        sample = evenly(filled, most)
        forms = [name for name in forms if _is_read(sample, name)]
    if len(forms) == 1:  # nothing is left to decide by the whole column
        filled = evenly(filled, _LARGER_SAMPLE)
    found = {name: read_parts(filled, name) for name in forms}
    shares = {name: len(local) - local.null_count() for name, (local, _) in found.items()}
    best = max(shares.values(), default=0)
    if best < DATE_SHARE * len(filled):
        return None
    tied = [name for name, count in shares.items() if count == best]
    chosen = min(tied, key=lambda name: _rank(name, found[name][0], filled))
    other = next((name for name in tied if name != chosen and name in _NUMERIC and chosen in _NUMERIC), "")
    return DateForm(name=chosen, ambiguous=other, clock_minutes=_clock(found[chosen][1]))


def looks_like_dates(words: pl.Series) -> bool:
    """Whether most cells have parts as a date or a time of day has them, readable or not."""
    filled = evenly(words.drop_nulls(), _SAMPLE)
    looks = filled.str.contains(_LOOKS) & ~filled.str.contains(_ADDRESS)
    return len(filled) > 0 and int(looks.sum()) > 0.5 * len(filled)


def read_parts(words: pl.Series, form: str) -> tuple[pl.Series, pl.Series]:
    """Local datetimes (microseconds), and how many minutes ahead of UTC each clock is where the cell says so."""
    if (plain := _uniform_format(words, form)) is not None:
        days_alone = "%H" not in plain
        read = (
            words.str.to_date(plain, strict=False)
            if days_alone
            else words.str.to_datetime(plain, strict=False)
        )
        return read.cast(pl.Datetime("us")), pl.Series("ahead", [None] * len(words), pl.Int32)
    distinct = words.unique()
    if 2 * len(distinct) > len(words):
        return _read_parts(words, form)
    local, ahead = _read_parts(distinct, form)
    table = pl.DataFrame({"word": distinct, "local": local, "ahead": ahead})
    found = pl.DataFrame({"word": words}).join(table, on="word", how="left", join_nulls=True)
    return found["local"].alias(words.name), found["ahead"]


def _read_parts(words: pl.Series, form: str) -> tuple[pl.Series, pl.Series]:
    parts = words.str.strip_chars().str.extract_groups(PATTERNS[form]).struct.unnest()
    missing = [pl.lit(None, pl.String).alias(name) for name in _PARTS if name not in parts.columns]
    table = parts.with_columns(missing)
    read = table.select(_date(table.columns) + _time_of_day(), _minutes_ahead().alias("ahead"))
    return read.to_series(0).alias(words.name), read.to_series(1)


def _uniform_format(words: pl.Series, form: str) -> str | None:
    """A format of strptime where all cells have their digits in the same places: that is read ten times as fast."""
    filled = words.drop_nulls()
    if form not in _PADDED or len(filled) == 0:
        return None
    first = str(filled[0])
    for pattern, time_format in _PADDED_TIMES:
        for sign in "-./":
            shape = sign.join("[0-9]{4}" if part == "%Y" else "[0-9]{2}" for part in _PADDED[form])
            whole = f"^{shape.replace('.', '[.]')}{pattern}$"
            if re.match(whole, first) and bool(filled.str.contains(whole).all()):
                return sign.join(_PADDED[form]) + time_format
    return None


def _date(parts: list[str]) -> pl.Expr:
    year = pl.col("year").str.replace("元", "1").cast(pl.Int32)
    if "era" in parts:
        year += pl.col("era").replace_strict(ERAS, default=None, return_dtype=pl.Int32)
    is_short = (pl.col("year").str.len_chars() == 2) & (year < 100)
    year = (
        pl.when(is_short & (year < _FIRST_YEAR))
        .then(year + 2000)
        .when(is_short)
        .then(year + 1900)
        .otherwise(year)
    )
    if "year" in parts and "week" in parts:
        fourth = pl.date(year, 1, 4)
        week, weekday = pl.col("week").cast(pl.Int32), pl.col("weekday").cast(pl.Int32).fill_null(1)
        days = (week - 1) * 7 + weekday - fourth.dt.weekday()
        return pl.when(week.is_between(1, 53)).then(fourth + pl.duration(days=days)).cast(pl.Datetime("us"))
    named = pl.col("name").str.to_lowercase().replace_strict(MONTHS, default=None, return_dtype=pl.Int32)
    month = named.fill_null(pl.col("month").cast(pl.Int32))
    if "quarter" in parts:
        month = pl.col("quarter").cast(pl.Int32) * 3 - 2
    is_time = pl.col("year").is_null() & pl.col("hour").is_not_null()
    year, month = pl.when(is_time).then(1970).otherwise(year), pl.when(is_time).then(1).otherwise(month)
    return pl.datetime(year, month, pl.col("day").cast(pl.Int32).fill_null(1), time_unit="us")


def _time_of_day() -> pl.Expr:
    hour = pl.col("hour").cast(pl.Int32).fill_null(0)
    half = pl.coalesce("early", "late").str.to_lowercase().str.replace_all(".", "", literal=True)
    is_twelve = half.is_not_null() & hour.is_between(1, 12)
    hour = (
        pl.when(is_twelve & half.is_in(list(MORNING))).then(hour % 12)
        .when(is_twelve & half.is_in(list(AFTERNOON))).then(hour % 12 + 12)
        .when(half.is_null()).then(hour)
        .otherwise(None)
    )  # fmt: skip
    minute, second = (pl.col(part).cast(pl.Int32).fill_null(0) for part in ("minute", "second"))
    micros = pl.col("fraction").str.pad_end(6, "0").str.slice(0, 6).cast(pl.Int32).fill_null(0)
    good = hour.is_between(0, 23) & minute.is_between(0, 59) & second.is_between(0, 60)
    return pl.when(good).then(pl.duration(hours=hour, minutes=minute, seconds=second, microseconds=micros))


def _minutes_ahead() -> pl.Expr:
    zone = pl.col("offset").replace(ZONES)
    digits = zone.str.replace_all(r"UTC|GMT|:", "").str.replace("Z", "+00")
    ahead = digits.str.slice(1, 2).cast(pl.Int32) * 60 + digits.str.slice(3, 2).cast(
        pl.Int32, strict=False
    ).fill_null(0)
    return pl.when(digits.str.starts_with("-")).then(-ahead).otherwise(ahead)


def _is_read(filled: pl.Series, form: str) -> bool:
    local, _ = read_parts(filled, form)
    return local.null_count() <= (1 - DATE_SHARE) * len(filled)


def _rank(name: str, dates: pl.Series, filled: pl.Series) -> tuple[int, int, int]:
    """Likelier is what has fewer years, then what has one day of all months, then what fits the separator's habit."""
    days = dates.dt.day().drop_nulls().n_unique()
    months = dates.dt.month().drop_nulls().n_unique()
    slashed = name.startswith("mdy") == bool(filled.head(1).str.contains("/")[0])
    return (
        dates.dt.year().n_unique(),
        int(days > 1 or months < _FEWEST_MONTHS),
        int(name in _NUMERIC and not slashed),
    )


def _clock(ahead: pl.Series) -> int | None:
    known = ahead.drop_nulls()
    if len(known) == 0:
        return None
    return int(known[0]) if known.n_unique() == 1 and len(known) == len(ahead) else 0
