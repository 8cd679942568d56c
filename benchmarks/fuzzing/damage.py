"""Damage: to the bytes of a file, to its text, and to the values of a JSON record."""

from pathlib import Path
from typing import Any

from fuzzing.dice import Dice

#: Cells, names and values that trouble readers.
HOSTILE = (
    *("", " ", "nan", "NaN", "inf", "-inf", "1e999", "-0", "1e-400", "9" * 400, "0x1F", "1_000", "١٢٣", "٫5"),
    *(
        "\x00",
        "\x1b[31mred\x1b[0m",
        "\u202eabc",
        "\ufeff",
        "\u200b",
        "a\rb",
        "a\nb",
        "\x85",
        "\u2028",
        "\x7f",
    ),
    *(
        "=cmd()",
        "<script>",
        "[bold]",
        "{x}",
        "%s",
        "^b.*$",
        "*",
        "?",
        "'",
        '"',
        "\\",
        "../..",
        "None",
        "null",
    ),
    *("true", "007", "1,234", "1.234,5", "12 %", "€ 5", "−3", "½", "나무", "e\u0301", "🙂", "x" * 5000),
    *("2024-02-30", "0000-00-00", "99999-01-01", "24:00", "1/2/3", "9999999999999999999"),
)
_SNIPPETS = (
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b'"',
    b"\r",
    b"\n\n",
    b"\t",
    b",,,,",
    b"\x1b[2J",
    b"[" * 2000,
)


def damaged_bytes(dice: Dice, content: bytes) -> bytes:
    """A few bytes changed, cut, doubled, moved or put in."""
    data = bytearray(content)
    for _ in range(dice.weighted({1: 5, 3: 2, 20: 1})):
        place, length = dice.whole(0, len(data)), dice.weighted({1: 4, 8: 2, 100: 1, 3000: 1})
        match dice.whole(0, 5):
            case 0:
                data[place : place + length] = dice.rng.bytes(min(length, max(0, len(data) - place)))
            case 1:
                del data[place : None if dice.chance(0.3) else place + length]
            case 2:
                data[place:place] = data[place : place + length]
            case 3:
                data[place:place] = dice.one_of(_SNIPPETS)
            case 4 if data:
                data[place % len(data)] ^= 1 << dice.whole(0, 7)
            case _:
                data[place:place] = dice.one_of(HOSTILE).encode("utf-8", "surrogatepass")
    return bytes(data)


def damage_file(dice: Dice, path: Path) -> None:
    path.write_bytes(damaged_bytes(dice, path.read_bytes()))


def odd_value(dice: Dice) -> Any:
    """A value that nobody meant, as JSON can hold it."""
    plain: tuple[Any, ...] = (
        *(
            None,
            True,
            False,
            0,
            -1,
            1,
            3,
            2**31,
            2**63,
            10**400,
            1e308,
            -1e308,
            5e-324,
            float("nan"),
            float("inf"),
        ),
        *([], {}, [[]], [None], {"kind": "table"}, [1, "a"], "x", "table", "linear", "os:system"),
    )
    return dice.one_of(plain) if dice.chance(0.7) else dice.one_of(HOSTILE)


def damaged_record(dice: Dice, record: Any) -> Any:
    """A copy of a JSON value with one place in it changed, left out, doubled or replaced."""
    if not isinstance(record, dict | list) or not record or dice.chance(0.06):
        return _changed_leaf(dice, record)
    keys = list(record) if isinstance(record, dict) else list(range(len(record)))
    key, copy = dice.one_of(keys), record.copy()
    act = dice.weighted({"inside": 8, "without": 1, "odd": 1, "more": 1, "swap": 1})
    if act == "inside":
        copy[key] = damaged_record(dice, copy[key])
    elif act == "without":
        del copy[key]
    elif act == "odd":
        copy[key] = odd_value(dice)
    elif act == "swap":
        other = dice.one_of(keys)
        copy[key], copy[other] = copy[other], copy[key]
    elif isinstance(copy, dict):
        copy[dice.one_of(HOSTILE)] = odd_value(dice)
    else:
        copy.append(odd_value(dice) if dice.chance(0.5) else copy[key])
    return copy


def _changed_leaf(dice: Dice, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float) or dice.chance(0.5):
        return odd_value(dice)
    return dice.one_of((value + 1, -value, value * 1000, 0, str(value), [value]))
