"""Graphs: read as they are, padded, scaled, changed, and planted with a known answer; networkx is the witness."""

from pathlib import Path

import networkx
import numpy as np
import pytest

import bakeoff
from bakeoff.data.card import data_card
from bakeoff.data.dataset import Dataset
from bakeoff.data.forms.graphs import parts
from bakeoff.data.interventions.catalogue import intervention, interventions
from bakeoff.data.interventions.graph_changes import rewired
from bakeoff.data.load import read_new
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


def graphs_of(dataset: Dataset) -> list[networkx.Graph]:
    """Each example's real nodes and edges, built edge by edge by networkx."""
    assert isinstance(dataset.schema.input, Graph)
    numbers, adjacency = parts(dataset.inputs, dataset.schema.input)
    found = []
    for row in range(len(dataset)):
        count = dataset.schema.input.nodes if dataset.lengths is None else int(dataset.lengths[row])
        assert not adjacency[row, count:].any()
        graph = networkx.from_numpy_array(adjacency[row, :count, :count])
        for node in graph:
            graph.nodes[node]["numbers"] = tuple(numbers[row, :, node].tolist())
        found.append(graph)
    return found


def degrees(graph: networkx.Graph) -> list[int]:
    return [degree for _, degree in sorted(graph.degree())]


def test_a_file_of_graphs_becomes_columns_of_nodes_with_what_lies_beyond_their_number_removed(
    tmp_path: Path,
) -> None:
    given = arrays()
    np.savez(tmp_path / "molecules.npz", **given)
    dataset = bakeoff.load(tmp_path / "molecules.npz")
    assert dataset.schema.input == Graph(nodes=NODES, features=FEATURES)
    assert dataset.inputs.shape == (COUNT, FEATURES + NODES, NODES)
    np.testing.assert_array_equal(dataset.lengths, given["nodes"])
    for row, graph in enumerate(graphs_of(dataset)):
        count = given["nodes"][row]
        np.testing.assert_array_equal(networkx.to_numpy_array(graph), given["adjacency"][row, :count, :count])
        np.testing.assert_allclose(
            dataset.inputs[row, :FEATURES, :count].T, given["x"][row, :count], rtol=1e-6
        )
        assert not dataset.inputs[row, :, count:].any()


def test_numbers_of_real_nodes_are_standardised_and_edges_count_in_mean_weights() -> None:
    given = arrays(weighted=True)
    dataset = bakeoff.load(given)
    train = np.sort(dataset.splits.train)
    scaled = dataset.inputs_at(train)
    real = np.concatenate(
        [scaled[place, :FEATURES, : dataset.lengths[row]] for place, row in enumerate(train)], axis=1
    )
    np.testing.assert_allclose(real.mean(axis=1), 0, atol=1e-5)
    np.testing.assert_allclose(real.std(axis=1), 1, atol=1e-5)
    edges = scaled[:, FEATURES:]
    assert edges[edges != 0].mean() == pytest.approx(1, rel=1e-5)
    plain = bakeoff.load(arrays())
    np.testing.assert_array_equal(plain.inputs_at(train)[:, FEATURES:], plain.inputs[train][:, FEATURES:])


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


def test_new_graphs_with_fewer_places_are_padded_and_too_large_ones_are_refused() -> None:
    given = arrays()
    dataset = bakeoff.load(given)
    record = dataset.encoder.to_json()
    few = {"x": given["x"][:5, :4], "adjacency": given["adjacency"][:5, :4, :4]}
    new = read_new(record, few, schema=dataset.schema)
    assert new.inputs.shape == (5, *dataset.schema.input.shape)
    np.testing.assert_array_equal(new.lengths, [4] * 5)
    np.testing.assert_array_equal(new.inputs[:, FEATURES : FEATURES + 4, :4], few["adjacency"])
    wide = {
        name: np.pad(given[name], [(0, 0), (0, 3), (0, 3 if name == "adjacency" else 0)])
        for name in ("x", "adjacency")
    }
    new = read_new(record, {**wide, "nodes": given["nodes"]}, schema=dataset.schema)
    np.testing.assert_allclose(new.inputs, dataset.inputs, rtol=1e-6)
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
    assert not np.array_equal(after.inputs, other.inputs)


def test_rewiring_mixes_as_well_as_networkx_own_swaps() -> None:
    """A ring of 12 nodes, each linked with two on either side, has 12 triangles; few are left, as by networkx."""
    ring = networkx.circulant_graph(12, [1, 2])
    matrix = np.repeat(networkx.to_numpy_array(ring, dtype=np.float32)[None], 200, axis=0)
    ours = rewired(matrix, None, np.random.default_rng(0))
    triangles = [sum(networkx.triangles(networkx.from_numpy_array(one)).values()) / 3 for one in ours]
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
    given = np.stack([star, empty, complete])
    np.testing.assert_array_equal(rewired(given, None, np.random.default_rng(0)), given)


def test_without_edges_the_nodes_are_as_they_were_and_alike_the_edges_are() -> None:
    before = bakeoff.load(arrays())
    alone = intervention("remove_edges", before.schema)(before, seed=0)
    assert all(graph.number_of_edges() == 0 for graph in graphs_of(alone))
    np.testing.assert_array_equal(alone.inputs[:, :FEATURES], before.inputs[:, :FEATURES])
    alike = intervention("nodes_alike", before.schema)(before, seed=0)
    np.testing.assert_array_equal(alike.inputs[:, FEATURES:], before.inputs[:, FEATURES:])
    np.testing.assert_allclose(alike.inputs_at(np.arange(COUNT))[:, :FEATURES], 0, atol=1e-6)
    assert np.ptp(before.inputs_at(np.arange(COUNT))[:, :FEATURES]) > 1


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
    x, y, _ = homophily(0)
    colours, adjacency, counts = x[:, 0], x[:, 1:], node_counts(0)
    assert set(counts) == set(SIZES)
    share = []
    for row in range(len(x)):
        graph = networkx.from_numpy_array(adjacency[row, : counts[row], : counts[row]])
        assert set(degrees(graph)) == {4}
        like = [colours[row, start] == colours[row, end] for start, end in graph.edges]
        share.append(np.mean(like))
    np.testing.assert_array_equal(np.array(share) > 0.5, y == 1)
    assert (colours.sum(axis=1) == 0).all()
    assert 0.45 < y.mean() < 0.55
    mixed = rewired(x, counts, np.random.default_rng(0))[:, 1:]
    left = np.einsum("ni,nij,nj->n", colours, mixed, colours) / mixed.sum(axis=(1, 2))
    assert abs(left[y == 1].mean() - left[y == 0].mean()) < 0.03  # it was 0.6


def test_in_hubs_the_degrees_alone_tell_the_class_and_the_number_of_edges_does_not() -> None:
    x, y, _ = hubs(0)
    counts = node_counts(0)
    degree = x[:, 1:].sum(axis=1)
    np.testing.assert_array_equal(degree.sum(axis=1) / 2, 2 * counts)
    unevenness = (degree**2).sum(axis=1) / counts
    right = [
        max(((unevenness[counts == size] > cut) == y[counts == size]).mean() for cut in range(15, 40))
        for size in SIZES
    ]
    assert min(right) > 0.95
    assert abs(x[y == 1, 0].sum()) == 0
