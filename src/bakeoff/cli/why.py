"""`bakeoff why DATA`: which assumptions each family of networks lives from on this data, as a table and sentences."""

from pathlib import Path
from typing import Annotated

import typer

from bakeoff.cli.options import (
    BudgetOption,
    DataArgument,
    ReadingOptions,
    StepsOption,
    WorkersOption,
    reads_data,
    started,
)


@reads_data
def why(
    data: DataArgument,
    reading: ReadingOptions,
    models: Annotated[str | None, typer.Option(help="Networks by name, with commas.")] = None,
    changes: Annotated[
        str | None, typer.Option(help="Interventions by name, with commas, as mirror,keep_last_12.")
    ] = None,
    budget: BudgetOption = "5m",
    metric: Annotated[str | None, typer.Option(help="The metric in which losses are measured.")] = None,
    seed: Annotated[int, typer.Option(help="Of splits, changes and trainings.")] = 0,
    seeds: Annotated[int, typer.Option(help="How often each training is repeated, at least 2.")] = 3,
    steps: StepsOption = None,
    workers: WorkersOption = None,
    out: Annotated[Path | None, typer.Option(help="Write the table as a page to this .html file.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write all figures to this file.")] = None,
) -> None:
    """Change the data so that one assumption no longer holds, train again, and see who falls."""
    from rich.console import Console
    from rich.text import Text

    from bakeoff.api.why import why as measure
    from bakeoff.cli.options import parse_budget
    from bakeoff.messages import say
    from bakeoff.report.content.drop_heatmap import full_title, heat_map, heat_tables
    from bakeoff.report.html.why_page import write_why
    from bakeoff.report.terminal.progress import ProgressView, why_step
    from bakeoff.study.results.records import finite
    from bakeoff.system.files import check_writable, write_json

    check_writable(json)
    check_writable(out)
    console = Console()
    with ProgressView(Console(stderr=True), why_step) as view:
        found = measure(
            data,
            models=_names(models),
            changes=_names(changes),
            budget_seconds=parse_budget(budget),
            metric=metric,
            seed=seed,
            seeds=seeds,
            steps=steps,
            workers=workers,
            listener=view.update,
            started=started(),
            **reading.given(),
        )
    drawn = heat_map(found)
    console.print(Text(full_title(found), style="dim"))
    for table in heat_tables(drawn, console.width) if drawn is not None else ():
        console.print(table)
    console.print(Text(say("why.table.note_terminal"), style="dim"))
    for sentence in found.sentences:
        console.print(Text(f"• {sentence}"))
    if found.left_out:
        console.print(Text(say("why.left_out", names=", ".join(found.left_out_names)), style="dim"))
    if out is not None:
        write_why(found, out)
        console.print(Text(say("why.explain.written", path=str(out)), style="dim"))
    if json is not None:
        write_json(json, finite(found.to_json()))


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [part.strip() for part in text.split(",") if part.strip()]
