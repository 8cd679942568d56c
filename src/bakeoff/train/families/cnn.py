"""The convolutional networks: stages of convolutions, then every position's features and each channel's maximum."""

import math

import torch
from torch import Tensor, nn

from bakeoff.models.scalable.cnn import Convolution1d, Convolution2d
from bakeoff.train.families.rules import FamilyRules, Rules
from bakeoff.train.families.views import is_real
from bakeoff.train.fused.builder import ProgramBuilder
from bakeoff.train.fused.layers import pool
from bakeoff.train.kernels import operators
from bakeoff.train.replicas.module import NetworkStack


def stacked_1d(
    stack: NetworkStack, module: Convolution1d, x: Tensor, lengths: Tensor | None = None
) -> Tensor:
    x = stack.call(module.line, x, lengths)
    for stage in module.stages:
        x = stack.call(stage, x, relu=True)
        assert isinstance(stage, nn.Conv1d)
        if lengths is not None:
            lengths = ((lengths + 2 - stage.kernel_size[0]) // 2 + 1).clamp(min=1)
            x = x * is_real(lengths, x.shape[-1])[:, :, None, :]
    return stack.call(module.head, where_and_whether(x))


def compiled_1d(builder: ProgramBuilder, module: Convolution1d) -> None:
    builder.visit(module.line)
    for stage in module.stages:
        builder.visit(stage, relu=True)
    add_where_and_whether(builder)
    builder.visit(module.head)


def stacked_2d(stack: NetworkStack, module: Convolution2d, x: Tensor) -> Tensor:
    for stage in module.stages:
        x = operators.max_pool2d(stack.call(stage, x, relu=True), size=2)
    return stack.call(module.head, where_and_whether(x.flatten(3)))


def compiled_2d(builder: ProgramBuilder, module: Convolution2d) -> None:
    for stage in module.stages:
        builder.visit(stage, relu=True)
        pool(builder, 2)
    add_where_and_whether(builder)
    builder.visit(module.head)


def where_and_whether(x: Tensor) -> Tensor:
    """[R, B, C, P] to every position's features and each channel's maximum."""
    return torch.cat((x.flatten(2), x.amax(3)), dim=2)


def add_where_and_whether(builder: ProgramBuilder) -> None:
    """The same as an op."""
    channels, positions = builder.shape[0], math.prod(builder.shape[1:])
    builder.transpose(channels_last=True)
    builder.add("summary", (channels * (positions + 1),), (positions, channels))


RULES: FamilyRules = {
    Convolution1d: Rules(stacked=stacked_1d, compiled=compiled_1d),
    Convolution2d: Rules(stacked=stacked_2d, compiled=compiled_2d),
}
