"""`bakeoff fit DATA --model NAME`: one network trained well."""

from pathlib import Path
from typing import Annotated

import typer

from bakeoff.cli.options import BudgetOption, DataArgument, DeviceOption, ReadingOptions, reads_data, started
from bakeoff.cli.statuses import INTERRUPTED


@reads_data
def fit(
    data: DataArgument,
    model: Annotated[
        str,
        typer.Option(
            help="A network by name (NAME@WIDTH sets a width), timm:NAME, hf:NAME, file.py:NAME or package.module:NAME."
        ),
    ],
    reading: ReadingOptions,
    budget: BudgetOption = "none",
    epochs: Annotated[int | None, typer.Option(help="Passes over the training data.")] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="At the top of the schedule; a short test finds one if not given.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="Examples a step.")] = None,
    accumulate: Annotated[
        int, typer.Option(help="Parts in which each batch goes through the network, to save memory.")
    ] = 1,
    augment: Annotated[
        str, typer.Option(help="auto, none, or some of flip,crop,cutout,mixup with commas (images).")
    ] = "auto",
    weights: Annotated[
        str | None, typer.Option(help="Published weights to begin with: a file, folder or Hugging Face id.")
    ] = None,
    mode: Annotated[str, typer.Option(help="full trains everything, probe the last layer alone.")] = "full",
    metric: Annotated[str | None, typer.Option(help="The metric of the score.")] = None,
    device: DeviceOption = "auto",
    precision: Annotated[str, typer.Option(help="auto, float32, bfloat16 or float16.")] = "auto",
    seed: Annotated[int, typer.Option(help="Of splits, initial weights, order and augmentation.")] = 0,
    log: Annotated[str | None, typer.Option(help="Also log to tensorboard or mlflow.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of runs.")] = Path("runs"),
    name: Annotated[str | None, typer.Option(help="Name of the run's folder.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write the whole record to this file.")] = None,
) -> None:
    """Train one network well, score it on test examples, and hand it over. A killed run goes on when repeated."""
    from rich.console import Console

    from bakeoff.api.fit import fit as run_fit
    from bakeoff.cli.options import parse_budget
    from bakeoff.messages import say
    from bakeoff.report.terminal.fit_view import print_fit
    from bakeoff.report.terminal.progress import ProgressView, fit_step
    from bakeoff.study.results.run_folder import RunFolder
    from bakeoff.system.files import check_writable, write_json

    check_writable(json)
    with ProgressView(Console(stderr=True), fit_step) as view:
        try:
            found = run_fit(
                data,
                model,
                budget_seconds=parse_budget(budget),
                epochs=epochs,
                learning_rate=learning_rate,
                batch_size=batch_size,
                accumulate=accumulate,
                augment=augment,
                seed=seed,
                weights=weights,
                mode=mode,
                metric=metric,
                device=device,
                precision=precision,
                out=out,
                name=name,
                log=log,
                listener=view.update,
                started=started(),
                **reading.given(),
            )
        except KeyboardInterrupt:
            typer.echo(say("fit.interrupted"), err=True)
            raise typer.Exit(INTERRUPTED) from None
    print_fit(Console(), found, report=RunFolder(found.folder).report)
    if json is not None:
        write_json(json, found.to_json())
