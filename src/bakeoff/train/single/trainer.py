"""`Trainer`: trains one network well, by a `FitRecipe`, with checkpoints from which it can be resumed.

It adds to a `SingleTraining`: the moving average of the weights, augmentation, linear probing, early stopping,
checkpoints and a listener.
"""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from bakeoff.messages.statement import Statement, because, from_stored, to_stored
from bakeoff.train.endings import TrialState
from bakeoff.train.recipe import Recipe, Replica
from bakeoff.train.result import TrainingResult
from bakeoff.train.single.augment import changer
from bakeoff.train.single.checkpoint import save_checkpoint
from bakeoff.train.single.placement import Placement
from bakeoff.train.single.recipe import (
    FitRecipe,
    decay_groups,
    frozen_but_head,
    rest_in_evaluation,
    steps_per_epoch,
)
from bakeoff.train.single.run import SingleTraining
from bakeoff.train.single.weight_average import WeightAverage
from bakeoff.train.stacked.run import Build
from bakeoff.train.tensors import Batch, TrainingData

MODES = ("full", "probe")
#: A checkpoint is written, at an evaluation or between two, where the last one is older than this.
SAVE_SECONDS = 20.0
#: Steps that are taken before the time of a step is known and the steps between two checkpoints are planned.
FIRST_STEPS = 20


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """One evaluation during training.

    Attributes:
        step, steps: finished steps, and those of the whole training.
        epoch: passes over the training data so far.
        training_loss: mean over the steps since the previous evaluation (of augmented examples and smoothed labels).
        validation_loss: of the averaged weights where there is an average, without label smoothing.
        learning_rate: of the next step.
        seconds: of training so far.
    """

    step: int
    steps: int
    epoch: float
    training_loss: float
    validation_loss: float
    learning_rate: float
    seconds: float


EvaluationListener = Callable[[Evaluation], None]


class Trainer:
    """Trains one network by a `FitRecipe`.

    Args:
        build: seed -> new module (perhaps with published weights).
        data: to train on, on the device of the placement.
        recipe: how it is trained.
        learning_rate: AdamW's, at the top of the schedule.
        seed: of initial weights, order of batches, dropout and augmentation.
        mode: "full", or "probe" to train only the last layer.
        placement: device and precision.
    """

    def __init__(
        self,
        build: Build,
        data: TrainingData,
        recipe: FitRecipe,
        *,
        learning_rate: float,
        seed: int,
        mode: str,
        placement: Placement,
    ) -> None:
        self.recipe, self.data = recipe, data
        self.training = make_training(
            build,
            data,
            recipe,
            learning_rate=learning_rate,
            seed=seed,
            mode=mode,
            placement=placement,
            schedule=recipe.shared(),
            after_step=self._after_step,
            judged=self._judged,
        )
        self.average: WeightAverage | None = None
        if recipe.average_decay is not None:
            self.average = WeightAverage(self.training.module, recipe.average_decay)
        self.evaluations: list[Evaluation] = []
        self._ended: tuple[TrialState, Statement] | None = None
        self._since, self._loss_sum, self._saved_at = 0, 0.0, time.monotonic()

    def _after_step(self, module: nn.Module, step: int) -> None:
        if self.average is not None:
            self.average.update(module, step)

    def _judged(self) -> nn.Module:
        return self.training.module if self.average is None else self.average.module

    def to_the_end(
        self,
        *,
        deadline: float | None = None,
        listener: EvaluationListener | None = None,
        save: Callable[["Trainer"], None] | None = None,
        save_seconds: float = SAVE_SECONDS,
    ) -> TrainingResult:
        """Take all remaining steps, unless the validation loss stops improving before.

        Args:
            deadline: on the monotonic clock; the weights at that time are evaluated, and the training ends.
            listener: called after every evaluation.
            save: called at the end, and when `save_seconds` have passed since the last call.
            save_seconds: between two calls of `save`.
        """
        for step in self.recipe.shared().evaluation_steps:
            if self._ended is not None:
                break
            if step > self.training.steps_done:
                self._one_evaluation(step, deadline, listener, save, save_seconds)
        if self._ended is None:
            self._ended = (TrialState.FINISHED, because("all_steps"))
        if save is not None:
            save(self)
        return self.training.result(*self._ended)

    def _one_evaluation(
        self,
        step: int,
        deadline: float | None,
        listener: EvaluationListener | None,
        save: Callable[["Trainer"], None] | None,
        save_seconds: float,
    ) -> None:
        in_time = True
        while self.training.steps_done < step and in_time:
            until = min(step, self.training.steps_done + self._steps_between_saves(save_seconds))
            in_time = self.training.advance(until, deadline=deadline)
            self._loss_sum += self.training.drain_losses()
            if in_time and self.training.steps_done < step:
                self._save_if_old(save, save_seconds)
        if not math.isfinite(self._loss_sum):
            self._ended = (TrialState.DIVERGED, because("not_finite", steps=self.training.steps_done))
            return
        if self.training.steps_done > self._since:
            self._evaluate(listener)
        if not in_time:
            self._ended = (TrialState.STOPPED, because("allowed_over"))
        elif self._ended is None:
            self._save_if_old(save, save_seconds)

    def _evaluate(self, listener: EvaluationListener | None) -> None:
        loss = self.training.evaluate()
        done, recipe = self.training.steps_done, self.recipe
        per_epoch = steps_per_epoch(len(self.data.train), recipe.batch_size)
        evaluation = Evaluation(
            step=done,
            steps=recipe.steps,
            epoch=done / per_epoch,
            training_loss=self._loss_sum / (done - self._since),
            validation_loss=loss,
            learning_rate=self.training.replica.learning_rate * recipe.shared().rate(done),
            seconds=self.training.seconds,
        )
        self._since, self._loss_sum = done, 0.0
        if not math.isfinite(loss):
            self._ended = (TrialState.DIVERGED, because("validation_not_finite", steps=done))
            return
        self.evaluations.append(evaluation)
        waited = sum(step > self.training.best_step for step, _ in self.training.history)
        if recipe.patience is not None and waited >= recipe.patience and done < recipe.steps:
            self._ended = (TrialState.EARLY, because("patience", count=waited))
        if listener is not None:
            listener(evaluation)

    def _steps_between_saves(self, save_seconds: float) -> int:
        if self.training.steps_done == 0:
            return FIRST_STEPS
        return max(1, int(save_seconds / max(self.training.seconds / self.training.steps_done, 1e-6)))

    def _save_if_old(self, save: Callable[["Trainer"], None] | None, save_seconds: float) -> None:
        if save is not None and time.monotonic() - self._saved_at >= save_seconds:
            save(self)
            self._saved_at = time.monotonic()

    def write(self, path: Path, facts: dict[str, Any]) -> None:
        """Write a checkpoint of the state, with these facts. Raises `StoreError` where it cannot be written."""
        tensors, state = self.training.state()
        if self.average is not None:
            tensors |= {f"average.{name}": tensor for name, tensor in self.average.state().items()}
        record = {
            "run": state,
            "moments": [asdict(evaluation) for evaluation in self.evaluations],
            "ended": None if self._ended is None else [self._ended[0], to_stored(self._ended[1])],
            "since": self._since,
            "loss_sum": self._loss_sum if math.isfinite(self._loss_sum) else None,
        }
        save_checkpoint(path, tensors, {**facts, "training": record})

    def restore(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Continue from a checkpoint's tensors and facts; this trainer must be made with the same arguments."""
        record = facts["training"]
        self.training.restore(tensors, record["run"])
        if self.average is not None:
            prefix = "average."
            self.average.restore(
                {name[len(prefix) :]: tensor for name, tensor in tensors.items() if name.startswith(prefix)}
            )
        self.evaluations = [Evaluation(**evaluation) for evaluation in record["moments"]]
        state, reason = record["ended"] or (None, None)
        said = from_stored(reason)
        self._ended = None if state is None or said is None else (TrialState(state), said)
        self._since, self._loss_sum = record["since"], record["loss_sum"] or 0.0


def make_training(
    build: Build,
    data: TrainingData,
    recipe: FitRecipe,
    *,
    learning_rate: float,
    seed: int,
    mode: str,
    placement: Placement,
    schedule: Recipe,
    after_step: Callable[[nn.Module, int], None] | None = None,
    judged: Callable[[], nn.Module] | None = None,
) -> SingleTraining:
    """A new `SingleTraining` by this recipe with the given schedule (the learning-rate finder's is constant)."""
    change = changer(recipe.augment, data.outputs)
    heads: list[nn.Module] = []

    def build_and_freeze(seed: int) -> nn.Module:
        module = build(seed)
        if mode == "probe":
            heads.append(frozen_but_head(module))
        return module

    def change_batch(batch: Batch, step: int) -> Batch:
        for head in heads:
            rest_in_evaluation(training.module, head)
        return batch if change is None else change(batch, step)

    training = SingleTraining(
        build_and_freeze,
        data,
        Replica(learning_rate=learning_rate, seed=seed, examples=len(data.train)),
        schedule,
        placement=placement,
        change_batch=change_batch,
        after_step=after_step,
        judged=judged,
        loss=data.task.training_loss(label_smoothing=recipe.label_smoothing),
        groups=lambda module: decay_groups(module, recipe.weight_decay),
        pieces=recipe.pieces,
    )
    return training
