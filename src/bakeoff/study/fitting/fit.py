"""`fit`: one network trained well on one dataset, scored on its test split and written to a run's folder."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bakeoff.data.dataset import Dataset
from bakeoff.data.forms.text import TextEncoder
from bakeoff.data.load import load
from bakeoff.errors import DataError, OptionError, suggest
from bakeoff.models import ModelCard
from bakeoff.study.fitting.job import FitJob, find_folder, precision_name
from bakeoff.study.fitting.network import FitNetwork, tokenizer_of
from bakeoff.study.fitting.result import Fit
from bakeoff.tasks.metrics.registry import MetricContext
from bakeoff.tasks.registry import task_of
from bakeoff.train.single.augment import chosen_changes
from bakeoff.train.single.loggers import check_log, log_to
from bakeoff.train.single.placement import Placement
from bakeoff.train.single.recipe import recipe_for, suits_augmentation
from bakeoff.train.single.trainer import MODES, SAVE_SECONDS, Evaluation, EvaluationListener

#: Version of the definition's format; a run whose definition has another format is not continued.
FORMAT = 2


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
    listener: EvaluationListener | None = None,
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
        model: a name of the catalogue (`name@width` for a width), `timm:NAME`, `hf:NAME`, `file.py:NAME`,
            `package.module:NAME`, or a card.
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
        listener: called with an `Evaluation` after each one.
        on_data: called with the dataset as soon as it is read.
        log: "tensorboard" or "mlflow", to log every evaluation and the test scores there too.
        save_seconds: between two checkpoints.
        width, options: passed to the network's `build`.
        started: when the budget began, on the monotonic clock; now where None.
        reading: options of `bakeoff.load` (target=..., time=..., size=..., tokenizer=...). Texts for published weights
            are cut by the tokenizer that lies beside these, where none is named.

    Raises:
        DataError, ModelError, OptionError: what was given cannot be trained.
        BudgetError: the time was over before anything was learned.
        StoreError: the run's folder cannot be written.
        MissingExtraError: a package that was asked for is not installed, or cannot be imported.
    """
    clock_start = time.monotonic() if started is None else started
    _check(mode, budget_seconds, learning_rate)
    check_log(log)
    placement = Placement.choose(device, precision=precision, threads=threads)
    dataset = _read(data, model, weights, seed, reading)
    if min(len(dataset.splits.train), len(dataset.splits.validation), len(dataset.splits.test)) == 0:
        raise DataError(
            "A fit needs training, validation and test examples, and a split is empty: give more data."
        )
    context = MetricContext(seasonal_scale=dataset.seasonal_scale)
    deciding = task_of(dataset.schema).metric_named(metric, context)
    network = FitNetwork(model, dataset, width=width, options=options or {}, weights=weights, mode=mode)
    if on_data is not None:
        on_data(dataset)
    kind = network.card.recipe
    recipe = recipe_for(
        kind,
        dataset.schema,
        len(dataset.splits.train),
        augment=chosen_changes(augment, dataset.schema, suits=suits_augmentation(kind, dataset.schema)),
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
        "device": placement.device.type,
        "precision": precision_name(placement),
    }
    job = FitJob(
        dataset=dataset,
        network=network,
        recipe=recipe,
        learning_rate=learning_rate,
        seed=seed,
        mode=mode,
        placement=placement,
        definition=definition,
        folder=find_folder(Path(out), name or f"{dataset.name}-{network.slug}", definition),
        budget_seconds=budget_seconds,
        started=clock_start,
        steps_are_given=epochs is not None,
    )
    job.plan()
    with log_to(log, job.folder, job.settings()) as tracked:

        def report(evaluation: Evaluation) -> None:
            tracked.evaluation(evaluation)
            if listener is not None:
                listener(evaluation)

        found = job.to_the_end(deciding, report, save_seconds)
        tracked.scores(found.scores)
        return found


def _read(
    data: Any, model: str | ModelCard, weights: str | Path | None, seed: int, reading: dict[str, Any]
) -> Dataset:
    """The dataset; texts are read a second time with the tokenizer of the published weights, where they have one."""
    dataset = load(data, seed=seed, **reading)
    if data is dataset or not isinstance(dataset.encoder, TextEncoder):
        return dataset
    tokenizer = tokenizer_of(model, weights)
    return dataset if tokenizer is None else load(data, seed=seed, **{**reading, "tokenizer": tokenizer})


def _check(mode: str, budget_seconds: float | None, learning_rate: float | None) -> None:
    if mode not in MODES:
        raise OptionError(f"There is no mode called '{mode}'. {suggest(mode, MODES)}")
    if budget_seconds is not None and not budget_seconds > 0:
        raise OptionError(
            f"'budget_seconds' is {budget_seconds}: give a positive number, or None for no clock."
        )
    if learning_rate is not None and not 0 < learning_rate < float("inf"):
        raise OptionError(f"'learning_rate' is {learning_rate}: give a positive number.")
