"""The stacked operators against torch's own layers and automatic differentiation, in float64, on both paths."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bakeoff.train.kernels import operators

CLOSE = {"rtol": 1e-10, "atol": 1e-10}


def draw(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed + sum(shape))
    return torch.randn(*shape, generator=generator, dtype=torch.float64).requires_grad_()


def same(mine: Tensor, theirs: Tensor, inputs: list[Tensor]) -> None:
    """Equal values, and equal gradients of one random sum of them."""
    torch.testing.assert_close(mine, theirs, **CLOSE)
    weights = draw(*theirs.shape, seed=9).detach()
    wanted = torch.autograd.grad((theirs * weights).sum(), inputs)
    for got, expected in zip(torch.autograd.grad((mine * weights).sum(), inputs), wanted, strict=True):
        torch.testing.assert_close(got, expected, **CLOSE)


def per_replica(function, *tensors: Tensor | None) -> Tensor:
    """`function` of each replica's own tensors, stacked."""
    count = next(len(tensor) for tensor in tensors if tensor is not None)
    return torch.stack(
        [function(*(None if tensor is None else tensor[r] for tensor in tensors)) for r in range(count)]
    )


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("shape", [(3, 17, 5, 7), (2, 100, 40, 100), (1, 1, 1, 1), (2, 500, 2, 33)])
def test_a_stacked_dense_layer_is_each_replicas_own(path: str, shape: tuple[int, ...], relu: bool) -> None:
    R, B, ins, outs = shape
    x, weight, bias = draw(R, B, ins), draw(R, outs, ins), draw(R, outs)
    plain = (lambda *a: F.linear(*a).relu()) if relu else F.linear
    mine = operators.linear(x, weight, bias, relu=relu)
    same(mine, per_replica(plain, x, weight, bias), [x, weight, bias])
    assert not torch.allclose(mine, operators.linear(x, weight, bias + 0.01, relu=relu))


def test_a_dense_layer_takes_more_axes_and_no_bias(path: str) -> None:
    x, weight = draw(2, 3, 4, 5), draw(2, 6, 5)
    same(operators.linear(x, weight), per_replica(F.linear, x, weight), [x, weight])


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize(
    ("shape", "kernel", "stride", "padding"),
    [
        ((3, 5, 1, 40, 25), 5, 2, 1),
        ((2, 7, 25, 20, 25), 3, 2, 1),
        ((1, 2, 3, 6, 4), 1, 1, 0),
        ((2, 3, 2, 9, 5), 4, 3, 2),
    ],
)
def test_a_stacked_conv1d_is_each_replicas_own(path, shape, kernel, stride, padding, relu) -> None:
    R, B, C, L, outs = shape
    x, weight, bias = draw(R, B, C, L), draw(R, outs, C, kernel), draw(R, outs)
    theirs = per_replica(lambda *a: F.conv1d(*a, stride, padding), x, weight, bias)
    mine = operators.conv1d(x, weight, bias, stride=stride, padding=padding, relu=relu)
    same(mine, theirs.relu() if relu else theirs, [x, weight, bias])
    assert not torch.allclose(
        mine, operators.conv1d(x.flip(3), weight, bias, stride=stride, padding=padding, relu=relu)
    )


@pytest.mark.parametrize(
    ("shape", "kernel", "stride", "padding"),
    [
        ((2, 5, 1, 8, 8, 16), (3, 3), 1, 1),
        ((2, 3, 16, 4, 4, 32), (3, 3), 1, 1),
        ((1, 2, 3, 7, 9, 5), (2, 3), (2, 1), (1, 0)),
    ],
)
def test_a_stacked_conv2d_is_each_replicas_own(path, shape, kernel, stride, padding) -> None:
    R, B, C, H, W, outs = shape
    x, weight, bias = draw(R, B, C, H, W), draw(R, outs, C, *kernel), draw(R, outs)
    theirs = per_replica(lambda *a: F.conv2d(*a, stride, padding), x, weight, bias).relu()
    same(
        operators.conv2d(x, weight, bias, stride=stride, padding=padding, relu=True),
        theirs,
        [x, weight, bias],
    )
    theirs = per_replica(lambda *a: F.conv2d(*a, None, stride, padding), x, weight)
    same(operators.conv2d(x, weight, None, stride=stride, padding=padding), theirs, [x, weight])


@pytest.mark.parametrize(("high", "wide", "size"), [(8, 8, 2), (5, 7, 2), (9, 6, 3)])
def test_stacked_pooling_is_each_replicas_own(path: str, high: int, wide: int, size: int) -> None:
    x = draw(2, 3, 5, high, wide)
    same(operators.max_pool2d(x, size=size), per_replica(lambda a: F.max_pool2d(a, size), x), [x])


def test_pooling_keeps_a_diverged_replica_visible(path: str) -> None:
    x = draw(2, 1, 1, 4, 4).detach()
    x[1, 0, 0, 1, 1] = float("nan")
    pooled = operators.max_pool2d(x, size=2)
    assert pooled[0].isfinite().all()
    assert pooled[1].isnan().any()


CELLS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(2, 13, 7, 3, 20, 1), (2, 130, 6, 5, 16, 2), (1, 1, 1, 1, 3, 1)])
@pytest.mark.parametrize("cell", CELLS)
def test_a_stacked_recurrent_layer_is_torchs_own(
    path: str, cell: str, shape: tuple[int, ...], bias: bool
) -> None:
    R, B, T, ins, D, layers = shape
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = [CELLS[cell](ins, D, layers, bias=bias, batch_first=True).double() for _ in range(R)]
    x = draw(R, B, T, ins)
    names = ["weight_ih", "weight_hh"] + ["bias_ih", "bias_hh"] * bias
    stacked = [
        [
            torch.stack([getattr(net, f"{name}_l{i}").detach() for net in theirs]).requires_grad_()
            for name in names
        ]
        for i in range(layers)
    ]
    given = [(*layer, None, None)[:4] if not bias else tuple(layer) for layer in stacked]
    mine = operators.recurrent(cell, x, given)
    expected = torch.stack([net(x[r])[0] for r, net in enumerate(theirs)])
    torch.testing.assert_close(mine, expected, **CLOSE)
    weights = draw(*expected.shape, seed=3).detach()
    own = [getattr(net, f"{name}_l{i}") for i in range(layers) for name in names for net in theirs]
    wanted = torch.autograd.grad((expected * weights).sum(), [x, *own])
    got = torch.autograd.grad((mine * weights).sum(), [x, *(tensor for layer in stacked for tensor in layer)])
    torch.testing.assert_close(got[0], wanted[0], **CLOSE)
    for place, gradient in enumerate(got[1:]):
        torch.testing.assert_close(gradient, torch.stack(wanted[1 + place * R : 1 + place * R + R]), **CLOSE)
    assert not torch.allclose(mine[:, :, -1], operators.recurrent(cell, -x, given)[:, :, -1])


def test_the_state_at_a_true_length_knows_nothing_of_the_padding(path: str) -> None:
    x, layer = draw(1, 2, 6, 3), (draw(1, 12, 3), draw(1, 12, 4), draw(1, 12), draw(1, 12))
    changed = x.detach().clone()
    changed[:, :, 4:] = 100.0
    before, after = operators.recurrent("gru", x, [layer]), operators.recurrent("gru", changed, [layer])
    assert before.shape == (1, 2, 6, 4)
    torch.testing.assert_close(before[:, :, :4], after[:, :, :4])
    assert not torch.allclose(before[:, :, 4], after[:, :, 4])


def test_evaluation_without_gradients_gives_the_same_states(path: str) -> None:
    x, layer = draw(2, 5, 9, 3), (draw(2, 16, 3), draw(2, 16, 4), draw(2, 16), draw(2, 16))
    with torch.no_grad():
        quiet = operators.recurrent("lstm", x, [layer])
    torch.testing.assert_close(quiet, operators.recurrent("lstm", x, [layer]).detach(), rtol=0, atol=0)


def test_a_loss_with_weights_leaves_rows_out_and_gives_torchs_gradient(path: str) -> None:
    logits, targets = draw(3, 11, 10), torch.arange(33).view(3, 11) % 10
    same(operators.cross_entropy(logits, targets), per_replica(F.cross_entropy, logits, targets), [logits])
    weights = torch.full((3, 11), 1 / 8, dtype=torch.float64)
    weights[:, 8:] = 0
    expected = per_replica(lambda a, b: F.cross_entropy(a[:8], b[:8]), logits, targets)
    same(operators.cross_entropy(logits, targets, weights), expected, [logits])
    poisoned = logits.detach().clone()
    poisoned[:, 8:] = float("nan")
    torch.testing.assert_close(
        operators.cross_entropy(poisoned, targets, weights), expected.detach(), **CLOSE
    )
    assert operators.cross_entropy(poisoned, targets).isnan().all()


def test_adamw_in_one_pass_is_torchs_with_one_learning_rate_a_replica(path: str) -> None:
    rates = torch.tensor([1e-2, 3e-3, 0.0], dtype=torch.float64)
    decays = torch.tensor([0.1, 0.01, 0.0], dtype=torch.float64)
    mine = draw(3, 50).detach().clone()
    mean, square = torch.zeros_like(mine), torch.zeros_like(mine)
    theirs = [nn.Parameter(row.clone()) for row in mine]
    optimisers = [
        torch.optim.AdamW([p], lr=float(rates[r]), weight_decay=float(decays[r]))
        for r, p in enumerate(theirs)
    ]
    for step in range(1, 8):
        gradients = draw(3, 50, seed=step).detach()
        operators.adamw_(
            mine, gradients, mean, square, learning_rate=rates, steps=torch.full((3,), step), weight_decay=decays,
            scale=torch.tensor([1.0, 0.5, 1.0], dtype=torch.float64),
        )  # fmt: skip
        for r, optimiser in enumerate(optimisers):
            theirs[r].grad = gradients[r] * (0.5 if r == 1 else 1.0)
            optimiser.step()
    torch.testing.assert_close(mine, torch.stack([p.detach() for p in theirs]), **CLOSE)
    start = draw(3, 50).detach()
    assert torch.equal(mine[2], start[2])
    assert not torch.allclose(mine[1], start[1])
