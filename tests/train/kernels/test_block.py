"""The stacked Transformer block, attention and normalisation against torch's own, in float64, on both paths."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bakeoff.train.kernels import operators
from bakeoff.train.kernels.operators import BlockParameters

CLOSE = {"rtol": 1e-10, "atol": 1e-10}
#: torch.nn.TransformerEncoderLayer's names for the fields of `BlockParameters`, in order.
TORCH_NAMES = (
    "norm1.weight",
    "norm1.bias",
    "self_attn.in_proj_weight",
    "self_attn.in_proj_bias",
    "self_attn.out_proj.weight",
    "self_attn.out_proj.bias",
    "norm2.weight",
    "norm2.bias",
    "linear1.weight",
    "linear1.bias",
    "linear2.weight",
    "linear2.bias",
)


def layers_and_parameters(
    replicas: int, width: int, heads: int, units: int, activation: str
) -> tuple[list[nn.TransformerEncoderLayer], list[Tensor]]:
    """torch's layers with random parameters, and the same stacked in the order of `BlockParameters`."""
    generator = torch.Generator().manual_seed(width)
    layers = [
        nn.TransformerEncoderLayer(
            width, heads, units, 0.0, activation, batch_first=True, norm_first=True
        ).double()
        for _ in range(replicas)
    ]
    for layer in layers:
        for parameter in layer.parameters():
            drawn = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            parameter.data = drawn * 0.3 + (1.0 if parameter.ndim == 1 else 0.0)
    stacked = [
        torch.stack([layer.get_parameter(name).detach() for layer in layers]).requires_grad_()
        for name in TORCH_NAMES
    ]
    return layers, stacked


@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize(
    "shape", [(2, 5, 7, 12, 4, 20, True), (2, 9, 40, 64, 4, 128, False), (1, 3, 1, 8, 1, 5, True)]
)
def test_a_stacked_block_is_torchs_encoder_layer(path: str, shape: tuple[int, ...], activation: str) -> None:
    R, B, T, D, heads, units, masked = shape
    layers, stacked = layers_and_parameters(R, D, heads, units, activation)
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(R, B, T, D, generator=generator, dtype=torch.float64).requires_grad_()
    real = None
    if masked:
        real = torch.arange(T) < torch.randint(1, T + 1, (R, B, 1), generator=generator)
    padding = [None] * R if real is None else [~real[r] for r in range(R)]
    theirs = torch.stack([layer(x[r], src_key_padding_mask=padding[r]) for r, layer in enumerate(layers)])
    parameters = BlockParameters(**dict(zip(BlockParameters.__dataclass_fields__, stacked, strict=True)))
    mine = operators.transformer_block(x, parameters, heads=heads, real=real, activation=activation)
    torch.testing.assert_close(mine, theirs, **CLOSE)
    weights = torch.randn(theirs.shape, generator=generator, dtype=torch.float64)
    own = [layer.get_parameter(name) for name in TORCH_NAMES for layer in layers]
    wanted = torch.autograd.grad((theirs * weights).sum(), [x, *own])
    got = torch.autograd.grad((mine * weights).sum(), [x, *stacked])
    torch.testing.assert_close(got[0], wanted[0], **CLOSE)
    for place, gradient in enumerate(got[1:]):
        torch.testing.assert_close(gradient, torch.stack(wanted[1 + place * R : 1 + place * R + R]), **CLOSE)
    if T > 1:
        other = operators.transformer_block(
            x, parameters, heads=heads // 2 if heads > 1 else 2, real=real, activation=activation
        )
        assert not torch.allclose(mine, other)


def test_padding_changes_nothing_at_the_real_steps(path: str) -> None:
    _, stacked = layers_and_parameters(1, 8, 2, 16, "relu")
    parameters = BlockParameters(**dict(zip(BlockParameters.__dataclass_fields__, stacked, strict=True)))
    x = torch.randn(1, 2, 6, 8, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    real = (torch.arange(6) < 4).expand(1, 2, 6)
    padded = operators.transformer_block(x, parameters, heads=2, real=real)[:, :, :4]
    torch.testing.assert_close(padded, operators.transformer_block(x[:, :, :4], parameters, heads=2), **CLOSE)
    unmasked = operators.transformer_block(x, parameters, heads=2)[:, :, :4]
    assert not torch.allclose(padded, unmasked)


@pytest.mark.parametrize("masked", [False, True])
def test_stacked_attention_is_torchs(path: str, masked: bool) -> None:
    generator = torch.Generator().manual_seed(3)
    qkv = torch.randn(2, 3, 19, 36, generator=generator, dtype=torch.float64).requires_grad_()
    real = torch.rand(2, 3, 19, generator=generator) < 0.7 if masked else None
    q, k, v = (part.reshape(6, 19, 4, 3).transpose(1, 2) for part in qkv.chunk(3, 3))
    mask = None if real is None else real.view(6, 1, 1, 19)
    theirs = F.scaled_dot_product_attention(q, k, v, mask).transpose(1, 2).reshape(2, 3, 19, 12)
    mine = operators.attention(qkv, heads=4, real=real)
    torch.testing.assert_close(mine, theirs, **CLOSE)
    weights = torch.randn(theirs.shape, generator=generator, dtype=torch.float64)
    (wanted,) = torch.autograd.grad((theirs * weights).sum(), qkv)
    (got,) = torch.autograd.grad((mine * weights).sum(), qkv)
    torch.testing.assert_close(got, wanted, **CLOSE)
    assert not torch.allclose(mine, operators.attention(qkv, heads=2, real=real))


def test_a_stacked_layer_norm_is_torchs(path: str) -> None:
    generator = torch.Generator().manual_seed(4)
    x, weight, bias = (
        torch.randn(*shape, generator=generator, dtype=torch.float64).requires_grad_()
        for shape in ((2, 3, 5, 7), (2, 7), (2, 7))
    )
    theirs = torch.stack([F.layer_norm(x[r], (7,), weight[r], bias[r]) for r in range(2)])
    mine = operators.layer_norm(x, weight, bias)
    torch.testing.assert_close(mine, theirs, **CLOSE)
    weights = torch.randn(theirs.shape, generator=generator, dtype=torch.float64)
    for got, wanted in zip(
        torch.autograd.grad((mine * weights).sum(), [x, weight, bias]),
        torch.autograd.grad((theirs * weights).sum(), [x, weight, bias]),
        strict=True,
    ):
        torch.testing.assert_close(got, wanted, **CLOSE)
    assert not torch.allclose(mine, operators.layer_norm(x, weight, bias, epsilon=0.1))


def test_an_example_without_any_real_step_stays_finite(path: str) -> None:
    qkv = torch.ones(1, 2, 3, 12, requires_grad=True)
    real = torch.tensor([[[True, True, False], [False, False, False]]])
    mixed = operators.attention(qkv, heads=2, real=real)
    (gradient,) = torch.autograd.grad(mixed.sum(), qkv)
    assert torch.equal(mixed[0, 1], torch.zeros(3, 4))
    assert gradient.isfinite().all()
