"""`Training`: one network trained well, from its recipe to its record, with checkpoints to go on from.

It wraps a `SingleRun` with what a fit adds: the moving average of the weights, changed copies of the examples, a
frozen body (linear probing), early stopping, checkpoints and a listener.
"""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from bakeoff.train.recipe import Recipe, Replica
from bakeoff.train.result import Trained
from bakeoff.train.single.augment import changer
from bakeoff.train.single.checkpoint import save_checkpoint
from bakeoff.train.single.placement import Machine
from bakeoff.train.single.recipe import (
    FitRecipe,
    decay_groups,
    frozen_but_head,
    rest_in_evaluation,
    steps_per_epoch,
    training_loss,
)
from bakeoff.train.single.run import SingleRun
from bakeoff.train.single.weight_average import WeightAverage
from bakeoff.train.stacked.run import Build
from bakeoff.train.tensors import Batch, TrainingData

MODES = ("full", "probe")
#: A checkpoint is written at an evaluation, and on the way to it, if the last one is so old.
SAVE_SECONDS = 20.0
#: Steps before the first look at the clock.
FIRST_STEPS = 20


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One evaluation on the way.

    Attributes:
        step, steps: finished steps, and those of the whole training.
        epoch: passes over the training data so far.
        training_loss: mean over the steps since the evaluation before (of changed examples and smoothed targets).
        validation_loss: of the weights that would be kept, without smoothing.
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


Listener = Callable[[Moment], None]


class Training:
    """One network's training by a `FitRecipe`.

    Args:
        build: seed -> fresh module (perhaps with published weights).
        data: what to train on, on the machine's device.
        recipe: how.
        learning_rate: AdamW's, at the top of the schedule.
        seed: of initial weights, order of batches, dropout and augmentation.
        mode: "full", or "probe" to train the last layer alone.
        machine: where.
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
        machine: Machine,
    ) -> None:
        self.recipe, self.data = recipe, data
        self.run = make_run(
            build,
            data,
            recipe,
            learning_rate=learning_rate,
            seed=seed,
            mode=mode,
            machine=machine,
            schedule=recipe.shared(),
            after_step=self._after_step,
            judged=self._judged,
        )
        self.average: WeightAverage | None = None
        if recipe.average_decay is not None:
            self.average = WeightAverage(self.run.module, recipe.average_decay)
        self.moments: list[Moment] = []
        self._ended: tuple[str, str] | None = None
        self._since, self._loss_sum, self._saved_at = 0, 0.0, time.monotonic()

    def _after_step(self, module: nn.Module, step: int) -> None:
        if self.average is not None:
            self.average.update(module, step)

    def _judged(self) -> nn.Module:
        return self.run.module if self.average is None else self.average.module

    def to_the_end(
        self,
        *,
        deadline: float | None = None,
        listener: Listener | None = None,
        save: Callable[["Training"], None] | None = None,
        save_seconds: float = SAVE_SECONDS,
    ) -> Trained:
        """Take all steps that are left, unless the validation loss stops getting better.

        Args:
            deadline: on the monotonic clock; what was learned until then is evaluated and kept.
            listener: called after every evaluation.
            save: called at the end, and when `save_seconds` have passed since the last call.
            save_seconds: between two calls of `save`.
        """
        for step in self.recipe.shared().evaluation_steps:
            if self._ended is not None:
                break
            if step > self.run.steps_done:
                self._one_evaluation(step, deadline, listener, save, save_seconds)
        if self._ended is None:
            self._ended = ("finished", "All steps were taken.")
        if save is not None:
            save(self)
        return self.run.trained(*self._ended)

    def _one_evaluation(
        self,
        step: int,
        deadline: float | None,
        listener: Listener | None,
        save: Callable[["Training"], None] | None,
        save_seconds: float,
    ) -> None:
        in_time = True
        while self.run.steps_done < step and in_time:
            until = min(step, self.run.steps_done + self._steps_between_saves(save_seconds))
            in_time = self.run.advance(until, deadline=deadline)
            self._loss_sum += self.run.drain_losses()
            if in_time and self.run.steps_done < step:
                self._save_if_old(save, save_seconds)
        if not math.isfinite(self._loss_sum):
            self._ended = (
                "diverged",
                f"The loss was not finite within the first {self.run.steps_done} steps.",
            )
            return
        if self.run.steps_done > self._since:
            self._evaluate(listener)
        if not in_time:
            self._ended = ("stopped", "The time allowed was over.")
        elif self._ended is None:
            self._save_if_old(save, save_seconds)

    def _evaluate(self, listener: Listener | None) -> None:
        loss = self.run.evaluate()
        done, recipe = self.run.steps_done, self.recipe
        per_epoch = steps_per_epoch(len(self.data.train), recipe.batch_size)
        moment = Moment(
            step=done,
            steps=recipe.steps,
            epoch=done / per_epoch,
            training_loss=self._loss_sum / (done - self._since),
            validation_loss=loss,
            learning_rate=self.run.replica.learning_rate * recipe.shared().rate(done),
            seconds=self.run.seconds,
        )
        self._since, self._loss_sum = done, 0.0
        if not math.isfinite(loss):
            self._ended = ("diverged", f"The validation loss was not finite after {done} steps.")
            return
        self.moments.append(moment)
        waited = sum(step > self.run.best_step for step, _ in self.run.history)
        if recipe.patience is not None and waited >= recipe.patience and done < recipe.steps:
            self._ended = ("early", f"{waited} evaluations brought no better validation loss.")
        if listener is not None:
            listener(moment)

    def _steps_between_saves(self, save_seconds: float) -> int:
        if self.run.steps_done == 0:
            return FIRST_STEPS
        return max(1, int(save_seconds / max(self.run.seconds / self.run.steps_done, 1e-6)))

    def _save_if_old(self, save: Callable[["Training"], None] | None, save_seconds: float) -> None:
        if save is not None and time.monotonic() - self._saved_at >= save_seconds:
            save(self)
            self._saved_at = time.monotonic()

    def write(self, path: Path, facts: dict[str, Any]) -> None:
        """Write a checkpoint: all state, and these facts beside it. Raises `StoreError` where it cannot be written."""
        tensors, state = self.run.state()
        if self.average is not None:
            tensors |= {f"average.{name}": tensor for name, tensor in self.average.state().items()}
        record = {
            "run": state,
            "moments": [asdict(moment) for moment in self.moments],
            "ended": self._ended,
            "since": self._since,
            "loss_sum": self._loss_sum if math.isfinite(self._loss_sum) else None,
        }
        save_checkpoint(path, tensors, {**facts, "training": record})

    def restore(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Go on from a checkpoint's tensors and facts; this training must be made with the same arguments."""
        record = facts["training"]
        self.run.restore(tensors, record["run"])
        if self.average is not None:
            prefix = "average."
            self.average.restore(
                {name[len(prefix) :]: tensor for name, tensor in tensors.items() if name.startswith(prefix)}
            )
        self.moments = [Moment(**moment) for moment in record["moments"]]
        self._ended = None if record["ended"] is None else (record["ended"][0], record["ended"][1])
        self._since, self._loss_sum = record["since"], record["loss_sum"] or 0.0


def make_run(
    build: Build,
    data: TrainingData,
    recipe: FitRecipe,
    *,
    learning_rate: float,
    seed: int,
    mode: str,
    machine: Machine,
    schedule: Recipe,
    after_step: Callable[[nn.Module, int], None] | None = None,
    judged: Callable[[], nn.Module] | None = None,
) -> SingleRun:
    """A fresh `SingleRun` of this recipe with another schedule (the learning-rate finder's is constant)."""
    change = changer(recipe.augment, data.outputs)
    heads: list[nn.Module] = []

    def build_and_freeze(seed: int) -> nn.Module:
        module = build(seed)
        if mode == "probe":
            heads.append(frozen_but_head(module))
        return module

    def change_batch(batch: Batch, step: int) -> Batch:
        for head in heads:
            rest_in_evaluation(run.module, head)
        return batch if change is None else change(batch, step)

    run = SingleRun(
        build_and_freeze,
        data,
        Replica(learning_rate=learning_rate, seed=seed, examples=len(data.train)),
        schedule,
        machine=machine,
        change_batch=change_batch,
        after_step=after_step,
        judged=judged,
        loss=training_loss(data.schema, recipe.label_smoothing),
        groups=lambda module: decay_groups(module, recipe.weight_decay),
        pieces=recipe.pieces,
    )
    return run
