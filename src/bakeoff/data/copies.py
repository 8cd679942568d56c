"""Exact copies among examples: found by hashes of their bytes, which are then compared in full."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Rows that are read at once.
_BLOCK = 8192


def first_equal(inputs: NDArray[np.generic]) -> NDArray[np.int64]:
    """For each example of [N, ...] the index of the first one that equals it byte for byte.

    Rows are hashed to 64 bits block by block (a multiply-shift hash of their bytes, twice folded); rows with equal
    hashes are then compared in full.
    """
    count = len(inputs)
    hashes = row_hashes(inputs)
    _, first_place, inverse = np.unique(hashes, return_index=True, return_inverse=True)
    first = first_place.astype(np.int64)[inverse.reshape(-1)]
    for start in range(0, count, _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, count))
        rows = rows[first[rows] != rows]
        if len(rows):
            own, other = np.asarray(inputs[rows]), np.asarray(inputs[first[rows]])
            differ = (own != other).reshape(len(rows), -1).any(axis=1)
            first[rows[differ]] = rows[differ]
    return first


def row_hashes(inputs: NDArray[Any], rows: NDArray[np.int64] | None = None) -> NDArray[np.uint64]:
    """A 64-bit hash of each example's bytes, of all examples [N, ...] or of these rows; some thousand at a time."""
    count = len(inputs) if rows is None else len(rows)
    hashes = np.empty(count, np.uint64)
    for start in range(0, count, _BLOCK):
        place = slice(start, start + _BLOCK) if rows is None else rows[start : start + _BLOCK]
        hashes[start : start + _BLOCK] = _row_hashes(np.ascontiguousarray(inputs[place]))
    return hashes


def _row_hashes(rows: NDArray[np.generic]) -> NDArray[np.uint64]:
    """uint64 [N] of [N, ...]: each 8 bytes of a row are multiplied by an odd number of their position and mixed."""
    data = rows.reshape(len(rows), -1).view(np.uint8)
    width = -(-data.shape[1] // 8) * 8
    padded = np.zeros((len(rows), width), np.uint8)
    padded[:, : data.shape[1]] = data
    words = padded.view(np.uint64)
    odd = np.random.default_rng(0).integers(0, 2**63, words.shape[1], dtype=np.uint64) * np.uint64(
        2
    ) + np.uint64(1)
    mixed = (words ^ (words >> np.uint64(32))) * odd
    return (mixed ^ (mixed >> np.uint64(29))).sum(axis=1, dtype=np.uint64)
