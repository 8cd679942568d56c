"""`compare`: from a person's data to an honest verdict, within the time allowed."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bakeoff.data.dataset import Dataset
from bakeoff.data.load import load
from bakeoff.study.comparison.run import ComparisonRun
from bakeoff.study.comparison.settings import ComparisonSettings
from bakeoff.study.design.cross_validation import FoldChoice, choose_folds
from bakeoff.study.design.entrants import Entrant, choose_entrants
from bakeoff.study.design.jobs import Definition, training_sizes
from bakeoff.study.evidence import EvidenceProvider
from bakeoff.study.results.comparison import Comparison
from bakeoff.study.results.outcome import ProgressListener
from bakeoff.study.results.store import find_run
from bakeoff.study.workers import startup
from bakeoff.study.workers.executor import Executor
from bakeoff.tasks.metrics.registry import MetricContext
from bakeoff.tasks.registry import task_of


def compare(
    data: Any,
    settings: ComparisonSettings,
    *,
    workers: int | None = None,
    listener: ProgressListener | None = None,
    on_data: Callable[[Dataset], None] | None = None,
    started: float | None = None,
    show: Callable[[Comparison], str] | None = None,
    evidence: EvidenceProvider | None = None,
    pool: Executor | None = None,
) -> Comparison:
    """Compare families of networks, and what is no network, on this data. The returned record explains itself.

    Args:
        data: anything that `bakeoff.load` reads, or a `Dataset`.
        settings: what is asked for. An unfinished run with the same definition is continued.
        workers: processes of one thread; as many as cores where None.
        listener: called with a `Progress` a few times a second.
        on_data: called with the dataset as soon as it is read.
        started: when the budget began, on the monotonic clock; now where None.
        show: renders the result in a notebook.
        evidence: explains the result, in a part of the budget that is reserved for it; None leaves it out.
        pool: an executor whose workers are starting already (`bakeoff.study.workers.startup`), instead of `workers`;
            closed here.

    Raises:
        DataError, ModelError, OptionError: what was given cannot be compared.
        BudgetError: the budget is too small for any comparison.
        StoreError: the run's folder cannot be written.
    """
    clock_start = time.monotonic() if started is None else started
    settings.check()
    pool = pool or startup.start_workers(workers, wait_for_operators=settings.budget_seconds is None)
    try:
        dataset = load(data, seed=settings.seed, **settings.reading.given())
        definition, entrants, folds = _defined(dataset, settings)
        if on_data is not None:
            on_data(dataset)
        name = settings.name or dataset.name
        return ComparisonRun(
            dataset=dataset,
            entrants=entrants,
            definition=definition,
            folder=find_run(Path(settings.out), name, definition.to_json(), fresh=settings.fresh),
            executor=pool,
            started=clock_start,
            listener=listener,
            show=show,
            evidence=evidence,
            source=_source(data),
            margin=settings.margin,
            folds=folds,
            metric_chosen=settings.metric is None,
        ).to_the_end()
    finally:
        pool.close()


def _defined(
    dataset: Dataset, settings: ComparisonSettings
) -> tuple[Definition, tuple[Entrant, ...], FoldChoice]:
    """What is compared on these data, who takes part, and the folds to choose from."""
    context = MetricContext(seasonal_scale=dataset.seasonal_scale)
    task = task_of(dataset.schema)
    deciding = (
        task.metric_named(settings.metric, context) if settings.metric else task.default_on(dataset, context)
    )
    entrants = choose_entrants(dataset.schema, settings.models, device=settings.device)
    has_clock = settings.budget_seconds is not None
    folds = choose_folds(dataset, settings.cv, seed=settings.seed, has_clock=has_clock)
    definition = Definition(
        dataset=dataset.fingerprint,
        entrants=tuple(entrant.name for entrant in entrants),
        metric=deciding.name,
        seed=settings.seed,
        budget_seconds=settings.budget_seconds,
        sizes=training_sizes(dataset),
        seeds=settings.seeds,
        steps=settings.steps,
        equal=settings.equal,
        device=settings.device,
        cv=folds.counts,
    )
    return definition, entrants, folds


def _source(data: Any) -> str | None:
    """Where the data came from, to read them again: a built-in name, or an absolute path; None for data in memory."""
    if not isinstance(data, str | Path):
        return None
    return str(Path(data).resolve()) if Path(data).exists() else str(data)
