"""Receptive fields, attention distances, gradient reach and linearity against their closed forms."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from bakeoff import models
from bakeoff.data.schema import Classes, Image, Schema, Series, Table, Tokens
from bakeoff.explain.network import probes
from bakeoff.explain.network.linearity import linear_share

TEN = Classes(names=tuple("0123456789"))


class Head(nn.Module):
    """Some convolutions, then the mean over positions and a linear head."""

    def __init__(self, *convolutions):
        super().__init__()
        self.convolutions = nn.Sequential(*convolutions)
        self.head = nn.Linear(convolutions[-1].out_channels, 2)

    def forward(self, x):
        return self.head(self.convolutions(x).flatten(2).mean(2))


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_a_stack_of_n_3x3_convolutions_sees_2n_plus_1(depth):
    torch.manual_seed(0)
    channels = [1] + [4] * depth
    layers = [nn.Conv2d(a, b, 3, padding=1) for a, b in pairwise(channels)]
    found = probes.receptive_field(Head(*layers), torch.randn(8, 1, 15, 15))
    assert found.theoretical == 2 * depth + 1
    assert found.seen.sum() == (2 * depth + 1) ** 2
    assert found.effective <= found.theoretical


def test_stride_and_dilation_widen_the_field_as_the_arithmetic_says():
    torch.manual_seed(0)
    strided = Head(nn.Conv1d(1, 3, 5, stride=2, padding=1), nn.Conv1d(3, 3, 3, stride=2, padding=1))
    assert probes.receptive_field(strided, torch.randn(4, 1, 40)).theoretical == 5 + 2 * 2
    dilated = Head(nn.Conv1d(1, 3, 3, padding=4, dilation=4))
    assert probes.receptive_field(dilated, torch.randn(4, 1, 40)).theoretical == 9


def test_the_catalogues_line_sees_what_it_claims_and_the_edge_of_the_input_does_not_cut_it_off():
    module = models.build("cnn", Schema(input=Series(channels=1, length=40), target=TEN), seed=0)
    assert probes.receptive_field(module, torch.randn(4, 1, 40)).theoretical == module.receptive_field == 17
    small = models.build("cnn", Schema(input=Image(channels=1, height=8, width=8), target=TEN), seed=0)
    # Two stages of a 3x3 convolution with a 2x2 maximum between them: 3, then 4, then 4 + 2 * 2.
    assert probes.receptive_field(small, torch.randn(4, 1, 8, 8)).theoretical == 8


def test_what_is_used_is_less_than_what_is_seen_where_the_middle_weighs_most():
    layer = nn.Conv1d(1, 1, 9, padding=4, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([0, 0, 0.01, 1, 1, 1, 0.01, 0, 0]).view(1, 1, -1))
    found = probes.receptive_field(Head(layer), torch.randn(4, 1, 40))
    assert found.effective == 3
    assert found.theoretical == 9
    assert (
        probes.receptive_field(
            models.build("mlp", Schema(input=Table(features=4), target=TEN)), torch.randn(4, 4)
        )
        is None
    )


class LeakySum(nn.Module):
    """h_t = decay h_{t-1} + x_t, as torch's RNN without its tanh cannot be: small inputs stay in tanh's linear part."""

    def __init__(self, decay):
        super().__init__()
        self.cell = nn.RNN(1, 1, batch_first=True, bias=False)
        with torch.no_grad():
            self.cell.weight_hh_l0.fill_(decay)
            self.cell.weight_ih_l0.fill_(1.0)

    def forward(self, x):
        return self.cell(x)[0][:, -1]


def test_the_gradient_of_a_leaky_sum_reaches_back_geometrically():
    norms = probes.gradient_reach(LeakySum(0.5), torch.randn(4, 12, 1) * 1e-4)
    assert norms / norms[-1] == pytest.approx(0.5 ** np.arange(11, -1, -1), rel=1e-3)
    assert probes.reach(norms) == 5  # 1 - 2^-5 = 0.97 is the first above 0.95
    slow = probes.gradient_reach(LeakySum(0.99), torch.randn(4, 12, 1) * 1e-4)
    assert probes.reach(slow) == 12
    assert probes.gradient_reach(nn.Linear(3, 2), torch.randn(4, 3)) is None


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
def test_the_reach_is_counted_from_the_last_real_step(name):
    module = models.build(name, Schema(input=Series(channels=1, length=20), target=TEN), seed=0)
    x = torch.randn(1, 1, 20)
    x[:, :, 8:] = 0
    norms = probes.gradient_reach(module, x, torch.tensor([8]))
    assert (norms[:12] == 0).all()
    assert (norms[12:] > 0).all()
    whole = probes.gradient_reach(
        models.build(name, Schema(input=Series(channels=1, length=8), target=TEN), seed=0), x[:, :, :8]
    )
    assert norms[12:] == pytest.approx(whole, rel=1e-4)


@pytest.mark.parametrize("steps", [2, 9, 40])
def test_evenly_spread_attention_looks_as_far_as_the_closed_form_and_a_diagonal_nowhere(steps):
    even = torch.full((1, 2, steps, steps), 1 / steps)
    places = np.arange(steps, dtype=float)[:, None]
    assert probes.attention_distance(even, places) == pytest.approx([(steps**2 - 1) / (3 * steps)] * 2)
    own = torch.eye(steps).expand(1, 2, steps, steps)
    assert probes.attention_distance(own, places) == pytest.approx([0.0, 0.0])


def test_attention_of_the_catalogues_transformer_is_found_in_every_layer_and_sums_to_one():
    module = models.build(
        "transformer", Schema(input=Series(channels=1, length=12), target=TEN), seed=0
    ).eval()
    layers = probes.attention_weights(module, torch.randn(3, 1, 12), torch.tensor([12, 5, 7]))
    assert [tuple(layer.shape) for layer in layers] == [(3, 4, 12, 12)] * 2
    assert torch.allclose(layers[0].sum(3), torch.ones(3, 4, 12))
    assert (layers[1][1, :, :, 5:] == 0).all()
    assert probes.attention_weights(nn.Linear(3, 2), torch.randn(4, 3)) == []


def test_the_patches_of_an_oblong_image_lie_where_they_lie():
    kind = Image(channels=1, height=8, width=16)
    module = models.build("transformer", Schema(input=kind, target=TEN), seed=0)
    side = module.elements.side
    places = probes.element_positions(module, kind, module.elements.steps)
    assert places.max(axis=0).tolist() == [(-(-8 // side) - 1) * side, (-(-16 // side) - 1) * side]
    assert len({tuple(place) for place in places}) == module.elements.steps


def test_a_linear_network_is_explained_by_a_line_and_a_product_is_not():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((400, 6)).astype(np.float32)
    module = models.build("linear", Schema(input=Table(features=6), target=TEN), seed=0)
    line = linear_share(x, module(torch.from_numpy(x)).detach().numpy())
    assert line.share == pytest.approx(1.0, abs=1e-3)
    product = linear_share(x, (x[:, :1] * x[:, 1:2]))
    assert product.share < 0.1
    half = linear_share(x, x[:, :1] + rng.standard_normal((400, 1)))
    assert half.low < 0.5 < half.high
    assert 0.35 < half.share < 0.65


def test_saliency_is_the_absolute_weight_of_a_linear_network_and_zero_where_nothing_is_read():
    module = models.build("linear", Schema(input=Table(features=3), target=TEN), seed=0)
    x = torch.randn(5, 3)
    weight = next(part for part in module.modules() if isinstance(part, nn.Linear)).weight
    expected = weight[module(x).argmax(1)].abs().detach().numpy()
    assert probes.saliency(module, x) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", ["linear", "mlp", "cnn", "gru", "transformer"])
def test_the_saliency_of_a_text_is_that_of_its_real_tokens(name):
    module = models.build(name, Schema(input=Tokens(vocabulary_size=30, length=9), target=TEN), seed=0).eval()
    tokens = torch.randint(1, 30, (4, 9))
    tokens[:, 6:] = 0
    found = probes.saliency(module, tokens)
    assert found.shape == (4, 9)
    assert found[:, :6].max() > 0
