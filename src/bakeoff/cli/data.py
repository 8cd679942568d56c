"""`bakeoff data [DATA]`: the built-in names, or the card of some data."""

from pathlib import Path
from typing import Annotated

import typer

from bakeoff.cli.options import DATA_HELP, ReadingOptions, reads_data


@reads_data
def data(
    source: Annotated[
        str | None, typer.Argument(metavar="DATA", help=f"{DATA_HELP} Without it: lists the names.")
    ] = None,
    *,
    reading: ReadingOptions,
    seed: Annotated[int, typer.Option("--seed", help="Of the splits.")] = 0,
    json: Annotated[Path | None, typer.Option("--json", help="Also write the card to this file.")] = None,
) -> None:
    """Show what some data are: kind, shapes, classes, splits, faults and leaks. Alone: list the built-in data."""
    if source is None:
        _list_builtin()
        return
    from rich.console import Console

    from bakeoff.data.card import data_card
    from bakeoff.data.load import load
    from bakeoff.errors import printable
    from bakeoff.messages import say
    from bakeoff.report.terminal.data_card import card_table
    from bakeoff.system.files import write_json

    dataset = load(source, seed=seed, **reading.given())
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
