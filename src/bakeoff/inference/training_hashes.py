"""Which examples a handed-over network was trained on or chosen by, so that nobody mistakes them for new data.

Kept beside the network as 64-bit hashes of their inputs: they tell an example again, and nothing else about it.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Dataset
from bakeoff.data.findings import row_hashes
from bakeoff.system.files import whole

SEEN_FILE = "seen.npy"


def write_seen(folder: Path, dataset: Dataset) -> None:
    """Write the hashes of the training and validation inputs into a network's folder.

    Raises:
        StoreError: the file cannot be written.
    """
    rows = np.concatenate([dataset.splits.train, dataset.splits.validation])
    hashes = np.unique(row_hashes(dataset.inputs, np.sort(rows)))
    with whole(folder / SEEN_FILE) as unfinished, unfinished.open("wb") as file:
        np.save(file, hashes, allow_pickle=False)


def seen_rows(folder: Path, inputs: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Which of these inputs [N, ...] were seen; None where the folder does not tell."""
    try:
        known = np.load(folder / SEEN_FILE, allow_pickle=False)
    except (OSError, ValueError):
        return None
    return np.isin(row_hashes(inputs), known)
