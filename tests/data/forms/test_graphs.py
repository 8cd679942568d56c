"""Graphs: read as they are, padded, scaled, changed, and planted with a known answer; networkx is the witness."""

from dataclasses import replace
from pathlib import Path

import networkx
import numpy as np
import pytest

import bakeoff
from bakeoff.data.card import data_card
from bakeoff.data.dataset import Dataset
from bakeoff.data.findings import first_equal
from bakeoff.data.forms.graphs import graphs_of_dense, graphs_of_matrices
from bakeoff.data.interventions import graph_changes
from bakeoff.data.interventions.catalogue import intervention, interventions
from bakeoff.data.interventions.graph_changes import rewired
from bakeoff.data.load import read_new
from bakeoff.data.packed_graphs import PackedGraphs
from bakeoff.data.schema import Graph
from bakeoff.data.synthetic.planted_graphs import SIZES, homophily, hubs, node_counts
from bakeoff.errors import DataError

COUNT, NODES, FEATURES = 40, 9, 2


def arrays(weighted: bool = False) -> dict[str, np.ndarray]:
    """Random graphs of 4 to 9 nodes as a person would save them, with rubbish where the padding is."""
    rng = np.random.default_rng(3)
    upper = np.triu(rng.random((COUNT, NODES, NODES)) < 0.4, 1).astype(float)
    if weighted:
        upper *= rng.uniform(10, 30, upper.shape)
    return {
        "x": rng.standard_normal((COUNT, NODES, FEATURES)) * [1, 50] + [0, 7],
        "adjacency": upper + upper.transpose(0, 2, 1),
        "nodes": rng.integers(4, NODES + 1, COUNT),
        "y": np.arange(COUNT) % 2,
    }


def edge_lists(weighted: bool = False) -> dict[str, np.ndarray]:
    """The same graphs by their edges, each in a random direction, and in no order."""
    given, rng = arrays(weighted), np.random.default_rng(8)
    real = np.arange(NODES) < given["nodes"][:, None]
    begins = np.cumsum(given["nodes"]) - given["nodes"]
    graph, start, end = np.nonzero(np.triu(given["adjacency"] * real[:, None] * real[:, :, None]))
    edges = begins[graph, None] + np.stack([start, end], axis=1)
    order = rng.permutation(len(edges))
    found = {"x": given["x"][real], "edges": rng.permuted(edges, axis=1)[order], "nodes": given["nodes"]}
    found |= {"weights": given["adjacency"][graph, start, end][order]} if weighted else {}
    return {**found, "y": given["y"]}


def networks_of(graphs: PackedGraphs) -> list[networkx.Graph]:
    """Each graph's nodes and edges, built edge by edge by networkx."""
    found = []
    for row in range(len(graphs)):
        nodes = graphs.features[graphs.node_offsets[row] : graphs.node_offsets[row + 1]]
        graph = networkx.Graph()
        graph.add_nodes_from((place, {"numbers": tuple(one)}) for place, one in enumerate(nodes.tolist()))
        edges = slice(graphs.edge_offsets[row], graphs.edge_offsets[row + 1])
        weights = np.ones(len(graphs.edges)) if graphs.weights is None else graphs.weights
        graph.add_weighted_edges_from(
            (a, b, weight)
            for (a, b), weight in zip(graphs.edges[edges].tolist(), weights[edges].tolist(), strict=True)
        )
        found.append(graph)
    return found


def graphs_of(dataset: Dataset) -> list[networkx.Graph]:
    return networks_of(dataset.graphs)


def of_matrices(*matrices: np.ndarray) -> PackedGraphs:
    """Graphs of these adjacency matrices, with nodes without numbers."""
    adjacency = np.stack(matrices)
    return graphs_of_matrices(np.ones((*adjacency.shape[:2], 1)), adjacency)


def degrees(graph: networkx.Graph) -> list[int]:
    return [degree for _, degree in sorted(graph.degree())]


@pytest.mark.parametrize("is_weighted", [False, True])
def test_a_file_of_graphs_becomes_their_real_nodes_and_edges_and_nothing_else(
    is_weighted: bool, tmp_path: Path
) -> None:
    given = arrays(is_weighted)
    np.savez(tmp_path / "molecules.npz", **given)
    dataset = bakeoff.load(tmp_path / "molecules.npz")
    edges = max(graph.number_of_edges() for graph in graphs_of(dataset))
    assert dataset.schema.input == Graph(nodes=NODES, features=FEATURES, edges=edges)
    np.testing.assert_array_equal(dataset.lengths, given["nodes"])
    for row, graph in enumerate(graphs_of(dataset)):
        count = given["nodes"][row]
        np.testing.assert_allclose(
            networkx.to_numpy_array(graph), given["adjacency"][row, :count, :count], rtol=1e-6
        )
        numbers = [graph.nodes[node]["numbers"] for node in range(count)]
        np.testing.assert_allclose(numbers, given["x"][row, :count], rtol=1e-6)
    assert (dataset.graphs.weights is not None) == is_weighted


@pytest.mark.parametrize("is_weighted", [False, True])
def test_lists_of_edges_are_the_graphs_of_their_matrices(is_weighted: bool, tmp_path: Path) -> None:
    by_matrices = bakeoff.load(arrays(is_weighted))
    np.savez(tmp_path / "molecules.npz", **edge_lists(is_weighted))
    by_edges = bakeoff.load(tmp_path / "molecules.npz")
    assert by_edges.graphs.equals(by_matrices.graphs)
    assert by_edges.schema == by_matrices.schema
    assert by_edges.fingerprint == by_matrices.fingerprint
    assert not by_edges.graphs.equals(bakeoff.load(arrays(not is_weighted)).graphs)


def test_memory_grows_with_nodes_and_edges_and_not_with_their_pairs() -> None:
    """A ring of 169,343 nodes, whose adjacency matrix would take 115 GB."""
    count = 169_343
    ring = np.stack([np.arange(count), (np.arange(count) + 1) % count], axis=1)
    graphs = PackedGraphs.of_edges(np.zeros((count, 4), np.float32), [count], ring)
    taken = sum(array.nbytes for array in graphs.arrays().values())
    assert taken == 4 * 4 * count + 8 * count + 4 * 8
    assert graphs.edge_counts.tolist() == [count]


def test_chosen_graphs_are_those_of_their_places() -> None:
    dataset = bakeoff.load(arrays(weighted=True))
    whole, rows = graphs_of(dataset), np.array([7, 0, 7, 39])
    for chosen, wanted in ((rows, rows), (slice(3, 6), np.arange(3, 6))):
        found = networks_of(dataset.graphs[chosen])
        assert len(found) == len(wanted)
        for graph, row in zip(found, wanted, strict=True):
            assert networkx.utils.graphs_equal(graph, whole[row])
    assert first_equal(dataset.graphs[rows]).tolist() == [0, 1, 0, 3]
    empty = dataset.graphs[np.zeros(0, np.int64)]
    assert (len(empty), len(empty.features), len(empty.edges)) == (0, 0, 0)


def test_numbers_of_real_nodes_are_standardised_and_edges_count_in_mean_weights() -> None:
    dataset = bakeoff.load(arrays(weighted=True))
    train = np.sort(dataset.splits.train)
    scaled = dataset.inputs_at(train)
    assert isinstance(scaled, PackedGraphs)
    np.testing.assert_allclose(scaled.features.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(scaled.features.std(axis=0), 1, atol=1e-5)
    assert scaled.weights.mean() == pytest.approx(1, rel=1e-5)
    plain = bakeoff.load(arrays())
    assert plain.inputs_at(train).weights is None
    # The dense view's scaling, one entry a row, was stored with networks before: its first entries are these.
    old = replace(dataset.scaling, mean=np.append(dataset.scaling.mean, np.zeros(NODES - 1, np.float32)))
    old = replace(old, std=np.append(old.std, np.full(NODES - 1, old.std[-1])))
    assert dataset.changed(scaling=old).inputs_at(train).equals(scaled)


def test_the_card_counts_nodes_and_edges_as_networkx_does(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = bakeoff.load(arrays())
    card = data_card(dataset)
    assert card.kind == "graphs"
    assert card.edges == pytest.approx(np.mean([graph.number_of_edges() for graph in graphs_of(dataset)]))
    assert card.lengths == (4, int(np.median(dataset.lengths)), 9)
    rows = dict(card.rows())
    assert rows["kind"] == "graphs, up to 9 nodes, 2 numbers a node"
    assert rows["nodes"].startswith("4 to 9")
    monkeypatch.setenv("BAKEOFF_LANG", "ko")
    assert "그래프" in dict(card.rows())["종류"]


def test_parts_given_apart_stay_apart_and_graphs_without_counts_are_whole() -> None:
    given = arrays()
    whole = {name: values for name, values in given.items() if name != "nodes"}
    assert bakeoff.load(whole).lengths is None
    halves = {f"{name}_train": values[:30] for name, values in given.items()}
    halves |= {f"{name}_test": values[30:] for name, values in whole.items()}
    dataset = bakeoff.load(halves)
    np.testing.assert_array_equal(dataset.splits.test, np.arange(30, 40))
    np.testing.assert_array_equal(dataset.lengths, [*given["nodes"][:30], *[NODES] * 10])


def test_new_graphs_of_other_sizes_are_read_and_too_large_ones_are_refused() -> None:
    given = arrays()
    dataset = bakeoff.load(given)
    record = dataset.encoder.to_json()
    few = {"x": given["x"][:5, :4], "adjacency": given["adjacency"][:5, :4, :4]}
    new = read_new(record, few, schema=dataset.schema)
    np.testing.assert_array_equal(new.lengths, [4] * 5)
    matrices = [networkx.to_numpy_array(graph) for graph in networks_of(new.inputs)]
    np.testing.assert_array_equal(matrices, few["adjacency"])
    wide = {
        name: np.pad(given[name], [(0, 0), (0, 3), (0, 3 if name == "adjacency" else 0)])
        for name in ("x", "adjacency")
    }
    new = read_new(record, {**wide, "nodes": given["nodes"]}, schema=dataset.schema)
    assert new.inputs.equals(dataset.graphs)
    assert read_new(record, edge_lists(), schema=dataset.schema).inputs.equals(dataset.graphs)
    other = bakeoff.load({**given, "adjacency": given["adjacency"] * 0})
    assert len(read_new(record, other, schema=dataset.schema)) == COUNT  # fewer edges are no other form
    with pytest.raises(DataError, match=r"at most 9 nodes, and one of these has 12"):
        read_new(record, wide, schema=dataset.schema)
    with pytest.raises(DataError, match=r"nodes with 2 features, and these have 1"):
        read_new(record, {**few, "x": few["x"][:, :, :1]}, schema=dataset.schema)
    with pytest.raises(DataError, match=r"trained on graphs: give x"):
        read_new(record, {"x": given["x"]}, schema=dataset.schema)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"adjacency": np.triu(np.ones((COUNT, NODES, NODES)), 1)}, r"Graph 1 .*not symmetric"),
        ({"adjacency": np.ones((COUNT, NODES))}, r"Graphs need x \[graphs, nodes, features\]"),
        ({"adjacency": np.ones((COUNT, 5, 5))}, r"as many graphs and nodes"),
        ({"nodes": np.full(COUNT, NODES + 1)}, r"a whole number from 1 to 9"),
        ({"nodes": np.full(COUNT, 2.5)}, r"a whole number from 1 to 9"),
        ({"x": np.full((COUNT, NODES, FEATURES), np.nan)}, r"missing values \(NaN\)"),
        ({"adjacency": np.full((COUNT, NODES, NODES), np.inf)}, r"Example 1 holds inf"),
        ({"x": np.full((COUNT, NODES, FEATURES), "a")}, r"'x' must hold numbers"),
    ],
)
def test_what_is_no_graph_is_refused_in_a_sentence(change: dict[str, np.ndarray], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        bakeoff.load({**arrays(), **change})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"edges": np.array([[0, 1, 2]])}, r"edges \[edges, 2\], whole numbers .* edges \[1, 3\]"),
        (
            {"edges": np.array([[0, 199]])},
            r"Edge 1 joins the rows 0 and 199 of x, which are no two nodes of one",
        ),
        ({"edges": np.array([[0, 1], [-1, 0]])}, r"Edge 2 joins the rows -1 and 0"),
        ({"nodes": np.array([3, 4])}, r"in all as many as x has rows"),
        ({"weights": np.ones(3)}, r"one number for each of the"),
    ],
)
def test_lists_that_are_no_edges_are_refused_in_a_sentence(
    change: dict[str, np.ndarray], sentence: str
) -> None:
    with pytest.raises(DataError, match=sentence):
        bakeoff.load({**edge_lists(), **change})


def test_rewiring_keeps_every_degree_and_weight_and_changes_who_is_linked() -> None:
    before = bakeoff.load(arrays(weighted=True))
    after = intervention("rewire", before.schema)(before, seed=0)
    other = intervention("rewire", before.schema)(before, seed=1)
    changed = 0
    for old, new in zip(graphs_of(before), graphs_of(after), strict=True):
        assert degrees(old) == degrees(new)
        assert networkx.number_of_selfloops(new) == 0
        weights = [sorted(weight for *_, weight in graph.edges(data="weight")) for graph in (old, new)]
        np.testing.assert_allclose(weights[0], weights[1])
        assert [old.nodes[node] for node in old] == [new.nodes[node] for node in new]
        changed += set(old.edges) != set(new.edges)
    assert changed > COUNT / 2  # a star or a complete graph cannot change
    assert not after.graphs.equals(other.graphs)


def test_rewiring_mixes_as_well_as_networkx_own_swaps() -> None:
    """A ring of 12 nodes, each linked with two on either side, has 12 triangles; few are left, as by networkx."""
    ring = networkx.circulant_graph(12, [1, 2])
    graphs = of_matrices(*[networkx.to_numpy_array(ring)] * 200)
    ours = networks_of(rewired(graphs, np.random.default_rng(0)))
    triangles = [sum(networkx.triangles(one).values()) / 3 for one in ours]
    theirs = []
    for seed in range(200):
        graph = ring.copy()
        networkx.double_edge_swap(graph, nswap=60, max_tries=2000, seed=seed)
        theirs.append(sum(networkx.triangles(graph).values()) / 3)
    assert np.mean(triangles) == pytest.approx(np.mean(theirs), abs=0.6)
    assert np.mean(theirs) < 6 < 12 == sum(networkx.triangles(ring).values()) / 3


def test_rewiring_leaves_loops_and_graphs_that_cannot_change_alone() -> None:
    star = networkx.to_numpy_array(networkx.star_graph(5), dtype=np.float32)
    star[2, 2] = 1
    empty, complete = np.zeros((6, 6), np.float32), (1 - np.eye(6)).astype(np.float32)
    given = of_matrices(star, empty, complete)
    assert rewired(given, np.random.default_rng(0)).equals(given)


def test_swaps_that_are_tried_at_once_in_a_large_graph_mix_it_as_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ring = networkx.circulant_graph(600, [1, 2])
    graphs, found = of_matrices(networkx.to_numpy_array(ring)), []
    for edges_per_swap in (graph_changes.EDGES_PER_SWAP, 10**9):  # six swaps at once, and one
        monkeypatch.setattr(graph_changes, "EDGES_PER_SWAP", edges_per_swap)
        (mixed,) = networks_of(rewired(graphs, np.random.default_rng(0)))
        assert set(degrees(mixed)) == {4}
        assert mixed.number_of_edges() == ring.number_of_edges()
        assert networkx.number_of_selfloops(mixed) == 0
        found.append(sum(networkx.triangles(mixed).values()) / 3)
    assert (
        max(found) < 25 < 600 == sum(networkx.triangles(ring).values()) / 3
    )  # about 4 are expected by chance


def test_without_edges_the_nodes_are_as_they_were_and_alike_the_edges_are() -> None:
    before = bakeoff.load(arrays())
    alone = intervention("remove_edges", before.schema)(before, seed=0)
    assert all(graph.number_of_edges() == 0 for graph in graphs_of(alone))
    np.testing.assert_array_equal(alone.graphs.features, before.graphs.features)
    alike = intervention("nodes_alike", before.schema)(before, seed=0)
    np.testing.assert_array_equal(alike.graphs.edges, before.graphs.edges)
    np.testing.assert_allclose(alike.inputs_at(np.arange(COUNT)).features, 0, atol=1e-6)
    assert np.ptp(before.inputs_at(np.arange(COUNT)).features) > 1


def test_renumbered_graphs_are_the_same_graphs() -> None:
    before = bakeoff.load(arrays())
    after = intervention("renumber_nodes", before.schema)(before, seed=0)
    moved = 0
    for old, new in zip(graphs_of(before), graphs_of(after), strict=True):
        same = networkx.algorithms.isomorphism.categorical_node_match("numbers", None)
        assert networkx.is_isomorphic(old, new, node_match=same)
        moved += [old.nodes[node] for node in old] != [new.nodes[node] for node in new]
    assert moved > COUNT * 0.8


def test_graphs_have_interventions_of_their_own_and_others_say_which() -> None:
    schema = bakeoff.load(arrays()).schema
    kinds = {change.kind for change in interventions(schema)}
    assert kinds == {"rewire", "remove_edges", "nodes_alike", "renumber_nodes", "shuffle_labels"}
    with pytest.raises(
        DataError, match=r"'mirror' does not apply to Graph to Classes; those that do: rewire"
    ):
        intervention("mirror", schema)
    with pytest.raises(DataError, match=r"'rewire' does not apply to Image"):
        intervention("rewire", bakeoff.load("digits").schema)


def test_in_homophily_only_colours_and_edges_together_tell_the_class() -> None:
    graphs, y, _ = homophily(0)
    assert set(graphs.node_counts) == set(SIZES)
    np.testing.assert_array_equal(graphs.node_counts, node_counts(0))
    for graph in networks_of(graphs):
        assert set(degrees(graph)) == {4}
        assert sum(colour for _, (colour,) in graph.nodes.data("numbers")) == 0
    share = like_colours(graphs)
    np.testing.assert_array_equal(share > 0.5, y == 1)
    assert 0.45 < y.mean() < 0.55
    assert share[y == 1].mean() - share[y == 0].mean() > 0.25
    left = like_colours(rewired(graphs, np.random.default_rng(0)))
    assert abs(left[y == 1].mean() - left[y == 0].mean()) < 0.015


def like_colours(graphs: PackedGraphs) -> np.ndarray:
    """Of each graph, the share of edges whose ends have one colour."""
    return np.array(
        [
            np.mean([one.nodes[a]["numbers"] == one.nodes[b]["numbers"] for a, b in one.edges])
            for one in networks_of(graphs)
        ]
    )


def test_in_hubs_the_degrees_alone_tell_the_class_and_the_number_of_edges_does_not() -> None:
    graphs, y, _ = hubs(0)
    counts = node_counts(0)
    np.testing.assert_array_equal(graphs.edge_counts, 2 * counts)
    unevenness = np.array([sum(d * d for d in degrees(one)) for one in networks_of(graphs)]) / counts
    right = [
        max(((unevenness[counts == size] > cut) == y[counts == size]).mean() for cut in range(15, 40))
        for size in SIZES
    ]
    assert min(right) > 0.95
    assert graphs[np.flatnonzero(y)].features.sum() == 0


def test_a_dense_view_is_read_as_the_graphs_that_it_shows() -> None:
    given = arrays()
    kind = Graph(nodes=NODES, features=FEATURES)
    dense = np.concatenate([given["x"].transpose(0, 2, 1), given["adjacency"]], axis=1)
    assert graphs_of_dense(dense, kind, given["nodes"]).equals(bakeoff.load(given).graphs)
