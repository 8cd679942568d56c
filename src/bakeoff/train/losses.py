"""Losses of a stack, and their gradients, in closed form: no graph is needed for them."""

import torch
from torch import Tensor


def loss_and_gradient(outputs: Tensor, targets: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
    """Each replica's mean loss [R], and its gradient with respect to the outputs [R, B, K].

    Softmax cross-entropy for targets int64 [R, B]; mean squared error for targets [R, B, K].

    Args:
        outputs: [R, B, K].
        targets: of the same rows.
        counts: int64 [R]: how many rows of each replica are real; those after them count nothing.
    """
    replicas, rows = outputs.shape[:2]
    share = _shares(counts.to(outputs.device), rows, outputs.dtype)
    with torch.no_grad():
        if targets.is_floating_point():
            difference = outputs - targets
            losses = (difference.square().mean(dim=2) * share).sum(dim=1)
            return losses, difference * (share[..., None] * (2.0 / outputs.shape[2]))
        logarithms = outputs.log_softmax(dim=2)
        picked = targets.view(replicas, rows, 1)
        losses = -(logarithms.gather(2, picked).squeeze(2) * share).sum(dim=1)
        gradient = logarithms.exp_()
        gradient.scatter_add_(2, picked, gradient.new_full((1, 1, 1), -1.0).expand(replicas, rows, 1))
        return losses, gradient.mul_(share[..., None])


def _shares(counts: Tensor, rows: int, dtype: torch.dtype) -> Tensor:
    """What each row adds to its replica's mean, [R, B]: 1 / count, and 0 for filler."""
    real = torch.arange(rows, device=counts.device) < counts[:, None]
    return real.to(dtype) / counts[:, None].to(dtype)


def losses_of_rows(outputs: Tensor, targets: Tensor) -> Tensor:
    """The loss of every row, [R, B], for outputs [R, B, K] and targets int64 [B] or [B, K]."""
    if targets.is_floating_point():
        return (outputs - targets).square().mean(dim=2)
    index = targets.view(1, -1, 1).expand(outputs.shape[0], -1, 1)
    return -outputs.log_softmax(dim=2).gather(2, index).squeeze(2)
