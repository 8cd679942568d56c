"""AdamW for a stack: one fused update for all replicas that share a learning rate."""

from collections.abc import Sequence
from itertools import groupby

import torch
from torch import Tensor
from torch.optim.adamw import adamw

BETAS, EPSILON = (0.9, 0.999), 1e-8


class StackedAdamW:
    """`torch.optim.AdamW` with its defaults, on parameters [R, ...] with a learning rate a replica.

    Args:
        parameters: leaves with the replicas on the first axis. Replicas with equal rates should be neighbours.
        learning_rates: one a replica.
        weight_decay: of all.
    """

    def __init__(
        self, parameters: Sequence[Tensor], learning_rates: Sequence[float], weight_decay: float
    ) -> None:
        self.weight_decay = weight_decay
        self._means = [torch.zeros_like(parameter) for parameter in parameters]
        self._squares = [torch.zeros_like(parameter) for parameter in parameters]
        self._finished = 0
        self._bind(parameters, learning_rates)

    def _bind(self, parameters: Sequence[Tensor], learning_rates: Sequence[float]) -> None:
        self._parameters, self.learning_rates = list(parameters), list(learning_rates)
        self._groups: list[tuple[float, slice, list[Tensor]]] = []
        start = 0
        for rate, members in groupby(self.learning_rates):
            size = len(list(members))
            steps = [
                torch.full((), float(self._finished), device=parameter.device) for parameter in parameters
            ]
            self._groups.append((rate, slice(start, start + size), steps))
            start += size

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor | None], rate: float) -> None:
        """One update; `rate` is the schedule's part of the learning rates. Parameters without gradient stay.

        The fused update reads memory as it lies, so gradients are laid out as their parameters first.
        """
        used = [index for index, gradient in enumerate(gradients) if gradient is not None]
        self._finished += 1
        for learning_rate, rows, steps in self._groups:
            adamw(
                [self._parameters[i][rows] for i in used],
                [gradient[rows].contiguous() for gradient in gradients if gradient is not None],
                [self._means[i][rows] for i in used],
                [self._squares[i][rows] for i in used],
                [],
                [steps[i] for i in used],
                fused=True,
                amsgrad=False,
                maximize=False,
                beta1=BETAS[0],
                beta2=BETAS[1],
                lr=learning_rate * rate,
                weight_decay=self.weight_decay,
                eps=EPSILON,
            )

    def keep(self, rows: Sequence[int], parameters: Sequence[Tensor]) -> None:
        """Go on with these replicas only, whose parameters are given anew."""
        self._means = [mean[list(rows)] for mean in self._means]
        self._squares = [square[list(rows)] for square in self._squares]
        self._bind(parameters, [self.learning_rates[row] for row in rows])


@torch.no_grad()
def clip(gradients: Sequence[Tensor | None], largest: float) -> None:
    """Scale each replica's gradients [R, ...] in place so that their norm over all parameters is at most `largest`.

    The rule of `torch.nn.utils.clip_grad_norm_`, a replica at a time.
    """
    present = [gradient for gradient in gradients if gradient is not None]
    norms = torch.stack([torch.linalg.vector_norm(g.flatten(1), dim=1) for g in present]).norm(dim=0)
    factors = (largest / (norms + 1e-6)).clamp(max=1.0)
    if bool((factors < 1.0).any()):
        for gradient in present:
            gradient.mul_(factors.view(-1, *[1] * (gradient.dim() - 1)))
