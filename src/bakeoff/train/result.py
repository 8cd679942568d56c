"""`TrainingResult`: what the training of one replica returns."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bakeoff.messages.statement import Statement
from bakeoff.train.endings import TrialState
from bakeoff.train.recipe import Replica


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingResult:
    """One replica's training, however it ended.

    Attributes:
        replica: what was trained.
        state: how it ended.
        reason: one sentence about the state.
        steps_done: optimiser steps taken.
        best_step: the evaluation whose weights these are; 0 where there was none.
        seconds: this replica's share of the time that its stack took.
        validation_loss: at `best_step`: mean cross-entropy in nats, or mean squared error of standardised targets;
            infinite where there was no evaluation.
        history: (step, validation loss) of every evaluation.
        weights: state dict on the CPU, at `best_step` (the last ones where there was no evaluation, none where the
            training did not begin).
        validation_outputs, test_outputs: float32 [N, outputs] at `best_step`: log-probabilities of the classes, or
            values in the data's unit; None where there was no evaluation.
    """

    replica: Replica
    state: TrialState
    reason: Statement
    steps_done: int
    best_step: int
    seconds: float
    validation_loss: float
    history: tuple[tuple[int, float], ...]
    weights: dict[str, Tensor] = field(repr=False)
    validation_outputs: NDArray[np.float32] | None = field(repr=False)
    test_outputs: NDArray[np.float32] | None = field(repr=False)
