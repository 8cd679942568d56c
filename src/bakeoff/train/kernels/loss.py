"""The loss of a stack of classifiers, with its gradient in the same pass."""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from bakeoff.train.kernels import native


def cross_entropy(
    logits: Float[Tensor, "R B K"], targets: Int[Tensor, "R B"], weights: Float[Tensor, "R B"] | None = None
) -> Float[Tensor, " R"]:
    """`sum_b weights_b * -log softmax(logits_b)[target_b]` a replica; the mean over the batch without weights.

    A row of weight 0 counts for nothing, whatever stands in it.
    """
    return _CrossEntropy.apply(logits, targets, weights)  # type: ignore[no-untyped-call]


class _CrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
        if native.takes(logits, weights):
            losses, d_logits = logits.new_empty(logits.shape[0]), logits.new_empty(logits.shape)
            share = None if weights is None else weights.contiguous()
            given = [logits.contiguous(), targets.contiguous(), share, losses, d_logits]
            native.call("cross_entropy", logits.shape, given, logits.dtype)
        else:
            share = logits.new_full(targets.shape, 1 / targets.shape[1]) if weights is None else weights
            log_parts = logits.log_softmax(2)
            chosen = targets[..., None]
            each = -log_parts.gather(2, chosen)[..., 0] * share
            losses = each.masked_fill(share == 0, 0.0).sum(1)
            d_logits = log_parts.exp_()
            d_logits.scatter_add_(2, chosen, torch.full_like(chosen, -1, dtype=logits.dtype))
            d_logits.mul_(share[..., None]).masked_fill_((share == 0)[..., None], 0.0)
        ctx.save_for_backward(d_logits)
        return losses

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (d_logits,) = ctx.saved_tensors
        return d_logits * gradients[0][:, None, None], None, None
