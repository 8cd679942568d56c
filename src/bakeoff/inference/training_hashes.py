"""Hashes of the examples that a network was trained on or selected by, so that they are not mistaken for new data.

They are 64-bit hashes of the inputs, in a file beside the network: an example can be recognised by its hash, but not
reconstructed.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.copies import row_hashes
from bakeoff.data.dataset import Dataset, Inputs
from bakeoff.system.files import atomic_write, opened

TRAINING_HASHES_FILE = "seen.npy"


def write_training_hashes(folder: Path, dataset: Dataset) -> None:
    """Write the hashes of the training and validation inputs into a network's folder.

    Raises:
        StoreError: the file cannot be written.
    """
    rows = np.concatenate([dataset.splits.train, dataset.splits.validation])
    hashes = np.unique(row_hashes(dataset.inputs, np.sort(rows)))
    with atomic_write(folder / TRAINING_HASHES_FILE) as unfinished, unfinished.open("wb") as file:
        np.save(file, hashes, allow_pickle=False)


def is_training_example(folder: Path, inputs: Inputs) -> NDArray[np.bool_] | None:
    """[N], whether each of these inputs was in the training or validation split; None without a file of hashes."""
    try:
        with opened(folder / TRAINING_HASHES_FILE) as file:
            known = np.load(file, allow_pickle=False)
    except (OSError, ValueError):
        return None
    return np.isin(row_hashes(inputs), known)
