"""Targets that are numbers are standardised for training, so that one learning rate fits all units."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from bakeoff.data.scaling import ROUNDING_SHARE, constant_below


def as_stored(outputs: Tensor, scaling: "TargetScaling | None") -> Tensor:
    """Outputs in the unit of the data as float32, or as float64 where float32 would round the targets away."""
    return outputs.double() if scaling is not None and scaling.is_far_off else outputs.float()


class TargetScaling(NamedTuple):
    """`(y - mean) / std` of each output, [outputs]; classes have none."""

    mean: Tensor
    std: Tensor

    @staticmethod
    def learn(targets: np.ndarray) -> "TargetScaling":
        """From training targets [N, outputs]; an output that never changes keeps std 1."""
        values = targets.astype(np.float64)
        mean, std = values.mean(axis=0), values.std(axis=0)
        std = np.where(std < constant_below(targets.dtype) * np.maximum(np.abs(mean), 1.0), 1.0, std)
        return TargetScaling(torch.from_numpy(mean), torch.from_numpy(std))

    def apply(self, targets: Tensor) -> Tensor:
        return (targets.to(self.mean) - self.mean) / self.std

    @property
    def is_far_off(self) -> bool:
        """Whether float32 would round what varies in the targets: their mean is large beside their deviation."""
        rounding = self.mean.abs() * torch.finfo(torch.float32).eps
        return bool((rounding > ROUNDING_SHARE * self.std).any())

    def undo(self, outputs: Tensor) -> Tensor:
        return outputs * self.std.to(outputs) + self.mean.to(outputs)
