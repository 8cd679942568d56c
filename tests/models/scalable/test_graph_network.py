"""The graph network sees links and nothing of the numbering; what it cannot see, it cannot."""

import networkx
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bakeoff import models
from bakeoff.data.schema import Classes, Graph, Schema

KIND = Graph(nodes=10, features=3)
SCHEMA = Schema(input=KIND, target=Classes(names=("a", "b", "c")))
LENGTHS = torch.tensor([4, 7, 9, 10])


def network(name: str, kind: Graph = KIND) -> nn.Module:
    return models.build(name, Schema(input=kind, target=SCHEMA.target), seed=1).eval()


def graphs(*made: networkx.Graph, seed: int = 0) -> Tensor:
    """[B, F + V, V] of these graphs, with random numbers in their nodes."""
    x = np.zeros((len(made), *KIND.shape), np.float32)
    rng = np.random.default_rng(seed)
    for row, graph in enumerate(made):
        count = len(graph)
        x[row, :3, :count] = rng.standard_normal((3, count))
        x[row, 3 : 3 + count, :count] = networkx.to_numpy_array(graph)
    return torch.from_numpy(x)


def examples() -> Tensor:
    return graphs(*(networkx.gnm_random_graph(int(n), 2 * int(n) - 3, seed=1) for n in LENGTHS))


def renumbered(x: Tensor, order: list[int]) -> Tensor:
    rows = torch.tensor([0, 1, 2, *(3 + place for place in order)])
    return x[:, rows][:, :, order]


def test_another_numbering_of_the_nodes_changes_no_answer_but_that_of_networks_which_read_positions() -> None:
    x = examples()[3:]
    order = np.random.default_rng(0).permutation(10).tolist()
    gin = network("gin")
    torch.testing.assert_close(gin(renumbered(x, order)), gin(x), atol=1e-6, rtol=1e-5)
    for name in ("linear", "mlp", "transformer"):
        other = network(name)
        assert not torch.allclose(other(renumbered(x, order)), other(x), atol=1e-3), name


@pytest.mark.parametrize("name", ["gin", "linear", "mlp", "transformer"])
def test_what_stands_in_the_place_of_padding_changes_no_answer(name: str) -> None:
    module, x = network(name), examples()
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
    nn.functional.cross_entropy(module(examples(), LENGTHS), torch.tensor([0, 1, 2, 0])).backward()
    for path, parameter in module.named_parameters():
        assert parameter.grad is not None, path
        assert parameter.grad.abs().sum() > 0, path


def test_a_node_sees_as_many_links_far_as_there_are_layers() -> None:
    """On a path 0-1-2-...-9 the vector of node 0 depends on nodes 0 to LAYERS and on no other."""
    module = network("gin")
    from bakeoff.models.scalable.gin import LAYERS

    x = graphs(networkx.path_graph(10)).requires_grad_()
    h, edges, _ = module.nodes(x)
    h = module.embed(h)
    for layer in module.layers:
        h = layer(h, edges)
    (reach,) = torch.autograd.grad(h[0, 0].sum(), x)
    seen = reach[0, :3].abs().sum(0) > 0
    assert seen.tolist() == [place <= LAYERS for place in range(10)]


def test_a_layer_is_the_sum_over_neighbours_by_hand() -> None:
    module = network("gin")
    layer = module.layers[0]
    with torch.no_grad():
        layer.epsilon.fill_(0.25)
    h = torch.randn(1, 4, 32, generator=torch.Generator().manual_seed(0))
    edges = torch.from_numpy(networkx.to_numpy_array(networkx.star_graph(3), dtype=np.float32))[None]
    middle = 1.25 * h[0, 0] + h[0, 1] + h[0, 2] + h[0, 3]
    leaf = 1.25 * h[0, 1] + h[0, 0]
    by_hand = [layer.down(layer.norm(layer.up(one)).relu()).relu() for one in (middle, leaf)]
    torch.testing.assert_close(layer(h, edges)[0, :2], torch.stack(by_hand))
    mean = layer.down(layer.norm(layer.up(middle / 4)).relu()).relu()
    assert not torch.allclose(layer(h, edges)[0, 0], mean, atol=1e-3)


def test_links_are_counted_but_a_ring_of_six_is_taken_for_two_triangles() -> None:
    """Xu et al. 2019: as much as the Weisfeiler-Lehman test, and no more; nodes are alike in all of these."""
    ring, triangles, four = (
        networkx.cycle_graph(6),
        networkx.disjoint_union(networkx.complete_graph(3), networkx.complete_graph(3)),
        networkx.complete_bipartite_graph(3, 3),
    )
    x = graphs(ring, triangles, four)
    x[:, :3] = 1.0
    answers = network("gin")(x, torch.tensor([6, 6, 6]))
    torch.testing.assert_close(answers[0], answers[1])
    assert not torch.allclose(answers[0], answers[2], atol=1e-3)


def test_a_stack_of_graph_networks_answers_as_each_alone() -> None:
    from bakeoff.train.families.registry import stack_networks

    modules = [models.build("gin", SCHEMA, seed=seed) for seed in range(3)]
    stack = stack_networks(modules, [0, 1, 2], device=torch.device("cpu"), dtype=torch.float32)
    assert stack.strategy == "rules"
    x = examples()
    for lengths in (LENGTHS, None):
        together = stack.outputs_of(x, lengths)
        alone = torch.stack([models.build("gin", SCHEMA, seed=seed)(x, lengths) for seed in range(3)])
        torch.testing.assert_close(together, alone, atol=1e-6, rtol=1e-5)
    assert not torch.allclose(together[0], together[1], atol=1e-3)


def test_the_multiply_adds_are_those_counted_by_hand() -> None:
    """Two products a layer over the nodes, one over the pairs of nodes, the embedding and the head."""
    from bakeoff.cost import cost_of, example_inputs

    nodes, features, width, outputs = 10, 3, 32, 3
    layer = nodes * nodes * width + 2 * nodes * width * width
    by_hand = nodes * features * width + 3 * layer + 4 * width * outputs
    assert cost_of(network("gin"), *example_inputs(SCHEMA)).macs == by_hand


def test_the_cost_of_a_graph_network_is_asked_for_by_nodes_and_features(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    from bakeoff.cli.main import main

    monkeypatch.setattr(sys, "argv", ["bakeoff", "cost", "gin", "--input", "30x5"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    assert "gin at 1x35x30" in capsys.readouterr().out
