"""The graph network sees links and nothing of the numbering; what it cannot see, it cannot."""

import networkx
import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bakeoff import models
from bakeoff.data.packed_graphs import PackedGraphs
from bakeoff.data.schema import Classes, Graph, Schema
from bakeoff.errors import ModelError
from bakeoff.models.layers.graphs import GraphBatch
from bakeoff.models.layers.views import arguments, dense

KIND = Graph(nodes=10, features=3, edges=17)
SCHEMA = Schema(input=KIND, target=Classes(names=("a", "b", "c")))
LENGTHS = torch.tensor([4, 7, 9, 10])


def network(name: str, kind: Graph = KIND) -> nn.Module:
    return models.build(name, Schema(input=kind, target=SCHEMA.target), seed=1).eval()


def answers(module: nn.Module, graphs: GraphBatch, lengths: Tensor | None = None) -> Tensor:
    return module(*arguments(module, graphs, lengths))


def numbers(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, 3)).astype(np.float32)


def packed(*made: networkx.Graph, features: np.ndarray | None = None) -> PackedGraphs:
    """These graphs, with random numbers in their nodes unless some are given; weights where their edges have some."""
    counts = [len(graph) for graph in made]
    begins = np.cumsum([0, *counts])
    ends = [(begins[i] + a, begins[i] + b) for i, graph in enumerate(made) for a, b in graph.edges]
    weights = [value for graph in made for *_, value in graph.edges(data="weight", default=1.0)]
    has_weights = any(value != 1 for value in weights)
    return PackedGraphs.of_edges(
        numbers(sum(counts)) if features is None else features,
        counts,
        np.array(ends, np.int64).reshape(-1, 2),
        np.array(weights) if has_weights else None,
    )


def graphs(*made: networkx.Graph, features: np.ndarray | None = None) -> GraphBatch:
    return GraphBatch.of(packed(*made, features=features), KIND)


def drawn() -> list[networkx.Graph]:
    return [networkx.gnm_random_graph(int(n), 2 * int(n) - 3, seed=1) for n in LENGTHS]


def examples() -> GraphBatch:
    return graphs(*drawn())


def by_matrices(module: nn.Module, *made: networkx.Graph) -> Tensor:
    """The paper's sums written with one adjacency matrix a graph, as no code of the package computes them."""
    features, found, begin = torch.from_numpy(numbers(sum(map(len, made)))), [], 0
    for graph in made:
        matrix = torch.from_numpy(networkx.to_numpy_array(graph, dtype=np.float32))
        h = module.embed(features[begin : begin + len(graph)])
        sums = [h.sum(0)]
        for layer in module.layers:
            mixed = (1 + layer.epsilon) * h + matrix @ h
            h = F.relu(layer.down(F.relu(layer.norm(layer.up(mixed)))))
            sums.append(h.sum(0))
        found.append(module.head(torch.cat(sums) / KIND.nodes))
        begin += len(graph)
    return torch.stack(found)


def test_sums_over_edges_are_the_products_with_adjacency_matrices() -> None:
    weighted = networkx.gnm_random_graph(8, 12, seed=2)
    for place, (a, b) in enumerate(weighted.edges):
        weighted[a][b]["weight"] = 0.5 + place
    loops = networkx.path_graph(5)
    loops.add_edge(2, 2)
    made = [*drawn(), weighted, loops, networkx.empty_graph(3), networkx.empty_graph(1)]
    module = network("gin")
    with torch.no_grad():
        module.layers[1].epsilon.fill_(0.3)
    given, wanted = graphs(*made), by_matrices(module, *made)
    torch.testing.assert_close(module(given), wanted, atol=1e-5, rtol=1e-5)
    # Gradients of the numbers and of the weights, through sums that are not autograd's own.
    module.double()
    given = given.each(lambda part: part.double() if part.is_floating_point() else part)
    leaf = given.features.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: module(given._replace(features=x)), (leaf,), atol=1e-6)


def test_a_batch_is_taken_apart_and_selected_from_like_a_tensor() -> None:
    made = drawn()
    whole, module = examples(), network("gin")
    alone = module(whole.index_select(0, torch.tensor([2])))
    torch.testing.assert_close(alone[0], module(whole)[2])
    order = torch.tensor([3, 0, 0, 2])
    torch.testing.assert_close(module(whole.index_select(0, order)), module(whole)[order])
    halves = whole.tensor_split(2)
    torch.testing.assert_close(torch.cat([module(half) for half in halves]), module(whole))
    again = packed(*made)[np.array([1, 3])]
    torch.testing.assert_close(module(GraphBatch.of(again, KIND)), module(whole)[[1, 3]])


def test_the_dense_view_is_numbers_above_the_adjacency_matrix_and_zeros_beyond() -> None:
    made = drawn()
    x = dense(examples()).numpy()
    begin = 0
    for row, graph in enumerate(made):
        count = len(graph)
        np.testing.assert_array_equal(x[row, 3 : 3 + count, :count], networkx.to_numpy_array(graph))
        np.testing.assert_array_equal(x[row, :3, :count].T, numbers(30)[begin : begin + count])
        assert not x[row, :, count:].any()
        assert not x[row, 3 + count :].any()
        begin += count


def test_a_network_that_needs_a_matrix_of_a_large_graph_refuses_it_and_the_graph_network_does_not() -> None:
    large = Graph(nodes=169_343, features=128)
    with torch.device("meta"):
        assert network("gin", large) is not None
        for name in ("linear", "mlp", "transformer"):
            with pytest.raises(ModelError, match=r"169,343 nodes is a matrix of 106\.9 GiB .* such as gin"):
                network(name, large)


def test_another_numbering_of_the_nodes_changes_no_answer_but_that_of_networks_which_read_positions() -> None:
    graph, order = drawn()[3], np.random.default_rng(0).permutation(10)
    renumbered = networkx.relabel_nodes(graph, dict(enumerate(order.tolist())))
    moved = np.empty((10, 3), np.float32)
    moved[order] = numbers(10)
    before, after = graphs(graph), graphs(renumbered, features=moved)
    torch.testing.assert_close(network("gin")(after), network("gin")(before), atol=1e-6, rtol=1e-5)
    for name in ("linear", "mlp", "transformer"):
        other = network(name)
        assert not torch.allclose(answers(other, after), answers(other, before), atol=1e-3), name


@pytest.mark.parametrize("name", ["linear", "mlp", "transformer"])
def test_what_stands_in_the_place_of_padding_changes_no_answer(name: str) -> None:
    module, x = network(name), dense(examples())
    noisy = x.clone()
    for row, length in enumerate(LENGTHS):
        noisy[row, :, length:] = 9.0
        noisy[row, 3 + length :] = 9.0
    torch.testing.assert_close(module(noisy, LENGTHS), module(x, LENGTHS), atol=1e-5, rtol=1e-5)
    inside = x.clone()
    inside[:, 0, 0] += 3
    assert not torch.allclose(module(inside, LENGTHS), module(x, LENGTHS), atol=1e-4)


@pytest.mark.parametrize("name", ["gin", "linear", "mlp", "transformer"])
def test_every_parameter_gets_a_gradient(name: str) -> None:
    module = network(name).train()
    nn.functional.cross_entropy(answers(module, examples(), LENGTHS), torch.tensor([0, 1, 2, 0])).backward()
    for path, parameter in module.named_parameters():
        assert parameter.grad is not None, path
        assert parameter.grad.abs().sum() > 0, path


def test_a_node_sees_as_many_links_far_as_there_are_layers() -> None:
    """On a path 0-1-2-...-9 the vector of node 0 depends on nodes 0 to LAYERS and on no other."""
    module = network("gin")
    from bakeoff.models.scalable.gin import LAYERS

    path = graphs(networkx.path_graph(10))
    h = module.embed(path.features.requires_grad_())
    for layer in module.layers:
        h = layer(h, path.links)
    (reach,) = torch.autograd.grad(h[0].sum(), path.features)
    seen = reach.abs().sum(1) > 0
    assert seen.tolist() == [place <= LAYERS for place in range(10)]


def test_a_layer_is_the_sum_over_neighbours_by_hand() -> None:
    module = network("gin")
    layer = module.layers[0]
    with torch.no_grad():
        layer.epsilon.fill_(0.25)
    h = torch.randn(4, 32, generator=torch.Generator().manual_seed(0))
    links = graphs(networkx.star_graph(3)).links
    middle = 1.25 * h[0] + h[1] + h[2] + h[3]
    leaf = 1.25 * h[1] + h[0]
    by_hand = [layer.down(layer.norm(layer.up(one)).relu()).relu() for one in (middle, leaf)]
    torch.testing.assert_close(layer(h, links)[:2], torch.stack(by_hand))
    mean = layer.down(layer.norm(layer.up(middle / 4)).relu()).relu()
    assert not torch.allclose(layer(h, links)[0], mean, atol=1e-3)


def test_links_are_counted_but_a_ring_of_six_is_taken_for_two_triangles() -> None:
    """Xu et al. 2019: as much as the Weisfeiler-Lehman test, and no more; nodes are alike in all of these."""
    ring, triangles, four = (
        networkx.cycle_graph(6),
        networkx.disjoint_union(networkx.complete_graph(3), networkx.complete_graph(3)),
        networkx.complete_bipartite_graph(3, 3),
    )
    given = network("gin")(graphs(ring, triangles, four, features=np.ones((18, 3), np.float32)))
    torch.testing.assert_close(given[0], given[1])
    assert not torch.allclose(given[0], given[2], atol=1e-3)


def test_a_stack_of_graph_networks_answers_as_each_alone() -> None:
    from bakeoff.train.families.registry import stack_networks

    modules = [models.build("gin", SCHEMA, seed=seed) for seed in range(3)]
    stack = stack_networks(modules, [0, 1, 2], device=torch.device("cpu"), dtype=torch.float32)
    assert stack.strategy == "rules"
    x = examples()
    together = stack.outputs_of(x, LENGTHS)
    alone = torch.stack([models.build("gin", SCHEMA, seed=seed)(x) for seed in range(3)])
    torch.testing.assert_close(together, alone, atol=1e-6, rtol=1e-5)
    assert not torch.allclose(together[0], together[1], atol=1e-3)
    # In training each replica has graphs of its own, with more or fewer nodes than those of the others.
    parts = [x.index_select(0, torch.tensor(order)) for order in ([0, 1], [3, 2], [1, 1])]
    apart = torch.stack([models.build("gin", SCHEMA, seed=seed)(parts[seed]) for seed in range(3)])
    torch.testing.assert_close(stack.forward(parts), apart, atol=1e-6, rtol=1e-5)


class MeanOfNodes(nn.Module):
    """A network of a user's own that reads edges."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(3, 3)

    def forward(self, graphs: GraphBatch) -> Tensor:
        owner, total = graphs.owners, torch.zeros(graphs.batch_size, 3)
        return self.out(total.index_add(0, owner, graphs.features))


def test_a_network_of_ones_own_with_an_argument_graphs_is_given_edges_and_stacked_in_a_loop() -> None:
    from bakeoff.train.families.registry import stack_networks

    modules = [MeanOfNodes() for _ in range(2)]
    stack = stack_networks(modules, [0, 1])
    assert stack.strategy == "loop"
    x = examples()
    wanted = torch.stack([module(x) for module in modules])
    torch.testing.assert_close(stack.outputs_of(x), wanted)
    short = stack.forward([x, x], counts=torch.tensor([4, 2]))
    torch.testing.assert_close(short[1, :2], wanted[1, :2])


def test_the_multiply_adds_are_those_counted_by_hand() -> None:
    """Two products a layer over the nodes, the embedding and the head; sums over neighbours multiply nothing."""
    from bakeoff.cost import cost_of, example_inputs

    nodes, features, width, outputs = 10, 3, 32, 3
    by_hand = nodes * features * width + 3 * 2 * nodes * width * width + 4 * width * outputs
    cost = cost_of(network("gin"), *example_inputs(SCHEMA))
    assert cost.macs == by_hand
    more = Schema(input=Graph(nodes=10, features=3, edges=18), target=SCHEMA.target)
    # One edge more is two links, each of which adds a vector in each of three layers.
    assert cost_of(network("gin"), *example_inputs(more)).flops - cost.flops == 3 * 2 * width
    (matrix,) = example_inputs(SCHEMA, network=network("mlp"))
    assert matrix.shape == (1, 13, 10)


@pytest.mark.parametrize(
    ("input", "shape", "is_assumed"), [("30x5x60", "1x30x5x60", False), ("30x5", "1x30x5x435", True)]
)
def test_the_cost_of_a_graph_network_is_asked_for_by_nodes_features_and_edges(
    input: str,
    shape: str,
    is_assumed: bool,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import sys

    from bakeoff.cli.main import main

    monkeypatch.setattr(sys, "argv", ["bakeoff", "cost", "gin", "--input", input])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    said = capsys.readouterr().out
    assert f"gin at {shape}" in said
    assert (
        "Counted with an edge between every two nodes, 435 in all" in " ".join(said.split())
    ) == is_assumed


@pytest.mark.slow
def test_a_citation_graph_of_169343_nodes_takes_no_more_than_its_edges_and_vectors() -> None:
    """Nodes, edges and features as many as ogbn-arxiv has; a process of its own, whose highest memory is read."""
    import subprocess
    import sys

    program = """
import resource, sys
import numpy as np, torch
from bakeoff import models
from bakeoff.data.packed_graphs import PackedGraphs
from bakeoff.data.schema import Classes, Graph, Schema
from bakeoff.models.layers.graphs import GraphBatch

rng = np.random.default_rng(0)
nodes, edges = 169_343, 1_166_243
features = rng.standard_normal((nodes, 128), dtype=np.float32)
graphs = PackedGraphs.of_edges(features, [nodes], rng.integers(0, nodes, (edges, 2)))
kind = Graph(nodes=nodes, features=128, edges=edges)
module = models.build("gin", Schema(input=kind, target=Classes(names=("a", "b"))), seed=0)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
loss = module(GraphBatch.of(graphs, kind)).sum()
forward = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
loss.backward()
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print((forward - before) // 1024, (after - before) // 1024)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    forward_mib, training_mib = map(int, done.stdout.split())
    assert forward_mib < 1000
    assert training_mib < 1500
