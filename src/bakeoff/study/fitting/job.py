"""One fit in its folder: plan, training with checkpoints, and what is handed over."""

import json
import math
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from bakeoff.data.dataset import Dataset
from bakeoff.errors import BudgetError, ModelError
from bakeoff.inference.predictor import Fitted
from bakeoff.inference.training_hashes import write_seen
from bakeoff.models.registry.external import PRETRAINED
from bakeoff.study.analysis.resampling import drawn_together
from bakeoff.study.analysis.uncertainty import Estimate, standing
from bakeoff.study.fitting.network import FitNetwork
from bakeoff.study.fitting.result import CHAMPION, Fit
from bakeoff.study.results.store import run_folders
from bakeoff.tasks.metrics.registry import Metric, MetricContext, score_all
from bakeoff.train.recipe import Recipe
from bakeoff.train.result import Trained
from bakeoff.train.single.checkpoint import CHECKPOINT_FILE, load_checkpoint
from bakeoff.train.single.learning_rate_finder import (
    FALLBACK,
    PROBE_FALLBACK,
    PROBE_STEPS,
    STEPS,
    RateTest,
    find_rate,
)
from bakeoff.train.single.linear_probe import Probe, probe_of
from bakeoff.train.single.placement import Machine
from bakeoff.train.single.recipe import FitRecipe, largest_rate, parameter_counts, steps_per_epoch
from bakeoff.train.single.run import SingleRun
from bakeoff.train.single.trainer import Listener, Training, make_run
from bakeoff.train.stacked.run import Build
from bakeoff.train.tensors import TrainingData

#: This part of a budget is planned for training; the rest is for evaluations and for writing.
PLANNED_PART = 0.75


class FitJob:
    """One fit in its folder, from the plan to the record."""

    def __init__(
        self,
        *,
        dataset: Dataset,
        network: FitNetwork,
        recipe: FitRecipe,
        learning_rate: float | None,
        seed: int,
        mode: str,
        machine: Machine,
        definition: dict[str, Any],
        folder: Path,
        budget_seconds: float | None,
        started: float,
        steps_are_given: bool,
    ) -> None:
        self.dataset, self.network, self.machine = dataset, network, machine
        self.recipe, self.learning_rate = recipe, learning_rate
        self.seed, self.mode, self.definition, self.folder = seed, mode, definition, folder
        self.budget_seconds, self.started, self.steps_are_given = budget_seconds, started, steps_are_given
        self.data = TrainingData(dataset, device=machine.device)
        self.checkpoint = folder / CHECKPOINT_FILE
        self._probe: Probe | None = None
        self._build: Build = network.module
        self._data, self._part = self.data, mode

    def plan(self) -> None:
        """Learning rate and number of steps: those of the checkpoint, or new ones."""
        self._found = load_checkpoint(self.checkpoint)
        self._part_probe()
        if self._found is None:
            self._plan()
        else:
            self.recipe = FitRecipe.from_json(self._found[1]["recipe"])
            self.learning_rate = self._found[1]["learning_rate"]

    def _part_probe(self) -> None:
        """A last layer that alone is trained, on examples that do not change, is trained apart where it can be.

        A run that goes on does it as it was begun.
        """
        if self.mode != "probe" or self.recipe.augment:
            return
        begun = None if self._found is None else self._found[1]["features"]
        if begun is not False:
            may_take = math.inf if self.budget_seconds is None or begun else self.budget_seconds / 3
            module = self.network.module(self.seed)
            self._probe = probe_of(module, self.data, self.machine, seconds=may_take)
        if self._probe is not None:
            self._build, self._data, self._part = self._probe.build, self._probe.data, "full"

    def settings(self) -> dict[str, Any]:
        """What decides this training, for logs."""
        names = ("seed", "mode", "device", "precision")
        return {
            "data": self.dataset.name,
            "model": self.network.card.name,
            "learning_rate": self.learning_rate,
            **{name: self.definition[name] for name in names},
            **self.recipe.to_json(),
        }

    def to_the_end(self, metric: Metric, listener: Listener | None, save_seconds: float) -> Fit:
        found = self._found
        assert self.learning_rate is not None
        training = Training(
            self._build,
            self._data,
            self.recipe,
            learning_rate=self.learning_rate,
            seed=self.seed,
            mode=self._part,
            machine=self.machine,
        )
        if found is not None:
            training.restore(*found)
        else:
            self._save(training)
        trained = training.to_the_end(
            deadline=self._deadline(training.run.seconds),
            listener=listener,
            save=self._save,
            save_seconds=save_seconds,
        )
        return self._hand_over(training, trained, metric, resumed=found is not None)

    def _save(self, training: Training) -> None:
        facts = {
            "definition": self.definition,
            "recipe": self.recipe.to_json(),
            "learning_rate": self.learning_rate,
            "features": self._probe is not None,
        }
        training.write(self.checkpoint, facts)

    def _deadline(self, trained_seconds: float = 0.0) -> float | None:
        """When the training must end; a resumed one has what is left of its budget, and at least a twentieth of it."""
        if self.budget_seconds is None:
            return None
        reserve = min(0.05 * self.budget_seconds, 5.0)
        left = self.budget_seconds - reserve - trained_seconds
        return max(self.started + left, time.monotonic() + reserve)

    def _plan(self) -> None:
        """Find the learning rate where none is given, and the number of steps that the budget allows."""
        seconds = math.inf if self.budget_seconds is None else self.budget_seconds / 5
        if self.learning_rate is None:
            is_probe = self._probe is not None
            test = find_rate(
                self._trial,
                steps=PROBE_STEPS if is_probe else STEPS,
                seconds=seconds,
                fallback=PROBE_FALLBACK if is_probe else FALLBACK,
            )
            self.learning_rate = min(test.learning_rate, self._largest_rate)
        elif self.budget_seconds is not None and not self.steps_are_given:
            test = find_rate(self._trial, steps=0)
        else:
            return
        if self.budget_seconds is not None and not self.steps_are_given:
            self._fit_into(self.budget_seconds, test)

    @property
    def _largest_rate(self) -> float:
        family, published = self.network.card.family, self.network.is_published
        return largest_rate(family, published=published, mode=self.mode)

    def _fit_into(self, budget_seconds: float, test: RateTest) -> None:
        left = PLANNED_PART * (budget_seconds - (time.monotonic() - self.started))
        possible = max(1, int(left / max(test.step_seconds, 1e-6)))
        if possible < self.recipe.steps:
            per_epoch = steps_per_epoch(len(self.data.train), self.recipe.batch_size)
            evaluations = min(self.recipe.evaluations, max(possible // per_epoch, 3))
            self.recipe = replace(self.recipe, steps=possible, evaluations=evaluations)

    def _trial(self, rate: float) -> SingleRun:
        """A fresh run at a constant rate, whose weights are thrown away."""
        constant = Recipe(
            steps=1_000_000,
            batch_size=self.recipe.batch_size,
            weight_decay=self.recipe.weight_decay,
            clip_norm=self.recipe.clip_norm,
        )
        return make_run(
            self._build,
            self._data,
            self.recipe,
            learning_rate=rate,
            seed=self.seed,
            mode=self._part,
            machine=replace(self.machine, graphs=False),
            schedule=constant,
        )

    def _hand_over(self, training: Training, trained: Trained, metric: Metric, *, resumed: bool) -> Fit:
        """Write the network and the record."""
        if trained.test_outputs is None or trained.validation_outputs is None:
            if trained.state == "diverged":
                raise ModelError(
                    f"The training of '{self.network.card.name}' failed: {trained.reason} Give a smaller "
                    f"--learning-rate than {self.learning_rate:.2g}."
                )
            raise BudgetError("The time was over before anything was learned: give a larger --budget.")
        dataset, context = self.dataset, MetricContext(seasonal_scale=self.dataset.seasonal_scale)
        validation, test = (
            dataset.targets_at(part) for part in (dataset.splits.validation, dataset.splits.test)
        )
        total, trainable = parameter_counts(training.run.module)
        if self._probe is not None:
            total += sum(parameter.numel() for parameter in self._probe.frozen)
        result = Fit(
            data=dataset.name,
            examples=len(dataset),
            model=self.network.card.name,
            folder=self.folder,
            state=trained.state,
            reason=trained.reason,
            metric=metric.name,
            test=self._estimate(trained, test, metric, context),
            validation=metric.score(trained.validation_outputs, validation, context),
            scores=score_all(trained.test_outputs, test, dataset.schema, context),
            learning_rate=trained.replica.learning_rate,
            found=self.definition["learning_rate"] is None
            and self.learning_rate not in (FALLBACK, PROBE_FALLBACK, self._largest_rate),
            recipe=self.recipe,
            mode=self.mode,
            weights=self.definition["network"]["weights"],
            precision=precision_name(self.machine),
            device=self.machine.device.type,
            parameters=total,
            trained_parameters=trainable,
            best_step=trained.best_step,
            history=tuple(training.moments),
            seconds=trained.seconds,
            resumed=resumed,
            test_outputs=trained.test_outputs,
            test_targets=test,
        )
        fitted = Fitted.of(
            dataset,
            model=self.network.card.name.removesuffix(PRETRAINED),
            width=self.network.width,
            weights=trained.weights if self._probe is None else self._probe.whole(dict(trained.weights)),
            options=self.network.build_options,
            facts={
                "recipe": self.recipe.to_json(),
                "learning_rate": result.learning_rate,
                "seed": self.seed,
                "metric": metric.name,
                "scores": dict(result.scores),
            },
        )
        fitted.save(self.folder / CHAMPION)
        write_seen(self.folder / CHAMPION, dataset)
        result.write()
        return result

    def _estimate(self, trained: Trained, targets: Any, metric: Metric, context: MetricContext) -> Estimate:
        """The test score of this very network, with an interval over the examples (and groups) alone."""
        name = self.network.card.name
        found = standing(
            {name: [trained.test_outputs]},  # type: ignore[list-item]
            targets,
            metric,
            deterministic=(name,),
            context=context,
            groups=drawn_together(self.dataset),
        )
        return found.scores[name]


def precision_name(machine: Machine) -> str:
    """Of products and convolutions: "float32", "bfloat16" or "float16"."""
    return str(machine.half or torch.float32).removeprefix("torch.")


def find_folder(out: Path, name: str, definition: dict[str, Any]) -> Path:
    """The run with this very definition, to be continued; else a free name."""
    wanted = json.loads(json.dumps(definition))
    for place in run_folders(out, name):
        checkpoint = place / CHECKPOINT_FILE
        if not place.exists():
            return place
        if checkpoint.exists():
            found = load_checkpoint(checkpoint)
            if found is not None and found[1].get("definition") == wanted:
                return place
    raise AssertionError("names never end")
