"""Whole networks: published tables, every network of the catalogue, and the largest that people talk of."""

import json
import subprocess
import sys
import time
from functools import cache

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from bakeoff import models
from bakeoff.cost import Cost, cost_of, example_inputs

#: torchvision's table of its weights: parameters, GMACs ("GFLOPS" there) at 3x224x224.
TORCHVISION = {
    "alexnet": (61_100_840, 0.714),
    "vgg16": (138_357_544, 15.47),
    "googlenet": (6_624_904, 1.498),
    "resnet18": (11_689_512, 1.814),
    "resnet50": (25_557_032, 4.089),
    "resnet152": (60_192_808, 11.514),
    "efficientnet_b0": (5_288_548, 0.386),
    "vit_b_16": (86_567_656, 17.564),
}
ATTENTION_OF_VIT_B_16_GMACS = 12 * 2 * 197 * 197 * 768 / 1e9
#: What takes longest to build or count; their smaller kin stay in.
BIG = set(
    """gpt2_medium gpt2_large gpt2_xl llama_7b llama3_8b llama3_2_1b bert_large vit_l_16 vit_l_32 resnet101 plain101
    plain152 plain110_cifar efficientnet_b3 efficientnet_b4 efficientnet_b5 efficientnet_b6 efficientnet_b7 vgg13
    vgg13_bn vgg19 vgg19_bn inceptiontime_ensemble""".split()  # noqa: SIM905
)

#: Right as well, but it takes PyTorch's counter seconds.
STEP_BY_STEP = {"deep_lstm", "deep_gru", "bilstm", "bigru", "resnet152"}
#: Deeper or wider kin of networks that are compared with PyTorch's counter in the fast tests.
KIN = set(
    """resnet32_cifar resnet44_cifar resnet56_cifar resnet110_cifar plain32_cifar plain44_cifar plain56_cifar resnet34
    plain34 plain50 efficientnet_b1 efficientnet_b2 vit_b_32 bert_medium""".split()  # noqa: SIM905
)


@cache
def _cost(name: str) -> Cost:
    card = models.card(name)
    with torch.device("meta"):
        network = models.build(name, card.example)
    return cost_of(network, *example_inputs(card.example))


@pytest.mark.parametrize("name", TORCHVISION)
def test_parameters_and_macs_are_those_that_torchvision_publishes(name: str) -> None:
    parameters, gmacs = TORCHVISION[name]
    cost = _cost(name)
    assert cost.parameters == parameters
    assert cost.macs / 1e9 == pytest.approx(gmacs, abs=0.0006 if gmacs < 15 else 0.005)


def test_a_counter_that_misses_attention_would_give_less_for_vit() -> None:
    cost = _cost("vit_b_16")
    assert cost.macs / 1e9 - ATTENTION_OF_VIT_B_16_GMACS == pytest.approx(16.85, abs=0.01)
    assert cost.macs / 1e9 != pytest.approx(16.85, abs=0.1)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if n in BIG else n for n in models.catalogue()]
)
def test_every_network_of_the_catalogue_is_counted_in_full(name: str) -> None:
    cost = _cost(name)
    assert cost.unknown_operations == ()
    assert cost.warnings == ()
    assert cost.counted_on == "meta"
    assert cost.macs > 0
    assert 2 * cost.macs <= cost.flops < cost.training_flops
    for field in ("parameters", "parameter_bytes", "macs", "flops", "training_flops", "activation_bytes"):
        assert sum(getattr(layer, field) for layer in cost.layers) == getattr(cost, field), field
    assert sum(layer.share for layer in cost.layers) == pytest.approx(1)
    assert cost.peak_inference_bytes >= cost.parameter_bytes
    assert (
        cost.peak_training_bytes["adam"] - cost.peak_training_bytes["sgd"]
        >= 8 * cost.trainable_parameters - 8
    )


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(n, marks=pytest.mark.slow) if n in BIG | STEP_BY_STEP | KIN else n
        for n in models.catalogue()
    ],
)
def test_flop_counter_mode_counts_every_network_of_the_catalogue_as_we_do(name: str) -> None:
    # On the meta device PyTorch takes each step of a recurrent layer and each product of attention by itself, which
    # its counter sees; on a CPU it would miss them.
    card = models.card(name)
    with torch.device("meta"):
        network = models.build(name, card.example).eval()
        with FlopCounterMode(display=False) as peer:
            network(*example_inputs(card.example))
    assert peer.get_total_flops() == 2 * _cost(name).macs > 0


def test_twice_the_batch_is_twice_the_arithmetic_and_the_same_parameters() -> None:
    card = models.card("cnn")
    network = models.build("cnn", card.example)
    one, two = (cost_of(network, *example_inputs(card.example, batch)) for batch in (1, 2))
    assert (two.macs, two.parameters) == (2 * one.macs, one.parameters)
    assert two.activation_bytes == 2 * one.activation_bytes


def test_a_shared_layer_counts_its_parameters_once_and_its_work_each_time() -> None:
    layer = nn.Linear(16, 16)
    cost = cost_of(nn.Sequential(layer, nn.ReLU(), layer, nn.ReLU(), layer), (2, 16))
    assert cost.parameters == 16 * 16 + 16
    assert cost.macs == 3 * 2 * 16 * 16
    (entry,) = (entry for entry in cost.layers if entry.type == "Linear")
    assert (entry.calls, entry.macs) == (3, cost.macs)


def test_tied_weights_count_once() -> None:
    network = nn.Sequential(nn.Embedding(50, 8), nn.Linear(8, 50, bias=False))
    network[1].weight = network[0].weight
    assert cost_of(network, torch.zeros(1, 4, dtype=torch.int64)).parameters == 50 * 8


def test_the_layers_tell_their_shapes_and_shares() -> None:
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(8 * 6 * 6, 10))
    cost = cost_of(network, (2, 3, 8, 8))
    convolution, linear = (layer for layer in cost.layers if layer.parameters)
    assert (convolution.name, convolution.type) == ("0", "Conv2d")
    assert convolution.input_shapes == ((2, 3, 8, 8),)
    assert convolution.output_shapes == ((2, 8, 6, 6),)
    assert linear.macs == 2 * 288 * 10
    assert convolution.share == pytest.approx(convolution.flops / cost.flops)
    # The convolution gives 8*6*6 values an example, which the linear layer keeps for its backward pass.
    assert convolution.activation_bytes == 2 * 288 * 4


def test_the_record_survives_json() -> None:
    cost = cost_of(nn.Linear(3, 4), (2, 3))
    record = json.loads(json.dumps(cost.to_json()))
    assert record["parameters"] == 16
    assert record["layers"][0]["output_shapes"] == [[2, 4]]
    assert set(record["peak_training_bytes"]) == {"sgd", "momentum", "adam"}


@pytest.mark.slow  # about time
def test_resnet_152_is_counted_within_a_second() -> None:
    card = models.card("resnet152")
    with torch.device("meta"):
        network = models.build("resnet152", card.example)
    seconds = []
    for _ in range(2):
        start = time.process_time()
        cost_of(network, (1, 3, 224, 224))
        seconds.append(time.process_time() - start)
    assert min(seconds) < 1


_GPT_175B = """
import json, resource, time
import torch
from torch import nn
from bakeoff.cost import cost_of

class Gpt(nn.Module):
    def __init__(self, width, depth, heads, vocabulary, length):
        super().__init__()
        self.tokens, self.places = nn.Embedding(vocabulary, width), nn.Embedding(length, width)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(width, heads, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True)
            for _ in range(depth)
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, x):
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1], device=x.device)
        x = self.tokens(x) + self.places.weight
        for block in self.blocks:
            x = block(x, src_mask=mask, is_causal=True)
        return self.head(self.norm(x))

with torch.device("meta"):
    network = Gpt(12288, 96, 96, 50257, 2048)
start = time.process_time()
cost = cost_of(network, (1, 2048))
print(json.dumps({"seconds": time.process_time() - start, "parameters": cost.parameters, "macs": cost.macs,
    "peak_kb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, "warnings": cost.warnings,
    "training": cost.peak_training_bytes["adam"]}))
"""


@pytest.mark.slow  # about time and memory
def test_a_gpt_of_175_billion_parameters_is_counted_within_a_gigabyte_and_seconds() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", _GPT_175B], capture_output=True, text=True, timeout=200, check=True
    )
    result = json.loads(ran.stdout.splitlines()[-1])
    width, depth, tokens, vocabulary = 12288, 96, 2048, 50257
    # Brown et al., arXiv:2005.14165, table 2.1: 175.0B. A block holds 12 D^2 + 13 D, its attention 4 D^2 of them.
    assert (
        result["parameters"]
        == depth * (12 * width**2 + 13 * width) + (vocabulary + tokens) * width + 2 * width
    )
    assert result["parameters"] == pytest.approx(175e9, rel=0.005)
    assert result["macs"] == tokens * (depth * (12 * width**2 + 2 * tokens * width) + vocabulary * width)
    assert result["peak_kb"] < 1_000_000
    assert result["seconds"] < 10
    assert result["training"] > 16 * result["parameters"]
    assert result["warnings"] == []
