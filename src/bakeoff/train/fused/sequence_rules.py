"""Sequences as chains of layers: rules for views, normalisation, Transformer blocks and the catalogue's Transformer."""

import math
import struct
from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional as F

from bakeoff.data.schema import Series, Tokens
from bakeoff.models.layers import views
from bakeoff.models.scalable import transformer
from bakeoff.train.fused.builder import UnknownError, Walk

#: Words are numbered in the batch by floats, which hold every whole number up to this one.
MOST_WORDS = 2**24


def bits_of(number: float) -> int:
    """A double's bits as the whole number that carries it to the compiled code."""
    return int(struct.unpack("q", struct.pack("d", number))[0])


def norm(walk: Walk, module: nn.LayerNorm) -> None:
    """A normalisation of each position's vector."""
    width = walk.shape[-1]
    names = [walk.name(module, local) for local in ("weight", "bias")]
    if tuple(module.normalized_shape) != (width,) or None in names:
        raise UnknownError("a normalisation of another form")
    walk.turn(channels_last=False)
    rows = math.prod(walk.shape[:-1])
    walk.add("norm", walk.shape, (rows, width, bits_of(module.eps)), names=names, kept=2 * rows, rows=rows)


def _block(
    walk: Walk,
    parts: list[tuple[nn.Module, str]],
    norms: tuple[nn.LayerNorm, nn.LayerNorm],
    heads: int,
    units: int,
) -> None:
    """A pre-norm block from its parts in the order of `BlockParameters`, with what stands before their names."""
    if len(walk.shape) != 2 or norms[0].eps != norms[1].eps:
        raise UnknownError("a block on something that is no sequence")
    names = [walk.name(part, prefix + kind) for part, prefix in parts for kind in ("weight", "bias")]
    if None in names:
        raise UnknownError("a block without some of its parameters")
    walk.turn(channels_last=False)
    steps, width = walk.shape
    kept = steps * (7 * width + units + 4 + 2 * heads)
    sizes = (steps, width, heads, units, bits_of(norms[0].eps))
    walk.add("block", walk.shape, sizes, names=names, kept=kept, rows=steps)


def block(walk: Walk, module: transformer.Block) -> None:
    """The catalogue's own block."""
    attention = module.attention
    parts = [module.norm1, attention.qkv, attention.out, module.norm2, module.up, module.down]
    norms = (module.norm1, module.norm2)
    _block(walk, [(part, "") for part in parts], norms, attention.heads, module.up.out_features)


def encoder_layer(walk: Walk, module: nn.TransformerEncoderLayer) -> None:
    """torch's block, where it is a pre-norm one with ReLU and without dropout."""
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
    _block(walk, parts, norms, attention.num_heads, module.linear1.out_features)


def view(walk: Walk, module: views.Steps | views.Patches) -> None:
    """An example as a sequence: its values in another order, or its words as vectors."""
    words = getattr(module, "embed", None)
    if words is None:
        walk.rearrange(lambda x: module(x))
    else:
        embedding(walk, words)


def embedding(walk: Walk, module: views.Embedding) -> None:
    """Words, of which the first is padding, as vectors."""
    count, width = module.table.weight.shape
    if len(walk.shape) != 1 or count > MOST_WORDS:
        raise UnknownError("words that a float cannot number")
    (steps,) = walk.shape
    names = [walk.name(module.table, "weight")]
    walk.add("embedding", (steps, width), (steps, width, count), names=names, rows=steps)


def features(walk: Walk, module: views.Features) -> None:
    """A table's features as vectors."""
    count, width = module.weight.shape
    if walk.shape != (count,):
        raise UnknownError("features of another number")
    walk.add("features", (count, width), (count, width), module, rows=count)


def offsets(walk: Walk, parameter: Tensor, name: str | None) -> None:
    """A parameter [T, D] (or [1, T, D]) that is added to every example's vectors."""
    shape = tuple(parameter.shape[1:] if parameter.dim() == len(walk.shape) + 1 else parameter.shape)
    if name is None or shape != walk.shape or parameter.numel() != math.prod(shape):
        raise UnknownError("a sum of different shapes")
    walk.turn(channels_last=False)
    walk.add("offsets", walk.shape, names=[name])


def mean(walk: Walk) -> None:
    """The mean over positions."""
    if len(walk.shape) != 2:
        raise UnknownError("a mean of something that is no sequence")
    walk.turn(channels_last=False)
    steps, width = walk.shape
    walk.add("mean", (width,), (steps, width))


def transformer_network(walk: Walk, module: transformer.Transformer) -> None:
    """The catalogue's Transformer."""
    if walk.reads_lengths:
        steps = module.elements
        if (
            not isinstance(steps, views.Steps)
            or not isinstance(steps.kind, Tokens | Series)
            or steps.frame > 1
        ):
            raise UnknownError("lengths of something that is no text and no series, or of a series in frames")
        walk.positions = steps.steps
    if module.elements is not None:
        walk.visit(walk, module.elements)
    walk.visit(walk, module.embed)
    offsets(walk, module.positions, walk.name(module, "positions"))
    for part in (*module.blocks, module.norm):
        walk.visit(walk, part)
    mean(walk)
    walk.visit(walk, module.head)


RULES: dict[type[nn.Module], Callable[..., None]] = {
    nn.LayerNorm: norm,
    nn.TransformerEncoderLayer: encoder_layer,
    transformer.Block: block,
    transformer.Transformer: transformer_network,
    views.Steps: view,
    views.Patches: view,
    views.Features: features,
}
