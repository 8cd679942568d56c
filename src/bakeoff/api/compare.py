"""`compare`: from a person's data to a verdict, with the report and the record in the run's folder."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from bakeoff.api.arguments import refuses_unknown_arguments
from bakeoff.api.questions import answers_of, check_goal, check_goal_on
from bakeoff.data.dataset import Dataset
from bakeoff.data.options import ReadingOptions
from bakeoff.explain.biases.comparison_evidence import ComparisonEvidence
from bakeoff.models import ModelCard
from bakeoff.report.html.comparison_report import write_report
from bakeoff.report.html.notebook import comparison_html
from bakeoff.study.analysis.answers import Answers
from bakeoff.study.analysis.limits import parse_limits
from bakeoff.study.comparison.compare import compare as run_comparison
from bakeoff.study.comparison.settings import ComparisonSettings
from bakeoff.study.design.matched_budgets import EQUAL
from bakeoff.study.protocol import SEEDS
from bakeoff.study.results.comparison import Comparison
from bakeoff.study.results.outcome import ProgressListener
from bakeoff.study.results.run_folder import RunFolder
from bakeoff.study.workers.executor import Executor
from bakeoff.system.files import write_json


@refuses_unknown_arguments
def compare(
    data: Any,
    models: Sequence[str | ModelCard] | None = None,
    budget_seconds: float | None = 60.0,
    seed: int = 0,
    *,
    metric: str | None = None,
    seeds: int = SEEDS,
    steps: int | None = None,
    equal: str = EQUAL[0],
    device: str = "auto",
    workers: int | None = None,
    why: bool = True,
    fresh: bool = False,
    margin: float | None = None,
    goal: str | None = None,
    max_latency: str | None = None,
    max_parameters: str | None = None,
    max_flops: str | None = None,
    max_memory: str | None = None,
    cv: str | int = "auto",
    out: str | Path = "runs",
    name: str | None = None,
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
    listener: ProgressListener | None = None,
    on_data: Callable[[Dataset], None] | None = None,
    started: float | None = None,
    pool: Executor | None = None,
    report: bool = True,
) -> Comparison:
    """Compare families of networks, and what is no network, on this data; its report is written into the run's folder.

    The returned record shows itself in a notebook.

    Args:
        data: anything that `bakeoff.load` reads, or a `Dataset`.
        models: names of networks (`name@width` for a width), `file.py:NAME`, `package.module:NAME`, or `ModelCard`s;
            None enters every scalable family that takes the data. Baselines, nearest neighbours and boosting always
            take part.
        budget_seconds: for everything, from `started` to the return; None runs the whole protocol without a clock.
        seed: of splits, subsets, orders and initial weights.
        metric: the deciding one; accuracy, RMSE or MASE where None.
        seeds: how many the protocol asks for.
        steps: of every training; None lets budget and data decide.
        equal: what every network gets equally much of: "steps", "parameters", "flops" or "seconds" of training.
        device: where networks are trained: "cpu", "cuda", "mps"; "auto" times each network where this machine can
            train it and takes the faster.
        workers: processes of one thread; as many as cores where None.
        why: whether it ends with evidence, for which a part of the budget is reserved.
        fresh: whether a new run is begun even where one with the same definition is there to be continued.
        margin: what is practically equal: 0.01 is one point of a share, or 1 % of an error; None is 0.01 for shares and
            0.02 for errors.
        goal: a score, as "95%" or "2.5": report and `verdict.json` say how many examples lead there
            (`bakeoff.api.questions.goal_of` gives the record of it).
        max_latency, max_parameters, max_flops, max_memory: as "2ms", "1M", "10M", "50MB": who is best among those that
            fit (`bakeoff.api.questions.within_limits` gives the record of it).
        cv: folds in which every example is tested once, by networks that have not seen it; "no" for one test split;
            "auto" where data are few (at most 500 examples) and the budget allows it. A test split that came with the
            data is kept, and there are no folds.
        out: the folder of runs. An unfinished run with the same definition there is continued.
        name: of the run's folder; the data's name where None.
        target, time, horizon, window, group, size, kind, task, text, tokenizer, decimal, dates, order: how the
            data are read, as for `bakeoff.load`.
        listener: called with a `Progress` a few times a second.
        on_data: called with the dataset as soon as it is read.
        started: when the budget began, on the monotonic clock; now where None.
        pool: of workers that are starting already, instead of `workers`; closed here.
        report: whether `report.html` and `verdict.json` are written; `write_results` writes them later.

    Raises:
        UnknownArgumentError: a keyword that is none of these.
        DataError, ModelError, OptionError: what was given cannot be compared.
        BudgetError: the budget is too small for any comparison.
        StoreError: the run's folder cannot be written.
    """
    if goal is not None:
        check_goal(goal, metric)
    limits = parse_limits(latency=max_latency, parameters=max_parameters, flops=max_flops, memory=max_memory)
    reading = ReadingOptions(
        target=target, time=time, horizon=horizon, window=window, group=group, size=size, kind=kind, task=task,
        text=text, tokenizer=tokenizer, decimal=decimal, dates=dates, order=order,
    )  # fmt: skip
    settings = ComparisonSettings(
        models=models, budget_seconds=budget_seconds, seed=seed, metric=metric, seeds=seeds, steps=steps, equal=equal,
        device=device, margin=margin, cv=cv, reading=reading, out=out, name=name, fresh=fresh,
    )  # fmt: skip

    def take(dataset: Dataset) -> None:
        if on_data is not None:
            on_data(dataset)
        if goal is not None:
            check_goal_on(dataset, goal, metric)

    found = run_comparison(
        data, settings,
        workers=workers, listener=listener, on_data=take, started=started, pool=pool,
        show=comparison_html, evidence=ComparisonEvidence() if why else None,
    )  # fmt: skip
    if report:
        write_results(found, answers_of(found, goal=goal, limits=limits))
    return found


def write_results(comparison: Comparison, answers: Answers) -> Path:
    """Write `verdict.json` and `report.html` into the run's folder, and return the report's path.

    Args:
        comparison: a finished one.
        answers: to what was asked of it (`bakeoff.api.questions.answers_of`).

    Raises:
        StoreError: one of them cannot be written.
    """
    folder = RunFolder(comparison.folder)
    write_json(folder.verdict, results_json(comparison, answers), indent=1)
    return write_report(comparison, folder.report, now=datetime.now(), answers=answers)


def results_json(comparison: Comparison, answers: Answers) -> dict[str, Any]:
    """The record for programs: the comparison, and the answers to what was asked of it."""
    return comparison.to_json() | answers.to_json()
