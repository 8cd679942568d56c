r"""Numbers as people write them, decided for a whole column: which sign is the decimal one and which groups digits.

One pattern takes a cell apart, and one table holds the ways to write its digits:

    1234.5   1234,5   1,234.5   12,34,567   1.234,5   1 234,5 (also U+00A0, U+2009, U+202F)   1'234.5 (also U+2019)

each with a sign in front ("-", "+", U+2212), in accounting brackets or behind, an exponent, a currency before or after,
and a unit or "%" after, which must be the same in the whole column. 5 % is read as 5: the unit is the column's.
"""

import re
from dataclasses import dataclass

import polars as pl

from bakeoff.data.forms.cells.missing import is_missing_word

#: A column holds numbers where at least this share of its cells with a value are; the rest count as missing.
NUMBER_SHARE = 0.9
#: Or where at least this share are, with more different numbers than a category has values ...
LEAST_NUMBER_SHARE = 0.5
MOST_CODES = 32
#: ... and no more different words among them than these.
MOST_ODD_WORDS = 5
#: Of so many numbers with a point, all with three digits after it beside whole ones, the point groups digits.
_FEWEST_GROUPED = 10
#: Cells that are tried before the whole column is.
_SAMPLE = 20_000

_CURRENCIES = "USD|EUR|GBP|JPY|KRW|CNY|CHF|AUD|CAD|INR|SEK|NOK|DKK|PLN|CZK|HUF|BRL|MXN|RUB|TRY"
_BEFORE = rf"(?:US|AU?|CA?|HK|NZ|SG?|NT|R)?\p{{Sc}}|(?:{_CURRENCIES})\b|Fr\.|kr\.?|Rs\.?"
_AFTER = r"[%‰\p{Sc}°\p{L}][\p{L}[0-9]²³°/·.]{0,9}"
_CELL = (
    rf"^(?P<open>\()?\s*(?P<sign>[+-])?\s*(?P<before>{_BEFORE})?\s*(?P<inner>[+-]|\()?\s*"
    r"(?P<digits>[0-9](?:[[0-9].,' ]*[[0-9].,])?|[.,][0-9]+)(?P<exponent>[eE][+-]?[0-9]+)?"
    rf"\s*(?P<shut>\))?\s*(?P<after>{_AFTER})?\s*(?P<behind>-)?\s*(?P<close>\))?$"
)
_GROUPS = {
    "": r"[0-9]+",
    ",": r"(?:[1-9][0-9]{0,2}(?:,[0-9]{2,3})*,[0-9]{3}|[0-9]+)",
    ".": r"(?:[1-9][0-9]{0,2}(?:\.[0-9]{3})+|[0-9]+)",
    " ": r"(?:[1-9][0-9]{0,2}(?: [0-9]{3})+|[0-9]+)",
    "'": r"(?:[1-9][0-9]{0,2}(?:'[0-9]{3})+|[0-9]+)",
}
#: (thousands, decimal), the likelier one first where a column can be read in several ways.
DIGIT_FORMS = (
    ("", "."),
    (",", "."),
    ("", ","),
    (".", ","),
    (" ", ","),
    (" ", "."),
    ("'", "."),
    ("'", ","),
)
_DECIMALS = {"point": ".", "comma": ","}


@dataclass(frozen=True, kw_only=True)
class NumberForm:
    """How the numbers of a column are written.

    Attributes:
        thousands: the sign that groups digits ("" where there is none; " " stands for all kinds of blanks).
        decimal: the sign before the fraction.
        before, after: the currency or unit that stands there, "" for none. Cells without it are numbers too.
        ambiguous: the other (thousands, decimal) that would read the column as well, or "".
    """

    thousands: str = ""
    decimal: str = "."
    before: str = ""
    after: str = ""
    ambiguous: str = ""

    @property
    def is_plain(self) -> bool:
        return (self.thousands, self.decimal, self.before, self.after) == ("", ".", "", "")

    def read(self, words: pl.Series) -> pl.Series:
        """Float64, null where a word is no number of this form.

        >>> NumberForm(thousands=".", decimal=",", after="€").read(pl.Series(["1.299,50 €", "−3", "?"])).to_list()
        [1299.5, -3.0, None]
        """
        text = words.str.strip_chars()
        bare = text.str.contains(_pattern(self.thousands, self.decimal, sign="[+-]?")).fill_null(False)
        found = pl.select(pl.when(bare).then(self._plain(text))).to_series().cast(pl.Float64, strict=False)
        rest = (~bare & words.is_not_null()).arg_true()
        if len(rest):
            found = found.scatter(rest, self._value(_parts(words[rest])))
        return found.alias(words.name)

    def shown(self) -> str:
        """How one thousand two hundred and thirty-four and a half is written in this form."""
        return f"{self.before}1{self.thousands}234{self.decimal}5{' ' * bool(self.after)}{self.after}"

    def _plain(self, digits: pl.Series) -> pl.Series:
        number = digits if not self.thousands else digits.str.replace_all(self.thousands, "", literal=True)
        return number if self.decimal == "." else number.str.replace(self.decimal, ".", literal=True)

    def _value(self, parts: pl.DataFrame) -> pl.Series:
        digits = pl.col("digits")
        number = self._plain(parts["digits"]) + parts["exponent"].fill_null("")
        parts = parts.with_columns(number.cast(pl.Float64, strict=False).alias("value"))
        value = pl.col("value")
        opened = (pl.col("open") == "(").fill_null(False) ^ (pl.col("inner") == "(").fill_null(False)
        closed = pl.col("close").is_not_null() ^ pl.col("shut").is_not_null()
        minus = sum(
            ((pl.col(sign) == "-").fill_null(False).cast(pl.Int8) for sign in ("sign", "inner", "behind")),
            (opened & closed).cast(pl.Int8),
        )
        good = (
            digits.str.contains(_pattern(self.thousands, self.decimal))
            & pl.col("before").fill_null("").is_in(["", self.before])
            & pl.col("after").fill_null("").is_in(["", self.after])
            & (opened == closed)
            & (minus <= 1)
        )
        signed = pl.when(minus == 1).then(-value).otherwise(value)
        return parts.select(pl.when(good).then(signed).otherwise(None).alias("number")).to_series()


PLAIN = NumberForm()


def number_form_of(words: pl.Series, *, decimal: str | None = None) -> NumberForm | None:
    """The form in which nearly all cells of a column are numbers, or None where it holds no numbers.

    Args:
        words: the cells, missing ones as null.
        decimal: "comma" or "point" where the user says which sign it is.

    >>> number_form_of(pl.Series(["21,35", "3,5", "-"]))
    NumberForm(thousands='', decimal=',', before='', after='', ambiguous='')
    """
    filled = words.filter(~is_missing_word(words)).drop_nulls()
    if len(filled) == 0:
        return None
    form = _form(evenly(filled, _SAMPLE), decimal)
    if form is None or len(filled) <= _SAMPLE:
        return form
    if form.ambiguous or form.is_plain:  # a single cell of the whole column may decide
        form = _form(filled.filter(filled.str.contains(r"[^0-9]")), decimal) or form
    return form if _holds_numbers(filled, form.read(filled)) else None


def evenly(values: pl.Series, most: int) -> pl.Series:
    """At most so many of the values, evenly spread."""
    return values.gather_every(-(-len(values) // most)) if len(values) > most else values


def reads_either_way(numbers: pl.Series) -> bool:
    """Whether these decimals may be whole numbers whose thousands were grouped with a point: 1.234 beside 999."""
    filled = numbers.drop_nulls()
    if len(filled) == 0 or filled.abs().max() >= 1000:  # type: ignore[operator]
        return False
    thousandfold = filled * 1000
    whole = filled == filled.round(0)
    is_exact = (thousandfold - thousandfold.round(0)).abs() < 1e-6
    return bool(is_exact.all() and whole.any() and not whole.all())


def _form(filled: pl.Series, decimal: str | None) -> NumberForm | None:
    parts = _parts(filled)
    before, after = _most_frequent(parts["before"]), _most_frequent(parts["after"])
    digits = parts["digits"].drop_nulls()
    wanted = _DECIMALS.get(decimal or "")
    counts = {
        signs: int(digits.str.contains(_pattern(*signs)).sum())
        for signs in DIGIT_FORMS
        if wanted in (None, signs[1])
    }
    best = max(counts.values())
    if best < LEAST_NUMBER_SHARE * len(filled) or best == 0:
        return None
    tied = [signs for signs, count in counts.items() if count == best]
    if parts["exponent"].is_not_null().any():  # 1,234E+02: beside a power of ten nobody groups digits
        tied = [signs for signs in tied if not signs[0]] or tied
    chosen, other = _decided(tied, digits)
    form = NumberForm(thousands=chosen[0], decimal=chosen[1], before=before, after=after, ambiguous=other)
    return form if _holds_numbers(filled, form.read(filled)) else None


def _decided(tied: list[tuple[str, str]], digits: pl.Series) -> tuple[tuple[str, str], str]:
    """The (thousands, decimal) to read with, and the other one where a column can be read in two ways."""
    if tied[0] == ("", ".") and (".", ",") in tied and digits.str.contains(r"\.").any():
        grouped = int(digits.str.contains(r"\.").sum())
        is_grouped = grouped >= _FEWEST_GROUPED and grouped < len(digits)
        return ((".", ","), "1234.5") if is_grouped else (("", "."), "")
    if (",", ".") in tied and ("", ",") in tied and digits.str.contains(",").any():
        has_whole = int(digits.str.contains(",").sum()) < len(digits)
        return (",", "."), "" if has_whole else "1234,5"
    return tied[0], ""


def _holds_numbers(filled: pl.Series, numbers: pl.Series) -> bool:
    known = len(numbers) - numbers.null_count()
    if known >= NUMBER_SHARE * len(filled):
        return True
    if known < LEAST_NUMBER_SHARE * len(filled):
        return False
    odd = filled.filter(numbers.is_null())
    return numbers.n_unique() > MOST_CODES and odd.n_unique() <= MOST_ODD_WORDS


def _parts(words: pl.Series) -> pl.DataFrame:
    """The parts of each cell that is written like a number, null where one is not."""
    text = words.str.strip_chars().str.replace_all(r"[\s\x{00a0}\x{2009}\x{202f}]", " ")
    text = text.str.replace_all("[−–]", "-").str.replace_all("[’‘´`]", "'")
    return text.str.extract_groups(_CELL).struct.unnest()


def _pattern(thousands: str, decimal: str, *, sign: str = "") -> str:
    fraction = re.escape(decimal)
    return rf"^{sign}(?:{_GROUPS[thousands]}(?:{fraction}[0-9]*)?|{fraction}[0-9]+)$"


def _most_frequent(words: pl.Series) -> str:
    filled = words.drop_nulls()
    return "" if len(filled) == 0 else str(filled.mode().sort()[0])
