"""Graphs as arrays: nodes with numbers, and the undirected edges between them, weighted or not.

An example is one array [F + V, V]: a column for each node, F rows of its numbers above V rows of the adjacency matrix.
Padding is at the end of the last axis, as in a series, so that the code that pads, scales or cuts series works for
graphs as well.
Letters: N examples, V nodes of the largest graph, F numbers a node.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Dataset
from bakeoff.data.schema import Graph
from bakeoff.errors import DataError

Array = NDArray[Any]

#: Graphs that are checked at once.
_BLOCK = 2048


def joined(
    features: Array, adjacency: Array, nodes: Array | None = None
) -> tuple[NDArray[np.float32], NDArray[np.int64] | None]:
    """Graphs [N, F + V, V], as the project stores them, and their true numbers of nodes [N] (None: all complete).

    Args:
        features: [N, V, F], numbers of each node.
        adjacency: [N, V, V], symmetric; 0 for no edge, else the edge's weight (1 where edges have none).
        nodes: [N] true numbers of nodes, the real ones first. What stands beyond them is padding and set to 0.

    Raises:
        DataError: shapes that do not fit, a matrix that is not symmetric, or counts that are none.
    """
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
    for array, name in ((features, "x"), (adjacency, "adjacency")):
        if array.dtype.kind not in "biuf":
            raise DataError(f"'{name}' must hold numbers, not {array.dtype}.")
    with np.errstate(over="ignore"):  # such a number becomes infinite, and is reported like one
        graphs = np.concatenate([features.transpose(0, 2, 1), adjacency], axis=1).astype(np.float32)
    lengths = None if nodes is None else _counts(nodes, graphs)
    kind = Graph(nodes=graphs.shape[2], features=features.shape[2])
    if lengths is not None:
        for start in range(0, len(graphs), _BLOCK):
            part = slice(start, start + _BLOCK)
            graphs[part][~real_part(kind, lengths[part])] = 0
    check_symmetric(graphs, kind)
    return graphs, None if lengths is None or bool((lengths == kind.nodes).all()) else lengths


def parts(graphs: Array, kind: Graph) -> tuple[Array, Array]:
    """The nodes' numbers [..., F, V] and the adjacency matrix [..., V, V] of graphs [..., F + V, V]."""
    return graphs[..., : kind.features, :], graphs[..., kind.features :, :]


def real_part(kind: Graph, lengths: NDArray[np.int64]) -> NDArray[np.bool_]:
    """[B, F + V, V]: True where a number belongs to a real node, or to an edge between two of them."""
    real = np.arange(kind.nodes) < lengths[:, None]
    rows = np.concatenate([np.ones((len(real), kind.features), bool), real], axis=1)
    return np.asarray(rows[:, :, None] & real[:, None, :])


def resized(
    graphs: Array, lengths: NDArray[np.int64] | None, kind: Graph
) -> tuple[Array, NDArray[np.int64] | None]:
    """New graphs padded, or cut in their padding, to the number of nodes that a network was trained on.

    Args:
        graphs: [N, F + V, V]. lengths: [N], or None where all are complete.
        kind: what a network was trained on.

    Raises:
        DataError: another number of features, or a graph with more nodes than the largest that was trained on.
    """
    nodes = graphs.shape[2]
    features = graphs.shape[1] - nodes
    if features != kind.features:
        raise DataError(
            f"The network was trained on nodes with {kind.features} features, and these have {features}: "
            "give graphs of the same form."
        )
    largest = nodes if lengths is None else int(lengths.max(initial=0))
    if largest > kind.nodes:
        raise DataError(
            f"The network was trained on graphs of at most {kind.nodes} nodes, and one of these has {largest}: leave "
            "it out, or train with larger ones."
        )
    if nodes == kind.nodes:
        return graphs, lengths
    shared_nodes = min(nodes, kind.nodes)
    out = np.zeros((len(graphs), *kind.shape), np.float32)
    out[:, : features + shared_nodes, :shared_nodes] = graphs[:, : features + shared_nodes, :shared_nodes]
    return out, np.full(len(graphs), nodes, np.int64) if lengths is None else lengths


def edges_per_graph(dataset: Dataset) -> float:
    """The mean number of edges of a graph, loops among them; an undirected edge counts once."""
    assert isinstance(dataset.schema.input, Graph)
    total = 0.0
    for start in range(0, len(dataset), _BLOCK):
        _, adjacency = parts(np.asarray(dataset.inputs[start : start + _BLOCK]), dataset.schema.input)
        there = adjacency != 0
        total += (there.sum() + there.diagonal(axis1=1, axis2=2).sum()) / 2
    return float(total / len(dataset))


def check_symmetric(graphs: Array, kind: Graph) -> None:
    """Raises `DataError` for the first graph with an edge that leads one way only, or weighs differently back."""
    for start in range(0, len(graphs), _BLOCK):
        _, adjacency = parts(np.asarray(graphs[start : start + _BLOCK]), kind)
        same = np.isclose(adjacency, adjacency.transpose(0, 2, 1), rtol=1e-4, equal_nan=True).all(axis=(1, 2))
        if not same.all():
            row = start + int(np.flatnonzero(~same)[0]) + 1
            raise DataError(
                f"Graph {row} has an adjacency matrix that is not symmetric, and edges without a direction are needed: "
                "give np.maximum(adjacency, adjacency.transpose(0, 2, 1))."
            )


def _counts(nodes: Array, graphs: Array) -> NDArray[np.int64]:
    are_whole = nodes.dtype.kind in "iu" or (
        nodes.dtype.kind == "f" and bool((nodes == np.round(nodes)).all())
    )
    if nodes.shape != (len(graphs),) or not are_whole or nodes.min() < 1 or nodes.max() > graphs.shape[2]:
        raise DataError(
            f"'nodes' must hold a whole number from 1 to {graphs.shape[2]} for each of the {len(graphs)} graphs: "
            "how many of its nodes are real."
        )
    return nodes.astype(np.int64)
