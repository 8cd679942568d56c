"""Stacked attention and layer normalisation, with their backward passes."""

from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from bakeoff.errors import OptionError
from bakeoff.train.kernels import native


def layer_norm(
    x: Float[Tensor, "R B *more D"],
    weight: Float[Tensor, "R D"],
    bias: Float[Tensor, "R D"],
    *,
    epsilon: float = 1e-5,
) -> Float[Tensor, "R B *more D"]:
    """`(x - mean) / sqrt(var + epsilon) * weight + bias` over the last axis (Ba et al. 2016, arXiv 1607.06450)."""
    return _LayerNorm.apply(x, weight, bias, epsilon)  # type: ignore[no-untyped-call]


def attention(
    qkv: Float[Tensor, "R B T 3*D"], *, heads: int, real: Bool[Tensor, "R B T"] | None = None
) -> Float[Tensor, "R B T D"]:
    """`softmax(Q K^T / sqrt(D / heads)) V` in each head; keys that are not real take no part.

    An example without any real step gives zeros.

    Args:
        qkv: queries, keys and values side by side, each with its heads side by side.
    """
    check_heads(qkv.shape[3] // 3, heads)
    return _Attention.apply(qkv, heads, real)  # type: ignore[no-untyped-call]


def check_heads(width: int, heads: int) -> None:
    """Raises `OptionError` where the heads do not share the width evenly."""
    if heads < 1 or width % heads:
        raise OptionError(f"heads={heads} does not divide the width {width}: choose a divisor of it.")


class _LayerNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, epsilon: float) -> Tensor:
        x = x.contiguous()
        rows = x.view(x.shape[0], -1, x.shape[-1])
        if native.takes(x, weight, bias):
            out, statistics = torch.empty_like(x), x.new_empty(*rows.shape[:2], 2)
            given = [rows, weight.contiguous(), bias.contiguous(), x.new_tensor([epsilon]), out, statistics]
            native.call("norm_forward", rows.shape, given, x.dtype)
            ctx.save_for_backward(x, weight, statistics)
            return out
        ctx.epsilon = epsilon
        ctx.save_for_backward(x, weight, None)
        return normalise(rows, weight, bias, epsilon)[0].view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, statistics = ctx.saved_tensors
        dy = gradients[0].contiguous()
        sums = [torch.zeros_like(weight), torch.zeros_like(weight)]
        rows = x.view(x.shape[0], -1, x.shape[-1])
        if statistics is not None:
            dx = torch.empty_like(x)
            given = [x, weight.contiguous(), statistics, dy, dx, *sums]
            native.call("norm_backward", rows.shape, given, x.dtype)
            return dx, *sums, None
        _, unit, inverse = normalise(rows, weight, weight, ctx.epsilon)
        return normalise_back(dy.view_as(rows), unit, inverse, weight, sums).view_as(x), *sums, None


class _Attention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, qkv: Tensor, heads: int, real: Tensor | None) -> Tensor:
        ctx.heads = heads
        if not native.takes(qkv):
            mixed = attend(qkv, heads, real)
            ctx.save_for_backward(qkv, mixed, real)
            return mixed
        qkv, mask = qkv.contiguous(), None if real is None else real.contiguous()
        R, B, T, width = qkv.shape
        mixed, shift = qkv.new_empty(R, B, T, width // 3), qkv.new_empty(R, B, heads, T, 2)
        native.call("attention_forward", [R * B, T, width // 3, heads], [qkv, mask, mixed, shift], qkv.dtype)
        ctx.save_for_backward(qkv, shift, mask)
        return mixed

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        qkv, saved, real = ctx.saved_tensors
        if saved.ndim == 4:
            return attend_back(gradients[0], qkv, saved, ctx.heads, real), None, None
        R, B, T, width = qkv.shape
        d_qkv = torch.empty_like(qkv)
        given = [qkv, real, saved, gradients[0].contiguous(), d_qkv]
        native.call("attention_backward", [R * B, T, width // 3, ctx.heads], given, qkv.dtype)
        return d_qkv, None, None


def normalise(x: Tensor, weight: Tensor, bias: Tensor, epsilon: float) -> tuple[Tensor, Tensor, Tensor]:
    """(normalised and scaled, normalised, 1 / standard deviation) of x [R, ..., D]."""
    shape = (weight.shape[0],) + (1,) * (x.ndim - 2) + (weight.shape[1],)
    unit = x - x.mean(-1, keepdim=True)
    inverse = unit.square().mean(-1, keepdim=True).add_(epsilon).rsqrt_()
    unit *= inverse
    return torch.addcmul(bias.view(shape), unit, weight.view(shape)), unit, inverse


def normalise_back(dy: Tensor, unit: Tensor, inverse: Tensor, weight: Tensor, sums: list[Tensor]) -> Tensor:
    """The gradient of x; those of weight and bias [R, D] are added to `sums`."""
    shape = (weight.shape[0],) + (1,) * (dy.ndim - 2) + (weight.shape[1],)
    sums[0].add_((dy * unit).flatten(1, -2).sum(1))
    sums[1].add_(dy.flatten(1, -2).sum(1))
    d = dy * weight.view(shape)
    along = (d * unit).mean(-1, keepdim=True)
    return d.sub_(d.mean(-1, keepdim=True)).sub_(unit * along).mul_(inverse)


def _heads(qkv: Tensor, heads: int) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values, each [R * B * heads, T, D / heads]."""
    R, B, T, width = qkv.shape
    parts = qkv.reshape(R * B, T, 3, heads, width // 3 // heads).permute(2, 0, 3, 1, 4)
    q, k, v = parts.reshape(3, R * B * heads, T, -1)
    return q, k, v


def _together(per_head: Tensor, like: Tensor, heads: int) -> Tensor:
    """[R * B * heads, T, D / heads] to [R, B, T, D]."""
    R, B, T, _ = like.shape
    return per_head.view(R * B, heads, T, -1).transpose(1, 2).reshape(R, B, T, -1)


def _weights(q: Tensor, k: Tensor, heads: int, real: Tensor | None) -> Tensor:
    scores = torch.bmm(q, k.mT).mul_(q.shape[2] ** -0.5)
    if real is not None:
        unreal = ~real.flatten(0, 1)[:, None, None, :]
        scores.view(-1, heads, *scores.shape[1:]).masked_fill_(unreal, float("-inf"))
        none = ~real.any(2).flatten()  # examples without any real step take nothing, where torch gives NaN
        weights = scores.softmax(2)
        return (
            weights.masked_fill_(none.repeat_interleave(heads)[:, None, None], 0.0) if none.any() else weights
        )
    return scores.softmax(2)


def attend(qkv: Tensor, heads: int, real: Tensor | None) -> Tensor:
    """qkv [R, B, T, 3 D] to the mixed values [R, B, T, D]."""
    q, k, v = _heads(qkv, heads)
    return _together(torch.bmm(_weights(q, k, heads, real), v), qkv, heads)


def attend_back(d_mixed: Tensor, qkv: Tensor, mixed: Tensor, heads: int, real: Tensor | None) -> Tensor:
    """The gradient of qkv; `mixed` is what `attend` gave."""
    q, k, v = _heads(qkv, heads)
    weights = _weights(q, k, heads, real)
    R, B, T, _ = mixed.shape
    by_head = d_mixed.reshape(R * B, T, heads, -1).transpose(1, 2).reshape(R * B * heads, T, -1)
    own = mixed.reshape(R * B, T, heads, -1).transpose(1, 2).reshape(R * B * heads, T, -1)
    dv = torch.bmm(weights.mT, by_head)
    ds = torch.bmm(by_head, v.mT).sub_((by_head * own).sum(2, keepdim=True)).mul_(weights)
    ds.mul_(q.shape[2] ** -0.5)
    dq, dk = torch.bmm(ds, k), torch.bmm(ds.mT, q)
    return torch.cat([_together(part, qkv, heads) for part in (dq, dk, dv)], 3)
