"""Datasets of Hugging Face (stand-ins with what is asked of them), files of other programs, and what is no data."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from PIL import Image

from fuzzing.checks import read, read_again
from fuzzing.columns import typed_frame
from fuzzing.damage import HOSTILE, damaged_bytes
from fuzzing.dice import Dice
from fuzzing.tables import Attempt


class _Feature:
    """A feature of a dataset: of an image, of class labels with names, or of plain values."""


def _feature(kind: str, names: list[str] | None = None) -> Any:
    feature = type(kind, (_Feature,), {})()
    if names is not None:
        feature.names = names
    return feature


class HubDataset:
    """A table of Arrow as a dataset of Hugging Face shows it."""

    def __init__(self, table: pa.Table, features: dict[str, Any]) -> None:
        self.table, self.num_rows, self.column_names = table, len(table), table.column_names
        self.features = {name: features[name] for name in self.column_names}

    def select_columns(self, names: list[str]) -> "HubDataset":
        return HubDataset(self.table.select(names), self.features)

    def with_format(self, form: str) -> pa.Table:
        return self.table


def hub_dataset(dice: Dice, folder: Path) -> Attempt:
    """Pictures with labels, or columns of any type; labels may be unknown (-1), pictures missing or damaged."""
    rows, names = (
        dice.weighted({30: 12, 4: 1, 0: 0.2}),
        dice.some_of(("cat", "dog", "개", "[b]"), dice.whole(2, 3)),
    )
    known = 0.95 if dice.chance(0.1) else 1.0
    labels = [place % len(names) if dice.chance(known) else -1 for place in range(rows)]
    if dice.chance(0.5):
        frame, _ = typed_frame(dice, rows)
        frame.columns = [
            name.replace("\x00", "") for name in frame.columns
        ]  # Arrow's names have no such sign
        table = frame.with_columns(pl.Series("label", labels, pl.Int64)).to_arrow()
    else:
        pictures = [
            None if dice.chance(0.002) else {"bytes": _picture(dice), "path": None} for _ in range(rows)
        ]
        kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
        table = pa.table({"image": pa.array(pictures, kind), "label": pa.array(labels, pa.int64())})
    features = {name: _feature("Image" if name == "image" else "Value") for name in table.column_names}
    features["label"] = _feature("ClassLabel", names)
    dataset: Any = HubDataset(table, features)
    if dice.chance(0.05):
        dataset = {"train": dataset}
    target, size = dice.weighted({"label": 12, None: 1, "image": 0.3}), dice.weighted({None: 5, 8: 1})
    return lambda: _read_hub(
        dataset, {"target": target, "size": size if "image" in table.column_names else None}
    )


def _read_hub(dataset: Any, options: dict[str, Any]) -> None:
    read_again(read(dataset, **options), dataset)


def _picture(dice: Dice) -> bytes:
    side = 8 if dice.chance(0.9) else dice.whole(1, 12)
    file = io.BytesIO()
    Image.fromarray(dice.rng.integers(0, 256, (side, 8, 3)).astype(np.uint8)).save(file, "PNG")
    return damaged_bytes(dice, file.getvalue()) if dice.chance(0.003) else file.getvalue()


_FOREIGN = (
    ".nii",
    ".nii.gz",
    ".dcm",
    ".mat",
    ".h5",
    ".pkl",
    ".rds",
    ".pt",
    ".pdf",
    ".docx",
    ".xls",
    ".jpg",
    ".md",
    "",
)


def foreign_file(dice: Dice, folder: Path) -> Attempt:
    """A file that is not read as it is: its refusal must say so, whatever its name and bytes."""
    name = dice.one_of(
        ("scan", "data", *(each.replace("/", "").replace("\x00", "")[:60] for each in HOSTILE))
    )
    path = folder / f"x{name}{dice.one_of(_FOREIGN)}"
    path.write_bytes(
        dice.one_of((b"", b"MATLAB 5.0", b"\x89HDF\r\n\x1a\n", b"%PDF-1.4", dice.rng.bytes(300)))
    )
    return lambda: read(path, target=dice.one_of((None, "answer")))


def no_data(dice: Dice, folder: Path) -> Attempt:
    """Objects and names that are no data; built-in data among them, with options that fit or do not."""
    given: Any = dice.one_of(
        (
            *("iris", "xor", "circles", "wine", "digit", "", "planted:motif", "/", "~", "x" * 300, "\x00"),
            *(
                None,
                3,
                2.5,
                object(),
                iter([]),
                {},
                [],
                (),
                {"x": []},
                {"a": 1},
                ([], []),
                b"bytes",
                len,
                {1, 2},
            ),
            *(([[1, 2], [3]], [0, 1]), ([["a"]], ["b"]), ({"x": 1}, [1]), np.array(3.0), pl.Series([1, 2])),
        )
    )
    options = {
        "target": dice.weighted({None: 8, "answer": 1}),
        "seed": dice.weighted({0: 8, 2**32 - 1: 1, -1: 0.3, 2**32: 0.3, 1.5: 0.2, True: 0.2, "1": 0.2}),
        "kind": dice.weighted({None: 8, "table": 1, "tabel": 0.3, 3: 0.1}),
        "size": dice.weighted({None: 8, (8, 8): 0.5, (1, 2, 3): 0.2, 0: 0.2, -3: 0.2}),
        "name": dice.weighted({None: 8, **dict.fromkeys(HOSTILE, 0.1)}),
    }
    return lambda: read(given, **options)


def tables_at_prediction(dice: Dice, folder: Path) -> Attempt:
    """An encoder's record, damaged or not, and new data of another kind than it was made of."""
    from fuzzing.damage import damaged_record

    frame, target = typed_frame(dice, 60)
    other: Any = frame.drop(target)
    if dice.chance(0.3):
        other = dice.one_of(
            (frame, frame.head(0), typed_frame(dice, 10)[0], np.zeros((3, 4)), ["a", "b"], "iris")
        )
    changed = dice.chance(0.4)
    return lambda: _read_record(dice, frame, target, other, damaged_record if changed else None)


def _read_record(dice: Dice, frame: Any, target: str, other: Any, change: Any) -> None:
    from bakeoff.data.load import read_new

    dataset = read(frame, target=target)
    if dataset.encoder is not None:
        record = json.loads(json.dumps(dataset.encoder.to_json(), allow_nan=False))
        read_new(
            record if change is None else _mapping(change(dice, record), record), other, schema=dataset.schema
        )


def _mapping(changed: Any, record: dict[str, Any]) -> dict[str, Any]:
    """What `fitted.json` is known to hold before it is read: an object."""
    return changed if isinstance(changed, dict) else record
