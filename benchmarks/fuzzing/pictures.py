"""Folders of pictures: of many formats and depths, in many trees, with files among them that are no pictures."""

import os
from pathlib import Path

import numpy as np
from PIL import Image

from fuzzing.checks import read, read_again
from fuzzing.damage import HOSTILE, damage_file
from fuzzing.dice import Dice
from fuzzing.tables import Attempt, packed

_MODES = {"L": 4, "RGB": 5, "RGBA": 2, "P": 1, "1": 1, "I;16": 1, "CMYK": 0.5, "LA": 0.5, "F": 0.2}
_FORMATS = {".png": 6, ".jpg": 3, ".bmp": 1, ".gif": 1, ".tif": 1, ".webp": 1, ".ppm": 0.5, ".JPEG": 0.5}
_CLASSES = ("cat", "dog", "고양이", "cafe\u0301", "0", "1", "my class", ".hidden", "[a]", "*")
_PARTS = ("train", "test", "val", "Training_Set", "seg_test")


def picture_folder(dice: Dice, folder: Path) -> Attempt:
    """A folder for each class, in folders of parts now and then; sizes and formats may differ."""
    root = folder / "pictures"
    classes = dice.some_of(_CLASSES, dice.whole(2, 3))
    parts = dice.some_of(_PARTS, 2) if dice.chance(0.25) else [""]
    ending, size = dice.weighted(_FORMATS), dice.whole(4, 14)
    for part in parts:
        for name in classes:
            _fill(dice, root / part / name, ending, size)
    if dice.chance(0.4):
        _disturb(dice, root)
    source = root
    if dice.chance(0.06):
        source = _archive(dice, root)
    wanted = dice.weighted({None: 8, 8: 2, "6x9": 1, 2000: 0.1, "axb": 0.1})
    if dice.chance(0.4):
        new = dice.one_of((root, root / parts[0], next(root.rglob("*.*"), root)))
        return lambda: read_again(read(source, size=wanted), new)
    return lambda: read(source, size=wanted, seed=dice.whole(0, 3))


def _fill(dice: Dice, folder: Path, ending: str, size: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for place in range(dice.weighted({8: 6, 20: 1, 2: 1})):
        own = ending if dice.chance(0.97) else dice.weighted(_FORMATS)
        side = size if dice.chance(0.8) else dice.whole(1, 20)
        _save(dice, folder / f"{place:02}{own}", (side, size))


def _save(dice: Dice, path: Path, shape: tuple[int, int]) -> None:
    mode = dice.weighted(_MODES) if dice.chance(0.3) else "RGB"
    grey = dice.rng.integers(0, 256, shape)
    if mode == "I;16":
        picture = Image.fromarray((grey * 100).astype(np.uint16))
    else:
        picture = Image.fromarray(grey.astype(np.uint8)).convert(mode)
    try:
        picture.save(path)
    except (OSError, ValueError):  # not every format takes every mode
        picture.convert("L").save(path)
    if dice.chance(0.02):
        damage_file(dice, path)


def _disturb(dice: Dice, root: Path) -> None:
    """One thing that people have in such folders, and that nobody meant."""
    files = sorted(path for path in root.rglob("*") if path.is_file())
    victim = dice.one_of(files)
    match dice.whole(0, 8):
        case 0:
            victim.write_bytes(b"%!PS-Adobe-3.0\nshowpage\n")
        case 1:
            victim.write_bytes(b"")
        case 2:
            (victim.parent / "Thumbs.db").write_bytes(b"x")
        case 3:
            os.symlink(victim.parent, victim.parent / "loop")
        case 4:
            os.symlink("/nowhere", victim.parent / "gone.png")
        case 5:
            (root / "labels.csv").write_text("file,label\n")
        case 6:
            (victim.parent / dice.one_of(HOSTILE).replace("/", "")[:100].replace("\x00", "0")).with_suffix(
                ".png"
            ).touch()
        case 7:
            os.link(victim, root / victim.name)
        case _:
            damage_file(dice, victim)


def _archive(dice: Dice, root: Path) -> Path:
    import shutil

    kind = dice.one_of(("zip", "gztar"))
    path = Path(shutil.make_archive(str(root), kind, root))
    return path if dice.chance(0.8) else packed(dice, path)
