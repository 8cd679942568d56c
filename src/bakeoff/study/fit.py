"""`fit`: one network trained well on one dataset, scored on its test split and written to a run's folder."""

import json
import math
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from bakeoff.data.dataset import Dataset
from bakeoff.data.load import load
from bakeoff.errors import BudgetError, DataError, ModelError, OptionError, suggest
from bakeoff.models import ModelCard, build, card
from bakeoff.models import load as load_network
from bakeoff.models.external import PRETRAINED, is_external
from bakeoff.study.fit_result import CHAMPION, Fit
from bakeoff.study.metrics import Metric, MetricContext, metric_named, score_all
from bakeoff.study.uncertainty import Estimate, standing
from bakeoff.train.augment import chosen_changes
from bakeoff.train.checkpoint import CHECKPOINT_FILE, load_checkpoint
from bakeoff.train.data import TrainingData
from bakeoff.train.fit import MODES, SAVE_SECONDS, Listener, Moment, Training, make_run
from bakeoff.train.fit_log import check_log, log_to
from bakeoff.train.fit_recipe import (
    FitRecipe,
    parameter_counts,
    recipe_for,
    steps_per_epoch,
    suits_augmentation,
)
from bakeoff.train.fitted import Fitted
from bakeoff.train.machine import Machine
from bakeoff.train.rate_finder import RateTest, find_rate
from bakeoff.train.recipe import Recipe
from bakeoff.train.trained import Trained

#: This part of a budget is planned for training; the rest is for evaluations and for writing.
PLANNED_PART = 0.75
FORMAT = 1


def fit(
    data: Any,
    model: str | ModelCard,
    *,
    budget_seconds: float | None = None,
    epochs: int | None = None,
    learning_rate: float | None = None,
    batch_size: int | None = None,
    accumulate: int = 1,
    augment: str | Sequence[str] = "auto",
    seed: int = 0,
    weights: str | Path | None = None,
    mode: str = "full",
    metric: str | None = None,
    device: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
    out: str | Path = "runs",
    name: str | None = None,
    listener: Listener | None = None,
    on_data: Callable[[Dataset], None] | None = None,
    log: str | None = None,
    save_seconds: float = SAVE_SECONDS,
    width: int | None = None,
    options: dict[str, Any] | None = None,
    started: float | None = None,
    **reading: Any,
) -> Fit:
    """Train one network well, and hand it over with its score on the test split.

    AdamW with a warm-up and half a cosine, weight decay on matrices only, clipped gradients, label smoothing where it
    suits, a moving average of the weights, early stopping; the weights with the lowest validation loss are kept. A run
    that was killed goes on from its last checkpoint when the same call is made again, and ends in the same weights.

    Args:
        data: anything that `bakeoff.load` reads, or a `Dataset`.
        model: a name of the catalogue (`name@width` for a width), `timm:NAME`, `hf:NAME`, `package.module:factory`, or
            a card.
        budget_seconds: for everything; the number of steps is chosen to fit. None has no clock.
        epochs: passes over the training data; None is 60, and more for small data.
        learning_rate: AdamW's at the top of the schedule; None runs the learning-rate finder.
        batch_size: examples a step; None depends on the amount of data.
        accumulate: parts in which each batch goes through the network, to save memory.
        augment: "auto", "none", or some of "flip", "crop", "cutout", "mixup" (for images).
        seed: of splits, initial weights, order of batches, dropout and augmentation.
        weights: published weights to begin with (a file, a folder or a Hugging Face id); the last layer is new.
        mode: "full" trains everything, "probe" the last layer alone (linear probing).
        metric: the deciding one; accuracy, RMSE or MASE where None. The weights are chosen by validation loss.
        device: "auto", "cpu", "cuda" or "mps".
        precision: "auto" (half precision where a trial shows that it works and pays), "float32", "bfloat16", "float16".
        threads: of the CPU; None takes all cores.
        out: the folder of runs.
        name: of the run's folder; data and network where None.
        listener: called with a `Moment` after every evaluation.
        on_data: is given the dataset as soon as it is read.
        log: "tensorboard" or "mlflow", to log every evaluation there too.
        save_seconds: between two checkpoints.
        width, options: passed to the network's `build`.
        started: when the budget began, on the monotonic clock; now where None.
        reading: options of `bakeoff.load` (target=..., time=..., size=...).

    Raises:
        DataError, ModelError, OptionError: what was given cannot be trained.
        BudgetError: the time was over before anything was learned.
        StoreError: the run's folder cannot be written.
        MissingExtraError: a package that was asked for is not installed.
    """
    clock_start = time.monotonic() if started is None else started
    _check(mode, budget_seconds, learning_rate)
    check_log(log)
    machine = Machine.choose(device, precision=precision, threads=threads)
    dataset = load(data, seed=seed, **reading)
    if min(len(dataset.splits.train), len(dataset.splits.validation), len(dataset.splits.test)) == 0:
        raise DataError(
            "A fit needs training, validation and test examples, and a split is empty: give more data."
        )
    deciding = metric_named(metric, dataset.schema, MetricContext(seasonal_scale=dataset.seasonal_scale))
    network = _Network(model, dataset, width=width, options=options or {}, weights=weights, mode=mode)
    if on_data is not None:
        on_data(dataset)
    family = network.card.family
    recipe = recipe_for(
        family,
        dataset.schema,
        len(dataset.splits.train),
        augment=chosen_changes(augment, dataset.schema, suits=suits_augmentation(family, dataset.schema)),
        epochs=epochs,
        batch_size=batch_size,
        pieces=accumulate,
    )
    definition = {
        "format": FORMAT,
        "dataset": dataset.fingerprint,
        "network": network.definition(),
        "recipe": recipe.to_json(),
        "learning_rate": learning_rate,
        "budget_seconds": budget_seconds,
        "epochs": epochs,
        "seed": seed,
        "mode": mode,
        "device": machine.device.type,
        "precision": _precision(machine),
    }
    job = _Job(
        dataset=dataset,
        network=network,
        recipe=recipe,
        learning_rate=learning_rate,
        seed=seed,
        mode=mode,
        machine=machine,
        definition=definition,
        folder=_find_folder(Path(out), name or f"{dataset.name}-{network.slug}", definition),
        budget_seconds=budget_seconds,
        started=clock_start,
        steps_are_given=epochs is not None,
    )
    job.plan()
    with log_to(log, job.folder, job.settings()) as write:

        def told(moment: Moment) -> None:
            write(moment)
            if listener is not None:
                listener(moment)

        return job.to_the_end(deciding, told, save_seconds)


class _Network:
    """Which network, and how a fresh one is made."""

    def __init__(
        self,
        model: str | ModelCard,
        dataset: Dataset,
        *,
        width: int | None,
        options: dict[str, Any],
        weights: str | Path | None,
        mode: str,
    ) -> None:
        self.width, self.options, self.weights, self._schema = width, options, weights, dataset.schema
        if isinstance(model, str) and "@" in model:
            model, _, digits = model.rpartition("@")
            if not digits.isdigit() or int(digits) < 1:
                raise OptionError(f"'{digits}' is no width: write NAME@WIDTH, for example {model}@32.")
            self.width = int(digits)
        self.card = model if isinstance(model, ModelCard) else card(model)
        if weights is not None and is_external(self.card.name):
            raise OptionError(
                f"'weights' does not go with '{self.card.name}': write {self.card.name}{PRETRAINED} for its own."
            )
        if mode == "probe" and not self.is_pretrained:
            raise OptionError(
                "Mode 'probe' trains the last layer on top of weights that were learned before: give them with "
                "--weights, or choose mode 'full'."
            )
        self.build_options = options
        self.module(0)  # an error about the network comes before anything is written

    def module(self, seed: int) -> nn.Module:
        """A fresh network; with published weights only its last layer is random."""
        if self.weights is None:
            return build(self.card, self._schema, width=self.width, seed=seed, **self.options)
        module = load_network(
            self.card,
            self.weights,
            schema=self._schema,
            new_head=True,
            width=self.width,
            seed=seed,
            **self.options,
        )
        self.build_options = {key: value for key, value in module.build_options.items() if key != "seed"}  # type: ignore[union-attr, operator]
        return module

    @property
    def is_pretrained(self) -> bool:
        """Whether its weights were learned before; a network of the user's own may bring such."""
        own = self.card.family == "user"
        return own or self.weights is not None or self.card.name.endswith(PRETRAINED)

    @property
    def slug(self) -> str:
        """Its name, fit for a folder's."""
        name = self.card.name if self.width is None else f"{self.card.name}@{self.width}"
        return re.sub(r"[^\w.@-]+", "_", name)

    def definition(self) -> dict[str, Any]:
        weights = self.weights
        if weights is not None and Path(weights).exists():
            found = Path(weights).resolve()
            weights = f"{found}:{found.stat().st_mtime_ns}:{found.stat().st_size}"
        return {
            "name": self.card.name,
            "width": self.width,
            "options": repr(sorted(self.options.items())),
            "weights": None if weights is None else str(weights),
        }


class _Job:
    """One fit in its folder, from the plan to the record."""

    def __init__(
        self,
        *,
        dataset: Dataset,
        network: _Network,
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

    def plan(self) -> None:
        """Learning rate and number of steps: those of the checkpoint, or new ones."""
        self._found = load_checkpoint(self.checkpoint)
        if self._found is None:
            self._plan()
        else:
            self.recipe = FitRecipe.from_json(self._found[1]["recipe"])
            self.learning_rate = self._found[1]["learning_rate"]

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
            self.network.module,
            self.data,
            self.recipe,
            learning_rate=self.learning_rate,
            seed=self.seed,
            mode=self.mode,
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
            test = find_rate(self._trial, seconds=seconds)
            self.learning_rate = test.learning_rate
        elif self.budget_seconds is not None and not self.steps_are_given:
            test = find_rate(self._trial, steps=0)
        else:
            return
        if self.budget_seconds is not None and not self.steps_are_given:
            self._fit_into(self.budget_seconds, test)

    def _fit_into(self, budget_seconds: float, test: RateTest) -> None:
        left = PLANNED_PART * (budget_seconds - (time.monotonic() - self.started))
        possible = max(1, int(left / max(test.step_seconds, 1e-6)))
        if possible < self.recipe.steps:
            per_epoch = steps_per_epoch(len(self.data.train), self.recipe.batch_size)
            evaluations = min(self.recipe.evaluations, max(possible // per_epoch, 3))
            self.recipe = replace(self.recipe, steps=possible, evaluations=evaluations)

    def _trial(self, rate: float) -> Any:
        """A fresh run at a constant rate, whose weights are thrown away."""
        constant = Recipe(
            steps=1_000_000,
            batch_size=self.recipe.batch_size,
            weight_decay=self.recipe.weight_decay,
            clip_norm=self.recipe.clip_norm,
        )
        return make_run(
            self.network.module,
            self.data,
            self.recipe,
            learning_rate=rate,
            seed=self.seed,
            mode=self.mode,
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
        result = Fit(
            data=dataset.name,
            model=self.network.card.name,
            folder=self.folder,
            state=trained.state,
            reason=trained.reason,
            metric=metric.name,
            test=self._estimate(trained, test, metric, context),
            validation=metric.score(trained.validation_outputs, validation, context),
            scores=score_all(trained.test_outputs, test, dataset.schema, context),
            learning_rate=trained.replica.learning_rate,
            found=self.definition["learning_rate"] is None,
            recipe=self.recipe,
            mode=self.mode,
            weights=self.definition["network"]["weights"],
            precision=_precision(self.machine),
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
            weights=trained.weights,
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
        result.write()
        return result

    def _estimate(self, trained: Trained, targets: Any, metric: Metric, context: MetricContext) -> Estimate:
        """The test score of this very network, with an interval over the examples (and groups) alone."""
        name, groups = self.network.card.name, self.dataset.groups
        found = standing(
            {name: [trained.test_outputs]},  # type: ignore[list-item]
            targets,
            metric,
            deterministic=(name,),
            context=context,
            groups=None if groups is None else groups[self.dataset.splits.test],
        )
        return found.scores[name]


def _check(mode: str, budget_seconds: float | None, learning_rate: float | None) -> None:
    if mode not in MODES:
        raise OptionError(f"There is no mode called '{mode}'. {suggest(mode, MODES)}")
    if budget_seconds is not None and not budget_seconds > 0:
        raise OptionError(
            f"'budget_seconds' is {budget_seconds}: give a positive number, or None for no clock."
        )
    if learning_rate is not None and not 0 < learning_rate < float("inf"):
        raise OptionError(f"'learning_rate' is {learning_rate}: give a positive number.")


def _precision(machine: Machine) -> str:
    return str(machine.half or torch.float32).removeprefix("torch.")


def _find_folder(out: Path, name: str, definition: dict[str, Any]) -> Path:
    """The run with this very definition, to be continued; else a free name."""
    wanted = json.loads(json.dumps(definition))
    for place in _names(out, name):
        checkpoint = place / CHECKPOINT_FILE
        if not place.exists():
            return place
        if checkpoint.exists():
            found = load_checkpoint(checkpoint)
            if found is not None and found[1].get("definition") == wanted:
                return place
    raise AssertionError("names never end")


def _names(out: Path, name: str) -> Iterator[Path]:
    yield out / name
    number = 2
    while True:
        yield out / f"{name}-{number}"
        number += 1
