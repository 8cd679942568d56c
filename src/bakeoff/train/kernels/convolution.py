"""Stacked convolutions and pooling for small networks, in channels-last memory.

Pure path: windows by strides and one batched product (a grouped convolution runs its groups one by one).
Compiled path: the same product without writing the windows down. Both keep the channels last in
memory, so that a row of a product is one position; the shapes are torch's, with a replica axis.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from bakeoff.train.kernels import native

Pair = tuple[int, int]


def conv1d(
    x: Float[Tensor, "R B C L"],
    weight: Float[Tensor, "R O C k"],
    bias: Float[Tensor, "R O"] | None = None,
    *,
    stride: int = 1,
    padding: int = 0,
    relu: bool = False,
) -> Float[Tensor, "R B O L2"]:
    """Cross-correlation along L for each replica, then ReLU where asked; zeros around."""
    out = conv2d(
        x.unsqueeze(3), weight.unsqueeze(3), bias, stride=(1, stride), padding=(0, padding), relu=relu
    )
    return out.squeeze(3)


def conv2d(
    x: Float[Tensor, "R B C H W"],
    weight: Float[Tensor, "R O C k l"],
    bias: Float[Tensor, "R O"] | None = None,
    *,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    relu: bool = False,
) -> Float[Tensor, "R B O H2 W2"]:
    """Cross-correlation over H and W for each replica, then ReLU where asked; zeros around."""
    options = (_pair(stride), _pair(padding), relu)
    return _Convolution.apply(x.movedim(2, 4), weight, bias, *options).movedim(4, 2)  # type: ignore[no-untyped-call]


def max_pool2d(x: Float[Tensor, "R B C H W"], *, size: int) -> Float[Tensor, "R B C H2 W2"]:
    """The largest value of each `size` x `size` square; rows and columns that fill none are left out."""
    if native.takes(x):
        return _MaxPool.apply(x.movedim(2, 4), size).movedim(4, 2)  # type: ignore[no-untyped-call]
    pooled = F.max_pool2d(x.flatten(0, 1), size)
    return pooled.view(*x.shape[:2], *pooled.shape[1:])


def _pair(value: int | Pair) -> Pair:
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def _sizes(x: Tensor, weight: Tensor, stride: Pair, padding: Pair) -> tuple[Pair, Pair]:
    """(kernel, output) heights and widths; x is channels last."""
    kernel = (weight.shape[3], weight.shape[4])
    high, wide = ((x.shape[2 + i] + 2 * padding[i] - kernel[i]) // stride[i] + 1 for i in range(2))
    return kernel, (high, wide)


class _Convolution(torch.autograd.Function):
    """x [R, B, H, W, C], weight [R, O, C, k, l] -> [R, B, H', W', O]."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, stride: Pair, padding: Pair, relu: bool
    ) -> Tensor:
        x, weight = x.contiguous(), weight.contiguous()
        kernel, places = _sizes(x, weight, stride, padding)
        out = x.new_empty(*x.shape[:2], *places, weight.shape[1])
        ctx.options = stride, padding, bias is not None
        windows_of_one = places[0] * places[1] * weight[0, 0].numel()
        ctx.native = native.takes(x, weight, bias) and windows_of_one <= native.limits().largest_windows
        if ctx.native:
            ctx.sizes = [
                *x.shape[:2],
                x.shape[4],
                *x.shape[2:4],
                weight.shape[1],
                *kernel,
                *stride,
                *padding,
                int(relu),
            ]
            given = [x, weight, None if bias is None else bias.contiguous(), out]
            native.call("convolution_forward", ctx.sizes, given, x.dtype)
        else:
            windows = _windows(x, kernel, places, stride, padding)
            torch.bmm(windows, _matrix(weight).mT, out=out.view(x.shape[0], -1, weight.shape[1]))
            if bias is not None:
                out += bias[:, None, None, None]
            if relu:
                out.relu_()
        ctx.save_for_backward(x, weight, out if relu else None)
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, out = ctx.saved_tensors
        stride, padding, has_bias = ctx.options
        dy = gradients[0].contiguous()
        if ctx.native:
            dx = torch.empty_like(x) if ctx.needs_input_grad[0] else None
            d_weight = torch.empty_like(weight)
            d_bias = weight.new_empty(weight.shape[:2]) if has_bias else None
            given = [x, weight, out, dy, dx, d_weight, d_bias]
            native.call("convolution_backward", ctx.sizes, given, x.dtype)
            return dx, d_weight, d_bias, None, None, None
        if out is not None:
            dy = dy * (out > 0)
        kernel, places = _sizes(x, weight, stride, padding)
        rows = dy.view(x.shape[0], -1, weight.shape[1])
        by_place = torch.bmm(rows.mT, _windows(x, kernel, places, stride, padding))
        d_weight = by_place.view(*weight.shape[:2], *kernel, -1).movedim(4, 2)
        d_bias = rows.sum(1) if has_bias else None
        dx = None
        if ctx.needs_input_grad[0]:
            dx = _add_windows(torch.bmm(rows, _matrix(weight)), x, kernel, places, stride, padding)
        return dx, d_weight, d_bias, None, None, None


def _matrix(weight: Tensor) -> Tensor:
    """[R, O, C, k, l] as [R, O, k * l * C]."""
    return weight.movedim(2, 4).flatten(2)


def _windows(x: Tensor, kernel: Pair, places: Pair, stride: Pair, padding: Pair) -> Tensor:
    """[R, B * H' * W', k * l * C]: what each position sees."""
    if any(padding):
        x = F.pad(x, (0, 0, padding[1], padding[1], padding[0], padding[0]))
    R, B, _, _, C = x.shape
    r, b, h, w, c = x.stride()
    view = x.as_strided((R, B, *places, *kernel, C), (r, b, h * stride[0], w * stride[1], h, w, c))
    return view.reshape(R, B * places[0] * places[1], -1)


def _add_windows(
    windows: Tensor, x: Tensor, kernel: Pair, places: Pair, stride: Pair, padding: Pair
) -> Tensor:
    """The reverse of `_windows`: overlapping windows add up to the shape of x."""
    R, B, H, W, C = x.shape
    total = x.new_zeros(R, B, H + 2 * padding[0], W + 2 * padding[1], C)
    parts = windows.view(R, B, *places, *kernel, C)
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            rows = slice(i, i + stride[0] * (places[0] - 1) + 1, stride[0])
            columns = slice(j, j + stride[1] * (places[1] - 1) + 1, stride[1])
            total[:, :, rows, columns] += parts[:, :, :, :, i, j]
    return total[:, :, padding[0] : padding[0] + H, padding[1] : padding[1] + W]


class _MaxPool(torch.autograd.Function):
    """x [R, B, H, W, C] -> [R, B, H / size, W / size, C]."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, size: int) -> Tensor:
        x = x.contiguous()
        R, B, H, W, C = x.shape
        out = x.new_empty(R, B, H // size, W // size, C)
        ctx.sizes = [R * B, H, W, C, size]
        native.call("pool_forward", ctx.sizes, [x, out], x.dtype)
        ctx.save_for_backward(x, out)
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, out = ctx.saved_tensors
        dx = torch.empty_like(x)
        native.call("pool_backward", ctx.sizes, [x, out, gradients[0].contiguous(), dx], dx.dtype)
        return dx, None
