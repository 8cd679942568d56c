"""`why`: which assumptions about the data each family of networks depends on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bakeoff.api.arguments import refuses_unknown_arguments
from bakeoff.data.options import ReadingOptions
from bakeoff.explain.biases.measure import WhySettings
from bakeoff.explain.biases.measure import why as measure
from bakeoff.explain.biases.records import Why
from bakeoff.models import ModelCard
from bakeoff.study.protocol import WHY_BUDGET_SECONDS
from bakeoff.study.schedule.perturbation_study import PhaseListener
from bakeoff.study.workers.executor import Executor


@refuses_unknown_arguments
def why(
    data: Any,
    models: Sequence[str | ModelCard] | None = None,
    budget_seconds: float | None = WHY_BUDGET_SECONDS,
    seed: int = 0,
    *,
    changes: Sequence[str] | None = None,
    metric: str | None = None,
    seeds: int = 3,
    steps: int | None = None,
    sizes: bool = True,
    workers: int | None = None,
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
    name: str | None = None,
    listener: PhaseListener | None = None,
    started: float | None = None,
    pool: Executor | None = None,
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
        target, time, horizon, window, group, size, kind, task, text, tokenizer, decimal, dates, order, name: how
            the data are read, as for `bakeoff.load`.
        listener: called with (phase, done, total, seconds left).
        started: when the budget began, on the monotonic clock; now where None.
        pool: of workers, which the caller closes; None makes one for this call.

    Raises:
        UnknownArgumentError: a keyword that is none of these.
        DataError: the data cannot be read, or an intervention does not apply to it.
        ModelError, OptionError: what was asked cannot be done.
        BudgetError: it is too small for any table.
    """
    reading = ReadingOptions(
        target=target, time=time, horizon=horizon, window=window, group=group, size=size, kind=kind, task=task,
        text=text, tokenizer=tokenizer, decimal=decimal, dates=dates, order=order,
    )  # fmt: skip
    settings = WhySettings(
        models=models, budget_seconds=budget_seconds, seed=seed, changes=changes, metric=metric, seeds=seeds,
        steps=steps, sizes=sizes, reading=reading, name=name,
    )  # fmt: skip
    return measure(data, settings, workers=workers, listener=listener, started=started, pool=pool)
