"""Losses of a stack and their gradients in closed form, without an autograd graph."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from bakeoff.train.kernels import native


def loss_and_gradient(outputs: Tensor, targets: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
    """Each replica's mean loss [R], and its gradient with respect to the outputs [R, B, K].

    Softmax cross-entropy for targets int64 [R, B]; mean squared error for targets [R, B, K].

    Args:
        outputs: [R, B, K].
        targets: of the same rows.
        counts: int64 [R]: how many rows of each replica are real; the rest is filler and does not count.
    """
    rows = outputs.shape[1]
    if not targets.is_floating_point() and native.takes(outputs):
        share = None if bool((counts == rows).all()) else _shares(counts, rows, outputs).contiguous()
        losses, slope = outputs.new_empty(len(counts)), torch.empty_like(outputs).contiguous()
        given = [outputs.contiguous(), targets.contiguous(), share, losses, slope]
        native.call("cross_entropy", outputs.shape, given, outputs.dtype)
        return losses, slope
    share = _shares(counts, rows, outputs)
    with torch.no_grad():
        if targets.is_floating_point():
            difference = outputs - targets
            losses = (difference.square().mean(dim=2) * share).sum(dim=1)
            return losses, difference * (share[..., None] * (2.0 / outputs.shape[2]))
        # Classes before rows: a softmax over a short last axis cannot use the processor's vectors (12 times slower).
        logarithms = outputs.transpose(1, 2).contiguous().log_softmax(dim=1)
        picked = targets[:, None]
        losses = -(logarithms.gather(1, picked)[:, 0] * share).sum(dim=1)
        gradient = logarithms.exp_()
        gradient.scatter_add_(1, picked, gradient.new_full((1, 1, 1), -1.0).expand_as(picked))
        return losses, gradient.mul_(share[:, None]).transpose(1, 2).contiguous()


def gradients_of(outputs: Tensor, slope: Tensor, parameters: Sequence[Tensor]) -> tuple[Tensor | None, ...]:
    """The result of `torch.autograd.grad(outputs, parameters, slope, allow_unused=True)`, without SymPy.

    Given a slope, torch imports SymPy to compare two shapes, which takes a second in every new process. A scalar whose
    gradient is the slope avoids that.
    """
    total = _WithSlope.apply(outputs, slope)  # type: ignore[no-untyped-call]
    return torch.autograd.grad(total, parameters, allow_unused=True)


class _WithSlope(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, outputs: Tensor, slope: Tensor) -> Tensor:
        ctx.save_for_backward(slope)
        return outputs.new_zeros(())

    @staticmethod
    def backward(ctx: Any, *_: Tensor) -> tuple[Tensor, None]:
        return ctx.saved_tensors[0], None


def _shares(counts: Tensor, rows: int, like: Tensor) -> Tensor:
    """The weight of each row in its replica's mean, [R, B]: 1 / count, and 0 for filler."""
    if bool((counts == rows).all()):
        return like.new_full((1, 1), 1.0 / rows).expand(len(counts), rows)
    counts = counts.to(like.device)
    real = torch.arange(rows, device=like.device) < counts[:, None]
    return real.to(like.dtype) / counts[:, None].to(like.dtype)


def losses_of_rows(outputs: Tensor, targets: Tensor) -> Tensor:
    """The loss of every row, [R, B], for outputs [R, B, K] and targets int64 [B] or [B, K]."""
    if targets.is_floating_point():
        return (outputs - targets).square().mean(dim=2)
    index = targets.view(1, 1, -1).expand(outputs.shape[0], 1, -1)
    return -outputs.transpose(1, 2).contiguous().log_softmax(dim=1).gather(1, index)[:, 0]
