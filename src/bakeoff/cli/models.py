"""`bakeoff models [NAME]`: the catalogue of networks, or one network's card and layers."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from bakeoff.models import ModelCard

_NUMBERS = ("at", "parameters", "macs", "activations")
_COLUMNS = ("name", "family", "year", "paper", "biases", "inputs", *_NUMBERS)
#: Columns whose text may be folded, by the least width at which it can be read; a narrow terminal leaves them out in
#: this order.
_LEAST_WIDTHS = {"paper": 12, "inputs": 12, "biases": 12, "family": 12}
#: Where the list goes into a file or a pager.
_PIPED_WIDTH = 180


def models(
    name: Annotated[
        str | None, typer.Argument(help="A network's name: shows its card and its layers.")
    ] = None,
    family: Annotated[str | None, typer.Option(help="Only the networks of this family.")] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Show every layer of a network, not its blocks.")
    ] = False,
) -> None:
    """List the catalogue of networks, or show one: where it is from, what it assumes, its layers and their cost."""
    if name is None:
        _show_catalogue(family)
    else:
        _show_network(name, every=every)


def _show_catalogue(family: str | None) -> None:
    from rich.console import Console

    from bakeoff.errors import OptionError, suggest
    from bakeoff.messages import say
    from bakeoff.models import catalogue

    cards = sorted(catalogue().values(), key=lambda card: card.year)
    chosen = [card for card in cards if family in (None, card.family)]
    if not chosen:
        known = sorted({card.family for card in cards})
        raise OptionError(f"There is no family called '{family}'. {suggest(str(family), known)}")
    console = Console()
    console = console if console.is_terminal else Console(width=_PIPED_WIDTH)
    columns = dict(zip(_COLUMNS, map(list, zip(*map(_row, chosen), strict=True)), strict=True))
    left_out = _left_out(columns, console.width)
    console.print(_table({key: cells for key, cells in columns.items() if key not in left_out}))
    if left_out:
        names = ", ".join(say(f"models.{key}") for key in left_out)
        print(say("models.left_out", columns=names))
    print(say("models.hint"))


def _table(columns: dict[str, list[str]]) -> "Table":
    from rich.table import Table

    from bakeoff.messages import say

    count = len(next(iter(columns.values())))
    table = Table(title=say("models.title", count=count), title_justify="left", box=None, pad_edge=False)
    for key in columns:
        table.add_column(
            say(f"models.{key}"),
            overflow="fold",
            justify="right" if key in _NUMBERS else "left",
            no_wrap=key not in _LEAST_WIDTHS,
        )
    for cells in zip(*columns.values(), strict=True):
        table.add_row(*cells)
    return table


def _left_out(columns: dict[str, list[str]], width: int) -> list[str]:
    """The columns for which a terminal of this width has no room."""
    from rich.cells import cell_len

    from bakeoff.messages import say

    needed = {
        key: _LEAST_WIDTHS.get(key) or max(map(cell_len, (say(f"models.{key}"), *cells)))
        for key, cells in columns.items()
    }
    left_out: list[str] = []
    for key in _LEAST_WIDTHS:
        if sum(needed.values()) + 2 * len(needed) <= width + 2:
            break
        del needed[key]
        left_out.append(key)
    return left_out


def _row(card: "ModelCard") -> list[str]:
    from bakeoff.cli.cost_tables import amount
    from bakeoff.models.registry.counts import known_counts

    counts = known_counts().get(card.name)
    return [
        card.name,
        card.family,
        str(card.year),
        _short(card.paper),
        ", ".join(card.biases),
        ", ".join(kind.__name__ for kind in card.inputs),
        "x".join(map(str, card.example.input.shape)),
        amount(counts.parameters) if counts else "-",
        amount(counts.macs) if counts else "-",
        amount(counts.activation_bytes, "B") if counts else "-",
    ]


def _short(paper: str) -> str:
    """The authors alone: `He et al.` of "He et al., Deep Residual Learning ..., CVPR 2016"."""
    return paper.split(",", 1)[0]


def _show_network(name: str, *, every: bool) -> None:
    import torch
    from rich.console import Console
    from rich.table import Table

    from bakeoff.cli.cost_tables import show_cost, show_sums
    from bakeoff.cli.model_blocks import blocks_of, blocks_table
    from bakeoff.cost import cost_of, example_inputs
    from bakeoff.cost.inputs import counted_shape
    from bakeoff.messages import say, say_if_known
    from bakeoff.models import build, card

    chosen = card(name)
    facts = Table(title=chosen.name, title_justify="left", show_header=False, box=None, pad_edge=False)
    facts.add_column(no_wrap=True)
    facts.add_column(overflow="fold")
    facts.add_row(say("models.summary"), say_if_known(f"models.idea.{chosen.name}", chosen.summary))
    facts.add_row(say("models.family"), chosen.family)
    facts.add_row(say("models.paper"), f"{chosen.paper} ({chosen.year})" if chosen.paper else "-")
    biases = [f"{bias}: {say(f'models.bias.{bias}')}" for bias in chosen.biases]
    facts.add_row(say("models.biases"), "\n".join(biases) or "-")
    facts.add_row(say("models.inputs"), ", ".join(kind.__name__ for kind in chosen.inputs))
    facts.add_row(say("models.targets"), ", ".join(kind.__name__ for kind in chosen.targets))
    width = say("models.fixed") if chosen.width is None and not chosen.scalable else str(chosen.width or "-")
    facts.add_row(say("models.width"), width)
    facts.add_row(say("models.layouts"), ", ".join(chosen.layouts) or "-")
    Console().print(facts)
    with torch.device("meta"):
        network = build(chosen, chosen.example)
    inputs = example_inputs(chosen.example, network=network)
    shape = "x".join(map(str, counted_shape(chosen.example, 1)[1:]))
    cost = cost_of(network, *inputs)
    print()
    if every:
        show_cost(chosen.name, shape, cost, train=False, every=True, bound=None)
        return
    title = say("cost.title", name=chosen.name, shape=shape)
    Console().print(blocks_table(title, blocks_of(network, inputs, cost), cost))
    print(say("models.every", name=chosen.name))
    show_sums(cost)
