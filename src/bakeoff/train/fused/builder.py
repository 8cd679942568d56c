"""The way through a network that is a chain of layers, written down as links (`bakeoff.train.fused.programs`)."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from bakeoff.train.kernels.chain import Link
from bakeoff.train.replicas.module import NetworkStack


class UnknownError(Exception):
    """This module is no chain that the compiled code knows."""


@dataclass
class Walk:
    """How far the chain has come.

    Attributes:
        network: whose template is walked through.
        shape: what torch would have now (channels first), without the batch.
        visit: walks through a module by the rule of its class.
        channels_last: whether a shape of several axes lies channels last in memory, not in torch's order.
        reads_lengths: whether the network is told true lengths.
        positions: that they count, where the rule of the network knows what to do with them; else 0.
    """

    network: NetworkStack
    shape: tuple[int, ...]
    visit: Callable[..., None]
    links: list[Link] = field(default_factory=list)
    channels_last: bool = False
    reads_lengths: bool = False
    positions: int = 0

    def name(self, module: nn.Module, local: str) -> str | None:
        """The name in the whole network of a module's parameter, if it has it."""
        return self.network.name_of(module, local)

    def add(
        self,
        kind: str,
        shape: tuple[int, ...],
        sizes: tuple[int, ...] = (),
        module: nn.Module | None = None,
        *,
        names: Sequence[str | None] | None = None,
        table: Tensor | None = None,
        kept: int = 0,
        rows: int = 1,
    ) -> None:
        """One more link, to this shape; its parameters are a module's weight and bias, or those of these names."""
        if names is None:
            names = (
                (None, None) if module is None else [self.name(module, local) for local in ("weight", "bias")]
            )
        weight, bias, *more = (*names, None) if len(names) == 1 else names
        link = Link(
            kind=kind,
            before=math.prod(self.shape),
            after=math.prod(shape),
            sizes=sizes,
            weight=weight,
            bias=bias,
            more=tuple(name for name in more if name is not None),
            table=table,
            kept=kept,
            rows=rows,
        )
        self.links.append(link)
        self.shape = shape

    def turn(self, *, channels_last: bool) -> None:
        """Change the memory's order where it is another one and that makes a difference."""
        channels, places = self.shape[0], math.prod(self.shape[1:])
        if self.channels_last != channels_last and channels > 1 and places > 1:
            self.add("turn", self.shape, (channels, places) if channels_last else (places, channels))
        self.channels_last = channels_last

    def rearrange(self, view: Callable[[Tensor], Tensor]) -> None:
        """Go on with what `view` makes of a batch [B, ...]: the same values in other places, or zeros."""
        self.turn(channels_last=False)
        count = math.prod(self.shape)
        with torch.no_grad():
            numbered = view(torch.arange(1.0, count + 1, dtype=torch.float64).view(1, *self.shape))
        if numbered.shape[0] != 1 or numbered.dim() < 2:
            raise UnknownError("a view that mixes examples")
        table = numbered.to(torch.int64).flatten() - 1
        shape = tuple(numbered.shape[1:])
        if torch.equal(table, torch.arange(count)) and not self.positions:
            self.shape = shape
        else:
            self.add("places", shape, table=table.contiguous())

    def fuse_relu(self) -> None:
        """A ReLU after the last link, which must be one that can take it along."""
        last = self.links[-1] if self.links else None
        place = {"dense": 2, "convolution": 10}.get("" if last is None else last.kind)
        if last is None or place is None or last.sizes[place]:
            raise UnknownError("a ReLU by itself")
        self.links[-1] = replace(last, sizes=(*last.sizes[:place], 1, *last.sizes[place + 1 :]))
