"""The builder of a program: the ops of a network that is a chain of layers (see `bakeoff.train.fused.programs`).

A rule gets the builder and the plain module; it follows the module's forward, adds one op a layer with `builder.add`,
and has inner modules add theirs with `builder.visit`. It raises `UnknownError` where the compiled code cannot do it.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from bakeoff.train.kernels import native
from bakeoff.train.kernels.chain import Op
from bakeoff.train.replicas.module import NetworkStack

#: Gets the builder and a module, and adds the module's ops.
CompiledRule = Callable[..., None]


class UnknownError(Exception):
    """This module cannot be compiled."""


@dataclass
class ProgramBuilder:
    """Collects the ops of a program, layer by layer.

    Attributes:
        network: whose template is compiled.
        shape: of the present activations of one example, as torch would have it (channels first).
        rules: by the class of a module (not of classes derived from it).
        ops: so far.
        channels_last: whether the activations lie channels last in memory, not in torch's order.
        reads_lengths: whether the network takes true lengths as an input.
        positions: of a sequence, where true lengths say how many of them are real; else 0.
    """

    network: NetworkStack
    shape: tuple[int, ...]
    rules: Mapping[type[nn.Module], CompiledRule]
    ops: list[Op] = field(default_factory=list)
    channels_last: bool = False
    reads_lengths: bool = False
    positions: int = 0

    def visit(self, module: nn.Module, **options: bool) -> None:
        """Add a module's ops, by the rule of its class; `relu=True` where a ReLU is computed with the layer."""
        rule = self.rules.get(type(module))
        if rule is None:
            raise UnknownError(type(module).__name__)
        rule(self, module, **options)

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
        rows: int = 1,
    ) -> None:
        """Add an op whose output has this shape; its parameters are `module`'s weight and bias, or those of `names`."""
        if names is None:
            names = (
                (None, None) if module is None else [self.name(module, local) for local in ("weight", "bias")]
            )
        weight, bias, *more = (*names, None) if len(names) == 1 else names
        op = Op(
            kind=kind,
            before=math.prod(self.shape),
            after=math.prod(shape),
            sizes=sizes,
            weight=weight,
            bias=bias,
            more=tuple(name for name in more if name is not None),
            table=table,
            rows=rows,
        )
        self.ops.append(op)
        self.shape = shape

    def transpose(self, *, channels_last: bool) -> None:
        """Add a transposition to this memory order, where it is another one and the data differ in it."""
        channels, positions = self.shape[0], math.prod(self.shape[1:])
        if self.channels_last != channels_last and channels > 1 and positions > 1:
            self.add(
                "transpose", self.shape, (channels, positions) if channels_last else (positions, channels)
            )
        self.channels_last = channels_last

    def rearrange(self, view: Callable[[Tensor], Tensor]) -> None:
        """Add the op of a `view` of a batch [B, ...]: the same values in another order, or zeros among them."""
        self.transpose(channels_last=False)
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
            self.add("gather", shape, table=table.contiguous())

    def fuse_relu(self) -> None:
        """Apply a ReLU after the last op, which must be one that can include it."""
        last = self.ops[-1] if self.ops else None
        place = None if last is None else native.limits().relu_places.get(last.kind)
        if last is None or place is None or last.sizes[place]:
            raise UnknownError("a ReLU by itself")
        self.ops[-1] = replace(last, sizes=(*last.sizes[:place], 1, *last.sizes[place + 1 :]))
