"""Which examples each replica sees at each step."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

#: Steps whose positions are drawn at once.
BLOCK = 64


def _epochs(examples: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """The order of the examples in each epoch, a new one each, whose last batch holds what is left.

    It depends on nothing else, so that every entrant with this seed and size reads the same examples at the same step.
    """
    rng = np.random.default_rng((seed, 0xBA7C4))
    while True:
        yield rng.permutation(examples)


class _Stream:
    """One replica's batches, many steps at once.

    Args:
        subset: its training set as positions in the training split.
    """

    def __init__(self, subset: NDArray[np.int64], batch_size: int, seed: int) -> None:
        self._subset, self._batch_size = subset, batch_size
        self._epochs = _epochs(len(subset), seed)
        self._rest = subset[:0]

    def fill(self, positions: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
        """Write the next steps' positions [steps, B] and, in `counts` [steps], how many of each step are real."""
        step, size = 0, self._batch_size
        while step < len(counts):
            if not len(self._rest):
                self._rest = self._subset[next(self._epochs)]
            full = min(len(self._rest) // size, len(counts) - step)
            if full:
                positions[step : step + full] = self._rest[: full * size].reshape(full, size)
                counts[step : step + full] = size
                self._rest = self._rest[full * size :]
            else:
                full, count = 1, len(self._rest)
                positions[step, :count], positions[step, count:] = self._rest, self._subset[0]
                counts[step], self._rest = count, self._subset[:0]
            step += full


class StackedBatches:
    """The batches of R replicas side by side.

    Args:
        subsets: each replica's training set as positions in the training split.
        seeds: each replica's seed.
        batch_size: of all.
    """

    def __init__(self, subsets: Sequence[Tensor], seeds: Sequence[int], batch_size: int) -> None:
        self._streams = [
            _Stream(subset.numpy(), batch_size, seed) for subset, seed in zip(subsets, seeds, strict=True)
        ]
        self._width = min(batch_size, max(map(len, subsets)))
        self._cursor = BLOCK
        self._positions, self._counts = self._empty()

    def _empty(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        shape = (BLOCK, len(self._streams))
        return np.zeros((*shape, self._width), dtype=np.int64), np.zeros(shape, dtype=np.int64)

    def _draw(self) -> None:
        self._positions, self._counts = self._empty()
        self._cursor = 0
        for row, stream in enumerate(self._streams):
            stream.fill(self._positions[:, row], self._counts[:, row])

    def next(self) -> tuple[Tensor, Tensor]:
        """(positions int64 [R, B], counts int64 [R]): so many positions of each row are real, the rest is filler."""
        if self._cursor == BLOCK:
            self._draw()
        counts = self._counts[self._cursor]
        positions = self._positions[self._cursor][:, : counts.max()]
        self._cursor += 1
        return torch.from_numpy(np.ascontiguousarray(positions)), torch.from_numpy(counts)

    def take(self, steps: int) -> tuple[Tensor, Tensor]:
        """The next steps together: (positions int64 [steps, R, B], counts int64 [steps, R]).

        At most `steps`; fewer where the block of `BLOCK` steps that was drawn ends before.
        """
        if self._cursor == BLOCK:
            self._draw()
        chosen = slice(self._cursor, min(self._cursor + steps, BLOCK))
        self._cursor = chosen.stop
        positions, counts = (np.ascontiguousarray(part[chosen]) for part in (self._positions, self._counts))
        return torch.from_numpy(positions), torch.from_numpy(counts)

    def keep(self, rows: Sequence[int]) -> None:
        """Continue with these replicas only; the order of their batches does not change."""
        self._streams = [self._streams[row] for row in rows]
        self._positions, self._counts = self._positions[:, rows], self._counts[:, rows]
