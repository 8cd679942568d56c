"""Graphs as a person has them: arrays of nodes with numbers, and the undirected edges between them, weighted or not.

Edges come as adjacency matrices, one a graph, or as a list of pairs of nodes, which takes no more memory than there are
edges. Both become `PackedGraphs`.
Letters: N examples, V nodes of the largest graph, F numbers a node, E edges of all graphs.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.packed_graphs import PackedGraphs, joined_graphs, offsets_of
from bakeoff.data.schema import Graph
from bakeoff.errors import DataError

Array = NDArray[Any]

#: Adjacency matrices that are checked at once.
_BLOCK = 2048


def graphs_of_matrices(features: Array, adjacency: Array, nodes: Array | None = None) -> PackedGraphs:
    """Graphs of adjacency matrices.

    Args:
        features: [N, V, F], numbers of each node.
        adjacency: [N, V, V], symmetric; 0 for no edge, else the edge's weight (1 where edges have none).
        nodes: [N] true numbers of nodes, the real ones first; what stands beyond them is padding and left out. None
            where all graphs are complete.

    Raises:
        DataError: shapes that do not fit, a matrix that is not symmetric, numbers that are not finite, or counts that
            are none.
    """
    _check_shapes(features, adjacency)
    _check_numbers(x=features, adjacency=adjacency)
    largest = features.shape[1]
    counts = np.full(len(features), largest) if nodes is None else _counts(nodes, len(features), largest)
    parts = []
    for start in range(0, len(features), _BLOCK):
        block = slice(start, start + _BLOCK)
        parts.append(_packed(features[block], adjacency[block], counts[block], first=start + 1))
    return _without_equal_weights(joined_graphs(parts))


def graphs_of_edges(
    features: Array, edges: Array, nodes: Array | None = None, weights: Array | None = None
) -> PackedGraphs:
    """Graphs of lists of edges.

    Args:
        features: [nodes of all graphs, F].
        edges: [E, 2], the rows of `features` at both ends of each edge, in either order.
        nodes: [N], how many of the rows belong to each graph; None where all of them are one graph.
        weights: [E]; None where all have the weight 1.

    Raises:
        DataError: shapes that do not fit, an edge between two graphs, or a number that is not finite.
    """
    whole = len(features) if features.ndim == 2 else 0
    if not whole or edges.ndim != 2 or edges.shape[1] != 2 or edges.dtype.kind not in "iu":
        raise DataError(
            "Graphs by their edges need x [nodes of all graphs, features] and edges [edges, 2], whole numbers that "
            f"count the rows of x from 0, and x is {list(features.shape)} and edges {list(edges.shape)}."
        )
    _check_numbers(x=features, weights=np.ones(1) if weights is None else weights)
    counts = np.array([whole]) if nodes is None else nodes
    if (
        counts.ndim != 1
        or counts.dtype.kind not in "iu"
        or counts.min(initial=1) < 1
        or counts.sum() != whole
    ):
        raise DataError(
            f"'nodes' must hold the number of nodes of each graph, in all as many as x has rows, {whole}."
        )
    if weights is not None and weights.shape != (len(edges),):
        raise DataError(f"'weights' must hold one number for each of the {len(edges)} edges.")
    owner = np.searchsorted(offsets_of(counts), edges, side="right") - 1
    astray = (edges < 0).any(axis=1) | (edges >= whole).any(axis=1) | (owner[:, 0] != owner[:, 1])
    if astray.any():
        row = int(np.flatnonzero(astray)[0])
        raise DataError(
            f"Edge {row + 1} joins the rows {edges[row, 0]} and {edges[row, 1]} of x, which are no two nodes of one "
            "graph: count the rows of x from 0, through all graphs."
        )
    graphs = PackedGraphs.of_edges(features, counts, edges, weights)
    _check_finite(graphs, first=1)
    return _without_equal_weights(graphs)


def kind_of(graphs: PackedGraphs) -> Graph:
    """What one of these graphs is at most."""
    return Graph(
        nodes=int(graphs.node_counts.max(initial=1)),
        features=graphs.features.shape[1],
        edges=int(graphs.edge_counts.max(initial=0)),
    )


def lengths_of_graphs(graphs: PackedGraphs, kind: Graph) -> NDArray[np.int64] | None:
    """True numbers of nodes [N]; None where all graphs have as many as the largest."""
    return None if (graphs.node_counts == kind.nodes).all() else graphs.node_counts


def check_fits(graphs: PackedGraphs, kind: Graph) -> None:
    """Raises `DataError` where a network that was trained on graphs of this kind cannot take these."""
    features = graphs.features.shape[1]
    if features != kind.features:
        raise DataError(
            f"The network was trained on nodes with {kind.features} features, and these have {features}: "
            "give graphs of the same form."
        )
    largest = int(graphs.node_counts.max(initial=0))
    if largest > kind.nodes:
        raise DataError(
            f"The network was trained on graphs of at most {kind.nodes} nodes, and one of these has {largest}: leave "
            "it out, or train with larger ones."
        )


def graphs_of_dense(dense: Array, kind: Graph, nodes: Array | None = None) -> PackedGraphs:
    """Graphs of their dense views [N, F + V, V]: a column a node, its numbers above its row of the adjacency matrix."""
    features, adjacency = dense[:, : kind.features], dense[:, kind.features :]
    return graphs_of_matrices(features.transpose(0, 2, 1), adjacency, nodes)


def _check_shapes(features: Array, adjacency: Array) -> None:
    shapes = f"x is {list(features.shape)} and adjacency {list(adjacency.shape)}"
    if features.ndim != 3 or adjacency.ndim != 3 or adjacency.shape[1] != adjacency.shape[2]:
        raise DataError(
            f"Graphs need x [graphs, nodes, features] and adjacency [graphs, nodes, nodes], and {shapes}: "
            "give nodes without numbers a single 1."
        )
    if features.shape[:2] != adjacency.shape[:2] or 0 in features.shape:
        raise DataError(
            f"Both arrays of graphs must have as many graphs and nodes, at least one, and {shapes}."
        )


def _check_numbers(**arrays: Array) -> None:
    for name, array in arrays.items():
        if array.dtype.kind not in "biuf":
            raise DataError(f"'{name}' must hold numbers, not {array.dtype}.")


def _counts(nodes: Array, graphs: int, largest: int) -> NDArray[np.int64]:
    are_whole = nodes.dtype.kind in "iu" or (
        nodes.dtype.kind == "f" and bool((nodes == np.round(nodes)).all())
    )
    if nodes.shape != (graphs,) or not are_whole or nodes.min() < 1 or nodes.max() > largest:
        raise DataError(
            f"'nodes' must hold a whole number from 1 to {largest} for each of the {graphs} graphs: "
            "how many of its nodes are real."
        )
    return nodes.astype(np.int64)


def _packed(features: Array, adjacency: Array, counts: Array, *, first: int) -> PackedGraphs:
    """A block of graphs, of which the first has this number, counted from 1."""
    real = np.arange(features.shape[1]) < counts[:, None]
    matrix = np.where(real[:, :, None] & real[:, None, :], adjacency, 0)
    same = np.isclose(matrix, matrix.transpose(0, 2, 1), rtol=1e-4, equal_nan=True).all(axis=(1, 2))
    if not same.all():
        raise DataError(
            f"Graph {first + int(np.flatnonzero(~same)[0])} has an adjacency matrix that is not symmetric, and edges "
            "without a direction are needed: give np.maximum(adjacency, adjacency.transpose(0, 2, 1))."
        )
    graph, start, end = np.nonzero(np.triu(matrix))
    with np.errstate(over="ignore"):  # such a number becomes infinite, and is reported like one
        weights, numbers = matrix[graph, start, end].astype(np.float32), features[real].astype(np.float32)
    begins = offsets_of(counts)[graph]
    graphs = PackedGraphs.of_edges(numbers, counts, np.stack([begins + start, begins + end], axis=1), weights)
    _check_finite(graphs, first=first)
    return graphs


def _check_finite(graphs: PackedGraphs, *, first: int) -> None:
    weights = np.zeros(0) if graphs.weights is None else graphs.weights
    for values, offsets in ((graphs.features, graphs.node_offsets), (weights[:, None], graphs.edge_offsets)):
        finite = np.isfinite(values).all(axis=1)
        if finite.all():
            continue
        row = int(np.flatnonzero(~finite)[0])
        if np.isnan(values[row]).any():
            raise DataError(
                "There are missing values (NaN) in inputs of the kind 'graph': fill them in first."
            )
        wrong = values[row][~np.isfinite(values[row])].ravel()[0]
        graph = first + int(np.searchsorted(offsets, row, side="right")) - 1
        raise DataError(
            f"Example {graph} holds {wrong}; networks need finite numbers: fill such values in or leave those "
            "examples out."
        )


def _without_equal_weights(graphs: PackedGraphs) -> PackedGraphs:
    """The same without weights, where all are 1."""
    if graphs.weights is None or not (graphs.weights == 1).all():
        return graphs
    return PackedGraphs(**{name: array for name, array in graphs.arrays().items() if name != "weights"})
