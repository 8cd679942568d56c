"""What must hold of whatever was read, shown or refused."""

import json
import unicodedata
from io import StringIO
from typing import Any

import numpy as np
from rich.console import Console

from bakeoff.data.card import data_card
from bakeoff.data.dataset import Dataset
from bakeoff.data.load import load, read_new
from bakeoff.data.packed_graphs import PackedGraphs
from bakeoff.report.terminal.data_card import card_table

#: Characters that move a terminal's cursor, turn the direction of writing or are no characters.
_UNSAFE = {"Cc", "Cf", "Cs"}


class WrongError(Exception):
    """Something that must never happen has happened; its text says what."""


def check_shown(text: str, where: str) -> None:
    """Raises `WrongError` for a control character in what a person is shown."""
    unsafe = {sign for sign in text if sign != "\n" and unicodedata.category(sign) in _UNSAFE}
    if unsafe:
        raise WrongError(f"control characters on {where}: {sorted(map(ascii, unsafe))}")


def read(source: Any, **options: Any) -> Dataset:
    """What `bakeoff data` does: read, look for faults, show and write the card. Every input must be finite."""
    dataset = load(source, **{name: value for name, value in options.items() if value is not None})
    card = data_card(dataset)
    shown = StringIO()
    Console(file=shown, width=100, color_system=None).print(card_table(card))
    check_shown(shown.getvalue(), "a card")
    json.dumps(card.to_json(), allow_nan=False)
    check_finite(dataset)
    return dataset


def check_finite(dataset: Dataset) -> None:
    """Raises `WrongError` where an input as networks get it, or a target, is infinite or no number."""
    rows = np.arange(min(len(dataset) if dataset.offsets is None else len(dataset.offsets) - 1, 200))
    inputs = dataset.inputs_at(rows)
    arrays = inputs.arrays().values() if isinstance(inputs, PackedGraphs) else (inputs,)
    for array in (*arrays, np.asarray(dataset.targets)):
        if np.asarray(array).dtype.kind == "f" and not np.isfinite(array).all():
            raise WrongError("inputs or targets are not finite after reading")


def read_again(dataset: Dataset, new: Any) -> Dataset:
    """New data by the record of how the training data were read, which goes through JSON as in a champion's folder."""
    if dataset.encoder is not None:
        record = json.loads(json.dumps(dataset.encoder.to_json(), allow_nan=False))
        read_new(record, new, schema=dataset.schema)
    return dataset
