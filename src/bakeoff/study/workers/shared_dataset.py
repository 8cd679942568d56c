"""A dataset for the workers of this machine: its arrays lie in files that every worker maps into its memory."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Dataset
from bakeoff.data.packed_graphs import PackedGraphs
from bakeoff.data.schema import Schema


@dataclass(frozen=True, kw_only=True, eq=False)
class MappedDataset:
    """The `SharedDataset` of workers that see the same files.

    Attributes:
        token: equal where the data are.
        bare: the dataset without its arrays. arrays: the file of each.
    """

    token: str
    bare: Dataset
    arrays: dict[str, Path]

    def __eq__(self, other: object) -> bool:
        """By token, so that what a worker made of a dataset is found again for the next task."""
        return isinstance(other, MappedDataset) and other.token == self.token

    def __hash__(self) -> int:
        return hash(self.token)

    @property
    def schema(self) -> Schema:
        return self.bare.schema

    def open(self) -> Dataset:
        """The dataset, its arrays mapped read-only; opened once in each process."""
        if self.token not in _opened:
            _opened.clear()
            arrays: dict[str, Any] = {
                name: np.load(path, mmap_mode="r", allow_pickle=False) for name, path in self.arrays.items()
            }
            parts = [name for name in arrays if name.startswith(_GRAPHS)]
            if parts:
                arrays["inputs"] = PackedGraphs(
                    **{name.removeprefix(_GRAPHS): arrays.pop(name) for name in parts}
                )
            _opened[self.token] = replace(self.bare, **arrays)
        return _opened[self.token]


#: Before the name of each array of graphs.
_GRAPHS = "graphs."
_opened: dict[str, Dataset] = {}


def share(dataset: Dataset, folder: Path) -> MappedDataset:
    """Write a dataset's arrays to files under `folder` (those that are mapped files already stay where they are)."""
    arrays = {}
    for name, array in _arrays(dataset).items():
        path = _own_file(array) or folder / f"{name}.npy"
        if path.parent == folder:
            np.save(path, np.ascontiguousarray(array), allow_pickle=False)
        arrays[name] = path
    nothing = np.zeros((0,), np.float32)
    bare = replace(
        dataset,
        inputs=nothing,
        targets=nothing,
        offsets=None,
        lengths=None,
        groups=None,
        times=None,
        originals=None,
    )
    return MappedDataset(token=f"{folder}/{dataset.fingerprint}", bare=bare, arrays=arrays)


def _arrays(dataset: Dataset) -> dict[str, NDArray[Any]]:
    """The arrays that workers need, by name."""
    inputs = dataset.inputs
    graphs = inputs.arrays() if isinstance(inputs, PackedGraphs) else {}
    found = {f"{_GRAPHS}{name}": array for name, array in graphs.items()}
    for name in ("targets", "offsets", "lengths") if graphs else ("inputs", "targets", "offsets", "lengths"):
        if getattr(dataset, name) is not None:
            found[name] = getattr(dataset, name)
    return found


def _own_file(array: NDArray[Any]) -> Path | None:
    """The .npy file whose full content this memory-mapped array is; None for any other array."""
    if not isinstance(array, np.memmap) or array.filename is None or not str(array.filename).endswith(".npy"):
        return None
    mapped = np.load(str(array.filename), mmap_mode="r", allow_pickle=False)
    same = mapped.shape == array.shape and mapped.dtype == array.dtype and mapped.offset == array.offset
    return Path(str(array.filename)) if same else None
