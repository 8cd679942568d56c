"""One fit in its folder: plan, training with checkpoints, and what is handed over."""

import json
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from bakeoff.data.dataset import Dataset
from bakeoff.errors import BakeoffError, BudgetError, ModelError, StoreError, printable
from bakeoff.inference.predictor import Predictor
from bakeoff.inference.training_hashes import write_training_hashes
from bakeoff.study.analysis.uncertainty import Estimate, rank_entrants
from bakeoff.study.fitting.network import FitNetwork
from bakeoff.study.fitting.result import Fit
from bakeoff.study.protocol import FIT_PLANNED_PART
from bakeoff.study.results.run_folder import RunFolder
from bakeoff.system.extras import first_line
from bakeoff.tasks.metrics.registry import Metric, MetricContext
from bakeoff.tasks.registry import task_of
from bakeoff.train.endings import TrialState
from bakeoff.train.recipe import Recipe
from bakeoff.train.result import TrainingResult
from bakeoff.train.single.checkpoint import load_checkpoint
from bakeoff.train.single.learning_rate_finder import (
    FALLBACK,
    PROBE_FALLBACK,
    PROBE_STEPS,
    STEPS,
    RateTest,
    find_rate,
)
from bakeoff.train.single.linear_probe import LinearProbe, linear_probe_of
from bakeoff.train.single.placement import Placement
from bakeoff.train.single.recipe import FitRecipe, largest_rate, parameter_counts, steps_per_epoch
from bakeoff.train.single.run import SingleTraining
from bakeoff.train.single.trainer import EvaluationListener, Trainer, make_training
from bakeoff.train.stacked.run import Build
from bakeoff.train.tensors import TrainingData


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
        placement: Placement,
        definition: dict[str, Any],
        folder: Path,
        budget_seconds: float | None,
        started: float,
        steps_are_given: bool,
    ) -> None:
        self.dataset, self.network, self.placement = dataset, network, placement
        self.recipe, self.learning_rate = recipe, learning_rate
        self.seed, self.mode, self.definition, self.folder = seed, mode, definition, folder
        self.budget_seconds, self.started, self.steps_are_given = budget_seconds, started, steps_are_given
        self.data = TrainingData(dataset, device=placement.device)
        self.checkpoint = RunFolder(folder).checkpoint
        self._probe: LinearProbe | None = None
        self._build: Build = network.module
        self._data, self._part = self.data, mode

    def plan(self) -> None:
        """Set the learning rate and the number of steps: those of the checkpoint, or new ones."""
        self._found = load_checkpoint(self.checkpoint)
        if self._found is None:
            self._part_probe()
            self._plan()
            return
        with self._reading_checkpoint():
            self._part_probe()
            self.recipe = FitRecipe.from_json(self._found[1]["recipe"])
            self.learning_rate = float(self._found[1]["learning_rate"])

    @contextmanager
    def _reading_checkpoint(self) -> Iterator[None]:
        """What a checkpoint of this definition should hold and does not is one sentence."""
        try:
            yield
        except BakeoffError:
            raise
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RuntimeError) as error:
            raise StoreError(
                f"The checkpoint '{printable(str(self.checkpoint), most=200)}' is not one of this training "
                f"({type(error).__name__}: {printable(first_line(error))}): remove it to train from the beginning."
            ) from error

    def _part_probe(self) -> None:
        """Linear probing without augmentation: train the last layer on the frozen features, computed once.

        Where that is not possible all of the network is run at every step. A continued
        run does what the first one did.
        """
        if self.mode != "probe" or self.recipe.augment:
            return
        started_apart = None if self._found is None else self._found[1]["features"]
        if started_apart is not False:
            may_take = math.inf if self.budget_seconds is None or started_apart else self.budget_seconds / 3
            module = self.network.module(self.seed)
            self._probe = linear_probe_of(module, self.data.read_by(module), self.placement, seconds=may_take)
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

    def to_the_end(self, metric: Metric, listener: EvaluationListener | None, save_seconds: float) -> Fit:
        found = self._found
        assert self.learning_rate is not None
        with nullcontext() if found is None else self._reading_checkpoint():
            trainer = Trainer(
                self._build,
                self._data,
                self.recipe,
                learning_rate=self.learning_rate,
                seed=self.seed,
                mode=self._part,
                placement=self.placement,
            )
            if found is not None:
                trainer.restore(*found)
        if found is None:
            self._save(trainer)
        trained = trainer.to_the_end(
            deadline=self._deadline(trainer.training.seconds),
            listener=listener,
            save=self._save,
            save_seconds=save_seconds,
        )
        return self._hand_over(trainer, trained, metric, resumed=found is not None)

    def _save(self, trainer: Trainer) -> None:
        facts = {
            "definition": self.definition,
            "recipe": self.recipe.to_json(),
            "learning_rate": self.learning_rate,
            "features": self._probe is not None,
        }
        trainer.write(self.checkpoint, facts)

    def _deadline(self, trained_seconds: float = 0.0) -> float | None:
        """When training must end, on the monotonic clock.

        A resumed training has what is left of its budget, but at least a twentieth of the budget (5 s at most).
        """
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
        kind, published = self.network.card.recipe, self.network.is_published
        return largest_rate(kind, published=published, mode=self.mode)

    def _fit_into(self, budget_seconds: float, test: RateTest) -> None:
        left = FIT_PLANNED_PART * (budget_seconds - (time.monotonic() - self.started))
        possible = max(1, int(left / max(test.step_seconds, 1e-6)))
        if possible < self.recipe.steps:
            per_epoch = steps_per_epoch(len(self.data.train), self.recipe.batch_size)
            evaluations = min(self.recipe.evaluations, max(possible // per_epoch, 3))
            self.recipe = replace(self.recipe, steps=possible, evaluations=evaluations)

    def _trial(self, rate: float) -> SingleTraining:
        """A fresh run at a constant rate, whose weights are thrown away."""
        constant = Recipe(
            steps=1_000_000,
            batch_size=self.recipe.batch_size,
            weight_decay=self.recipe.weight_decay,
            clip_norm=self.recipe.clip_norm,
        )
        return make_training(
            self._build,
            self._data,
            self.recipe,
            learning_rate=rate,
            seed=self.seed,
            mode=self._part,
            placement=replace(self.placement, graphs=False),
            schedule=constant,
        )

    def _hand_over(self, trainer: Trainer, trained: TrainingResult, metric: Metric, *, resumed: bool) -> Fit:
        """Write the network and the record."""
        if trained.test_outputs is None or trained.validation_outputs is None:
            if trained.state == TrialState.DIVERGED:
                raise ModelError(
                    f"The training of '{self.network.card.name}' failed: {trained.reason.text('en')} Give a smaller "
                    f"--learning-rate than {self.learning_rate:.2g}."
                )
            raise BudgetError("The time was over before anything was learned: give a larger --budget.")
        dataset, context = self.dataset, MetricContext(seasonal_scale=self.dataset.seasonal_scale)
        validation, test = (
            dataset.targets_at(part) for part in (dataset.splits.validation, dataset.splits.test)
        )
        total, trainable = parameter_counts(trainer.training.module)
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
            scores=task_of(dataset.schema).scores(trained.test_outputs, test, context),
            learning_rate=trained.replica.learning_rate,
            found=self.definition["learning_rate"] is None
            and self.learning_rate not in (FALLBACK, PROBE_FALLBACK, self._largest_rate),
            recipe=self.recipe,
            mode=self.mode,
            weights=self.definition["network"]["weights"],
            precision=precision_name(self.placement),
            device=self.placement.device.type,
            parameters=total,
            trained_parameters=trainable,
            best_step=trained.best_step,
            history=tuple(trainer.evaluations),
            seconds=trained.seconds,
            resumed=resumed,
            test_outputs=trained.test_outputs,
            test_targets=test,
            card=self.network.plain_card,
            options=dict(self.network.build_options),
        )
        predictor = Predictor.of(
            dataset,
            model=self.network.plain_card,
            width=self.network.width,
            weights=trained.weights if self._probe is None else self._probe.with_head(dict(trained.weights)),
            options=self.network.build_options,
            facts={
                "recipe": self.recipe.to_json(),
                "learning_rate": result.learning_rate,
                "seed": self.seed,
                "metric": metric.name,
                "scores": dict(result.scores),
            },
        )
        champion = RunFolder(self.folder).champion
        predictor.save(champion)
        write_training_hashes(champion, dataset)
        result.write()
        return result

    def _estimate(
        self, trained: TrainingResult, targets: Any, metric: Metric, context: MetricContext
    ) -> Estimate:
        """The test score with an interval for the draw of the test examples (or groups); this network is fixed."""
        name = self.network.card.name
        found = rank_entrants(
            {name: [trained.test_outputs]},  # type: ignore[list-item]
            targets,
            metric,
            deterministic=(name,),
            context=context,
            groups=task_of(self.dataset.schema).resampled_together(self.dataset, self.dataset.splits.test),
        )
        return found.scores[name]


def precision_name(placement: Placement) -> str:
    """The precision of matrix products and convolutions: "float32", "bfloat16" or "float16"."""
    return str(placement.half or torch.float32).removeprefix("torch.")


def find_folder(out: Path, name: str, definition: dict[str, Any]) -> Path:
    """The folder of the unfinished run with the same definition, or a new one with a free name."""
    wanted = json.loads(json.dumps(definition))
    for candidate in RunFolder.candidates(out, name):
        if not candidate.path.exists():
            return candidate.path
        if candidate.checkpoint.exists():
            found = load_checkpoint(candidate.checkpoint)
            if found is not None and found[1].get("definition") == wanted:
                return candidate.path
    raise AssertionError("names never end")
