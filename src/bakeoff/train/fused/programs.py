"""Compiles a network that is a chain of layers into a program (`bakeoff.train.kernels.chain`).

The compiled code trains such a program without autograd, many steps in one call. Each kind of module has a rule that
follows its forward and adds one `Op` a layer; a user's module without a rule is traced once (`tracing`). Networks
that cannot be compiled are trained through autograd. A user's network is compiled where it consists of layers with a
rule, one after the other, in an `nn.Sequential` or in a forward.
"""

import math
from collections.abc import Callable

import torch
from torch import nn

from bakeoff.data.schema import Tokens
from bakeoff.models.layers import views
from bakeoff.models.scalable import cnn, linear, mlp
from bakeoff.train.folds import StackData
from bakeoff.train.fused import sequence_rules
from bakeoff.train.fused.builder import ProgramBuilder, UnknownError
from bakeoff.train.fused.tracing import agrees, trace
from bakeoff.train.kernels import native
from bakeoff.train.kernels.chain import Program
from bakeoff.train.replicas.layers import geometry, square_of
from bakeoff.train.replicas.module import NetworkStack


def compile_program(network: NetworkStack, data: StackData) -> Program | None:
    """The network as a program; None where the network, the data or this machine does not allow it."""
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
    builder = ProgramBuilder(
        network=network, shape=tuple(inputs.shape[1:]), visit=_visit, reads_lengths=reads_lengths
    )
    known = type(network.template) in KNOWN
    try:
        if known:
            _visit(builder, network.template)
        else:
            trace(builder, network.template, KNOWN)
    except UnknownError:
        return None
    if bool(builder.positions) != reads_lengths:
        return None
    program = Program.of(builder.ops, builder.positions) if builder.shape == (data.outputs,) else None
    return program if program is None or known or agrees(program, network, data) else None


def _visit(builder: ProgramBuilder, module: nn.Module, *, relu: bool = False) -> None:
    known = KNOWN.get(type(module))
    if known is None:
        raise UnknownError(type(module).__name__)
    if isinstance(module, FUSES_RELU):
        known(builder, module, relu)
    else:
        known(builder, module)


def _series_of(builder: ProgramBuilder, parts: list[nn.Module]) -> None:
    while parts:
        part = parts.pop(0)
        relu = isinstance(part, FUSES_RELU) and bool(parts) and type(parts[0]) is nn.ReLU
        _visit(builder, part, relu=relu)
        if relu:
            parts.pop(0)


def _dense(builder: ProgramBuilder, module: nn.Linear, relu: bool) -> None:
    if builder.shape[-1] != module.in_features:
        raise UnknownError("a linear layer for inputs of another size")
    builder.transpose(channels_last=False)
    rows = math.prod(builder.shape[:-1])
    sizes = (module.in_features, module.out_features, int(relu), rows)
    builder.add("dense", (*builder.shape[:-1], module.out_features), sizes, module, rows=rows)


def _convolution(builder: ProgramBuilder, module: nn.Conv1d | nn.Conv2d, relu: bool) -> None:
    stride, padding, plain = geometry(module)
    if not plain or len(builder.shape) != 1 + len(stride) or builder.shape[0] != module.in_channels:
        raise UnknownError("a convolution with groups, dilation or another frame")
    builder.transpose(channels_last=True)
    ones = (1,) * (2 - len(stride))  # a series is an image of height 1
    kernel, positions = (*ones, *module.kernel_size), (*ones, *builder.shape[1:])
    stride, padding = (*ones, *stride), (*(0,) * len(ones), *padding)
    out = tuple(
        (positions[i] + 2 * padding[i] - kernel[i]) // stride[i] + 1 for i in range(2 - len(module.stride), 2)
    )
    if min(out) < 1:
        raise UnknownError("a kernel larger than its input")
    sizes = (module.in_channels, *positions, module.out_channels, *kernel, *stride, *padding, int(relu))
    builder.add("convolution", (module.out_channels, *out), sizes, module)


def _pool(builder: ProgramBuilder, size: int) -> None:
    builder.transpose(channels_last=True)
    channels, height, width = builder.shape
    if min(height, width) < size:
        raise UnknownError("a pooling larger than its input")
    builder.add("pool", (channels, height // size, width // size), (height, width, channels, size))


def _max_pool(builder: ProgramBuilder, module: nn.MaxPool2d) -> None:
    size = square_of(module)
    if size is None or len(builder.shape) != 3:
        raise UnknownError("a pooling of another form")
    _pool(builder, size)


def _flatten(builder: ProgramBuilder, module: nn.Flatten | None = None) -> None:
    if module is not None and (module.start_dim, module.end_dim) != (1, -1):
        raise UnknownError("a flatten of some axes")
    builder.transpose(channels_last=False)
    builder.shape = (math.prod(builder.shape),)


def _dropout(builder: ProgramBuilder, module: nn.Dropout) -> None:
    if module.p > 0:
        raise UnknownError("dropout")


def _row(builder: ProgramBuilder, module: views.Flattened) -> None:
    if module.embed is not None:
        raise UnknownError("an embedding")
    _flatten(builder)


def _where_and_whether(builder: ProgramBuilder) -> None:
    channels, positions = builder.shape[0], math.prod(builder.shape[1:])
    builder.transpose(channels_last=True)
    builder.add("summary", (channels * (positions + 1),), (positions, channels))


def _linear_network(builder: ProgramBuilder, module: linear.Linear) -> None:
    _row(builder, module.row)
    _visit(builder, module.out)


def _mlp_network(builder: ProgramBuilder, module: mlp.MLP) -> None:
    _row(builder, module.row)
    _visit(builder, module.layers)


def _convolution1d(builder: ProgramBuilder, module: cnn.Convolution1d) -> None:
    if module.line.embed is not None:
        raise UnknownError("an embedding")
    for stage in module.stages:
        _visit(builder, stage, relu=True)
    _where_and_whether(builder)
    _visit(builder, module.head)


def _convolution2d(builder: ProgramBuilder, module: cnn.Convolution2d) -> None:
    for stage in module.stages:
        _visit(builder, stage, relu=True)
        _pool(builder, 2)
    _where_and_whether(builder)
    _visit(builder, module.head)


FUSES_RELU = (nn.Linear, nn.Conv1d, nn.Conv2d)
KNOWN: dict[type[nn.Module], Callable[..., None]] = {
    nn.Sequential: lambda builder, module: _series_of(builder, list(module)),
    nn.Linear: _dense,
    nn.Conv1d: _convolution,
    nn.Conv2d: _convolution,
    nn.MaxPool2d: _max_pool,
    nn.Flatten: _flatten,
    nn.Identity: lambda builder, module: None,
    nn.Dropout: _dropout,
    linear.Linear: _linear_network,
    mlp.MLP: _mlp_network,
    cnn.Convolution1d: _convolution1d,
    cnn.Convolution2d: _convolution2d,
    **sequence_rules.RULES,
}
