"""How many bytes a program holds, from the lives of its tensors' storages: nothing need be allocated."""

import weakref
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from bakeoff.cost.rules.sparse import sparse_parts


class StorageLedger:
    """Bytes of all storages alive, their peak, and who allocated them.

    Several tensors that share a storage (views, detached tensors) count once. A storage leaves the ledger when the last
    tensor that uses it dies, as in an allocator without fragmentation.
    """

    def __init__(self) -> None:
        self.live_bytes = 0
        self.peak_bytes = 0
        self._storages: dict[int, tuple[int, Any]] = {}
        self._watchers: dict[int, weakref.ref[Any]] = {}

    def add(self, tensors: Iterable[Tensor], owner: Any = None) -> None:
        """Enter the storages that are not yet in the ledger; note those whose size changed."""
        for tensor in tensors:
            storage = storage_of(tensor)
            if storage is None:
                continue
            key = storage._cdata
            known = self._storages.get(key)
            size = storage.nbytes()
            if known is None:
                self._watchers[key] = weakref.ref(storage, self._forgetter(key))
                self._storages[key] = (size, owner)
                self.live_bytes += size
            elif known[0] != size:
                self._storages[key] = (size, known[1])
                self.live_bytes += size - known[0]
            self.peak_bytes = max(self.peak_bytes, self.live_bytes)

    def add_for_a_moment(self, size: int) -> None:
        """So many bytes more were held beside all that is alive now, and are gone again."""
        self.peak_bytes = max(self.peak_bytes, self.live_bytes + size)

    def __contains__(self, tensor: Tensor) -> bool:
        storage = storage_of(tensor)
        return storage is not None and storage._cdata in self._storages

    def held(self) -> list[tuple[int, Any]]:
        """Size and owner of each storage that is alive."""
        return list(self._storages.values())

    def close(self) -> None:
        """Stop watching."""
        self._watchers.clear()

    def _forgetter(self, key: int) -> Callable[[Any], None]:
        def forget(_: Any) -> None:
            self._watchers.pop(key, None)
            entry = self._storages.pop(key, None)
            if entry is not None:
                self.live_bytes -= entry[0]

        return forget


def storage_of(tensor: Tensor) -> torch.UntypedStorage | None:
    """The storage, or None for tensors without one (sparse, oneDNN's own layout)."""
    try:
        return tensor.untyped_storage()
    except (NotImplementedError, RuntimeError):
        return None


def unique_bytes(tensors: Iterable[Tensor]) -> int:
    """Bytes of all tensors, shared storages once."""
    sizes: dict[int, int] = {}
    for tensor in tensors:
        storage = storage_of(tensor)
        if storage is not None:
            sizes[storage._cdata] = storage.nbytes()
        else:
            sizes[-id(tensor)] = held_bytes(tensor)
    return sum(sizes.values())


def held_bytes(tensor: Tensor) -> int:
    """Bytes of a tensor's numbers; of a sparse one, of the values that it holds and of their places."""
    parts = sparse_parts(tensor)
    if parts:
        return sum(part.nbytes for part in parts)
    return tensor.numel() * tensor.element_size()
