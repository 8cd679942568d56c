"""`bakeoff compare DATA`: which family of networks fits this data, how sure that is, and what each costs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bakeoff.cli.options import (
    BudgetOption,
    DataArgument,
    DeviceOption,
    ReadingOptions,
    StepsOption,
    WorkersOption,
    reads_data,
    started,
)

if TYPE_CHECKING:
    from bakeoff.data.dataset import Dataset
    from bakeoff.study.analysis.goal import GoalAnswer
    from bakeoff.study.results.comparison import Comparison


@reads_data
def compare(
    data: DataArgument,
    reading: ReadingOptions,
    models: Annotated[
        str | None, typer.Option(help="Networks by name, with commas; NAME@WIDTH sets a width.")
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(help="A network of your own, as file.py:NAME or package.module:NAME. Repeatable."),
    ] = None,
    budget: BudgetOption = "60s",
    metric: Annotated[str | None, typer.Option(help="The deciding metric.")] = None,
    seed: Annotated[int, typer.Option(help="Of splits, subsets and initial weights.")] = 0,
    seeds: Annotated[int, typer.Option(help="How many seeds the protocol asks for.")] = 3,
    steps: StepsOption = None,
    equal: Annotated[
        str, typer.Option(help="Equal for every network: steps, parameters, flops or seconds of training.")
    ] = "steps",
    device: DeviceOption = "auto",
    workers: WorkersOption = None,
    why: Annotated[
        bool, typer.Option("--why/--no-why", help="End with evidence of why, in a part of the budget.")
    ] = True,
    fresh: Annotated[
        bool,
        typer.Option("--fresh", help="Begin a new run, though one of the same command could be continued."),
    ] = False,
    margin: Annotated[
        str | None,
        typer.Option(help="What is practically equal: 1% is one point of a share, or 1 % of an error."),
    ] = None,
    cv: Annotated[
        str,
        typer.Option(help="Folds in which every example is tested once: auto (few data), no, or a number."),
    ] = "auto",
    out: Annotated[Path, typer.Option(help="Folder of runs.")] = Path("runs"),
    name: Annotated[str | None, typer.Option(help="Name of the run's folder.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write the whole verdict to this file.")] = None,
    goal: Annotated[
        str | None,
        typer.Option(help="Say how many examples lead to this score: 95%, or a value of the metric as 2.5."),
    ] = None,
) -> None:
    """Compare families of networks on your data, and hand over the best one."""
    from bakeoff.cli.options import parse_budget, parse_cv, parse_margin
    from bakeoff.study.workers import startup
    from bakeoff.system.files import check_writable, write_json
    from bakeoff.train.device import check_name

    check_writable(json)
    check_name(device)
    if goal is not None:
        _check_goal(goal, metric)
    folds = parse_cv(cv)
    allowed = None if margin is None else parse_margin(margin)
    entrants = [part.strip() for part in (models or "").split(",") if part.strip()] + list(model or [])
    budget_seconds = parse_budget(budget)
    # The workers load PyTorch while this process does.
    pool = None if budget_seconds is None else startup.start_workers(workers, wait_for_operators=False)
    try:
        result = compare_and_show(
            data,
            models=_defaults_and(entrants, only=models is not None),
            budget_seconds=budget_seconds,
            seed=seed,
            metric=metric,
            out=out,
            name=name,
            seeds=seeds,
            steps=steps,
            equal=equal,
            device=device,
            workers=workers,
            pool=pool,
            why=why,
            fresh=fresh,
            margin=allowed,
            cv=folds,
            started=started(),
            **reading.given(),
        )
    finally:
        if pool is not None:
            pool.close()
    from bakeoff.api.questions import answers_json

    record = result.to_json() | answers_json(result)
    if goal is not None:
        record["goal"] = _show_goal(result, goal).to_json()
    if json is not None:
        write_json(json, record)
    if result.interrupted:
        raise typer.Exit(130)
    if len(result.compared) < 2:
        raise typer.Exit(1)  # nothing was compared with anything, as was said


def compare_and_show(data: str, **options: Any) -> "Comparison":
    """Compare, with the options of `bakeoff.compare`, and show progress, card, table and verdict.

    Card, table and verdict go to standard output, progress to standard error.
    """
    from rich.console import Console

    from bakeoff.api.compare import compare as run_comparison
    from bakeoff.api.compare import write_results
    from bakeoff.api.questions import labels_of, parts_of
    from bakeoff.data.card import data_card
    from bakeoff.report.terminal.comparison import print_comparison, print_places
    from bakeoff.report.terminal.data_card import card_table
    from bakeoff.report.terminal.progress import ProgressView
    from bakeoff.report.terminal.questions import print_questions

    results, errors = Console(), Console(stderr=True)

    def show_card(dataset: "Dataset") -> None:
        results.print(card_table(data_card(dataset)))

    with ProgressView(errors) as view:
        found = run_comparison(data, on_data=show_card, listener=view.update, report=False, **options)
    # Before the report is written, so that the verdict is shown even where the disk is full.
    print_comparison(results, found)
    print_questions(results, labels_of(found), parts_of(found))
    print_places(results, found, report=write_results(found))
    return found


def _check_goal(goal: str, metric: str | None) -> None:
    """Before anything is trained: is it a goal at all, and one of the metric, where that is given?"""
    from bakeoff.study.analysis.goal import parse_goal
    from bakeoff.tasks.metrics.registry import METRICS

    wanted = parse_goal(goal)
    if metric is not None and metric in METRICS:
        wanted.of(METRICS[metric])


def _show_goal(result: "Comparison", goal: str) -> "GoalAnswer":
    """Say how each entrant comes to the goal, below the verdict."""
    from rich.console import Console

    from bakeoff.api.questions import goal_of
    from bakeoff.report.terminal.comparison import print_goal

    answer = goal_of(result, goal)
    print_goal(Console(), answer)
    return answer


def _defaults_and(entrants: list[str], *, only: bool) -> list[str] | None:
    """`--models` names all networks; `--model` adds one to the scalable families, which depend on the data."""
    from bakeoff.study.design.entrants import ALL_FAMILIES

    if not entrants:
        return None
    return entrants if only else [ALL_FAMILIES, *entrants]
