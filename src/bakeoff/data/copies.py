"""Exact copies among examples: found by hashes of their bytes, which are then compared in full."""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.packed_graphs import PackedGraphs

#: Rows that are read at once.
_BLOCK = 8192


def first_equal(inputs: NDArray[Any] | PackedGraphs) -> NDArray[np.int64]:
    """For each example of [N, ...] the index of the first one that equals it byte for byte.

    Rows of an array are hashed to 64 bits block by block (a multiply-shift hash of their bytes, twice folded); those
    with equal hashes are then compared in full. Graphs are compared by a cryptographic hash.
    """
    count = len(inputs)
    hashes = row_hashes(inputs)
    _, first_place, inverse = np.unique(hashes, return_index=True, return_inverse=True)
    first = first_place.astype(np.int64)[inverse.reshape(-1)]
    if isinstance(inputs, PackedGraphs):
        return first
    for start in range(0, count, _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, count))
        rows = rows[first[rows] != rows]
        if len(rows):
            own, other = np.asarray(inputs[rows]), np.asarray(inputs[first[rows]])
            differ = (own != other).reshape(len(rows), -1).any(axis=1)
            first[rows[differ]] = rows[differ]
    return first


def row_hashes(
    inputs: NDArray[Any] | PackedGraphs, rows: NDArray[np.int64] | None = None
) -> NDArray[np.uint64]:
    """A 64-bit hash of each example's bytes, of all examples [N, ...] or of these rows; some thousand at a time."""
    if isinstance(inputs, PackedGraphs):
        return _graph_hashes(inputs if rows is None else inputs[rows])
    count = len(inputs) if rows is None else len(rows)
    hashes = np.empty(count, np.uint64)
    for start in range(0, count, _BLOCK):
        place = slice(start, start + _BLOCK) if rows is None else rows[start : start + _BLOCK]
        hashes[start : start + _BLOCK] = _row_hashes(np.ascontiguousarray(inputs[place]))
    return hashes


def _graph_hashes(graphs: PackedGraphs) -> NDArray[np.uint64]:
    """BLAKE2 of each graph's nodes, edges and weights."""
    hashes = np.empty(len(graphs), np.uint64)
    for place in range(len(graphs)):
        nodes, edges = (
            slice(*offsets[place : place + 2]) for offsets in (graphs.node_offsets, graphs.edge_offsets)
        )
        digest = hashlib.blake2b(np.int64(nodes.stop - nodes.start).tobytes(), digest_size=8)
        digest.update(np.ascontiguousarray(graphs.features[nodes]).tobytes())
        digest.update(np.ascontiguousarray(graphs.edges[edges]).tobytes())
        none = np.ones(edges.stop - edges.start, np.float32)  # no weights are weights of 1
        digest.update((none if graphs.weights is None else np.asarray(graphs.weights[edges])).tobytes())
        hashes[place] = int.from_bytes(digest.digest(), "little")
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
