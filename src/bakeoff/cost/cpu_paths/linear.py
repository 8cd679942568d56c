"""A linear layer on meta tensors, as PyTorch runs it on a CPU."""

import torch
import torch.nn.functional as F
from torch import Tensor


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`torch.nn.functional.linear`: [..., I] and [O, I] give [..., O].

    PyTorch adds the bias in place where the input is not contiguous; on the meta device it would make a second result.
    """
    if bias is None or input.dim() < 3 or not input.is_meta or input.is_contiguous():
        return F.linear(input, weight, bias)
    return torch.matmul(input, weight.t()).add_(bias)
