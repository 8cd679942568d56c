"""`PackedGraphs`: many graphs in a few arrays, one after another; memory grows with the nodes and the edges alone.

A matrix of all pairs of nodes would hold 169,343 squared numbers, 115 GB, for the 1,166,243 edges of one citation
graph. Here an edge is one row with its two ends, wherever it lies.

Letters: N graphs, V nodes of all graphs together, F numbers a node, E edges of all graphs together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Indices = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class PackedGraphs:
    """N undirected graphs, each edge once. Every array may be mapped from a file.

    Attributes:
        features: float32 [V, F], the numbers of the nodes.
        node_offsets: int64 [N + 1]; the nodes of graph i are the rows from `node_offsets[i]` up to the next offset.
        edges: int32 [E, 2], the ends of each edge as places among the nodes of its own graph, the smaller first; within
            a graph in ascending order. An edge from a node to itself is a loop.
        edge_offsets: int64 [N + 1], as for nodes.
        weights: float32 [E], none of them 0; None where every edge has the weight 1.

    >>> path = PackedGraphs.of_edges(np.zeros((3, 2)), [3], np.array([[0, 1], [2, 1]]))
    >>> len(path), path.edges.tolist()
    (1, [[0, 1], [1, 2]])
    """

    features: NDArray[np.float32]
    node_offsets: Indices
    edges: NDArray[np.int32]
    edge_offsets: Indices
    weights: NDArray[np.float32] | None = None

    @staticmethod
    def of_edges(
        features: Array, node_counts: Sequence[int] | Array, ends: Array, weights: Array | None = None
    ) -> "PackedGraphs":
        """Graphs of edges in any order and direction; the first of several between the same nodes counts.

        Args:
            features: [V, F]. node_counts: [N], how many of the rows belong to each graph.
            ends: [E, 2], as rows of `features`; both of an edge are in one graph.
            weights: [E]; an edge of weight 0 is none. None where all have the weight 1.
        """
        node_offsets, ends = offsets_of(node_counts), np.sort(np.asarray(ends, np.int64).reshape(-1, 2))
        if weights is not None:
            ends, weights = ends[weights != 0], weights[weights != 0]
        # Rows count the nodes of all graphs, so that this is the order of the graphs, too.
        _, first = np.unique(ends[:, 0] * max(len(features), 1) + ends[:, 1], return_index=True)
        ends = ends[first]
        owner = np.searchsorted(node_offsets, ends[:, 0], side="right") - 1
        return PackedGraphs(
            features=np.asarray(features, np.float32),
            node_offsets=node_offsets,
            edges=(ends - node_offsets[owner, None]).astype(np.int32),
            edge_offsets=offsets_of(np.bincount(owner, minlength=len(node_offsets) - 1)),
            weights=None if weights is None else np.asarray(weights[first], np.float32),
        )

    def __len__(self) -> int:
        """The number of graphs."""
        return len(self.node_offsets) - 1

    @property
    def node_counts(self) -> Indices:
        """Nodes of each graph [N]."""
        return np.diff(self.node_offsets)

    @property
    def edge_counts(self) -> Indices:
        """Edges of each graph [N], loops among them."""
        return np.diff(self.edge_offsets)

    @property
    def ends(self) -> Indices:
        """[E, 2], the ends of each edge as rows of `features`."""
        return self.edges + np.repeat(self.node_offsets[:-1], self.edge_counts)[:, None]

    def __getitem__(self, chosen: slice | Array) -> "PackedGraphs":
        """The graphs of these indices, in their order, or of a slice."""
        rows = np.arange(len(self))[chosen].reshape(-1)
        nodes, edges = self.node_counts[rows], self.edge_counts[rows]
        of_nodes, of_edges = ranges(self.node_offsets[rows], nodes), ranges(self.edge_offsets[rows], edges)
        return PackedGraphs(
            features=np.asarray(self.features[of_nodes]),
            node_offsets=offsets_of(nodes),
            edges=np.asarray(self.edges[of_edges]),
            edge_offsets=offsets_of(edges),
            weights=None if self.weights is None else np.asarray(self.weights[of_edges]),
        )

    def with_features(self, features: Array) -> "PackedGraphs":
        """The same edges between nodes with other numbers [V, F]."""
        return replace(self, features=np.asarray(features, np.float32))

    def arrays(self) -> dict[str, Array]:
        """By name, without "weights" where there are none: `PackedGraphs(**arrays)` is the same again."""
        return {name: array for name, array in vars(self).items() if array is not None}

    def equals(self, other: "PackedGraphs") -> bool:
        """Whether both hold exactly the same graphs."""
        ours, theirs = self.arrays(), other.arrays()
        return ours.keys() == theirs.keys() and all(
            np.array_equal(array, theirs[name]) for name, array in ours.items()
        )


def joined_graphs(parts: Sequence[PackedGraphs]) -> PackedGraphs:
    """All graphs of the parts, one part after another."""
    has_weights = any(part.weights is not None for part in parts)
    return PackedGraphs(
        features=np.concatenate([part.features for part in parts]),
        node_offsets=offsets_of(np.concatenate([part.node_counts for part in parts])),
        edges=np.concatenate([part.edges for part in parts]),
        edge_offsets=offsets_of(np.concatenate([part.edge_counts for part in parts])),
        weights=np.concatenate([_weights(part) for part in parts]) if has_weights else None,
    )


def offsets_of(counts: Sequence[int] | Array) -> Indices:
    """int64 [N + 1], where each of N groups of these sizes begins, and where the last one ends.

    >>> offsets_of([2, 0, 3]).tolist()
    [0, 2, 2, 5]
    """
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def ranges(starts: Array, counts: Array) -> Indices:
    """`counts[i]` whole numbers from `starts[i]` on, one group after another.

    >>> ranges(np.array([5, 0]), np.array([2, 3])).tolist()
    [5, 6, 0, 1, 2]
    """
    before = np.cumsum(counts) - counts
    return np.arange(int(counts.sum()), dtype=np.int64) + np.repeat(starts - before, counts)


def _weights(part: PackedGraphs) -> Array:
    return np.ones(len(part.edges), np.float32) if part.weights is None else part.weights


def graphs_of(arrays: Mapping[str, Array]) -> PackedGraphs:
    """Of what `PackedGraphs.arrays` gave."""
    return PackedGraphs(**arrays)
