"""Stacked dense layers: `x W^T + b` for each replica, bias and ReLU fused into the product where it is compiled."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from bakeoff.train.kernels import native


def linear(
    x: Float[Tensor, "R B *more I"],
    weight: Float[Tensor, "R O I"],
    bias: Float[Tensor, "R O"] | None = None,
    *,
    relu: bool = False,
) -> Float[Tensor, "R B *more O"]:
    """`x W^T + b` for each replica, then ReLU where asked."""
    return _Linear.apply(x, weight, bias, relu)  # type: ignore[no-untyped-call]


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, relu: bool) -> Tensor:
        shape = (*x.shape[:-1], weight.shape[1])
        rows = x.reshape(x.shape[0], -1, x.shape[-1])
        ctx.native = native.takes(x, weight, bias)
        if ctx.native:
            rows, weight = rows.contiguous(), weight.contiguous()
            out = x.new_empty(x.shape[0], rows.shape[1], weight.shape[1])
            ctx.sizes = [*rows.shape, weight.shape[1], int(relu)]
            small = None if bias is None else bias.contiguous()
            native.call("linear_forward", ctx.sizes, [rows, weight, small, out], x.dtype)
        else:
            turned = weight.mT
            out = torch.bmm(rows, turned) if bias is None else torch.baddbmm(bias[:, None], rows, turned)
            if relu:
                out.relu_()
        ctx.given = x.shape, bias is not None
        ctx.save_for_backward(rows, weight, out if relu else None)
        return out.view(shape)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        rows, weight, out = ctx.saved_tensors
        shape, has_bias = ctx.given
        dy = gradients[0].reshape(*rows.shape[:2], -1)
        if ctx.native:
            dx = torch.empty_like(rows) if ctx.needs_input_grad[0] else None
            d_weight = torch.empty_like(weight)
            d_bias = weight.new_empty(weight.shape[:2]) if has_bias else None
            given = [rows, weight, out, dy.contiguous(), dx, d_weight, d_bias]
            native.call("linear_backward", ctx.sizes, given, rows.dtype)
        else:
            if out is not None:
                dy = dy * (out > 0)
            dx = torch.bmm(dy, weight) if ctx.needs_input_grad[0] else None
            d_weight = torch.bmm(dy.mT, rows)
            d_bias = dy.sum(1) if has_bias else None
        return None if dx is None else dx.view(shape), d_weight, d_bias, None
