"""Files of series: `.ts` with its header, and the UCR archive's rows of numbers."""

from pathlib import Path

import numpy as np

from fuzzing.checks import read, read_again
from fuzzing.damage import HOSTILE, damage_file
from fuzzing.dice import Dice
from fuzzing.tables import Attempt, packed


def series_file(dice: Dice, folder: Path) -> Attempt:
    """One file, or a pair of training and test, or the folder of a pair."""
    form = _ts if dice.chance(0.6) else _ucr
    ending = ".ts" if form is _ts else dice.one_of((".tsv", ".tsv", ".txt", ""))
    stem = "Made" if dice.chance(0.6) else "Made_TRAIN"
    path = folder / (stem + ending)
    path.write_text(
        form(dice), encoding=dice.weighted({"utf-8": 8, "latin-1": 1, "utf-8-sig": 1}), errors="replace"
    )
    if stem.endswith("TRAIN") and dice.chance(0.8):
        (folder / f"Made_TEST{ending}").write_text(form(dice), encoding="utf-8")
    if dice.chance(0.1):
        damage_file(dice, path)
    if dice.chance(0.08):
        path = packed(dice, path)
    task = dice.weighted({None: 8, "classes": 1, "value": 1})
    source, seed = folder if stem != "Made" and dice.chance(0.25) else path, dice.whole(0, 3)
    if dice.chance(0.4):
        return lambda: read_again(read(source, task=task, seed=seed), path)
    return lambda: read(source, task=task, seed=seed)


def _cells(dice: Dice, separator: str, form: str, missing: str = "?") -> str:
    length = dice.whole(1, 30) if dice.chance(0.2) else 20
    cells = [form.format(value) for value in dice.normal(length)]
    if dice.chance(0.08):
        count = dice.whole(1, length)
        cells[-count:] = [missing] * count
    return separator.join(cells)


def _ts(dice: Dice) -> str:
    names, channels = (
        dice.some_of(("up", "down", "네", "1", "2", "1.0", "-1"), dice.whole(2, 3)),
        dice.whole(1, 3),
    )
    is_value = dice.chance(0.15)
    header = [
        "# made by hand",
        "@problemName Made",
        "@timeStamps false",
        f"@univariate {'true' if channels == 1 else 'false'}",
        f"@dimensions {channels}",
        "@equalLength true",
        "@targetlabel true" if is_value else f"@classLabel true {' '.join(names)}",
        "@data",
    ]
    if dice.chance(0.12):
        place = dice.whole(0, len(header) - 1)
        header[place] = dice.one_of(
            ("", "@timeStamps true", "@classLabel false", "@classLabel true", *HOSTILE)
        )
    form = "{:.3f}" if dice.chance(0.95) else "({:.0f},1.5)"
    lines = []
    for place in range(dice.weighted({40: 6, 100: 1, 3: 0.3, 0: 0.1})):
        answer = f"{np.sin(place):.3f}" if is_value else names[place % len(names)]
        lines.append(":".join([*(_cells(dice, ",", form) for _ in range(channels)), answer]))
    if lines and dice.chance(0.1):
        lines[dice.whole(0, len(lines) - 1)] = dice.one_of(HOSTILE)
    return "\n".join((*header, *lines, ""))


def _ucr(dice: Dice) -> str:
    separator, count = dice.one_of(("\t", ",", "  ")), dice.whole(2, 4)
    label = dice.one_of(("{}", "{}.0", "{}.0000000e+00"))
    lines = [
        f"{label.format(place % count + 1)}{separator}{_cells(dice, separator, '{:.4f}', 'NaN')}"
        for place in range(dice.weighted({40: 8, 5: 0.5, 1: 0.1}))
    ]
    if dice.chance(0.1):
        lines[dice.whole(0, len(lines) - 1)] = dice.one_of(HOSTILE)
    return "\n".join((*lines, ""))
