"""How graphs are changed: the arithmetic behind their interventions. See `bakeoff.data.forms.graphs` for the arrays.

Letters: B graphs of a block, V nodes of the largest graph, F numbers a node, E edges of all graphs.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Lengths = NDArray[np.int64] | None

#: Swaps that are tried for each edge of the graph with the most edges: enough for a well-mixed graph
#: (Milo et al. 2003, arXiv cond-mat/0312028).
SWAPS_PER_EDGE = 10


def without_edges(x: Array, lengths: Lengths, rng: np.random.Generator) -> Array:
    """Graphs [B, F + V, V] without edges."""
    out = x.copy()
    out[:, _features(x) :] = 0
    return out


def with_nodes_alike(x: Array, *, fill: Array) -> Array:
    """Graphs [B, F + V, V] in which every node has the same numbers `fill` [F]: only the structure is left."""
    out = x.copy()
    out[:, : _features(x)] = fill[:, None]
    return out


def renumbered(x: Array, lengths: Lengths, rng: np.random.Generator) -> Array:
    """Graphs [B, F + V, V], the nodes of each in a random order of its own; padding stays at the end."""
    nodes, features = x.shape[2], _features(x)
    keys = rng.random((len(x), nodes))
    if lengths is not None:
        keys += np.arange(nodes) >= lengths[:, None]
    order = np.argsort(keys, axis=1)
    rows = np.concatenate(
        [np.broadcast_to(np.arange(features), (len(x), features)), features + order], axis=1
    )
    return x[np.arange(len(x))[:, None, None], rows[:, :, None], order[:, None, :]]


def rewired(x: Array, lengths: Lengths, rng: np.random.Generator) -> Array:
    """Graphs [B, F + V, V] with random neighbours; the degree of each node does not change.

    Double-edge swaps (Maslov & Sneppen, Science 296, 2002): two random edges a-b and c-d become a-d and c-b, unless
    that would make a loop or a second edge between two nodes. Loops stay; an edge's weight goes with it.
    """
    out = x.copy()
    adjacency = out[:, _features(x) :]
    graph, *ends = np.nonzero(np.triu(adjacency != 0, 1))
    edges = np.stack(ends, axis=1)
    counts = np.bincount(graph, minlength=len(x))
    able = np.flatnonzero(counts >= 2)
    first, count = (np.cumsum(counts) - counts)[able], counts[able]
    for _ in range(SWAPS_PER_EDGE * int(counts.max(initial=0)) if len(able) else 0):
        one, other = (first + (rng.random(len(able)) * count).astype(np.int64) for _ in range(2))
        turned = rng.random(len(able)) < 0.5
        _swap(adjacency, edges, able, one, other, turned)
    return out


def _swap(
    adjacency: Array, edges: Array, graph: Array, one: Array, other: Array, turned: NDArray[np.bool_]
) -> None:
    """One swap in each of these graphs, in place, where it makes neither a loop nor a second edge.

    Args:
        adjacency: [B, V, V]. edges: [E, 2], the ends of every edge.
        graph: numbers of the graphs [G]. one, other: each graph's two edges [G], places in `edges`.
        turned: whether the second edge is read from its other end [G].
    """
    (a, b), (c, d) = edges[one].T, edges[other].T
    c, d = np.where(turned, d, c), np.where(turned, c, d)
    distinct = (a != c) & (a != d) & (b != c) & (b != d)
    fine = distinct & (adjacency[graph, a, d] == 0) & (adjacency[graph, c, b] == 0)
    graph, one, other, a, b, c, d = (values[fine] for values in (graph, one, other, a, b, c, d))
    weights = adjacency[graph, a, b], adjacency[graph, c, d]
    for start, end in ((a, b), (c, d)):
        adjacency[graph, start, end] = adjacency[graph, end, start] = 0
    for start, end, weight in ((a, d, weights[0]), (c, b, weights[1])):
        adjacency[graph, start, end] = adjacency[graph, end, start] = weight
    edges[one], edges[other] = np.stack([a, d], axis=1), np.stack([c, b], axis=1)


def _features(x: Array) -> int:
    return int(x.shape[1] - x.shape[2])
