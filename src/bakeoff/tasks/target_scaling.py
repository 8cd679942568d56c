"""Targets that are numbers are standardised for training, so that one learning rate fits all units."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor


class TargetScaling(NamedTuple):
    """`(y - mean) / std` of each output, [outputs]; classes have none."""

    mean: Tensor
    std: Tensor

    @staticmethod
    def learn(targets: np.ndarray) -> "TargetScaling":
        """From training targets [N, outputs]; an output that never changes keeps std 1."""
        values = targets.astype(np.float64)
        mean, std = values.mean(axis=0), values.std(axis=0)
        std = np.where(std < 1e-7 * np.maximum(np.abs(mean), 1.0), 1.0, std)
        return TargetScaling(torch.from_numpy(mean), torch.from_numpy(std))

    def apply(self, targets: Tensor) -> Tensor:
        return (targets.to(self.mean) - self.mean) / self.std

    def undo(self, outputs: Tensor) -> Tensor:
        return outputs * self.std.to(outputs) + self.mean.to(outputs)
