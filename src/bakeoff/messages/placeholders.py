"""How a placeholder of a sentence is filled in: `str.format`, and what the sentences need beyond it."""

import re
import string
from collections.abc import Mapping
from typing import Any

from bakeoff.messages.korean import with_particle


def fill_in(sentence: str, values: Mapping[str, Any]) -> str:
    """The sentence with its values.

    >>> fill_in("{share:.0%} of {name}", {"share": 0.5, "name": "iris"})
    '50 % of iris'
    """
    return _FORMATTER.vformat(sentence, (), values)


class _Formatter(string.Formatter):
    """`str.format`, with a space before the percent sign of a figure, particles and units of large numbers."""

    def format_field(self, value: Any, format_spec: str) -> str:
        if "/" in format_spec:
            return with_particle(str(value), format_spec)
        if format_spec.startswith("["):
            return in_units(value, format_spec)
        text = str(super().format_field(value, format_spec))
        return f"{text[:-1]} %" if format_spec.endswith("%") else text


_FORMATTER = _Formatter()


def in_units(number: float, units: str) -> str:
    """A number with three significant digits in the largest unit that it reaches: "[3] thousand" is 10 ** 3.

    >>> in_units(493_000, "[3] thousand[6] million"), in_units(493_000, "[4]만[8]억"), in_units(1234, "[4]만[8]억")
    ('493 thousand', '49.3만', '1,230')
    """
    rounded = float(f"{number:.3g}")
    for exponent, unit in reversed(re.findall(r"\[(\d+)\]([^\[]*)", units)):
        if rounded >= 10 ** int(exponent):
            return f"{rounded / 10 ** int(exponent):,.12g}{unit}"
    return f"{rounded:,.12g}"
