"""AdamW for a stack: one fused update for all replicas that share a learning rate."""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import torch
from torch import Tensor

BETAS, EPSILON = (0.9, 0.999), 1e-8


class _Group(NamedTuple):
    """Neighbouring replicas with one learning rate, and their part of every tensor."""

    learning_rate: float
    rows: slice
    parameters: list[Tensor]
    means: list[Tensor]
    squares: list[Tensor]


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
        device = self._parameters[0].device
        self._step = torch.full((), float(self._finished), dtype=torch.float32, device=device)
        self._groups: list[_Group] = []
        start = 0
        for rate, members in groupby(self.learning_rates):
            rows = slice(start, start + len(list(members)))
            state = (self._parameters, self._means, self._squares)
            self._groups.append(_Group(rate, rows, *([t.detach()[rows] for t in part] for part in state)))
            start = rows.stop

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor | None], rate: float) -> None:
        """One update; the learning rates are multiplied by the schedule's `rate`. Parameters without gradient stay.

        The fused update ignores strides, so gradients are made contiguous like their parameters first.
        """
        self._finished += 1
        self._step += 1
        used = [index for index, gradient in enumerate(gradients) if gradient is not None]
        given = [gradient.contiguous() for gradient in gradients if gradient is not None]
        for group in self._groups:
            torch._fused_adamw_(
                [group.parameters[i] for i in used],
                given if len(self._groups) == 1 else [gradient[group.rows] for gradient in given],
                [group.means[i] for i in used],
                [group.squares[i] for i in used],
                [],
                [self._step] * len(used),
                lr=group.learning_rate * rate,
                beta1=BETAS[0],
                beta2=BETAS[1],
                weight_decay=self.weight_decay,
                eps=EPSILON,
                amsgrad=False,
                maximize=False,
            )

    @property
    def finished(self) -> int:
        """Updates so far."""
        return self._finished

    def state(self) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Each parameter with its two moments, all [R, ...], for the compiled code, which takes steps itself."""
        values = [parameter.detach() for parameter in self._parameters]
        return list(zip(values, self._means, self._squares, strict=True))

    def took(self, steps: int) -> None:
        """Count updates that were made by other code on `state`."""
        self._finished += steps
        self._step += steps

    def keep(self, rows: Sequence[int], parameters: Sequence[Tensor]) -> None:
        """Continue with these replicas only; `parameters` are their new tensors."""
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
