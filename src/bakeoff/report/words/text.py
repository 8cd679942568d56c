"""Formats numbers and user text, the same in terminal, report and notebook.

Sizes have three significant digits, percentages one decimal. Text from data (class, column and file names) may contain
anything; `clean` makes it harmless to a terminal and to a layout, and escaping for markup happens where markup is
written.
"""

import math
import re
import unicodedata

from rich.cells import cell_len

from bakeoff.errors import WORD_JOINER
from bakeoff.messages import say

#: Unicode categories of characters that move the cursor, reverse the reading direction or are invisible: replaced.
_HARMFUL = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
#: Format characters that are not replaced: joiners inside words of several scripts and in emoji.
_KEPT = {"\u200c", "\u200d"}


def clean(text: object) -> str:
    """User text on one line: white space becomes a blank, each control or direction character a replacement sign.

    >>> clean("a\\x1b[31mb\\nc")
    'a\N{REPLACEMENT CHARACTER}[31mb c'
    """
    return "".join(
        " "
        if character in "\t\r\n"
        else _REPLACEMENT
        if unicodedata.category(character) in _HARMFUL and character not in _KEPT
        else character
        for character in str(text)
        if character != WORD_JOINER
    )


def shorten(text: str, width: int) -> str:
    """At most `width` terminal cells (a Korean syllable takes two), with an ellipsis where something was cut.

    >>> shorten("setosa", 4), shorten("setosa", 6)
    ('set…', 'setosa')
    """
    if cell_len(text) <= width:
        return text
    shown = ""
    for character in text:
        if cell_len(shown + character) > width - 1:
            break
        shown += character
    return shown + "…"


def significant(value: float, digits: int = 3) -> str:
    """A real number with so many significant digits, without an exponent where it is of everyday size.

    >>> significant(0.012345), significant(1234.5), significant(3.0), significant(2.5e-7)
    ('0.0123', '1,230', '3.00', '2.50e-07')
    """
    if not math.isfinite(value):
        return "–" if math.isnan(value) else "∞" if value > 0 else "-∞"
    if value == 0:
        return "0"
    magnitude = math.floor(math.log10(abs(value)))
    if magnitude < -4 or magnitude >= 9:
        return f"{value:.{digits - 1}e}"
    rounded = round(value, digits - 1 - magnitude)
    magnitude = math.floor(math.log10(abs(rounded)))  # 0.9999 has become 1
    return f"{rounded:,.{max(digits - 1 - magnitude, 0)}f}"


def amount(value: float, unit: str = "") -> str:
    """A count with three significant digits and a decimal prefix (k, M, G, T), before its unit.

    >>> amount(950), amount(12_345), amount(2.5e9, "FLOPs"), amount(999_999)
    ('950', '12.3 k', '2.50 GFLOPs', '1.00 M')
    """
    if not math.isfinite(value):
        return "–"
    for prefix, size in (("", 1.0), ("k", 1e3), ("M", 1e6), ("G", 1e9), ("T", 1e12), ("P", 1e15)):
        if abs(value) < 999.5 * size or prefix == "P":
            break
    number = f"{value:.0f}" if prefix == "" and value == round(value) else significant(value / size)
    return f"{number} {prefix}{unit}".strip()


def duration(seconds: float, *, digits: int = 1) -> str:
    """A length of time in the two units that matter, in the language in force; `digits` are those of plain seconds.

    >>> duration(0.0021), duration(4.23), duration(59.97), duration(83), duration(8000)
    ('2.1 ms', '4.2 s', '1 min', '1 min 23 s', '2 h 13 min')
    """
    if not math.isfinite(seconds):
        return "–"
    if seconds < 0.1 and digits:
        return (
            say("report.time.ms", count=f"{1000 * seconds:.1f}")
            if seconds > 0
            else say("report.time.s", count="0")
        )
    if round(seconds, 1) < 60:
        return say("report.time.s", count=f"{seconds:.{digits}f}")
    if round(seconds) < 3600:
        return _two_units(*divmod(round(seconds), 60), "min", "s")
    return _two_units(*divmod(round(seconds / 60), 60), "h", "min")


def _two_units(large: int, small: int, large_unit: str, small_unit: str) -> str:
    first = say(f"report.time.{large_unit}", count=large)
    return f"{first} {say(f'report.time.{small_unit}', count=small)}" if small else first


def wrapped(text: str, width: int) -> list[str]:
    """Lines of at most `width` terminal cells, broken at plain blanks alone; a longer word is divided.

    A no-break space (see `bound`) holds words together, and is a plain blank in the lines.

    >>> wrapped("one two three", 8)
    ['one two', 'three']
    """
    lines = [""]
    for word in text.split(" "):
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if cell_len(joined) <= width:
            lines[-1] = joined
            continue
        if lines[-1]:
            lines.append("")
        for character in word:
            if cell_len(lines[-1] + character) > width:
                lines.append("")
            lines[-1] += character
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]


def bound(text: str) -> str:
    """A sentence in which no line may break between a number and its unit sign.

    >>> bound("98.9 % of") == "98.9\\N{NO-BREAK SPACE}% of"
    True
    """
    return re.sub(r"(?<=\d) (?=%|[kMGT]?FLOPs)", "\N{NO-BREAK SPACE}", text)


def grouped(count: int) -> str:
    """A whole number with separators: 60,000."""
    return f"{count:,}"
