"""Stacked pre-norm Transformer encoder blocks: normalisation, attention, feed-forward.

One block is one `torch.autograd.Function`. It saves what is expensive to compute (qkv, the mixed values, x after
attention, the hidden units) and computes the cheap rest again in the backward pass (normalised inputs, attention
weights). It works on a few examples at a time, so that nothing but its inputs and outputs leaves the L2 cache.

Vaswani et al. 2017 (arXiv 1706.03762), pre-norm after Xiong et al. 2020 (arXiv 2002.04745); the softmax computed again
from its row statistics after Dao et al. 2022 (arXiv 2205.14135).
"""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from bakeoff.train.kernels import native
from bakeoff.train.kernels.attention import attend, attend_back, check_heads, normalise, normalise_back


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

    def in_order(self) -> tuple[Tensor, ...]:
        """The twelve tensors, as named above."""
        return tuple(getattr(self, name) for name in self.__dataclass_fields__)


#: Rows (examples x steps, over all replicas) that the pure path works on at a time.
ROWS_AT_ONCE = 2400


def transformer_block(
    x: Float[Tensor, "R B T D"],
    parameters: BlockParameters,
    *,
    heads: int,
    real: Bool[Tensor, "R B T"] | None = None,
    activation: str = "relu",
    epsilon: float = 1e-5,
) -> Float[Tensor, "R B T D"]:
    """x + attention(norm(x)), then x + feed-forward(norm(x)); no dropout.

    Args:
        real: False where a step is padding: as a key it takes no part. None where all are real.
        activation: "relu" or "gelu" (the exact one).
    """
    check_heads(x.shape[3], heads)
    tensors = parameters.in_order()
    if activation == "relu" and native.takes(x, *tensors):
        return _Native.apply(x, heads, real, epsilon, *tensors)  # type: ignore[no-untyped-call]
    return _Pure.apply(x, heads, real, activation, epsilon, *tensors)  # type: ignore[no-untyped-call]


class _Native(torch.autograd.Function):
    """The compiled block."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, heads: int, real: Tensor | None, epsilon: float, *parameters: Tensor
    ) -> Tensor:
        x, parameters = x.contiguous(), tuple(tensor.contiguous() for tensor in parameters)
        R, B, T, D = x.shape
        F = parameters[8].shape[1]
        keep = any(ctx.needs_input_grad)
        widths = (D, D, 2, 2, 2 * heads)
        saved = [x.new_empty(R, B, T, width) if keep else None for width in widths]
        mask = None if real is None else real.contiguous()
        out, small = torch.empty_like(x), x.new_tensor([epsilon])
        ctx.sizes = [R, B, T, D, heads, F, int(keep)]
        given = [x, *parameters, mask, small, out, *saved]
        native.call("block_forward", ctx.sizes, given, x.dtype)
        ctx.save_for_backward(x, *parameters, mask, small, *saved)
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        saved = ctx.saved_tensors
        dx = torch.empty_like(saved[0]) if ctx.needs_input_grad[0] else None
        results = [torch.empty_like(tensor) for tensor in saved[1:13]]
        given = [*saved[:15], gradients[0].contiguous(), *saved[15:], dx, *results]
        native.call("block_backward", ctx.sizes, given, saved[0].dtype)
        return dx, None, None, None, *results


class _Pure(torch.autograd.Function):
    """The same with torch's products."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        heads: int,
        real: Tensor | None,
        activation: str,
        epsilon: float,
        *parameters: Tensor,
    ) -> Tensor:
        p = BlockParameters(**dict(zip(BlockParameters.__dataclass_fields__, parameters, strict=True)))
        parts = []
        for part, mask in _in_microbatches(x, real):
            normed, _, _ = normalise(part, p.norm1_weight, p.norm1_bias, epsilon)
            qkv = _dense(normed, p.qkv_weight, p.qkv_bias)
            mixed = attend(qkv, heads, mask)
            middle = _dense(mixed, p.out_weight, p.out_bias).add_(part)
            normed, _, _ = normalise(middle, p.norm2_weight, p.norm2_bias, epsilon)
            hidden = _dense(normed, p.up_weight, p.up_bias)
            out = _dense(_activate(hidden, activation), p.down_weight, p.down_bias).add_(middle)
            parts.append((qkv, mixed, middle, hidden, out))
        *saved, out = (torch.cat(one, 1) for one in zip(*parts, strict=True))
        ctx.options = heads, activation, epsilon
        ctx.save_for_backward(x, real, *parameters, *saved)
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        heads, activation, epsilon = ctx.options
        x, real, *rest = ctx.saved_tensors
        p = BlockParameters(**dict(zip(BlockParameters.__dataclass_fields__, rest[:12], strict=True)))
        sums = [torch.zeros_like(tensor) for tensor in rest[:12]]
        parts = []
        every = zip(
            _in_microbatches(x, real),
            *(_in_microbatches(tensor, None) for tensor in (*rest[12:], gradients[0])),
            strict=True,
        )
        for (part, mask), *others in every:
            qkv, mixed, middle, hidden, dy = (tensor for tensor, _ in others)
            d_active = _dense_back(dy, _activate(hidden, activation), p.down_weight, sums[10:12])
            d_hidden = _activate_back(d_active, hidden, activation)
            normed, unit, inverse = normalise(middle, p.norm2_weight, p.norm2_bias, epsilon)
            d = _dense_back(d_hidden, normed, p.up_weight, sums[8:10])
            d_middle = normalise_back(d, unit, inverse, p.norm2_weight, sums[6:8]).add_(dy)
            d_mixed = _dense_back(d_middle, mixed, p.out_weight, sums[4:6])
            d_qkv = attend_back(d_mixed, qkv, mixed, heads, mask)
            normed, unit, inverse = normalise(part, p.norm1_weight, p.norm1_bias, epsilon)
            d = _dense_back(d_qkv, normed, p.qkv_weight, sums[2:4])
            parts.append(normalise_back(d, unit, inverse, p.norm1_weight, sums[0:2]).add_(d_middle))
        return torch.cat(parts, 1), None, None, None, None, *sums


def _in_microbatches(x: Tensor, real: Tensor | None) -> list[tuple[Tensor, Tensor | None]]:
    count = max(1, ROWS_AT_ONCE // (x.shape[0] * x.shape[2]))
    masks = [None] * x.shape[1] if real is None else list(torch.split(real, count, 1))
    return [(part, masks[i]) for i, part in enumerate(torch.split(x, count, 1))]


def _dense(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    R, B, T, _ = x.shape
    return torch.baddbmm(bias[:, None], x.reshape(R, B * T, -1), weight.mT).view(R, B, T, -1)


def _dense_back(dy: Tensor, x: Tensor, weight: Tensor, sums: list[Tensor]) -> Tensor:
    """The gradient of x; those of weight and bias are added to `sums`."""
    rows = dy.flatten(1, 2)
    sums[0].baddbmm_(rows.mT, x.flatten(1, 2))
    sums[1].add_(rows.sum(1))
    return torch.bmm(rows, weight).view_as(x)


def _activate(hidden: Tensor, activation: str) -> Tensor:
    return hidden.relu() if activation == "relu" else torch.nn.functional.gelu(hidden)


def _activate_back(dy: Tensor, hidden: Tensor, activation: str) -> Tensor:
    if activation == "relu":
        return dy.mul_(hidden > 0)
    below = 0.5 * (1 + torch.erf(hidden * 2**-0.5))
    return dy.mul_(below + hidden * torch.exp(-0.5 * hidden * hidden) * (2 * torch.pi) ** -0.5)
