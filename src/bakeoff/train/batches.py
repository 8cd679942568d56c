"""Which examples each replica sees at each step."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

#: Steps whose positions are drawn at once.
BLOCK = 64


def batch_positions(*, examples: int, batch_size: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Positions in a training set of this size, one array a step, without end.

    Every epoch is a new permutation; its last batch holds what is left. The order depends on nothing else, so that
    every entrant with this seed and size reads the same examples at the same step.

    >>> steps = batch_positions(examples=3, batch_size=2, seed=0)
    >>> [len(next(steps)) for _ in range(4)]
    [2, 1, 2, 1]
    """
    rng = np.random.default_rng((seed, 0xBA7C4))
    while True:
        order = rng.permutation(examples)
        for start in range(0, examples, batch_size):
            yield order[start : start + batch_size]


class StackedBatches:
    """The batches of R replicas side by side.

    Args:
        subsets: each replica's training set as positions in the training split.
        seeds: each replica's seed.
        batch_size: of all.
    """

    def __init__(self, subsets: Sequence[Tensor], seeds: Sequence[int], batch_size: int) -> None:
        self._subsets = [subset.numpy() for subset in subsets]
        self._streams = [
            batch_positions(examples=len(subset), batch_size=batch_size, seed=seed)
            for subset, seed in zip(subsets, seeds, strict=True)
        ]
        self._width = min(batch_size, max(map(len, subsets)))
        self._cursor = BLOCK
        self._positions, self._counts = self._empty(), np.zeros((BLOCK, 0), dtype=np.int64)

    def _empty(self) -> NDArray[np.int64]:
        return np.zeros((BLOCK, len(self._streams), self._width), dtype=np.int64)

    def _draw(self) -> None:
        self._positions, self._cursor = self._empty(), 0
        self._counts = np.zeros((BLOCK, len(self._streams)), dtype=np.int64)
        for row, (stream, subset) in enumerate(zip(self._streams, self._subsets, strict=True)):
            for step in range(BLOCK):
                chosen = subset[next(stream)]
                self._positions[step, row, : len(chosen)] = chosen
                self._positions[step, row, len(chosen) :] = subset[0]
                self._counts[step, row] = len(chosen)

    def next(self) -> tuple[Tensor, Tensor]:
        """(positions int64 [R, B], how many of each row are real int64 [R]); the rest of a row is filler."""
        if self._cursor == BLOCK:
            self._draw()
        counts = self._counts[self._cursor]
        positions = self._positions[self._cursor][:, : counts.max()]
        self._cursor += 1
        return torch.from_numpy(np.ascontiguousarray(positions)), torch.from_numpy(counts)

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these replicas only; their order is undisturbed."""
        self._subsets = [self._subsets[row] for row in rows]
        self._streams = [self._streams[row] for row in rows]
        self._positions, self._counts = self._positions[:, rows], self._counts[:, rows]
