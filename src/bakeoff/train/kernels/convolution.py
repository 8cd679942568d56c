"""Stacked convolutions and pooling."""

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


def conv1d(
    x: Float[Tensor, "R B C L"],
    weight: Float[Tensor, "R O C k"],
    bias: Float[Tensor, "R O"] | None = None,
    *,
    stride: int = 1,
    padding: int = 0,
    relu: bool = False,
) -> Float[Tensor, "R B O L2"]:
    """Cross-correlation along L for each replica, then ReLU where asked."""
    replicas = x.shape[0]
    out = F.conv1d(
        x.transpose(0, 1).flatten(1, 2),
        weight.flatten(0, 1),
        None if bias is None else bias.flatten(),
        stride,
        padding,
        groups=replicas,
    )
    out = out.unflatten(1, (replicas, -1)).transpose(0, 1)
    return out.relu() if relu else out


def conv2d(
    x: Float[Tensor, "R B C H W"],
    weight: Float[Tensor, "R O C k l"],
    bias: Float[Tensor, "R O"] | None = None,
    *,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
    relu: bool = False,
) -> Float[Tensor, "R B O H2 W2"]:
    """Cross-correlation over H and W for each replica, then ReLU where asked."""
    replicas = x.shape[0]
    out = F.conv2d(
        x.transpose(0, 1).flatten(1, 2),
        weight.flatten(0, 1),
        None if bias is None else bias.flatten(),
        stride,
        padding,
        groups=replicas,
    )
    out = out.unflatten(1, (replicas, -1)).transpose(0, 1)
    return out.relu() if relu else out


def max_pool2d(x: Float[Tensor, "R B C H W"], *, size: int) -> Float[Tensor, "R B C H2 W2"]:
    """The largest value of each `size` x `size` square; rows and columns that fill none are left out."""
    return F.max_pool2d(x.flatten(0, 1), size).unflatten(0, x.shape[:2])
