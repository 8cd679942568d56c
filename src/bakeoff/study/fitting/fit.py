"""`fit`: one network trained well on one dataset, scored on its test split and written to a run's folder."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from bakeoff.data.dataset import Dataset
from bakeoff.data.forms.text import TextEncoder
from bakeoff.data.load import load
from bakeoff.errors import DataError
from bakeoff.study.fitting.job import FitJob, find_folder, precision_name
from bakeoff.study.fitting.network import FitNetwork, tokenizer_of
from bakeoff.study.fitting.result import Fit
from bakeoff.study.fitting.settings import FitSettings
from bakeoff.tasks.metrics.registry import MetricContext
from bakeoff.tasks.registry import task_of
from bakeoff.train.single.augment import chosen_changes
from bakeoff.train.single.loggers import log_to
from bakeoff.train.single.placement import Placement
from bakeoff.train.single.recipe import FitRecipe, recipe_for, suits_augmentation
from bakeoff.train.single.trainer import SAVE_SECONDS, Evaluation, EvaluationListener

#: Version of the definition's format; a run whose definition has another format is not continued.
FORMAT = 2


def fit(
    data: Any,
    settings: FitSettings,
    *,
    listener: EvaluationListener | None = None,
    on_data: Callable[[Dataset], None] | None = None,
    save_seconds: float = SAVE_SECONDS,
    started: float | None = None,
) -> Fit:
    """Train one network well, and hand it over with its score on the test split.

    AdamW with a warm-up and half a cosine, weight decay on matrices only, clipped gradients, label smoothing where it
    suits, a moving average of the weights, early stopping; the weights with the lowest validation loss are kept. A run
    that was killed goes on from its last checkpoint when the same call is made again, and ends in the same weights.

    Args:
        data: anything that `bakeoff.load` reads, or a `Dataset`.
        settings: what is asked for.
        listener: called with an `Evaluation` after each one.
        on_data: called with the dataset as soon as it is read.
        save_seconds: between two checkpoints.
        started: when the budget began, on the monotonic clock; now where None.

    Raises:
        DataError, ModelError, OptionError: what was given cannot be trained.
        BudgetError: the time was over before anything was learned.
        StoreError: the run's folder cannot be written.
        MissingExtraError: a package that was asked for is not installed, or cannot be imported.
    """
    clock_start = time.monotonic() if started is None else started
    settings.check()
    placement = Placement.choose(settings.device, precision=settings.precision, threads=settings.threads)
    dataset = _read(data, settings)
    if min(len(dataset.splits.train), len(dataset.splits.validation), len(dataset.splits.test)) == 0:
        raise DataError(
            "A fit needs training, validation and test examples, and a split is empty: give more data."
        )
    context = MetricContext(seasonal_scale=dataset.seasonal_scale)
    deciding = task_of(dataset.schema).metric_named(settings.metric, context)
    network = FitNetwork(
        settings.model,
        dataset,
        width=settings.width,
        options=settings.options or {},
        weights=settings.weights,
        mode=settings.mode,
    )
    if on_data is not None:
        on_data(dataset)
    job = _job(dataset, network, placement, settings, clock_start)
    job.plan()
    with log_to(settings.log, job.folder, job.settings()) as tracked:

        def report(evaluation: Evaluation) -> None:
            tracked.evaluation(evaluation)
            if listener is not None:
                listener(evaluation)

        found = job.to_the_end(deciding, report, save_seconds)
        tracked.scores(found.scores)
        return found


def _job(
    dataset: Dataset, network: FitNetwork, placement: Placement, settings: FitSettings, started: float
) -> FitJob:
    recipe = _recipe(dataset, network, settings)
    definition = _definition(dataset, network, recipe, placement, settings)
    name = settings.name or f"{dataset.name}-{network.slug}"
    return FitJob(
        dataset=dataset,
        network=network,
        recipe=recipe,
        learning_rate=settings.learning_rate,
        seed=settings.seed,
        mode=settings.mode,
        placement=placement,
        definition=definition,
        folder=find_folder(Path(settings.out), name, definition),
        budget_seconds=settings.budget_seconds,
        started=started,
        steps_are_given=settings.epochs is not None,
    )


def _recipe(dataset: Dataset, network: FitNetwork, settings: FitSettings) -> FitRecipe:
    kind = network.card.recipe
    suits = suits_augmentation(kind, dataset.schema)
    return recipe_for(
        kind,
        dataset.schema,
        len(dataset.splits.train),
        augment=chosen_changes(settings.augment, dataset.schema, suits=suits),
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        pieces=settings.accumulate,
    )


def _definition(
    dataset: Dataset, network: FitNetwork, recipe: FitRecipe, placement: Placement, settings: FitSettings
) -> dict[str, Any]:
    """What decides the trained weights: a run with an equal definition is continued."""
    return {
        "format": FORMAT,
        "dataset": dataset.fingerprint,
        "network": network.definition(),
        "recipe": recipe.to_json(),
        "learning_rate": settings.learning_rate,
        "budget_seconds": settings.budget_seconds,
        "epochs": settings.epochs,
        "seed": settings.seed,
        "mode": settings.mode,
        "device": placement.device.type,
        "precision": precision_name(placement),
    }


def _read(data: Any, settings: FitSettings) -> Dataset:
    """The dataset; texts are read a second time with the tokenizer of the published weights, where they have one."""
    dataset = load(data, seed=settings.seed, **settings.reading.given())
    if data is dataset or not isinstance(dataset.encoder, TextEncoder):
        return dataset
    tokenizer = tokenizer_of(settings.model, settings.weights)
    if tokenizer is None:
        return dataset
    return load(data, seed=settings.seed, **replace(settings.reading, tokenizer=tokenizer).given())
