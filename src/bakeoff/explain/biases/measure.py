"""`why`: which assumptions about the data each family depends on, measured by removing them one at a time."""

import time
from collections.abc import Sequence
from typing import Any

from bakeoff.data.dataset import Dataset
from bakeoff.data.interventions.catalogue import Intervention, intervention, interventions
from bakeoff.data.load import load
from bakeoff.data.schema import Table
from bakeoff.errors import BudgetError, OptionError
from bakeoff.explain.biases.interpretation import Interpretation
from bakeoff.explain.biases.perturbation_study import PerturbationStudy, PhaseListener, limited
from bakeoff.explain.biases.records import Why
from bakeoff.models import ModelCard
from bakeoff.study.design.entrants import Entrant, choose_entrants
from bakeoff.study.workers import startup
from bakeoff.study.workers.executor import Executor
from bakeoff.tasks.metrics.registry import MetricContext
from bakeoff.tasks.registry import task_of

#: The default budget.
BUDGET_SECONDS = 300.0
#: The smallest budget: with less, hardly any cell would be finished.
SHORTEST_BUDGET_SECONDS = 20.0
#: Seconds reserved at the end for the statistics and the sentences.
RESERVE_SECONDS = 4.0


def why(
    data: Any,
    models: Sequence[str | ModelCard] | None = None,
    budget_seconds: float | None = BUDGET_SECONDS,
    seed: int = 0,
    *,
    changes: Sequence[str] | None = None,
    metric: str | None = None,
    seeds: int = 3,
    steps: int | None = None,
    sizes: bool = True,
    workers: int | None = None,
    listener: PhaseListener | None = None,
    started: float | None = None,
    pool: Executor | None = None,
    **reading: Any,
) -> Why:
    """Measure how much each family of networks depends on each assumption about this data.

    Args:
        data: anything that `bakeoff.load` reads, or a `Dataset`.
        models: as in `bakeoff.compare`; None enters every scalable family (and boosting on tables).
        budget_seconds: for everything; None trains the whole table without a clock, reproducibly.
        seed: of splits, changes and trainings.
        changes: names of interventions ("mirror", "keep_last_12"); None for all that apply.
        metric: in which score drops are measured; accuracy, RMSE or MASE where None.
        seeds: of every training, at least 2.
        steps: of every training; None lets budget and data decide.
        sizes: whether the best network is also trained at half and at twice its width.
        workers: processes of one thread; as many as cores where None.
        listener: called with (phase, done, total, seconds left).
        started: when the budget began, on the monotonic clock; now where None.
        pool: an executor, which the caller closes; None makes one for this call.
        reading: options of `bakeoff.load`.

    Raises:
        DataError: the data cannot be read, or an intervention does not apply to it.
        ModelError, OptionError: what was asked cannot be done. BudgetError: it is too small for any table.
    """
    clock_start = time.monotonic() if started is None else started
    if budget_seconds is not None and budget_seconds < SHORTEST_BUDGET_SECONDS:
        raise BudgetError(
            f"The budget is {budget_seconds:g} s; a table of biases needs at least {SHORTEST_BUDGET_SECONDS:g} s, "
            "and some minutes to say much: give --budget 5m, or --budget none for no clock."
        )
    if seeds < 2:
        raise OptionError(f"'seeds' is {seeds}: give at least 2, since one says nothing about the spread.")
    own = pool is None
    pool = pool or startup.start_workers(workers, wait_for_operators=budget_seconds is None)
    try:
        dataset = limited(load(data, seed=seed, **reading))
        context = MetricContext(seasonal_scale=dataset.seasonal_scale)
        deciding = task_of(dataset.schema).metric_named(metric, context)
        study = PerturbationStudy(
            dataset=dataset,
            entrants=_entrants(dataset, models),
            changes=_changes(dataset, changes),
            seeds=seeds,
            seed=seed,
            deadline=None if budget_seconds is None else clock_start + budget_seconds - RESERVE_SECONDS,
            executor=pool,
            steps=steps,
            listener=listener,
        )
        _run(study)
        return Interpretation(study, deciding, context, sizes=sizes).why(clock_start)
    finally:
        if own:
            pool.close()


def _run(study: PerturbationStudy) -> None:
    """Run the study; after Ctrl-C what is finished so far is interpreted, if there is anything."""
    try:
        study.run()
    except KeyboardInterrupt:
        if not any(result.outputs for result in study.results.values()):
            raise
        study.executor.restart()
        study.deadline = time.monotonic()


def _entrants(dataset: Dataset, models: Sequence[str | ModelCard] | None) -> tuple[Entrant, ...]:
    """The networks, and boosting where the data are a table, since it depends on the orientation of the axes."""
    everyone = choose_entrants(dataset.schema, models)
    return tuple(
        entrant
        for entrant in everyone
        if entrant.kind == "network"
        or (entrant.name == "boosting" and isinstance(dataset.schema.input, Table))
    )


def _changes(dataset: Dataset, names: Sequence[str] | None) -> tuple[Intervention, ...]:
    if names is None:
        return interventions(dataset.schema)
    return tuple(intervention(name, dataset.schema) for name in names)
