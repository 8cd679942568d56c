"""AdamW for a stack of networks, in one pass over flat parameters."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from bakeoff.train.kernels import native


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
    rate, count = learning_rate.double(), steps.double()
    decay = (
        weight_decay.double() if isinstance(weight_decay, Tensor) else torch.as_tensor(weight_decay).double()
    )
    scaled, shrink, correction = (
        tensor.to(parameters)[:, None]
        for tensor in (
            rate / (1 - first**count),
            1 - rate * decay,
            (1 - second**count).rsqrt(),
        )
    )
    if native.takes(parameters, gradients, mean, square):
        row = torch.ones(parameters.shape[0], 7, dtype=parameters.dtype)
        if scale is not None:
            row[:, 0] = scale
        row[:, 1], row[:, 2], row[:, 6] = 1 - first, second, epsilon
        row[:, 3:6] = torch.cat((shrink, scaled, correction), 1)
        given = [parameters, gradients.contiguous(), mean, square, row]
        native.call("adamw", parameters.shape, given, parameters.dtype)
        return
    if scale is not None:
        gradients = gradients * scale[:, None]
    mean.lerp_(gradients, 1 - first)
    square.mul_(second).addcmul_(gradients, gradients, value=1 - second)
    parameters.mul_(shrink).sub_(mean.div(square.sqrt().mul_(correction).add_(epsilon)).mul_(scaled))
