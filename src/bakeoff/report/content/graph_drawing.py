"""One graph as a small drawing: linked nodes near each other, darker where their first number is larger."""

from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from bakeoff.data.packed_graphs import PackedGraphs
from bakeoff.messages import say

#: Of larger graphs only the numbers of nodes and edges are shown: a drawing could not be read.
MOST_NODES = 80
#: Side and margin of the drawing in pixels, and rounds of the layout.
_SIDE, _MARGIN, _ROUNDS = 200.0, 10.0, 80

Places = NDArray[np.float64]


def draw_graph(graph: PackedGraphs) -> Markup:
    """One graph as SVG, or in words where it is too large; edges from a node to itself are left out."""
    nodes, (start, end) = len(graph.features), graph.edges[graph.edges[:, 0] != graph.edges[:, 1]].T
    if nodes > MOST_NODES:
        return Markup("<p>{}</p>").format(say("report.graph", nodes=nodes, edges=len(start)))
    linked = np.zeros((nodes, nodes), bool)
    linked[start, end] = linked[end, start] = True
    across, down = _on_paper(_layout(linked)).T
    lines = Markup("").join(
        Markup('<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(
            across[a], down[a], across[b], down[b]
        )
        for a, b in zip(start, end, strict=True)
    )
    dots = Markup("").join(
        Markup('<circle cx="{:.1f}" cy="{:.1f}" r="5" fill-opacity="{:.2f}"/>').format(x, y, shade)
        for x, y, shade in zip(across, down, _shades(graph.features[:, 0]), strict=True)
    )
    return Markup(
        '<svg class="graph" viewBox="0 0 {0} {0}" role="img" aria-hidden="true">{1}{2}</svg>'
    ).format(int(_SIDE), lines, dots)


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
    return _SIDE / 2 + (places - middle) / reach * (_SIDE - 2 * _MARGIN)


def _shades(values: NDArray[Any]) -> NDArray[np.float64]:
    """Opacities from 0.1 for the smallest value to 1 for the largest; 0.5 where all are equal."""
    plain = np.nan_to_num(values.astype(np.float64))
    low, high = plain.min(), plain.max()
    return np.full(len(plain), 0.5) if low == high else 0.1 + 0.9 * (plain - low) / (high - low)
