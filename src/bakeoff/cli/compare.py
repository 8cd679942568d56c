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
from bakeoff.cli.statuses import INTERRUPTED

if TYPE_CHECKING:
    from bakeoff.data.dataset import Dataset
    from bakeoff.study.analysis.limits import Limits
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
    max_latency: Annotated[
        str | None,
        typer.Option(
            help="Say who is best among those that answer one example within 2ms here (95th percentile)."
        ),
    ] = None,
    max_parameters: Annotated[
        str | None, typer.Option(help="The same within so many parameters: 50k, 1M.")
    ] = None,
    max_flops: Annotated[
        str | None, typer.Option(help="The same within so many FLOPs an answer: 10M.")
    ] = None,
    max_memory: Annotated[
        str | None, typer.Option(help="The same within so much memory: 500kB, 50MB.")
    ] = None,
) -> None:
    """Compare families of networks on your data, and hand over the best one."""
    from bakeoff.api.questions import check_goal
    from bakeoff.cli.options import parse_budget, parse_cv, parse_margin
    from bakeoff.study.analysis.limits import parse_limits
    from bakeoff.study.workers import startup
    from bakeoff.system.files import check_writable, write_json
    from bakeoff.train.device import check_name

    check_writable(json)
    check_name(device)
    if goal is not None:
        check_goal(goal, metric)
    folds = parse_cv(cv)
    limits = parse_limits(latency=max_latency, parameters=max_parameters, flops=max_flops, memory=max_memory)
    allowed = None if margin is None else parse_margin(margin)
    entrants = [part.strip() for part in (models or "").split(",") if part.strip()] + list(model or [])
    budget_seconds = parse_budget(budget)
    # The workers load PyTorch while this process does.
    pool = None if budget_seconds is None else startup.start_workers(workers, wait_for_operators=False)
    try:
        result, record = compare_and_show(
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
            goal=goal,
            limits=limits,
            cv=folds,
            started=started(),
            **reading.given(),
        )
    finally:
        if pool is not None:
            pool.close()
    if json is not None:
        write_json(json, record)
    if result.interrupted:
        raise typer.Exit(INTERRUPTED)
    if len(result.compared) < 2:
        raise typer.Exit(1)  # nothing was compared with anything, as was said


def compare_and_show(
    data: str, *, goal: str | None = None, limits: "Limits | None" = None, **options: Any
) -> "tuple[Comparison, dict[str, Any]]":
    """Compare, with the options of `bakeoff.compare`, and show progress, card, table and verdict; and the record.

    Card, table and verdict go to standard output, progress to standard error.
    """
    from rich.console import Console

    from bakeoff.api.compare import compare as run_comparison
    from bakeoff.api.compare import results_json, write_results
    from bakeoff.api.questions import answers_of
    from bakeoff.data.card import data_card
    from bakeoff.report.terminal.comparison import print_comparison, print_goal, print_places
    from bakeoff.report.terminal.data_card import card_table
    from bakeoff.report.terminal.progress import ProgressView, study_step
    from bakeoff.report.terminal.questions import print_limits, print_questions
    from bakeoff.study.analysis.limits import NO_LIMITS

    results, errors = Console(), Console(stderr=True)

    def show_card(dataset: "Dataset") -> None:
        results.print(card_table(data_card(dataset)))

    with ProgressView(errors, study_step) as view:
        found = run_comparison(
            data, on_data=show_card, listener=view.update, report=False, goal=goal, **options
        )
    # Before the report is written, so that the verdict is shown even where the disk is full.
    print_comparison(results, found)
    answers = answers_of(found, goal=goal, limits=limits or NO_LIMITS)
    print_questions(results, answers.labels, answers.parts)
    if answers.goal is not None:
        print_goal(results, answers.goal)
    if answers.limits is not None:
        print_limits(results, answers.limits)
    print_places(results, found, report=write_results(found, answers))
    return found, results_json(found, answers)


def _defaults_and(entrants: list[str], *, only: bool) -> list[str] | None:
    """`--models` names all networks; `--model` adds one to the scalable families, which depend on the data."""
    from bakeoff.study.design.entrants import ALL_FAMILIES

    if not entrants:
        return None
    return entrants if only else [ALL_FAMILIES, *entrants]
