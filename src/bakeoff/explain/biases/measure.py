"""`why`: which assumptions about the data each family depends on, measured by removing them one at a time."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bakeoff.data.dataset import Dataset
from bakeoff.data.interventions.catalogue import Intervention, intervention, interventions
from bakeoff.data.load import load
from bakeoff.data.options import ReadingOptions
from bakeoff.errors import BudgetError, OptionError
from bakeoff.explain.biases.interpretation import Interpretation
from bakeoff.explain.biases.records import Why
from bakeoff.explain.biases.subsample import limited
from bakeoff.models import ModelCard
from bakeoff.study.design.entrants import Entrant, choose_entrants
from bakeoff.study.design.jobs import Definition
from bakeoff.study.protocol import (
    FEWEST_PAIRED_SEEDS,
    WHY_BUDGET_SECONDS,
    WHY_RESERVE_SECONDS,
    WHY_SHORTEST_BUDGET_SECONDS,
)
from bakeoff.study.results.store import Store
from bakeoff.study.schedule.clock import Clock
from bakeoff.study.schedule.perturbation_study import PerturbationStudy, PhaseListener
from bakeoff.study.schedule.runner import JobRunner
from bakeoff.study.workers import startup
from bakeoff.study.workers.executor import Executor
from bakeoff.system.own_folders import OwnFolder, remove_abandoned
from bakeoff.tasks.metrics.metric import Metric
from bakeoff.tasks.metrics.registry import MetricContext
from bakeoff.tasks.registry import task_of

#: How the temporary folders are named that hold the store of a study.
_FOLDER = "bakeoff-why-"


@dataclass(frozen=True, kw_only=True)
class WhySettings:
    """What `why` is asked for; `bakeoff.api.why` describes each.

    Attributes:
        models, budget_seconds, seed, changes, metric, seeds, steps, sizes: as there.
        reading: how the data are read.
        name: of the data; taken from them where None.
    """

    models: Sequence[str | ModelCard] | None = None
    budget_seconds: float | None = WHY_BUDGET_SECONDS
    seed: int = 0
    changes: Sequence[str] | None = None
    metric: str | None = None
    seeds: int = 3
    steps: int | None = None
    sizes: bool = True
    reading: ReadingOptions = field(default_factory=ReadingOptions)
    name: str | None = None

    def check(self) -> None:
        """Raises `BudgetError` or `OptionError` for what can never be done, whatever the data."""
        budget = self.budget_seconds
        if budget is not None and budget < WHY_SHORTEST_BUDGET_SECONDS:
            raise BudgetError(
                f"The budget is {budget:g} s; a table of biases needs at least {WHY_SHORTEST_BUDGET_SECONDS:g} s, "
                "and some minutes to say much: give --budget 5m, or --budget none for no clock."
            )
        if self.seeds < FEWEST_PAIRED_SEEDS:
            raise OptionError(
                f"'seeds' is {self.seeds}: give at least {FEWEST_PAIRED_SEEDS}, since one says nothing about the "
                "spread."
            )


def why(
    data: Any,
    settings: WhySettings,
    *,
    workers: int | None = None,
    listener: PhaseListener | None = None,
    started: float | None = None,
    pool: Executor | None = None,
) -> Why:
    """Measure how much each family of networks depends on each assumption about this data.

    Args:
        data: anything that `bakeoff.load` reads, or a `Dataset`.
        settings: what is asked for.
        workers: processes of one thread; as many as cores where None.
        listener: called with (phase, done, total, seconds left).
        started: when the budget began, on the monotonic clock; now where None.
        pool: an executor, which the caller closes; None makes one for this call.

    Raises:
        DataError: the data cannot be read, or an intervention does not apply to it.
        ModelError, OptionError: what was asked cannot be done. BudgetError: it is too small for any table.
    """
    clock_start = time.monotonic() if started is None else started
    settings.check()
    own = pool is None
    pool = pool or startup.start_workers(workers, wait_for_operators=settings.budget_seconds is None)
    place = Path(tempfile.gettempdir())
    remove_abandoned(place, _FOLDER)
    folder = OwnFolder(place, _FOLDER)
    try:
        dataset = limited(load(data, seed=settings.seed, name=settings.name, **settings.reading.given()))
        context = MetricContext(seasonal_scale=dataset.seasonal_scale)
        deciding = task_of(dataset.schema).metric_named(settings.metric, context)
        study = _study(dataset, settings, deciding, clock_start, Store(folder.path), pool)
        study.listener = listener
        _run(study)
        return Interpretation(study, deciding, context, sizes=settings.sizes).why(clock_start)
    finally:
        folder.remove()
        if own:
            pool.close()


def _study(
    dataset: Dataset,
    settings: WhySettings,
    metric: Metric,
    started: float,
    store: Store,
    executor: Executor,
) -> PerturbationStudy:
    entrants, budget = _entrants(dataset, settings.models), settings.budget_seconds
    definition = Definition(
        dataset=dataset.fingerprint,
        entrants=tuple(entrant.name for entrant in entrants),
        metric=metric.name,
        seed=settings.seed,
        budget_seconds=budget,
        sizes=(len(dataset.splits.train),),
        seeds=settings.seeds,
        steps=settings.steps,
    )
    runner = JobRunner(
        dataset=dataset,
        definition=definition,
        store=store,
        executor=executor,
        judge="loss",
        reproducible=budget is None,
    )
    deadline = None if budget is None else started + budget - WHY_RESERVE_SECONDS
    return PerturbationStudy(
        runner=runner,
        entrants=entrants,
        changes=_changes(dataset, settings.changes),
        clock=Clock(started=started, deadline=deadline),
    )


def _run(study: PerturbationStudy) -> None:
    """Run the study; after Ctrl-C what is finished so far is interpreted, if there is anything."""
    try:
        study.run()
    except KeyboardInterrupt:
        if not any(result.outputs for result in study.results.values()):
            raise
        study.stop()


def _entrants(dataset: Dataset, models: Sequence[str | ModelCard] | None) -> tuple[Entrant, ...]:
    """The networks, and what else assumes something about such data."""
    return tuple(entrant for entrant in choose_entrants(dataset.schema, models) if entrant.is_explained)


def _changes(dataset: Dataset, names: Sequence[str] | None) -> tuple[Intervention, ...]:
    if names is None:
        return interventions(dataset.schema)
    return tuple(intervention(name, dataset.schema) for name in names)
