"""`bakeoff data [DATA]`: the built-in names, or the card of some data."""

from pathlib import Path
from typing import Annotated

import typer

DataArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="DATA",
        help="A built-in name, a folder of images, a table, text, series or array file. Without it: lists the names.",
    ),
]
TargetOption = Annotated[str | None, typer.Option("--target", help="The column to predict.")]
TimeOption = Annotated[str | None, typer.Option("--time", help="The column of times: forecasts the target.")]
HorizonOption = Annotated[int | None, typer.Option("--horizon", help="How many steps to forecast.")]
WindowOption = Annotated[int | None, typer.Option("--window", help="How many past steps a forecast sees.")]
GroupOption = Annotated[
    str | None,
    typer.Option("--group", help="The column that says which rows belong together (never divided)."),
]
SizeOption = Annotated[
    str | None, typer.Option("--size", help="Size of images: 32, or 32x48 (height x width).")
]
KindOption = Annotated[
    str | None, typer.Option("--kind", help="image, series, table or text, where the data do not tell.")
]
TaskOption = Annotated[
    str | None, typer.Option("--task", help="classes or value, where the target does not tell.")
]
TextOption = Annotated[str | None, typer.Option("--text", help="The column of free text to learn from.")]
SeedOption = Annotated[int, typer.Option("--seed", help="Of the splits.")]


def data(
    source: DataArgument = None,
    target: TargetOption = None,
    time: TimeOption = None,
    horizon: HorizonOption = None,
    window: WindowOption = None,
    group: GroupOption = None,
    size: SizeOption = None,
    kind: KindOption = None,
    task: TaskOption = None,
    text: TextOption = None,
    seed: SeedOption = 0,
    json: Annotated[Path | None, typer.Option("--json", help="Also write the card to this file.")] = None,
) -> None:
    """Show what some data are: kind, shapes, classes, splits, faults and leaks. Alone: list the built-in data."""
    if source is None:
        _list_builtin()
        return
    from rich.console import Console

    from bakeoff.cli.options import write_json
    from bakeoff.data.card import data_card
    from bakeoff.data.load import load
    from bakeoff.errors import printable
    from bakeoff.messages import say
    from bakeoff.report.terminal_card import card_table

    dataset = load(
        source,
        target=target,
        time=time,
        horizon=horizon,
        window=window,
        group=group,
        size=size,
        kind=kind,
        task=task,
        text=text,
        seed=seed,
    )
    card = data_card(dataset)
    console = Console()
    console.print(card_table(card))
    if json is not None:
        write_json(json, card.to_json())
        console.print(say("data.card.written", path=printable(str(json))), markup=False, highlight=False)


def _list_builtin() -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from bakeoff.data.builtin import builtin_summaries
    from bakeoff.messages import say

    rows = Table.grid(padding=(0, 2))
    for name, summary in builtin_summaries().items():
        rows.add_row(Text(f"  {name}", style="bold"), Text(summary))
    console = Console()
    console.print(Text(say("data.builtin.heading")), rows, Text(say("data.builtin.hint")), sep="\n")
