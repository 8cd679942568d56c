"""Graphs drawn small: every real node and edge once, padding never, and large ones in words."""

import re
from pathlib import Path

import networkx
import numpy as np
import pytest

from bakeoff.data.encoder import NewExamples
from bakeoff.data.packed_graphs import PackedGraphs
from bakeoff.data.schema import Graph
from bakeoff.explain.network.explain_network import Explained
from bakeoff.report.content.examples import example_of
from bakeoff.report.content.graph_drawing import ExampleGraph
from bakeoff.report.html.explain_page import write_explained

KIND = Graph(nodes=12, features=2)


def packed(*graphs: networkx.Graph) -> PackedGraphs:
    """The first number of each node is its place."""
    begins = np.cumsum([0, *map(len, graphs)])
    numbers = [(place, 0.0) for graph in graphs for place in range(len(graph))]
    ends = [(begins[i] + a, begins[i] + b) for i, graph in enumerate(graphs) for a, b in graph.edges]
    return PackedGraphs.of_edges(
        np.array(numbers), [len(graph) for graph in graphs], np.array(ends, np.int64)
    )


def drawing(graphs: PackedGraphs) -> ExampleGraph:
    shown = example_of(graphs, kind=KIND)
    assert isinstance(shown, ExampleGraph)
    return shown


def circles(markup: str) -> list[tuple[float, ...]]:
    found = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)" r="5" fill-opacity="([\d.]+)"/>', markup)
    return [tuple(map(float, circle)) for circle in found]


@pytest.mark.parametrize(
    "graph",
    [networkx.path_graph(9), networkx.complete_graph(5), networkx.empty_graph(3), networkx.empty_graph(1)],
)
def test_each_real_node_and_edge_is_drawn_once_inside_the_square(graph: networkx.Graph) -> None:
    shown = drawing(packed(graph))
    drawn = shown.nodes
    assert len(drawn) == shown.node_count == len(graph)
    assert len(shown.edges) == shown.edge_count == graph.number_of_edges()
    assert all(0 <= value <= 200 for x, y, _ in drawn for value in (x, y))
    assert len({(x, y) for x, y, _ in drawn}) == len(graph)
    places = {(x, y) for x, y, _ in drawn}
    assert all({edge[:2], edge[2:]} <= places for edge in shown.edges)
    shades = [shade for *_, shade in drawn]
    assert shades == sorted(shades)  # the first number grows from node to node


def test_linked_nodes_are_drawn_nearer_than_others() -> None:
    graph = networkx.disjoint_union(networkx.complete_graph(5), networkx.complete_graph(5))
    x, y, _ = np.array(drawing(packed(graph)).nodes).T
    apart = np.hypot(x[:, None] - x, y[:, None] - y)
    linked = networkx.to_numpy_array(graph) > 0
    assert apart[linked].mean() < 0.6 * apart[~linked & ~np.eye(10, dtype=bool)].mean()


def test_a_large_graph_is_counted_and_not_drawn() -> None:
    shown = drawing(packed(networkx.cycle_graph(100)))
    assert (shown.node_count, shown.edge_count) == (100, 100)
    assert not shown.nodes


def test_the_page_of_explain_draws_the_graph_and_shades_it_by_saliency(tmp_path: Path) -> None:
    raw = packed(networkx.path_graph(4), networkx.path_graph(6))
    heat = np.zeros((1, 12))
    heat[0, 2] = 7.0
    found = Explained(model="gin", data="d", kind=KIND, shown=(0,), saliency=heat)
    new = NewExamples(inputs=raw, lengths=np.array([4, 6]), names=["a", "b"])
    page = write_explained(found, new, tmp_path / "page.html").read_text(encoding="utf-8")
    plain, heated = (circles(part) for part in page.split('<svg class="graph"')[1:])
    assert [shade for *_, shade in plain] == [0.1, 0.4, 0.7, 1.0]
    assert [shade for *_, shade in heated] == [0.1, 0.1, 1.0, 0.1]
    assert [place[:2] for place in plain] == [place[:2] for place in heated]
