"""AdamW for a stack of networks, in one pass over flat parameters."""

import torch
from jaxtyping import Float, Int
from torch import Tensor


@torch.no_grad()
def adamw_(
    parameters: Float[Tensor, "R P"],
    gradients: Float[Tensor, "R P"],
    mean: Float[Tensor, "R P"],
    square: Float[Tensor, "R P"],
    *,
    learning_rate: Float[Tensor, " R"],
    steps: Int[Tensor, " R"],
    weight_decay: float | Float[Tensor, " R"] = 0.01,
    betas: tuple[float, float] = (0.9, 0.999),
    epsilon: float = 1e-8,
    scale: Float[Tensor, " R"] | None = None,
) -> None:
    """One step of AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101), as `torch.optim.AdamW` takes it, in place.

    Args:
        parameters, mean, square: changed in place; all four [R, P] contiguous.
        learning_rate: one a replica; 0 leaves its parameters as they are.
        steps: the number of this step for each replica, from 1.
        scale: multiplies each replica's gradients first.
    """
    first, second = betas
    rate = learning_rate.to(parameters)[:, None]
    if scale is not None:
        gradients = gradients * scale[:, None]
    mean.lerp_(gradients, 1 - first)
    square.mul_(second).addcmul_(gradients, gradients, value=1 - second)
    count = steps.to(parameters.dtype)[:, None]
    decay = weight_decay[:, None] if isinstance(weight_decay, Tensor) else weight_decay
    parameters.mul_(1 - rate * decay)
    denominator = square.sqrt().div_((1 - second**count).sqrt()).add_(epsilon)
    parameters.sub_(mean.div(denominator).mul_(rate / (1 - first**count)))
