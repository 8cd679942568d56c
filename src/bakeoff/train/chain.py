"""Which networks are chains of layers that the compiled code trains in one call (`bakeoff.train.kernels.chain`).

`links_of` walks a plain module the way its forward does and writes down a `Link` a layer; whatever it does not know,
it gives up, and the stack takes its steps through autograd. An own module in a chain needs no more than to be an
`nn.Sequential` of the layers that are listed here.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import nn

from bakeoff.models import cnn, linear, mlp, views
from bakeoff.train.data import TrainingData
from bakeoff.train.kernels import native
from bakeoff.train.kernels.chain import Link, Program
from bakeoff.train.network import NetworkStack
from bakeoff.train.rules import geometry, square_of


class UnknownError(Exception):
    """This module is no chain that the compiled code knows."""


@dataclass
class _Walk:
    """How far the chain has come: `shape` is what torch would have now (channels first), without the batch."""

    network: NetworkStack
    shape: tuple[int, ...]
    links: list[Link] = field(default_factory=list)
    #: Whether a shape of several axes lies channels last in memory.
    channels_last: bool = False

    def name(self, module: nn.Module, local: str) -> str | None:
        return self.network.name_of(module, local)

    def add(
        self, kind: str, shape: tuple[int, ...], sizes: tuple[int, ...], module: nn.Module | None = None
    ) -> None:
        weight, bias = (None if module is None else self.name(module, name) for name in ("weight", "bias"))
        link = Link(
            kind=kind,
            before=math.prod(self.shape),
            after=math.prod(shape),
            sizes=sizes,
            weight=weight,
            bias=bias,
        )
        self.links.append(link)
        self.shape = shape

    def turn(self, *, channels_last: bool) -> None:
        """Change the memory's order where it is another one and that makes a difference."""
        channels, places = self.shape[0], math.prod(self.shape[1:])
        if self.channels_last != channels_last and channels > 1 and places > 1:
            self.add("turn", self.shape, (channels, places) if channels_last else (places, channels))
        self.channels_last = channels_last


def program_of(network: NetworkStack, data: TrainingData) -> Program | None:
    """The network as a program, or None where it, the data or this machine is not made for it."""
    parameters = list(network.parameters.values())
    if not len(data.train) or not parameters or not native.takes(*parameters):
        return None
    inputs, _, lengths = data.train.at(torch.zeros(1, dtype=torch.int64))
    reads_lengths = lengths is not None and network.takes_lengths
    if reads_lengths or len(network.tensors) > len(parameters) or not native.takes(inputs):
        return None
    if any(part._forward_hooks or part._forward_pre_hooks for part in network.template.modules()):
        return None
    walk = _Walk(network=network, shape=tuple(inputs.shape[1:]))
    try:
        _walk(walk, network.template)
    except UnknownError:
        return None
    return Program.of(walk.links) if walk.shape == (data.outputs,) else None


def _walk(walk: _Walk, module: nn.Module, *, relu: bool = False) -> None:
    known = KNOWN.get(type(module))
    if known is None:
        raise UnknownError(type(module).__name__)
    if isinstance(module, FUSES_RELU):
        known(walk, module, relu)
    else:
        known(walk, module)


def _series_of(walk: _Walk, parts: list[nn.Module]) -> None:
    while parts:
        part = parts.pop(0)
        relu = isinstance(part, FUSES_RELU) and bool(parts) and type(parts[0]) is nn.ReLU
        _walk(walk, part, relu=relu)
        if relu:
            parts.pop(0)


def _dense(walk: _Walk, module: nn.Linear, relu: bool) -> None:
    if walk.shape != (module.in_features,):
        raise UnknownError("a linear layer over several positions")
    walk.add("dense", (module.out_features,), (module.in_features, module.out_features, int(relu)), module)


def _convolution(walk: _Walk, module: nn.Conv1d | nn.Conv2d, relu: bool) -> None:
    stride, padding, plain = geometry(module)
    if not plain or len(walk.shape) != 1 + len(stride) or walk.shape[0] != module.in_channels:
        raise UnknownError("a convolution with groups, dilation or another frame")
    walk.turn(channels_last=True)
    ones = (1,) * (2 - len(stride))  # a series is an image of height 1
    kernel, places = (*ones, *module.kernel_size), (*ones, *walk.shape[1:])
    stride, padding = (*ones, *stride), (*(0,) * len(ones), *padding)
    out = tuple(
        (places[i] + 2 * padding[i] - kernel[i]) // stride[i] + 1 for i in range(2 - len(module.stride), 2)
    )
    if min(out) < 1:
        raise UnknownError("a kernel larger than its input")
    sizes = (module.in_channels, *places, module.out_channels, *kernel, *stride, *padding, int(relu))
    walk.add("convolution", (module.out_channels, *out), sizes, module)


def _pool(walk: _Walk, size: int) -> None:
    walk.turn(channels_last=True)
    channels, height, width = walk.shape
    if min(height, width) < size:
        raise UnknownError("a pooling larger than its input")
    walk.add("pool", (channels, height // size, width // size), (height, width, channels, size))


def _max_pool(walk: _Walk, module: nn.MaxPool2d) -> None:
    size = square_of(module)
    if size is None or len(walk.shape) != 3:
        raise UnknownError("a pooling of another form")
    _pool(walk, size)


def _flatten(walk: _Walk, module: nn.Flatten | None = None) -> None:
    if module is not None and (module.start_dim, module.end_dim) != (1, -1):
        raise UnknownError("a flatten of some axes")
    walk.turn(channels_last=False)
    walk.shape = (math.prod(walk.shape),)


def _dropout(walk: _Walk, module: nn.Dropout) -> None:
    if module.p > 0:
        raise UnknownError("dropout")


def _row(walk: _Walk, module: views.Row) -> None:
    if module.embed is not None:
        raise UnknownError("an embedding")
    _flatten(walk)


def _where_and_whether(walk: _Walk) -> None:
    channels, places = walk.shape[0], math.prod(walk.shape[1:])
    walk.turn(channels_last=True)
    walk.add("summary", (channels * (places + 1),), (places, channels))


def _linear_network(walk: _Walk, module: linear.Linear) -> None:
    _row(walk, module.row)
    _walk(walk, module.out)


def _mlp_network(walk: _Walk, module: mlp.MLP) -> None:
    _row(walk, module.row)
    _walk(walk, module.layers)


def _convolution1d(walk: _Walk, module: cnn.Convolution1d) -> None:
    if module.line.embed is not None:
        raise UnknownError("an embedding")
    for stage in module.stages:
        _walk(walk, stage, relu=True)
    _where_and_whether(walk)
    _walk(walk, module.head)


def _convolution2d(walk: _Walk, module: cnn.Convolution2d) -> None:
    for stage in module.stages:
        _walk(walk, stage, relu=True)
        _pool(walk, 2)
    _where_and_whether(walk)
    _walk(walk, module.head)


FUSES_RELU = (nn.Linear, nn.Conv1d, nn.Conv2d)
KNOWN: dict[type[nn.Module], Callable[..., None]] = {
    nn.Sequential: lambda walk, module: _series_of(walk, list(module)),
    nn.Linear: _dense,
    nn.Conv1d: _convolution,
    nn.Conv2d: _convolution,
    nn.MaxPool2d: _max_pool,
    nn.Flatten: _flatten,
    nn.Identity: lambda walk, module: None,
    nn.Dropout: _dropout,
    linear.Linear: _linear_network,
    mlp.MLP: _mlp_network,
    cnn.Convolution1d: _convolution1d,
    cnn.Convolution2d: _convolution2d,
}
