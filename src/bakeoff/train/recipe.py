"""How a network is trained: the `Recipe` that all replicas share, and what differs between them (`Replica`)."""

import math
from dataclasses import dataclass

from bakeoff.errors import OptionError

#: Part of the steps after which a cosine schedule reaches the full learning rate ...
WARM_UP = 0.05
#: ... but at most this many steps.
LONGEST_WARM_UP = 100


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What every entrant of a comparison shares.

    Attributes:
        steps: optimiser steps of a full training.
        batch_size: examples a step; a replica with fewer examples takes all of them.
        weight_decay: AdamW's (Loshchilov & Hutter 2019, arXiv 1711.05101), on every parameter.
        schedule: "constant", or "cosine": a short linear warm-up, then half a cosine down to 0.
        evaluations: how often the validation loss is measured, evenly spaced, the last time at the end. The weights of
            the best evaluation are returned.
        patience: evaluations in a row without a better one before a replica stops; None never stops.
        settled: evaluations in a row that changed the predicted class of no validation example, before a replica that
            does not improve stops; None never stops.
        rejections: parts of the steps after which the worst learning rate of each tuning group is eliminated.
        clip_norm: largest norm of a replica's gradient; None does not clip.
        judge: the measure by which one evaluation is better than another: "loss", or "errors", the share of validation
            examples with a wrong class (plus a thousandth of the loss, so that ties are rare). A network that overfits
            makes its fewest errors long after its lowest loss.
    """

    steps: int
    batch_size: int = 100
    weight_decay: float = 0.01
    schedule: str = "constant"
    evaluations: int = 10
    patience: int | None = None
    settled: int | None = None
    rejections: tuple[float, ...] = ()
    clip_norm: float | None = 1.0
    judge: str = "loss"

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "evaluations"):
            if getattr(self, name) < 1:
                raise OptionError(f"'{name}' is {getattr(self, name)}: give at least 1.")
        if self.schedule not in ("constant", "cosine"):
            raise OptionError(
                f"There is no schedule called '{self.schedule}': choose 'constant' or 'cosine'."
            )
        if self.judge not in ("loss", "errors"):
            raise OptionError(f"There is no judge called '{self.judge}': choose 'loss' or 'errors'.")
        if self.weight_decay < 0:
            raise OptionError(f"'weight_decay' is {self.weight_decay}: give 0 or more.")
        if self.clip_norm is not None and self.clip_norm <= 0:
            raise OptionError(f"'clip_norm' is {self.clip_norm}: give a positive norm, or None for no limit.")
        for name in ("patience", "settled"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise OptionError(f"'{name}' is {value}: give at least 1, or None.")
        if not all(0 < part < 1 for part in self.rejections):
            raise OptionError(f"'rejections' are {self.rejections}: each must lie between 0 and 1.")

    def rate(self, step: int) -> float:
        """The learning rate of the step that follows `step` finished ones, as a part of the full one."""
        if self.schedule == "constant":
            return 1.0
        warm_up = min(math.ceil(self.steps * WARM_UP), LONGEST_WARM_UP)
        if step < warm_up:
            return (step + 1) / warm_up
        return 0.5 * (1.0 + math.cos(math.pi * (step - warm_up) / max(self.steps - warm_up, 1)))

    @property
    def rejection_steps(self) -> tuple[int, ...]:
        """Numbers of steps after which a learning rate is eliminated."""
        return tuple(sorted({max(1, round(part * self.steps)) for part in self.rejections} - {self.steps}))

    @property
    def evaluation_steps(self) -> tuple[int, ...]:
        """Numbers of steps after which the validation loss is measured: evenly spaced, and before each rejection."""
        even = {max(1, round(self.steps * (k + 1) / self.evaluations)) for k in range(self.evaluations)}
        return tuple(sorted(even | set(self.rejection_steps)))


@dataclass(frozen=True, kw_only=True)
class Replica:
    """One network of a stack.

    Attributes:
        learning_rate: AdamW's, at the top of the schedule.
        seed: of the initial weights, the subset, the order of the batches and dropout.
        examples: size of the training set: the first so many of `training_order(dataset, seed=seed)`.
        fold: whose training set it is, where the data have several side by side (`bakeoff.train.folds`).
        tuning_group: replicas of the same group compete with their learning rates in successive rejects, or None.
    """

    learning_rate: float
    seed: int
    examples: int
    tuning_group: str | None = None
    fold: int | None = None

    def __post_init__(self) -> None:
        if not self.learning_rate > 0:
            raise OptionError(f"'learning_rate' is {self.learning_rate}: give a positive number.")
        if self.examples < 1:
            raise OptionError(f"'examples' is {self.examples}: give at least 1.")
