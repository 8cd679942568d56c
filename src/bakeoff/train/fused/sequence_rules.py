"""Rules that compile networks of sequences: views, normalisation, Transformer blocks, the catalogue's Transformer."""

import math
import struct
from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional as F

from bakeoff.data.schema import Series, Tokens
from bakeoff.models.layers import views
from bakeoff.models.scalable import transformer
from bakeoff.train.fused.builder import ProgramBuilder, UnknownError

#: The largest vocabulary: token ids are passed as float32, which represents whole numbers exactly up to this one.
MOST_WORDS = 2**24


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
    builder.add(
        "norm", builder.shape, (rows, width, bits_of(module.eps)), names=names, saved=2 * rows, rows=rows
    )


def _block(
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
    saved = steps * (7 * width + units + 4 + 2 * heads)
    sizes = (steps, width, heads, units, bits_of(norms[0].eps))
    builder.add("block", builder.shape, sizes, names=names, saved=saved, rows=steps)


def block(builder: ProgramBuilder, module: transformer.Block) -> None:
    """The catalogue's own block."""
    attention = module.attention
    parts = [module.norm1, attention.qkv, attention.out, module.norm2, module.up, module.down]
    norms = (module.norm1, module.norm2)
    _block(builder, [(part, "") for part in parts], norms, attention.heads, module.up.out_features)


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
    _block(builder, parts, norms, attention.num_heads, module.linear1.out_features)


def view(builder: ProgramBuilder, module: views.StepSequence | views.Patches) -> None:
    """An example as a sequence: its values in another order, or its tokens as vectors."""
    words = getattr(module, "embed", None)
    if words is None:
        builder.rearrange(lambda x: module(x))
    else:
        embedding(builder, words)


def embedding(builder: ProgramBuilder, module: views.Embedding) -> None:
    """Tokens as vectors; token 0 is padding."""
    count, width = module.table.weight.shape
    if len(builder.shape) != 1 or count > MOST_WORDS:
        raise UnknownError("words that a float cannot number")
    (steps,) = builder.shape
    names = [builder.name(module.table, "weight")]
    builder.add("embedding", (steps, width), (steps, width, count), names=names, rows=steps)


def features(builder: ProgramBuilder, module: views.Features) -> None:
    """A table's features as vectors."""
    count, width = module.weight.shape
    if builder.shape != (count,):
        raise UnknownError("features of another number")
    builder.add("features", (count, width), (count, width), module, rows=count)


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


def transformer_network(builder: ProgramBuilder, module: transformer.Transformer) -> None:
    """The catalogue's Transformer."""
    if builder.reads_lengths:
        steps = module.elements
        if (
            not isinstance(steps, views.StepSequence)
            or not isinstance(steps.kind, Tokens | Series)
            or steps.frame > 1
        ):
            raise UnknownError("lengths of something that is no text and no series, or of a series in frames")
        builder.positions = steps.steps
    if module.elements is not None:
        builder.visit(builder, module.elements)
    builder.visit(builder, module.embed)
    offsets(builder, module.positions, builder.name(module, "positions"))
    for part in (*module.blocks, module.norm):
        builder.visit(builder, part)
    mean(builder)
    builder.visit(builder, module.head)


RULES: dict[type[nn.Module], Callable[..., None]] = {
    nn.LayerNorm: norm,
    nn.TransformerEncoderLayer: encoder_layer,
    transformer.Block: block,
    transformer.Transformer: transformer_network,
    views.StepSequence: view,
    views.Patches: view,
    views.Features: features,
}
