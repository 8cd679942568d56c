"""The moving average of a network's weights during training; the average is what is evaluated and returned."""

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn


class WeightAverage:
    """`average <- d average + (1 - d) weights` after every step (Polyak & Juditsky 1992).

    The decay grows with the steps, `d = min(decay, (1 + t) / (10 + t))`, so that the average forgets the random start
    (as TensorFlow's `ExponentialMovingAverage` with `num_updates`). Buffers that are numbers (statistics of
    normalisations) are averaged too, counters are copied.

    Args:
        module: the network in training; it is only read.
        decay: at most this.

    Attributes:
        module: a copy of the network with the averaged weights, in evaluation mode.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.module = copy.deepcopy(module).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        """Add the weights after `step` finished steps to the average."""
        decay = min(self.decay, (1 + step) / (10 + step))
        ours, theirs = self.module.state_dict(), module.state_dict()
        floating = [name for name, tensor in ours.items() if tensor.is_floating_point()]
        torch._foreach_lerp_(
            [ours[name] for name in floating], [theirs[name] for name in floating], 1.0 - decay
        )
        for name in ours.keys() - set(floating):
            ours[name].copy_(theirs[name])

    def state(self) -> dict[str, Tensor]:
        """The averaged weights, on the CPU."""
        return {name: tensor.detach().cpu().clone() for name, tensor in self.module.state_dict().items()}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Continue from what `state` returned."""
        self.module.load_state_dict(dict(tensors))
