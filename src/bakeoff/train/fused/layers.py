"""Rules that compile torch's own layers, and the ops that own rules share: pooling, offsets, means, blocks."""

import math
import struct
from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional as F

from bakeoff.train.fused.builder import CompiledRule, ProgramBuilder, UnknownError
from bakeoff.train.replicas.layers import FUSES_RELU, geometry, square_of


def sequential(builder: ProgramBuilder, module: nn.Sequential) -> None:
    parts = list(module)
    while parts:
        part = parts.pop(0)
        if isinstance(part, FUSES_RELU) and parts and type(parts[0]) is nn.ReLU:
            parts.pop(0)
            builder.visit(part, relu=True)
        else:
            builder.visit(part)


def identity(builder: ProgramBuilder, module: nn.Identity) -> None:
    """Nothing to do."""


def dense(builder: ProgramBuilder, module: nn.Linear, *, relu: bool = False) -> None:
    if builder.shape[-1] != module.in_features:
        raise UnknownError("a linear layer for inputs of another size")
    builder.transpose(channels_last=False)
    rows = math.prod(builder.shape[:-1])
    sizes = (module.in_features, module.out_features, int(relu), rows)
    builder.add("dense", (*builder.shape[:-1], module.out_features), sizes, module, rows=rows)


def convolution(builder: ProgramBuilder, module: nn.Conv1d | nn.Conv2d, *, relu: bool = False) -> None:
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


def pool(builder: ProgramBuilder, size: int) -> None:
    """The largest value of each square."""
    builder.transpose(channels_last=True)
    channels, height, width = builder.shape
    if min(height, width) < size:
        raise UnknownError("a pooling larger than its input")
    builder.add("pool", (channels, height // size, width // size), (height, width, channels, size))


def max_pool(builder: ProgramBuilder, module: nn.MaxPool2d) -> None:
    size = square_of(module)
    if size is None or len(builder.shape) != 3:
        raise UnknownError("a pooling of another form")
    pool(builder, size)


def flatten(builder: ProgramBuilder, module: nn.Flatten | None = None) -> None:
    """All values of an example in a row, channels first."""
    if module is not None and (module.start_dim, module.end_dim) != (1, -1):
        raise UnknownError("a flatten of some axes")
    builder.transpose(channels_last=False)
    builder.shape = (math.prod(builder.shape),)


def dropout(builder: ProgramBuilder, module: nn.Dropout) -> None:
    if module.p > 0:
        raise UnknownError("dropout")


def bits_of(number: float) -> int:
    """The bits of a float64 as an integer, in which form the compiled code gets it."""
    return int(struct.unpack("q", struct.pack("d", number))[0])


def norm(builder: ProgramBuilder, module: nn.LayerNorm) -> None:
    """A normalisation of each position's vector."""
    width = builder.shape[-1]
    names = [builder.name(module, local) for local in ("weight", "bias")]
    if tuple(module.normalized_shape) != (width,) or None in names:
        raise UnknownError("a normalisation of another form")
    builder.transpose(channels_last=False)
    rows = math.prod(builder.shape[:-1])
    builder.add("norm", builder.shape, (rows, width, bits_of(module.eps)), names=names, rows=rows)


def add_block(
    builder: ProgramBuilder,
    parts: list[tuple[nn.Module, str]],
    norms: tuple[nn.LayerNorm, nn.LayerNorm],
    heads: int,
    units: int,
) -> None:
    """A pre-norm block: its parts in the order of `BlockParameters`, each with the prefix of its parameters' names."""
    if len(builder.shape) != 2 or norms[0].eps != norms[1].eps:
        raise UnknownError("a block on something that is no sequence")
    names = [builder.name(part, prefix + kind) for part, prefix in parts for kind in ("weight", "bias")]
    if None in names:
        raise UnknownError("a block without some of its parameters")
    builder.transpose(channels_last=False)
    steps, width = builder.shape
    sizes = (steps, width, heads, units, bits_of(norms[0].eps))
    builder.add("block", builder.shape, sizes, names=names, rows=steps)


def encoder_layer(builder: ProgramBuilder, module: nn.TransformerEncoderLayer) -> None:
    """torch's encoder layer, where it is pre-norm, with ReLU and without dropout."""
    attention = module.self_attn
    dropouts = [module.dropout.p, module.dropout1.p, module.dropout2.p, attention.dropout]
    relu = module.activation is F.relu or isinstance(module.activation, nn.ReLU)
    if not (module.norm_first and attention.batch_first and relu) or any(dropouts):
        raise UnknownError("a Transformer layer of another form")
    parts: list[tuple[nn.Module, str]] = [
        (module.norm1, ""),
        (attention, "in_proj_"),
        (attention.out_proj, ""),
    ]
    parts += [(module.norm2, ""), (module.linear1, ""), (module.linear2, "")]
    norms = (module.norm1, module.norm2)
    add_block(builder, parts, norms, attention.num_heads, module.linear1.out_features)


def offsets(builder: ProgramBuilder, parameter: Tensor, name: str | None) -> None:
    """A parameter [T, D] (or [1, T, D]) that is added to every example's vectors."""
    shape = tuple(parameter.shape[1:] if parameter.dim() == len(builder.shape) + 1 else parameter.shape)
    if name is None or shape != builder.shape or parameter.numel() != math.prod(shape):
        raise UnknownError("a sum of different shapes")
    builder.transpose(channels_last=False)
    builder.add("offsets", builder.shape, names=[name])


def mean(builder: ProgramBuilder) -> None:
    """The mean over positions."""
    if len(builder.shape) != 2:
        raise UnknownError("a mean of something that is no sequence")
    builder.transpose(channels_last=False)
    steps, width = builder.shape
    builder.add("mean", (width,), (steps, width))


RULES: Mapping[type[nn.Module], CompiledRule] = {
    nn.Sequential: sequential,
    nn.Identity: identity,
    nn.Linear: dense,
    nn.Conv1d: convolution,
    nn.Conv2d: convolution,
    nn.MaxPool2d: max_pool,
    nn.Flatten: flatten,
    nn.Dropout: dropout,
    nn.LayerNorm: norm,
    nn.TransformerEncoderLayer: encoder_layer,
}
