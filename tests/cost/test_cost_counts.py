"""Counts against hand counts, closed formulas, and PyTorch's own counter wherever it is right."""

import warnings
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from bakeoff.cost import OperationCounter, cost_of
from cost_cases_loader import cost_cases

CASES = {case.name: case for case in cost_cases.CASES}
CONTEXTS = {"grad": torch.enable_grad, "no_grad": torch.no_grad, "inference": torch.inference_mode}


def test_there_are_eighteen_cases() -> None:
    assert len(CASES) == 18


@pytest.mark.parametrize("name", CASES)
def test_cost_of_gives_the_macs_counted_by_hand(name: str) -> None:
    case = CASES[name]
    cost = cost_of(case.make(), *case.shapes)
    assert cost.macs == case.macs
    assert cost.flops >= 2 * case.macs
    assert cost.unknown_operations == ()
    assert cost.counted_on == "meta"


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize("name", CASES)
def test_real_tensors_count_the_same_in_every_mode(name: str, context: str, training: bool) -> None:
    case = CASES[name]
    module = case.make().train(training)
    inputs = [torch.randn(shape) for shape in case.shapes]
    with CONTEXTS[context](), OperationCounter() as counter:
        module(*inputs)
    assert counter.counts.macs == case.macs
    assert counter.counts.unknown == {}


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith(("RNN", "LSTM", "GRU"))])
def test_meta_and_real_tensors_give_the_same_flops_of_recurrent_layers(name: str) -> None:
    case = CASES[name]
    module = case.make().eval()
    with torch.no_grad(), OperationCounter() as counter, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module(*[torch.randn(shape) for shape in case.shapes])
    assert cost_of(module, *case.shapes).flops == counter.counts.flops


@pytest.mark.parametrize(
    "name", [name for name in CASES if not name.startswith(("LSTM,", "Multi", "scaled"))]
)
def test_flop_counter_mode_agrees_where_it_is_right(name: str) -> None:
    case = CASES[name]
    with torch.device("meta"):
        module = case.make().train()
        inputs = [torch.empty(shape) for shape in case.shapes]
    with FlopCounterMode(display=False) as peer:
        module(*inputs)
    assert peer.get_total_flops() == 2 * case.macs


def test_flop_counter_mode_misses_an_lstm_on_the_cpu_and_we_do_not() -> None:
    layer, x = nn.LSTM(8, 16), torch.randn(5, 2, 8)
    with FlopCounterMode(display=False) as peer, OperationCounter() as ours:
        layer(x)
    assert peer.get_total_flops() == 0
    assert ours.counts.macs == 5 * 2 * 4 * 16 * (8 + 16)


def test_a_linear_layer_counts_its_bias_as_other_arithmetic() -> None:
    cost = cost_of(nn.Linear(30, 20), (5, 30))
    assert (cost.macs, cost.flops) == (5 * 30 * 20, 2 * 5 * 30 * 20 + 5 * 20)
    assert cost_of(nn.Linear(30, 20, bias=False), (5, 30)).flops == 2 * 5 * 30 * 20


def test_elementwise_arithmetic_counts_one_for_each_element() -> None:
    cost = cost_of(nn.Sequential(nn.ReLU(), nn.Tanh(), nn.Softmax(-1)), (4, 10))
    assert cost.flops == 40 + 40 + 5 * 40
    assert cost.macs == 0


def test_pooling_counts_its_window_and_batch_norm_four() -> None:
    assert cost_of(nn.MaxPool2d(3, 2), (1, 4, 9, 9)).flops == 4 * 4 * 4 * 9
    assert cost_of(nn.BatchNorm2d(4), (2, 4, 3, 3)).flops == 4 * 2 * 4 * 3 * 3
    assert cost_of(nn.AvgPool1d(4), (1, 2, 8)).flops == 1 * 2 * 2 * 4


def test_training_counts_what_autograd_runs() -> None:
    # A product forward, one for the weight's gradient, and one for the input's gradient, which the first layer skips.
    linear = nn.Linear(30, 20, bias=False)
    assert cost_of(linear, (5, 30)).training_flops == 2 * (2 * 5 * 30 * 20)
    two = nn.Sequential(linear, nn.Linear(20, 10, bias=False))
    assert cost_of(two, (5, 30)).training_flops == 2 * 2 * 5 * 30 * 20 + 3 * 2 * 5 * 20 * 10


def test_frozen_parameters_save_their_backward_pass() -> None:
    two = nn.Sequential(nn.Linear(30, 20, bias=False), nn.Linear(20, 10, bias=False))
    two[0].requires_grad_(False)
    cost = cost_of(two, (5, 30))
    assert cost.training_flops == 2 * 5 * 30 * 20 + 2 * (2 * 5 * 20 * 10)
    assert (cost.trainable_parameters, cost.frozen_parameters) == (200, 600)


def test_the_backward_pass_of_an_lstm_takes_twice_the_macs_of_the_forward_pass() -> None:
    x = torch.randn(5, 2, 8, requires_grad=True)
    layer = nn.LSTM(8, 16)
    with OperationCounter() as counter:
        output = layer(x)[0]
        forward = counter.counts.macs
        output.sum().backward()
    assert counter.counts.macs == 3 * forward == 3 * 5 * 2 * 4 * 16 * 24


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Conv2d(4, 6, 3, stride=2), (2, 4, 9, 9)),
        (nn.ConvTranspose2d(4, 6, 3, stride=2), (2, 4, 9, 9)),
        (nn.Conv1d(4, 6, 5, dilation=2), (2, 4, 20)),
        (nn.Conv3d(2, 3, 3), (1, 2, 6, 6, 6)),
        (nn.ConvTranspose1d(4, 6, 3), (2, 4, 9)),
    ],
    ids=["strided", "transposed", "dilated", "3d", "transposed1d"],
)
def test_convolutions_agree_with_flop_counter_mode_forward_and_backward(
    layer: nn.Module, shape: tuple[int, ...]
) -> None:
    x = torch.randn(shape, requires_grad=True)
    with FlopCounterMode(display=False) as peer, OperationCounter() as ours:
        layer(x).sum().backward()
    assert 2 * ours.counts.macs == peer.get_total_flops() > 0


def test_a_grouped_convolution_takes_as_many_macs_for_each_gradient_as_forward() -> None:
    # Each of 6*2*3*3 weights meets 2*7*7 outputs. FlopCounterMode (torch 2.13) counts the weight's gradient twice here.
    x = torch.randn(2, 4, 9, 9, requires_grad=True)
    with OperationCounter() as ours:
        nn.Conv2d(4, 6, 3, groups=2)(x).sum().backward()
    assert ours.counts.macs == 3 * (6 * 2 * 3 * 3) * (2 * 7 * 7)


class Functional(nn.Module):
    """An MLP without layers."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.ParameterList([nn.Parameter(torch.randn(8, 6)), nn.Parameter(torch.randn(6, 3))])

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x @ self.weights[0]) @ self.weights[1]


def test_operations_outside_of_layers_are_counted() -> None:
    assert cost_of(Functional(), (4, 8)).macs == 4 * (8 * 6 + 6 * 3)


class Masked(nn.Module):
    def __init__(self, dropout: float, boolean: bool) -> None:
        super().__init__()
        self.dropout, self.boolean = dropout, boolean

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        mask = torch.ones(q.shape[-2], k.shape[-2], device=q.device, dtype=torch.bool).tril()
        mask = mask if self.boolean else mask.float()
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=self.dropout)


@pytest.mark.parametrize("dropout", [0.0, 0.1])
@pytest.mark.parametrize("boolean", [True, False])
def test_attention_takes_its_two_products_whatever_path_it_runs_on(dropout: float, boolean: bool) -> None:
    cost = cost_of(Masked(dropout, boolean), (2, 3, 7, 16), (2, 3, 9, 16), (2, 3, 9, 16))
    assert cost.macs == 2 * 2 * 3 * 7 * 9 * 16


class Encoder(nn.Module):
    def __init__(self, masked: str, **options: Any) -> None:
        super().__init__()
        self.masked = masked
        self.layer = nn.TransformerEncoderLayer(32, 4, 48, batch_first=True, **options)

    def forward(self, x: Tensor) -> Tensor:
        past = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).triu(1)
        padding = torch.zeros(x.shape[:2], dtype=torch.bool, device=x.device)
        return self.layer(
            x, past if "past" in self.masked else None, padding if "padding" in self.masked else None
        )


@pytest.mark.parametrize("masked", ["", "past", "padding", "past and padding"])
@pytest.mark.parametrize("options", [{}, {"norm_first": True, "activation": "gelu"}], ids=["after", "before"])
def test_the_fast_path_of_an_encoder_layer_costs_the_same_on_meta_and_real_tensors(
    masked: str, options: dict[str, Any]
) -> None:
    network, x = Encoder(masked, **options).eval(), torch.randn(3, 10, 32)
    with torch.no_grad(), OperationCounter() as counter:
        network(x)
    assert "aten._transformer_encoder_layer_fwd" in counter.counts.by_operation
    cost = cost_of(network, x)
    assert (cost.macs, cost.unknown_operations) == (counter.counts.macs, ())
    layer = {name: tally.flops for name, tally in counter.counts.by_operation.items() if "encoder" in name}
    ours = [
        entry.flops for entry in cost.layers if entry.name
    ]  # without the masks, which the outer module makes
    # Masks are merged by PyTorch's Python code, which the rule of the one operation does not see.
    merging = 3 * 4 * 10 * 10 if masked == "past and padding" else 0
    assert sum(ours) - merging == pytest.approx(sum(layer.values()), abs=2 * 3 * 10 + 2 * 10 * 10)
    # Each part is told apart all the same.
    macs = {entry.name: entry.macs for entry in cost.layers}
    assert macs["layer.linear1"] == macs["layer.linear2"] == 3 * 10 * 32 * 48
    assert macs["layer.self_attn"] == 3 * 10 * (4 * 32 * 32 + 2 * 10 * 32)


def test_attention_backward_is_four_products_and_one_more_where_the_scores_are_made_again() -> None:
    q, k, v = (torch.randn(2, 3, 7, 16, requires_grad=True) for _ in range(3))
    product = 2 * 3 * 7 * 7 * 16
    for dropout, products in ((0.0, 2 + 5), (0.1, 2 + 4)):
        with OperationCounter() as counter:
            F.scaled_dot_product_attention(q, k, v, dropout_p=dropout).sum().backward()
        assert counter.counts.macs == products * product


def test_the_callers_context_changes_nothing() -> None:
    layer = nn.Sequential(nn.Linear(8, 4), nn.ReLU())
    expected = cost_of(layer, (2, 8))
    with torch.no_grad():
        assert cost_of(layer, (2, 8)) == expected
    with torch.inference_mode():
        assert cost_of(layer, (2, 8)) == expected


def test_the_network_is_left_as_it_was() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5)).train()
    network[2].eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    generator = torch.random.get_rng_state()
    cost_of(network, torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0)))
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert [module.training for module in network.modules()] == [True, True, True, False]
    assert all(parameter.grad is None for parameter in network.parameters())
    assert all(not module._forward_hooks and not module._forward_pre_hooks for module in network.modules())
    assert torch.equal(torch.random.get_rng_state(), generator)
