"""Columns of made-up tables: as people write them (cells of text), and with types (for frames and Parquet)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from fuzzing.damage import HOSTILE
from fuzzing.dice import Dice

NAMES = (
    *(
        "size",
        "age",
        "Größe",
        "나이",
        "x y",
        "kind",
        "income (€)",
        "a.b",
        "A",
        "a",
        "day",
        "id",
        "temp_1",
        "price",
    ),
    *("나무", "이름", "length", "0", "1", "x", "y", "label", "class", "weight", "note", "comment", "date"),
)
_WORDS = (
    "red",
    "green",
    "blue",
    "네",
    "아니요",
    "Süd",
    "n/a",
    "yes",
    "no",
    "A12",
    "B07",
    "north",
    "서울",
    "부산",
)
_PROSE = (
    "the",
    "film",
    "was",
    "good",
    "bad",
    "나는",
    "영화를",
    "좋아한다",
    "very",
    "slow",
    "and",
    "long",
    "!",
    "never",
)
_START = datetime(2023, 1, 1)
_DATES = (
    "%Y-%m-%d",
    "%d.%m.%Y",
    "%m/%d/%Y",
    "%Y-%m-%d %H:%M:%S",
    "%Y년 %m월 %d일",
    "%Y%m%d",
    "%d-%b-%Y %H:%M",
    "%y/%m/%d",
)

Cells = list[str]


def names(dice: Dice, count: int) -> list[str]:
    """Different names; now and then a hostile one."""
    found = dice.some_of(NAMES, count)
    found += [f"c{place}" for place in range(count - len(found))]
    if dice.chance(0.15):
        found[dice.whole(0, count - 1)] = dice.one_of(HOSTILE)[:200]
    return found


def _numbers(dice: Dice, rows: int) -> Cells:
    values = dice.normal(rows) * dice.one_of((1, 100, 1e6, 1e-6)) + dice.one_of((0, 0, 1e4, 1.7e9))
    form = dice.one_of(("{:.3f}", "{:g}", "{:.2e}", "{:,.2f}", "{:.1f} %", "€ {:.2f}", "{:+.2f}"))
    cells = [form.format(value) for value in values]
    if dice.chance(0.2):
        swap = str.maketrans(",.", ".,")
        cells = [cell.translate(swap) for cell in cells]
    return cells


def _wholes(dice: Dice, rows: int) -> Cells:
    low, high = dice.one_of(((0, 9), (-50, 50), (0, 10**6), (1, 26), (10**17, 10**18)))
    width = dice.one_of((0, 0, 0, 5))
    return [str(value).zfill(width) for value in dice.rng.integers(low, high, rows)]


def _words(dice: Dice, rows: int) -> Cells:
    known = dice.some_of(_WORDS, dice.whole(1, 8))
    return [dice.one_of(known) for _ in range(rows)]


def _dates(dice: Dice, rows: int) -> Cells:
    form, step = dice.one_of(_DATES), dice.one_of((timedelta(days=1), timedelta(hours=1), timedelta(days=30)))
    offset = dice.one_of(("", "", "Z", "+09:00"))
    cells = [(_START + place * step).strftime(form) + offset for place in range(rows)]
    return cells if dice.chance(0.5) else dice.some_of(cells, rows)


def _texts(dice: Dice, rows: int) -> Cells:
    return [" ".join(dice.one_of(_PROSE) for _ in range(dice.whole(1, 25))) for _ in range(rows)]


def _truths(dice: Dice, rows: int) -> Cells:
    pair = dice.one_of((("True", "False"), ("0", "1"), ("yes", "no"), ("참", "거짓"), ("t", "f")))
    return [dice.one_of(pair) for _ in range(rows)]


def _constant(dice: Dice, rows: int) -> Cells:
    return [dice.one_of(HOSTILE)[:300]] * rows


def _row_numbers(dice: Dice, rows: int) -> Cells:
    return [str(place) for place in range(rows)]


WRITTEN: dict[Callable[[Dice, int], Cells], float] = {
    _numbers: 6, _wholes: 3, _words: 3, _dates: 1.5, _texts: 1, _truths: 1, _constant: 0.3, _row_numbers: 0.5,
}  # fmt: skip


def written(dice: Dice, rows: int) -> Cells:
    """A column of cells; some are missing, few are hostile."""
    cells = dice.weighted(WRITTEN)(dice, rows)
    if dice.chance(0.25):
        missing = dice.one_of(("", "NA", "?", "-", "null", "결측", "n.a.", "-999"))
        cells = [missing if dice.chance(0.1) else cell for cell in cells]
    if rows and dice.chance(0.08):
        cells[dice.whole(0, rows - 1)] = dice.one_of(HOSTILE)
    return cells


def classes(dice: Dice, rows: int) -> Cells:
    """A column that is a good target: few classes, each several times."""
    known = dice.some_of(_WORDS, dice.whole(2, 4)) if dice.chance(0.7) else list("0123")[: dice.whole(2, 4)]
    return [known[place % len(known)] for place in range(rows)]


def times(dice: Dice, rows: int) -> Cells:
    """A column of times in order, in one of the forms that are sorted by time."""
    form = dice.one_of(("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%d.%m.%Y", "number", "offsets", "clock"))
    if form == "number":
        return [str(place) for place in range(rows)]
    if form == "offsets":
        start, change = datetime(2023, 3, 20), datetime(2023, 3, 26, 1)
        hours = [start + timedelta(hours=place) for place in range(rows)]
        return [
            f"{hour + timedelta(hours=1 + (hour >= change)):%Y-%m-%d %H:%M:%S}+0{1 + (hour >= change)}:00"
            for hour in hours
        ]
    if form == "clock":  # an hour that comes twice, where summer time ends
        start, change = datetime(2023, 10, 25), datetime(2023, 10, 29, 3)
        hours = [start + timedelta(hours=place) for place in range(rows)]
        return [f"{hour - timedelta(hours=int(hour >= change)):%Y-%m-%d %H:%M:%S}" for hour in hours]
    step = timedelta(days=1) if form != "%Y-%m-%d %H:%M:%S" else timedelta(hours=1)
    return [(_START + place * step).strftime(form) for place in range(rows)]


Values = Callable[[Dice, int], Any]


def _each(value: Callable[[int], Any]) -> Values:
    """Values that follow from the row alone."""
    return lambda dice, rows: [value(place) for place in range(rows)]


def _some(*values: Any) -> Values:
    """Each value one of these."""
    return lambda dice, rows: [dice.one_of(values) for _ in range(rows)]


_MOMENTS = (pl.Datetime("us"), pl.Datetime("ms", "Asia/Seoul"), pl.Datetime("ns", "UTC"))
_WHOLES = (pl.Int8, pl.Int16, pl.Int64, pl.UInt32, pl.UInt64)
#: Kind of a column -> its values, and the types that these may have.
_TYPED: dict[str, tuple[Values, tuple[Any, ...]]] = {
    "float": (lambda dice, rows: dice.normal(rows), (pl.Float32, pl.Float64)),
    "odd float": (_some(1.0, 2.5, float("nan"), float("inf"), -1e308, None), (pl.Float64,)),
    "whole": (lambda dice, rows: dice.rng.integers(0, 100, rows), _WHOLES),
    "large": (_each(lambda place: 2**64 - 1 - place), (pl.UInt64,)),
    "word": (_words, (pl.String,)),
    "category": (_words, (pl.Categorical,)),
    "date": (_each(lambda place: _START.date() + timedelta(days=place)), (pl.Date,)),
    "moment": (_each(lambda place: _START + timedelta(hours=place)), _MOMENTS),
    "duration": (_each(lambda place: timedelta(seconds=place)), (pl.Duration,)),
    "clock": (_each(lambda place: (_START + timedelta(minutes=place)).time()), (pl.Time,)),
    "truth": (_some(True, False, None), (pl.Boolean,)),
    "decimal": (_each(lambda place: Decimal(place) / 8), (pl.Decimal(20, 3),)),
    "list": (_each(lambda place: [1.0, 2.0]), (pl.List(pl.Float64),)),
    "struct": (_each(lambda place: {"a": 1, "b": "x"}), (pl.Struct({"a": pl.Int64, "b": pl.String}),)),
    "bytes": (_each(lambda place: b"\x00\xff"), (pl.Binary,)),
    "nothing": (_each(lambda place: None), (pl.Null,)),
}
_COMMON = {"float": 8.0, "whole": 4.0, "word": 3.0, "category": 2.0, "date": 1.0, "moment": 1.0, "truth": 1.0}


def typed_frame(dice: Dice, rows: int) -> tuple[pl.DataFrame, str]:
    """A frame with types, and the name of its target, which is mostly a good one."""
    count = dice.whole(1, 6)
    kinds = [dice.weighted({kind: _COMMON.get(kind, 0.25) for kind in _TYPED}) for _ in range(count)]
    columns = {}
    for name, kind in zip(names(dice, count), kinds, strict=True):
        values, types = _TYPED[kind]
        columns[name] = pl.Series(values(dice, rows), dtype=dice.one_of(types))
    columns["answer"] = pl.Series(classes(dice, rows), dtype=pl.String)
    return pl.DataFrame(columns), "answer" if dice.chance(0.8) else dice.one_of(list(columns))
