"""Records of the figures about one trained network: its losses while it learned, and the reach of its gradient."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bakeoff.report.content.figures import Style
from bakeoff.train.single.trainer import Evaluation

#: How the two losses are drawn.
TRAINING_STYLE = Style(colour="faint", marker="circle", dash="solid")
VALIDATION_STYLE = Style(colour="accent", marker="square", dash="solid")
#: How one network alone is drawn.
ONLY_STYLE = Style(colour="accent", marker="circle", dash="solid")


@dataclass(frozen=True, kw_only=True)
class LossFigure:
    """Training and validation loss at each evaluated step; `best_step` is the one whose weights are kept."""

    steps: tuple[int, ...]
    training: tuple[float, ...]
    validation: tuple[float, ...]
    best_step: int

    @property
    def best(self) -> int:
        """The place of the kept weights in `steps`, the last one where no evaluation was made at that step."""
        return self.steps.index(self.best_step) if self.best_step in self.steps else len(self.steps) - 1


@dataclass(frozen=True, kw_only=True)
class ReachFigure:
    """Norm of the gradient of the last recurrent state with respect to each step of the input.

    `last_steps`: the last ones that hold 95 % of it.
    """

    norms: tuple[float, ...]
    last_steps: int


def loss_figure(history: Sequence[Evaluation], best_step: int) -> LossFigure:
    """From every evaluation of a training, at least one."""
    return LossFigure(
        steps=tuple(evaluation.step for evaluation in history),
        training=tuple(evaluation.training_loss for evaluation in history),
        validation=tuple(evaluation.validation_loss for evaluation in history),
        best_step=best_step,
    )


def reach_figure(norms: NDArray[np.float64], last_steps: int) -> ReachFigure:
    """From the gradient's norm at each step [T]."""
    return ReachFigure(norms=tuple(np.asarray(norms, np.float64).tolist()), last_steps=last_steps)
