"""Stacked dense layers."""

import torch
from jaxtyping import Float
from torch import Tensor


def linear(
    x: Float[Tensor, "R B *more I"],
    weight: Float[Tensor, "R O I"],
    bias: Float[Tensor, "R O"] | None = None,
    *,
    relu: bool = False,
) -> Float[Tensor, "R B *more O"]:
    """`x W^T + b` for each replica, then ReLU where asked."""
    rows = x.flatten(1, -2)
    out = torch.bmm(rows, weight.mT) if bias is None else torch.baddbmm(bias[:, None], rows, weight.mT)
    out = out.unflatten(1, x.shape[1:-1])
    return out.relu() if relu else out
