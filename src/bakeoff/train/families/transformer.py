"""The Transformer encoder: elements as vectors with positions, pre-norm blocks, the mean over the real elements."""

from torch import Tensor

from bakeoff.data.schema import Series, Tokens
from bakeoff.models.layers.views import StepSequence
from bakeoff.models.scalable.transformer import Block, Transformer
from bakeoff.train.families.rules import FamilyRules, Rules
from bakeoff.train.families.views import is_real, without_padding
from bakeoff.train.fused.builder import ProgramBuilder, UnknownError
from bakeoff.train.fused.layers import add_block, mean, offsets
from bakeoff.train.kernels import operators
from bakeoff.train.replicas.module import NetworkStack


def stacked(stack: NetworkStack, module: Transformer, x: Tensor, lengths: Tensor | None = None) -> Tensor:
    real = None
    if isinstance(module.elements, StepSequence):
        x = stack.call(module.elements, without_padding(module.elements, x, lengths), lengths)
        real = None if lengths is None else is_real(module.elements.lengths(lengths), x.shape[2])
    elif module.elements is not None:
        x = stack.call(module.elements, x)
    x = stack.call(module.embed, x) + stack.of(module, "positions")[:, None, : x.shape[2]]
    for part in module.blocks:
        x = stack.call(part, x, real)
    x = stack.call(module.norm, x)
    if real is None:
        return stack.call(module.head, x.mean(2))
    return stack.call(module.head, (x * real[..., None]).sum(2) / real.sum(2, keepdim=True))


def compiled(builder: ProgramBuilder, module: Transformer) -> None:
    if builder.reads_lengths:
        steps = module.elements
        if (
            not isinstance(steps, StepSequence)
            or not isinstance(steps.kind, Tokens | Series)
            or steps.frame > 1
        ):
            raise UnknownError("lengths of something that is no text and no series, or of a series in frames")
        builder.positions = steps.steps
    if module.elements is not None:
        builder.visit(module.elements)
    builder.visit(module.embed)
    offsets(builder, module.positions, builder.name(module, "positions"))
    for part in (*module.blocks, module.norm):
        builder.visit(part)
    mean(builder)
    builder.visit(module.head)


def stacked_block(stack: NetworkStack, module: Block, x: Tensor, real: Tensor | None = None) -> Tensor:
    parts = {
        "norm1": module.norm1,
        "qkv": module.attention.qkv,
        "out": module.attention.out,
        "norm2": module.norm2,
        "up": module.up,
        "down": module.down,
    }
    parameters = operators.BlockParameters(
        **{
            f"{name}_{kind}": stack.of(part, kind)
            for name, part in parts.items()
            for kind in ("weight", "bias")
        }
    )
    return operators.transformer_block(
        x, parameters, heads=module.attention.heads, real=real, activation="relu", epsilon=module.norm1.eps
    )


def compiled_block(builder: ProgramBuilder, module: Block) -> None:
    attention = module.attention
    parts = [module.norm1, attention.qkv, attention.out, module.norm2, module.up, module.down]
    norms = (module.norm1, module.norm2)
    add_block(builder, [(part, "") for part in parts], norms, attention.heads, module.up.out_features)


RULES: FamilyRules = {
    Transformer: Rules(stacked=stacked, compiled=compiled),
    Block: Rules(stacked=stacked_block, compiled=compiled_block),
}
