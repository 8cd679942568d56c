"""How graphs are changed: the arithmetic behind their interventions. See `bakeoff.data.packed_graphs` for the arrays.

Letters: B graphs of a block, V nodes of all of them, F numbers a node, E edges of all of them.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.packed_graphs import PackedGraphs, joined_graphs, offsets_of

Array = NDArray[Any]
Indices = NDArray[np.int64]

#: (graphs, generator of this block) -> changed graphs, as many.
GraphChange = Callable[[PackedGraphs, np.random.Generator], PackedGraphs]

#: Graphs that are changed at once.
BLOCK = 2048
#: Swaps that are tried for each edge of the graph with the most edges: enough for a well-mixed graph
#: (Milo et al. 2003, arXiv cond-mat/0312028).
SWAPS_PER_EDGE = 10
#: In a graph with many edges one swap for every so many edges is tried at once, or a million rounds would be needed.
EDGES_PER_SWAP = 200


def mapped(graphs: PackedGraphs, change: GraphChange, *, seed: int) -> PackedGraphs:
    """All graphs changed, block by block; the random numbers of a block depend on the seed and its start only."""
    starts = range(0, len(graphs), BLOCK)
    return joined_graphs(
        [change(graphs[start : start + BLOCK], np.random.default_rng((seed, start))) for start in starts]
    )


def without_edges(graphs: PackedGraphs, rng: np.random.Generator) -> PackedGraphs:
    """The nodes alone."""
    none = graphs.edges[:0]
    return replace(graphs, edges=none, edge_offsets=np.zeros_like(graphs.edge_offsets), weights=None)


def with_nodes_alike(graphs: PackedGraphs, *, fill: Array) -> PackedGraphs:
    """Graphs in which every node has the same numbers `fill` [F]: only the structure is left."""
    return graphs.with_features(np.broadcast_to(fill, graphs.features.shape))


def renumbered(graphs: PackedGraphs, rng: np.random.Generator) -> PackedGraphs:
    """Graphs with the nodes of each in a random order of its own."""
    widest = int(graphs.node_counts.max(initial=0))
    # As many numbers for each graph as the largest needs: a graph's order does not depend on the sizes of others.
    keys = [rng.random(widest)[:count] for count in graphs.node_counts]
    return ordered_by(graphs, np.concatenate([np.zeros(0), *keys]))


def ordered_by(graphs: PackedGraphs, keys: Array) -> PackedGraphs:
    """Graphs with the nodes of each in ascending order of their keys [V]."""
    owner = np.repeat(np.arange(len(graphs)), graphs.node_counts)
    order = np.lexsort((keys, owner))
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return PackedGraphs.of_edges(
        graphs.features[order], graphs.node_counts, place[graphs.ends], graphs.weights
    )


def rewired(graphs: PackedGraphs, rng: np.random.Generator) -> PackedGraphs:
    """Graphs with random neighbours; the degree of each node does not change.

    Double-edge swaps (Maslov & Sneppen, Science 296, 2002): two random edges a-b and c-d become a-d and c-b, unless
    that would make a loop or a second edge between two nodes. Loops stay; an edge's weight goes with it.
    """
    ends = graphs.ends
    able = np.flatnonzero(ends[:, 0] != ends[:, 1])
    owner = np.repeat(np.arange(len(graphs)), graphs.edge_counts)[able]
    counts = np.bincount(owner, minlength=len(graphs))
    ends[able] = _mixed(ends[able], counts, len(graphs.features), rng)
    return PackedGraphs.of_edges(graphs.features, graphs.node_counts, ends, graphs.weights)


def _mixed(edges: Indices, counts: Indices, nodes: int, rng: np.random.Generator) -> Indices:
    """The edges [E, 2], graph after graph, after all rounds of swaps; `counts` [B] is how many are in each graph."""
    first, able = offsets_of(counts)[:-1], np.flatnonzero(counts >= 2)
    swaps = np.maximum(counts[able] // EDGES_PER_SWAP, 1)
    begin, count = np.repeat(first[able], swaps), np.repeat(counts[able], swaps)
    rounds = np.ceil(SWAPS_PER_EDGE * counts[able] / swaps).max(initial=0)
    there = np.sort(_keys(edges, nodes))
    for _ in range(int(rounds)):
        one, other = (begin + (rng.random(len(begin)) * count).astype(np.int64) for _ in range(2))
        there = _swap(edges, there, nodes, one, other, rng.random(len(begin)) < 0.5)
    return edges


def _swap(
    edges: Indices, there: Indices, nodes: int, one: Indices, other: Indices, turned: NDArray[np.bool_]
) -> Indices:
    """The swaps of one round, in place, where they make neither a loop nor a second edge; the new keys, sorted.

    Args:
        edges: [E, 2]. there: their keys, sorted. nodes: of all graphs.
        one, other: the two edges of each swap [S], places in `edges`.
        turned: whether the second edge is read from its other end [S].
    """
    (a, b), (c, d) = edges[one].T, edges[other].T
    c, d = np.where(turned, d, c), np.where(turned, c, d)
    new = np.stack([np.stack([a, d], axis=1), np.stack([c, b], axis=1)], axis=1)  # [S, 2, 2]
    keys = _keys(new.reshape(-1, 2), nodes).reshape(-1, 2)
    distinct = (a != c) & (a != d) & (b != c) & (b != d)
    fine = np.flatnonzero(distinct & ~_among(there, keys).any(axis=1))
    # Of swaps that share an edge, or would make the same one, the first of the round counts.
    fine = fine[_first_of_all(np.stack([one, other], axis=1)[fine])]
    fine = fine[_first_of_all(keys[fine])]
    chosen = np.concatenate([one[fine], other[fine]])
    gone = np.searchsorted(there, _keys(edges[chosen], nodes))
    edges[chosen] = np.concatenate([new[fine, 0], new[fine, 1]])
    left, added = np.delete(there, gone), np.sort(keys[fine].reshape(-1))
    return np.insert(left, np.searchsorted(left, added), added)


def _keys(edges: Indices, nodes: int) -> Indices:
    """One whole number for each edge [E, 2], whichever of its ends comes first."""
    return np.asarray(edges.min(axis=1) * nodes + edges.max(axis=1))


def _among(there: Indices, keys: Indices) -> NDArray[np.bool_]:
    """Whether each key is one of the sorted ones, of which there is at least one."""
    return np.asarray(there[np.minimum(np.searchsorted(there, keys), len(there) - 1)] == keys)


def _first_of_all(pairs: Indices) -> NDArray[np.bool_]:
    """Whether no earlier row of [S, 2] holds one of the row's two numbers."""
    _, first, inverse = np.unique(pairs, return_index=True, return_inverse=True)
    return np.asarray(
        (first[inverse.reshape(-1)].reshape(-1, 2) // 2 == np.arange(len(pairs))[:, None]).all(axis=1)
    )
