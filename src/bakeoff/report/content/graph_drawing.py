"""One graph as a small drawing: linked nodes near each other, darker where their first number is larger."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.packed_graphs import PackedGraphs

#: Of larger graphs only the numbers of nodes and edges are shown: a drawing could not be read.
MOST_NODES = 80
#: Side and margin of the drawing in pixels, and rounds of the layout.
SIDE, _MARGIN, _ROUNDS = 200.0, 10.0, 80

Places = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class ExampleGraph:
    """A graph drawn in a square of `SIDE` pixels.

    Attributes:
        node_count, edge_count: of the graph.
        nodes: (x, y, opacity) of each; none where there are more than `MOST_NODES`.
        edges: (x1, y1, x2, y2) of each, under the same condition.
    """

    kind: ClassVar[str] = "graph"
    node_count: int
    edge_count: int
    nodes: tuple[tuple[float, float, float], ...] = ()
    edges: tuple[tuple[float, float, float, float], ...] = ()


def graph_drawing(graph: PackedGraphs) -> ExampleGraph:
    """Where the nodes and edges of one graph are drawn; edges from a node to itself are left out."""
    nodes, (start, end) = len(graph.features), graph.edges[graph.edges[:, 0] != graph.edges[:, 1]].T
    if nodes > MOST_NODES:
        return ExampleGraph(node_count=nodes, edge_count=len(start))
    linked = np.zeros((nodes, nodes), bool)
    linked[start, end] = linked[end, start] = True
    places = _on_paper(_layout(linked))
    shades = _shades(graph.features[:, 0])
    return ExampleGraph(
        node_count=nodes,
        edge_count=len(start),
        nodes=tuple((x, y, shade) for (x, y), shade in zip(places.tolist(), shades.tolist(), strict=True)),
        edges=tuple((*places[a].tolist(), *places[b].tolist()) for a, b in zip(start, end, strict=True)),
    )


def _layout(linked: NDArray[np.bool_]) -> Places:
    """Positions [V, 2] after Fruchterman & Reingold 1991: all nodes repel each other, linked ones attract each other.

    The nodes start on a circle, so that the same graph is always drawn in the same way, and stay inside it.
    """
    count = len(linked)
    turn = 2 * np.pi * np.arange(count) / count
    places = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    ideal = 1.5 / np.sqrt(count)
    for step in np.linspace(0.2, 0.005, _ROUNDS):
        apart = places[:, None] - places
        distance = np.sqrt((apart**2).sum(axis=2)) + 1e-6
        force = ideal**2 / distance**2 - np.where(linked, distance / ideal, 0.0)
        move = (apart * force[..., None]).sum(axis=1) - 0.3 * places
        length = np.sqrt((move**2).sum(axis=1, keepdims=True)) + 1e-9
        places = places + move / length * np.minimum(length, step)
        places = places / np.maximum(np.sqrt((places**2).sum(axis=1, keepdims=True)), 1.0)
    return np.asarray(places)


def _on_paper(places: Places) -> Places:
    """Positions scaled to the drawing's square."""
    low, high = places.min(axis=0), places.max(axis=0)
    reach = float((high - low).max()) or 1.0
    middle = (low + high) / 2
    return SIDE / 2 + (places - middle) / reach * (SIDE - 2 * _MARGIN)


def _shades(values: NDArray[Any]) -> NDArray[np.float64]:
    """Opacities from 0.1 for the smallest value to 1 for the largest; 0.5 where all are equal."""
    plain = np.nan_to_num(values.astype(np.float64))
    low, high = plain.min(), plain.max()
    return np.full(len(plain), 0.5) if low == high else 0.1 + 0.9 * (plain - low) / (high - low)
