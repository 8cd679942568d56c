"""Which networks are chains of layers that the compiled code trains in one call (`bakeoff.train.kernels.chain`).

A rule a kind of module walks through it the way its forward does and writes down a `Link` a layer; an own module
without a rule is traced once (`tracing`). Whatever nobody knows here, the stack takes through autograd. An own
network in a chain needs no more than layers with a rule, one after the other, in an `nn.Sequential` or in a forward.
"""

import math
from collections.abc import Callable

import torch
from torch import nn

from bakeoff.data.schema import Tokens
from bakeoff.models.layers import views
from bakeoff.models.scalable import cnn, linear, mlp
from bakeoff.train.fused import sequence_rules
from bakeoff.train.fused.builder import UnknownError, Walk
from bakeoff.train.fused.tracing import agrees, trace
from bakeoff.train.kernels import native
from bakeoff.train.kernels.chain import Program
from bakeoff.train.replicas.layers import geometry, square_of
from bakeoff.train.replicas.module import NetworkStack
from bakeoff.train.tensors import TrainingData


def program_of(network: NetworkStack, data: TrainingData) -> Program | None:
    """The network as a program, or None where it, the data or this machine is not made for it."""
    parameters = list(network.parameters.values())
    if not len(data.train) or not parameters or not native.takes(*parameters):
        return None
    inputs, _, lengths = data.train.at(torch.zeros(1, dtype=torch.int64))
    is_text = isinstance(data.schema.input, Tokens)
    if len(network.tensors) > len(parameters) or not (is_text or native.takes(inputs)):
        return None
    if any(part._forward_hooks or part._forward_pre_hooks for part in network.template.modules()):
        return None
    reads_lengths = lengths is not None and network.takes_lengths
    walk = Walk(network=network, shape=tuple(inputs.shape[1:]), visit=_visit, reads_lengths=reads_lengths)
    known = type(network.template) in KNOWN
    try:
        if known:
            _visit(walk, network.template)
        else:
            trace(walk, network.template, KNOWN)
    except UnknownError:
        return None
    if bool(walk.positions) != reads_lengths:
        return None
    program = Program.of(walk.links, walk.positions) if walk.shape == (data.outputs,) else None
    return program if program is None or known or agrees(program, network, data) else None


def _visit(walk: Walk, module: nn.Module, *, relu: bool = False) -> None:
    known = KNOWN.get(type(module))
    if known is None:
        raise UnknownError(type(module).__name__)
    if isinstance(module, FUSES_RELU):
        known(walk, module, relu)
    else:
        known(walk, module)


def _series_of(walk: Walk, parts: list[nn.Module]) -> None:
    while parts:
        part = parts.pop(0)
        relu = isinstance(part, FUSES_RELU) and bool(parts) and type(parts[0]) is nn.ReLU
        _visit(walk, part, relu=relu)
        if relu:
            parts.pop(0)


def _dense(walk: Walk, module: nn.Linear, relu: bool) -> None:
    if walk.shape[-1] != module.in_features:
        raise UnknownError("a linear layer for inputs of another size")
    walk.turn(channels_last=False)
    rows = math.prod(walk.shape[:-1])
    sizes = (module.in_features, module.out_features, int(relu), rows)
    walk.add("dense", (*walk.shape[:-1], module.out_features), sizes, module, rows=rows)


def _convolution(walk: Walk, module: nn.Conv1d | nn.Conv2d, relu: bool) -> None:
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


def _pool(walk: Walk, size: int) -> None:
    walk.turn(channels_last=True)
    channels, height, width = walk.shape
    if min(height, width) < size:
        raise UnknownError("a pooling larger than its input")
    walk.add("pool", (channels, height // size, width // size), (height, width, channels, size))


def _max_pool(walk: Walk, module: nn.MaxPool2d) -> None:
    size = square_of(module)
    if size is None or len(walk.shape) != 3:
        raise UnknownError("a pooling of another form")
    _pool(walk, size)


def _flatten(walk: Walk, module: nn.Flatten | None = None) -> None:
    if module is not None and (module.start_dim, module.end_dim) != (1, -1):
        raise UnknownError("a flatten of some axes")
    walk.turn(channels_last=False)
    walk.shape = (math.prod(walk.shape),)


def _dropout(walk: Walk, module: nn.Dropout) -> None:
    if module.p > 0:
        raise UnknownError("dropout")


def _row(walk: Walk, module: views.Row) -> None:
    if module.embed is not None:
        raise UnknownError("an embedding")
    _flatten(walk)


def _where_and_whether(walk: Walk) -> None:
    channels, places = walk.shape[0], math.prod(walk.shape[1:])
    walk.turn(channels_last=True)
    walk.add("summary", (channels * (places + 1),), (places, channels))


def _linear_network(walk: Walk, module: linear.Linear) -> None:
    _row(walk, module.row)
    _visit(walk, module.out)


def _mlp_network(walk: Walk, module: mlp.MLP) -> None:
    _row(walk, module.row)
    _visit(walk, module.layers)


def _convolution1d(walk: Walk, module: cnn.Convolution1d) -> None:
    if module.line.embed is not None:
        raise UnknownError("an embedding")
    for stage in module.stages:
        _visit(walk, stage, relu=True)
    _where_and_whether(walk)
    _visit(walk, module.head)


def _convolution2d(walk: Walk, module: cnn.Convolution2d) -> None:
    for stage in module.stages:
        _visit(walk, stage, relu=True)
        _pool(walk, 2)
    _where_and_whether(walk)
    _visit(walk, module.head)


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
    **sequence_rules.RULES,
}
