"""`fit`: one network trained well, with the report in the run's folder."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bakeoff.api.arguments import refuses_unknown_arguments
from bakeoff.data.dataset import Dataset
from bakeoff.data.options import ReadingOptions
from bakeoff.models import ModelCard
from bakeoff.report.html.fit_report import write_fit_report
from bakeoff.study.fitting.fit import fit as run_fit
from bakeoff.study.fitting.result import Fit
from bakeoff.study.fitting.settings import FitSettings
from bakeoff.train.single.trainer import SAVE_SECONDS, EvaluationListener


@refuses_unknown_arguments
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
    weights: str | Path | None = None,
    mode: str = "full",
    metric: str | None = None,
    device: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
    seed: int = 0,
    log: str | None = None,
    out: str | Path = "runs",
    name: str | None = None,
    width: int | None = None,
    options: dict[str, Any] | None = None,
    target: str | None = None,
    time: str | None = None,
    horizon: int | None = None,
    window: int | None = None,
    group: str | None = None,
    size: int | str | tuple[int, int] | None = None,
    kind: str | None = None,
    task: str | None = None,
    text: str | None = None,
    tokenizer: str | Path | None = None,
    decimal: str | None = None,
    dates: str | None = None,
    order: str | None = None,
    listener: EvaluationListener | None = None,
    on_data: Callable[[Dataset], None] | None = None,
    save_seconds: float = SAVE_SECONDS,
    started: float | None = None,
) -> Fit:
    """Train one network well, hand it over with its score on the test split, and write its report.

    A run that was killed goes on from its last checkpoint when the same call is made again, and ends in the same
    weights. `bakeoff.study.fitting.fit` says how a network is trained.

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
        weights: published weights to begin with (a file, a folder or a Hugging Face id); the last layer is new.
        mode: "full" trains everything, "probe" the last layer alone (linear probing).
        metric: the deciding one; accuracy, RMSE or MASE where None. The weights are chosen by validation loss.
        device: "auto", "cpu", "cuda" or "mps".
        precision: "auto" (half precision where a trial shows that it works and pays), "float32", "bfloat16", "float16".
        threads: of the CPU; None takes all cores.
        seed: of splits, initial weights, order of batches, dropout and augmentation.
        log: "tensorboard" or "mlflow", to log every evaluation and the test scores there too.
        out: the folder of runs.
        name: of the run's folder; data and network where None.
        width, options: passed to the network's `build`.
        target, time, horizon, window, group, size, kind, task, text, tokenizer, decimal, dates, order: how the
            data are read, as for `bakeoff.load`. Texts for published weights are cut by the tokenizer that lies beside
            these, where none is named.
        listener: called with an `Evaluation` after each one.
        on_data: called with the dataset as soon as it is read.
        save_seconds: between two checkpoints.
        started: when the budget began, on the monotonic clock; now where None.

    Raises:
        UnknownArgumentError: a keyword that is none of these.
        DataError, ModelError, OptionError: what was given cannot be trained.
        BudgetError: the time was over before anything was learned.
        StoreError: the run's folder cannot be written.
        MissingExtraError: a package that was asked for is not installed, or cannot be imported.
    """
    reading = ReadingOptions(
        target=target, time=time, horizon=horizon, window=window, group=group, size=size, kind=kind, task=task,
        text=text, tokenizer=tokenizer, decimal=decimal, dates=dates, order=order,
    )  # fmt: skip
    settings = FitSettings(
        model=model, budget_seconds=budget_seconds, epochs=epochs, learning_rate=learning_rate,
        batch_size=batch_size, accumulate=accumulate, augment=augment, seed=seed, weights=weights, mode=mode,
        metric=metric, device=device, precision=precision, threads=threads, width=width, options=options,
        reading=reading, out=out, name=name, log=log,
    )  # fmt: skip
    found = run_fit(
        data, settings, listener=listener, on_data=on_data, save_seconds=save_seconds, started=started
    )
    write_fit_report(found)
    return found
