"""A network as a table of its blocks, top to bottom, as one would draw it: what `bakeoff models NAME` shows.

A container (Sequential, ModuleList) is opened, a network's own kind of block is not, so that ResNet-50 is a stem,
sixteen blocks and a head. Blocks in a row that are alike share a line. What a network holds or does outside of all
blocks (a Transformer's positions) has a line of its own, so that the lines sum up to the network.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import torch
from rich.table import Table
from torch import Tensor, nn

from bakeoff.cli.cost_tables import amount
from bakeoff.cost.record import Cost
from bakeoff.messages import say
from bakeoff.models.layers.graphs import GraphBatch

_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
#: A network with fewer blocks than this has its costliest ones opened.
_FEWEST = 6


@dataclass(frozen=True, kw_only=True)
class Block:
    """A part of a network, or several alike in a row.

    Attributes:
        name: path in the network; `last` is the last one's number where there are several.
        type: class of the module.
        out: shape of what comes out of the (last) one, "" where it was not called by itself.
        count: how many.
        parameters, macs: of all of them together.
    """

    name: str
    type: str
    out: str
    parameters: int
    macs: int
    count: int = 1
    last: str = ""

    @property
    def shown_name(self) -> str:
        return f"{self.name} – {self.last}" if self.last else self.name


def blocks_of(network: nn.Module, inputs: Sequence[Tensor | GraphBatch], cost: Cost) -> list[Block]:
    """The network's blocks in the order in which they stand in it.

    Args:
        network: on the meta device, and `inputs` too.
        inputs: of one forward pass.
        cost: of the same pass.
    """
    shapes = _output_shapes(network, inputs)
    found = [_block(name, module, shapes, cost) for name, module in _opened(network, cost)]
    blocks = [_together(list(group)) for _, group in groupby(found, key=_alike)]
    parameters = cost.parameters - sum(block.parameters for block in blocks)
    macs = cost.macs - sum(block.macs for block in blocks)
    if parameters or macs:
        blocks.append(Block(name="-", type=type(network).__name__, out="", parameters=parameters, macs=macs))
    return blocks


def blocks_table(title: str, blocks: Sequence[Block], cost: Cost) -> Table:
    """The blocks as a table."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for key in ("layer", "type", "out"):
        table.add_column(say(f"cost.{key}"), overflow="fold")
    for key in ("parameters_short", "macs_short", "share"):
        table.add_column(say(f"cost.{key}"), justify="right", no_wrap=True)
    for block in blocks:
        kind = block.type if block.count == 1 else f"{block.count} x {block.type}"
        share = f"{block.macs / cost.macs:.1%}" if cost.macs else "-"
        table.add_row(block.shown_name, kind, block.out, f"{block.parameters:,}", amount(block.macs), share)
    return table


def _opened(network: nn.Module, cost: Cost) -> list[tuple[str, nn.Module]]:
    """Paths and modules, containers opened; few ones have the costliest opened until they are `_FEWEST`."""
    parts = list(_children("", network))
    while len(parts) < _FEWEST:
        able = [place for place, (_, module) in enumerate(parts) if any(True for _ in module.children())]
        if not able:
            break
        place = max(able, key=lambda place: _sums(cost, parts[place][0]))
        inner = list(_children(*parts[place]))
        parts = parts[:place] + inner + parts[place + 1 :]
    return parts or [("", network)]


def _children(path: str, module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    for name, child in module.named_children():
        inner = f"{path}.{name}" if path else name
        if isinstance(child, _CONTAINERS):
            yield from _children(inner, child)
        else:
            yield inner, child


def _output_shapes(network: nn.Module, inputs: Sequence[Tensor | GraphBatch]) -> dict[str, str]:
    shapes: dict[str, str] = {}

    def remember(name: str) -> None:
        def hook(module: nn.Module, given: object, output: object) -> None:
            first = output[0] if isinstance(output, tuple | list) and output else output
            if isinstance(first, Tensor):
                shapes[name] = "x".join(map(str, first.shape))

        hooks.append(network.get_submodule(name).register_forward_hook(hook))

    hooks: list[torch.utils.hooks.RemovableHandle] = []
    for name, _ in network.named_modules():
        remember(name)
    was_training = network.training
    with torch.no_grad():
        network.eval()(*inputs)
    network.train(was_training)
    for hook in hooks:
        hook.remove()
    return shapes


def _block(name: str, module: nn.Module, shapes: dict[str, str], cost: Cost) -> Block:
    macs, parameters = _sums(cost, name)
    return Block(
        name=name or "-",
        type=type(module).__name__,
        out=shapes.get(name, ""),
        parameters=parameters,
        macs=macs,
    )


def _sums(cost: Cost, name: str) -> tuple[int, int]:
    """MACs and parameters of a module and all that is in it."""
    inside = [layer for layer in cost.layers if layer.name == name or layer.name.startswith(f"{name}.")]
    layers = inside if name else cost.layers
    return sum(layer.macs for layer in layers), sum(layer.parameters for layer in layers)


def _alike(block: Block) -> tuple[object, ...]:
    """What blocks that share a line have in common: all but their number, where their name ends in one."""
    parent, _, number = block.name.rpartition(".")
    place = parent if number.isdigit() else block.name
    return (place, block.type, block.out, block.parameters, block.macs)


def _together(group: list[Block]) -> Block:
    if len(group) == 1:
        return group[0]
    return replace(
        group[0],
        count=len(group),
        last=group[-1].name.rpartition(".")[2],
        parameters=sum(block.parameters for block in group),
        macs=sum(block.macs for block in group),
    )
