"""The same data in two writings must give the same arrays, unless the card of the second says what is different.

These are the cases in which nothing fails and something may still be wrong.
"""

import json
import unicodedata
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bakeoff.data.card import data_card
from bakeoff.data.dataset import Dataset
from bakeoff.data.load import load, read_new
from fuzzing.checks import WrongError, read
from fuzzing.dice import Dice
from fuzzing.tables import Attempt

_ROWS = 90


def _write(path: Path, header: list[str], rows: Any, separator: str = ",", encoding: str = "utf-8") -> Path:
    lines = [separator.join(header), *(separator.join(map(str, row)) for row in rows)]
    path.write_bytes(("\n".join(lines) + "\n").encode(encoding))
    return path


def _told(dataset: Dataset) -> set[str]:
    return {finding.kind for finding in data_card(dataset).findings if finding.severity != "note"}


def _require_same(plain: Dataset, other: Dataset, what: str) -> None:
    """Raises `WrongError` where scaled inputs or targets differ, and no warning on the second card tells of it."""
    rows = np.arange(len(plain))
    same = len(plain) == len(other) and plain.schema == other.schema
    if same and plain.schema.is_classification:
        same = np.array_equal(plain.targets, other.targets)
    elif same:
        same = np.allclose(plain.targets, other.targets, rtol=1e-4)
    if same:
        same = np.allclose(plain.inputs_at(rows), other.inputs_at(rows), rtol=1e-3, atol=1e-3)
    if not same and not _told(other) - _told(plain):
        raise WrongError(f"read otherwise without a word: {what}")


def table_in_other_writing(dice: Dice, folder: Path) -> Attempt:
    """Numbers, a date and a class, written plainly and as people write them."""
    first, second = 1500 + 900 * dice.normal(_ROWS), 20 + 9 * dice.normal(_ROWS)
    answer = np.where(first > 1500, "high", "low")
    start = datetime(2023, 1, 1)
    days = [start + timedelta(days=int(each)) for each in dice.rng.integers(0, 700, _ROWS)]
    name, way, separator = dice.one_of(_NUMBERS)
    date = dice.one_of(
        ("%Y-%m-%d", "%d.%m.%Y", "%Y/%m/%d", "%d-%b-%Y", "%Y년 %m월 %d일", "%Y-%m-%d %H:%M:%S")
    )
    header = ["first", "second", "day", "answer"]
    plain_rows = zip(
        (f"{v:.2f}" for v in first),
        (f"{v:.2f}" for v in second),
        (f"{d:%Y-%m-%d}" for d in days),
        answer,
        strict=True,
    )
    rows = list(zip(map(way, first), map(way, second), (d.strftime(date) for d in days), answer, strict=True))
    plain = _write(folder / "plain.csv", header, plain_rows)
    stem, beside = dice.one_of((("other", ""), ("o[12]", "o1"), ("top?", "top1"), ("a*", "ab")))
    other = _write(folder / f"{stem}.csv", header, rows, separator)
    if beside:
        _write(folder / f"{beside}.csv", header, rows[:30], separator)
    target = dice.one_of(("answer", "first"))
    what = f"numbers as '{name}', dates as '{date}', file '{stem}.csv', target '{target}'"
    return lambda: _require_same(read(plain, target=target), read(other, target=target), what)


def _comma(value: float) -> str:
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


_NUMBERS: tuple[tuple[str, Callable[[float], str], str], ...] = (
    ("1500.00", "{:.2f}".format, ","),
    ("1,500.00", lambda value: f'"{value:,.2f}"', ","),
    ("1.500,00", _comma, ";"),
    ("1500,00", lambda value: f"{value:.2f}".replace(".", ","), ";"),
    ("1 500,00", lambda value: f"{value:,.2f}".translate(str.maketrans(",.", "\u202f,")), ";"),
    ("€ 1500.00", "€ {:.2f}".format, ";"),
    ("\u22121500.00", lambda value: f"{value:.2f}".replace("-", "\u2212"), ";"),
    ("1500.00 %", "{:.2f} %".format, ";"),
)


def types_at_prediction(dice: Dice, folder: Path) -> Attempt:
    """A column of codes, truths or words: a part of the file is read as it was within the whole."""
    codes = dice.one_of(
        (["007", "012", "A12", "B07"], ["True", "False", "Maybe"], ["01", "02", "x"], ["1.0", "2.0", "n"])
    )
    rows = [
        (codes[place % len(codes)], f"{place % 7}.5", "ab"[place % len(codes) == 0]) for place in range(_ROWS)
    ]
    some = [row for row in rows if row[0] in codes[:2]]
    whole = _write(folder / "whole.csv", ["code", "size", "answer"], rows)
    part = _write(folder / "part.csv", ["code", "size", "answer"], some)
    return lambda: _require_part(whole, part, [row[0] in codes[:2] for row in rows], f"codes {codes}")


def unicode_forms(dice: Dice, folder: Path) -> Attempt:
    """Words of a category or of texts in decomposed form, at prediction."""
    words = ("나무", "사람", "caf\u00e9", "Größe")
    texts = [
        f"{words[place % 4]} {words[(place // 4) % 4]} 그리고 {words[place % 3]}" for place in range(_ROWS)
    ]
    cells = texts if dice.chance(0.5) else [words[place % 4] for place in range(_ROWS)]
    rows = [(cell, place % 5, "ab"[place % 2]) for place, cell in enumerate(cells)]
    whole = _write(folder / "whole.csv", ["word", "size", "answer"], rows)
    other = [(unicodedata.normalize("NFD", row[0]), *row[1:]) for row in rows]
    part = _write(folder / "part.csv", ["word", "size", "answer"], other)
    return lambda: _require_part(whole, part, [True] * _ROWS, "decomposed words")


def _require_part(whole: Path, part: Path, kept: list[bool], what: str) -> None:
    dataset = load(whole, target="answer")
    assert dataset.encoder is not None
    record = json.loads(json.dumps(dataset.encoder.to_json()))
    new = read_new(record, part, schema=dataset.schema)
    rows = np.flatnonzero(kept)
    if not np.allclose(np.asarray(new.inputs, "f8"), dataset.rows_at(rows), atol=1e-5):
        raise WrongError(f"new data are read otherwise than training data: {what}")


def large_offset(dice: Dice, folder: Path) -> Attempt:
    """Numbers with a large number added give the same scaled inputs."""
    values = dice.rng.integers(0, 60, _ROWS)
    answer = np.where(values >= 30, "late", "early")
    plain = _write(folder / "plain.csv", ["time", "answer"], zip(values, answer, strict=True))
    offset = dice.one_of((1_700_000_000, 10**9, 1e7))
    other = _write(folder / "other.csv", ["time", "answer"], zip(values + offset, answer, strict=True))
    return lambda: _require_same(
        load(plain, target="answer"), load(other, target="answer"), f"numbers from {offset}"
    )


def invented_values(dice: Dice, folder: Path) -> Attempt:
    """What a forecast is scored on stands in the file: not in gaps, and not after its end."""
    values = [f"{value:.4f}" for value in dice.normal(200)]
    gaps = (
        [places for places in range(200) if dice.chance(0.4)] if dice.chance(0.5) else list(range(170, 200))
    )
    for place in gaps:
        values[place] = ""
    start = datetime(2023, 1, 1)
    days = [f"{start + timedelta(days=place):%Y-%m-%d}" for place in range(200)]
    path = _write(folder / "sales.csv", ["day", "sold"], zip(days, values, strict=True))
    return lambda: _require_known(path, [float(value) for value in values if value])


def _require_known(path: Path, known: list[float]) -> None:
    dataset = load(path, time="day", target="sold", horizon=1)
    scored = np.asarray(dataset.targets, "f8").reshape(-1, 1)
    if (np.abs(scored - np.asarray(known)).min(axis=1) > 1e-4).any():
        raise WrongError("a forecast is scored on values that are not in the file")


def guessed_arrays(dice: Dice, folder: Path) -> Attempt:
    """One-hot targets, steps before channels, masked values: read rightly, or told."""
    labels = np.arange(_ROWS) % 3
    x = dice.normal(_ROWS, 4)
    kind = dice.one_of(("one-hot", "steps first", "masked", "groups"))
    if kind == "one-hot":
        return lambda: _require_told(
            (x, np.eye(3)[labels]), lambda found: found.schema.is_classification, kind
        )
    if kind == "steps first":
        source = dice.normal(_ROWS, 100, 3)
        return lambda: _require_told(
            (source, labels), lambda found: found.schema.input.shape == (3, 100), kind
        )
    if kind == "masked":
        hidden = np.ma.masked_array(np.where(x > 1, 9999.0, x), mask=x > 1)
        return lambda: _require_told((hidden, labels), lambda found: float(found.inputs.max()) < 9999, kind)
    np.savez(folder / "grouped.npz", x=x, y=labels, groups=np.arange(_ROWS - 5))
    return lambda: _require_told(folder / "grouped.npz", lambda found: False, "groups of another length")


def _require_told(source: Any, is_right: Callable[[Dataset], bool], what: str) -> None:
    dataset = load(source)
    told = {finding.kind for finding in data_card(dataset).findings}
    guesses = [
        kind for kind in told if any(word in kind for word in ("axes", "guess", "mask", "one_hot", "series"))
    ]
    if not is_right(dataset) and not guesses:
        raise WrongError(f"guessed without a word: {what}")


def picture_folders(dice: Dice, folder: Path) -> Attempt:
    """Folders of parts are no classes, a class in two Unicode forms is one, deep pictures keep their range."""
    kind = dice.one_of(("parts", "forms", "depth", "endings"))
    root = folder / "pictures"
    if kind == "parts":
        first, second = dice.one_of((("train", "test"), ("training_set", "test_set"), ("Train", "Valid")))
        _pictures(dice, root / first, ".png")
        _pictures(dice, root / second, ".png")
        return lambda: _require_other(
            root, lambda found: first not in found.schema.target.class_names, "parts as classes"
        )
    if kind == "forms":
        for part, form in (("train", "NFC"), ("test", "NFD")):
            for name in ("고양이", "개"):
                _pictures(dice, root / part / unicodedata.normalize(form, name), ".png")
        return lambda: _require_other(
            root, lambda found: len(found.schema.target.class_names) == 2, "a class twice"
        )
    _pictures(dice, root / "a", ".png", deep=kind == "depth")
    _pictures(dice, root / "b", ".png" if kind == "depth" else ".ppm", deep=kind == "depth")
    if kind == "depth":
        return lambda: _require_other(root, lambda found: int(np.ptp(found.inputs)) > 100, "16 bits cut")
    return lambda: _require_other(
        root, lambda found: len(found.schema.target.class_names) == 2, "an ending ignored"
    )


def _pictures(dice: Dice, folder: Path, ending: str, *, deep: bool = False) -> None:
    folder.mkdir(parents=True)
    for place in range(12):
        values = dice.rng.integers(20, 150, (8, 8))
        Image.fromarray(values.astype(np.uint16 if deep else np.uint8)).save(folder / f"{place:02}{ending}")


def _require_other(root: Path, is_right: Callable[[Dataset], bool], what: str) -> None:
    dataset = load(root)
    if not is_right(dataset):
        raise WrongError(f"a folder of pictures is misread: {what}")
