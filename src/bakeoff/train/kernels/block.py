"""Stacked Transformer encoder blocks: normalisation, attention, feed-forward."""

from dataclasses import dataclass

from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from bakeoff.train.kernels.dense import linear


@dataclass(frozen=True, kw_only=True)
class BlockParameters:
    """Stacked parameters of one pre-norm block of width D with F feed-forward units."""

    norm1_weight: Float[Tensor, "R D"]
    norm1_bias: Float[Tensor, "R D"]
    qkv_weight: Float[Tensor, "R 3*D D"]
    qkv_bias: Float[Tensor, "R 3*D"]
    out_weight: Float[Tensor, "R D D"]
    out_bias: Float[Tensor, "R D"]
    norm2_weight: Float[Tensor, "R D"]
    norm2_bias: Float[Tensor, "R D"]
    up_weight: Float[Tensor, "R F D"]
    up_bias: Float[Tensor, "R F"]
    down_weight: Float[Tensor, "R D F"]
    down_bias: Float[Tensor, "R D"]


def layer_norm(
    x: Float[Tensor, "R B *more D"],
    weight: Float[Tensor, "R D"],
    bias: Float[Tensor, "R D"],
    *,
    epsilon: float = 1e-5,
) -> Float[Tensor, "R B *more D"]:
    """`(x - mean) / sqrt(var + epsilon) * weight + bias` over the last axis."""
    shape = (weight.shape[0],) + (1,) * (x.ndim - 2) + (weight.shape[1],)
    return F.layer_norm(x, x.shape[-1:], eps=epsilon) * weight.view(shape) + bias.view(shape)


def attention(
    qkv: Float[Tensor, "R B T 3*D"], *, heads: int, real: Bool[Tensor, "R B T"] | None = None
) -> Float[Tensor, "R B T D"]:
    """`softmax(Q K^T / sqrt(D / heads)) V` in each head; keys that are not real take no part."""
    q, k, v = (part.flatten(0, 1).unflatten(2, (heads, -1)).transpose(1, 2) for part in qkv.chunk(3, dim=-1))
    mask = None if real is None else real.flatten(0, 1)[:, None, None, :]
    mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    return mixed.transpose(1, 2).flatten(2).unflatten(0, qkv.shape[:2])


def transformer_block(
    x: Float[Tensor, "R B T D"],
    parameters: BlockParameters,
    *,
    heads: int,
    real: Bool[Tensor, "R B T"] | None = None,
    activation: str = "relu",
    epsilon: float = 1e-5,
) -> Float[Tensor, "R B T D"]:
    """x + attention(norm(x)), then x + feed-forward(norm(x)); no dropout."""
    p = parameters
    normed = layer_norm(x, p.norm1_weight, p.norm1_bias, epsilon=epsilon)
    mixed = attention(linear(normed, p.qkv_weight, p.qkv_bias), heads=heads, real=real)
    x = x + linear(mixed, p.out_weight, p.out_bias)
    hidden = linear(layer_norm(x, p.norm2_weight, p.norm2_bias, epsilon=epsilon), p.up_weight, p.up_bias)
    hidden = hidden.relu() if activation == "relu" else F.gelu(hidden)
    return x + linear(hidden, p.down_weight, p.down_bias)
