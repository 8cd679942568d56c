"""The changes of view that several families share (`models/layers/views.py`), and padding in a stack."""

import torch
from torch import Tensor
from torch.nn import functional as F

from bakeoff.data.schema import Graph, Image, Series, Table
from bakeoff.models.layers import views
from bakeoff.train.families.rules import FamilyRules, Missing, Rules
from bakeoff.train.fused.builder import ProgramBuilder, UnknownError
from bakeoff.train.fused.layers import flatten
from bakeoff.train.kernels import native
from bakeoff.train.replicas.module import NetworkStack


def is_real(lengths: Tensor, steps: int) -> Tensor:
    """[R, B, T]: True where a step lies within the example's true length [R, B]."""
    return torch.arange(steps, device=lengths.device) < lengths[..., None]


def without_padding(view: views.StepSequence, x: Tensor, lengths: Tensor | None) -> Tensor:
    """Inputs [..., T] without the last steps, where these are padding in every example of every replica.

    Recurrent networks and Transformers do not use them. Sequences that are read in frames are returned unchanged.
    """
    if lengths is None or view.frame > 1:
        return x
    return x[..., : max(int(lengths.max()), 1)]


def stacked_embedding(stack: NetworkStack, module: views.Embedding, tokens: Tensor) -> Tensor:
    return stack.call(module.table, tokens) * (tokens != 0)[..., None]


def add_embedding(builder: ProgramBuilder, module: views.Embedding) -> None:
    """Tokens as vectors; token 0 is padding."""
    count, width = module.table.weight.shape
    if len(builder.shape) != 1 or count > native.limits().most_words:
        raise UnknownError("words that a float cannot number")
    (steps,) = builder.shape
    names = [builder.name(module.table, "weight")]
    builder.add("embedding", (steps, width), (steps, width, count), names=names, rows=steps)


def stacked_counts(stack: NetworkStack, module: views.Counts, tokens: Tensor) -> Tensor:
    real = (tokens != 0)[..., None]
    return (stack.call(module.weight, tokens) * real).sum(2) / real.sum(2).clamp(min=1)


def stacked_row(
    stack: NetworkStack, module: views.Flattened, x: Tensor, lengths: Tensor | None = None
) -> Tensor:
    if module.embed is not None:
        x = stack.call(module.embed, x)
    elif lengths is not None:
        x = x * views.real_values(module.kind, lengths, x.shape[-1])
    return x.flatten(2)


def compiled_row(builder: ProgramBuilder, module: views.Flattened) -> None:
    if module.embed is not None:
        raise UnknownError("an embedding")
    flatten(builder)


def stacked_line(
    stack: NetworkStack, module: views.ChannelSequence, x: Tensor, lengths: Tensor | None = None
) -> Tensor:
    if module.embed is not None:
        return stack.call(module.embed, x).transpose(2, 3)
    return x if lengths is None else x * is_real(lengths, x.shape[-1])[:, :, None, :]


def compiled_line(builder: ProgramBuilder, module: views.ChannelSequence) -> None:
    if module.embed is not None:
        raise UnknownError("an embedding")


def stacked_steps(
    stack: NetworkStack, module: views.StepSequence, x: Tensor, lengths: Tensor | None = None
) -> Tensor:
    match module.kind:
        case Image():
            x = x.transpose(2, 3).flatten(3)
        case Series() | Graph():
            if lengths is not None:
                x = x * views.real_values(module.kind, lengths, x.shape[3])
            x = x.transpose(2, 3)
        case Table():
            x = x[..., None]
    if module.embed is not None:
        x = stack.call(module.embed, x)
    if module.frame == 1:
        return x
    x = F.pad(x, (0, 0, 0, module.steps * module.frame - x.shape[2]))
    return x.reshape(*x.shape[:2], module.steps, -1)


def compiled_steps(builder: ProgramBuilder, module: views.StepSequence) -> None:
    if module.embed is None:
        builder.rearrange(lambda x: module(x))
    else:
        add_embedding(builder, module.embed)


def stacked_patches(stack: NetworkStack, module: views.Patches, x: Tensor) -> Tensor:
    if any(module.fill):
        x = F.pad(x, module.fill)
    *front, height, width = x.shape
    x = x.reshape(*front, height // module.side, module.side, width // module.side, module.side)
    return x.permute(0, 1, 3, 5, 2, 4, 6).flatten(4).flatten(2, 3)


def compiled_patches(builder: ProgramBuilder, module: views.Patches) -> None:
    builder.rearrange(lambda x: module(x))


def stacked_features(stack: NetworkStack, module: views.Features, x: Tensor) -> Tensor:
    return torch.addcmul(stack.of(module, "bias")[:, None], x[..., None], stack.of(module, "weight")[:, None])


def compiled_features(builder: ProgramBuilder, module: views.Features) -> None:
    count, width = module.weight.shape
    if builder.shape != (count,):
        raise UnknownError("features of another number")
    builder.add("features", (count, width), (count, width), module, rows=count)


NO_MEAN_OF_WORDS = Missing(
    reason="it averages over the words that are no padding, and without lengths the MEAN op counts all positions"
)
RULES: FamilyRules = {
    views.Embedding: Rules(
        stacked=stacked_embedding,
        compiled=Missing(reason="its op is the first of a program, which the rule of StepSequence sees to"),
    ),
    views.Counts: Rules(stacked=stacked_counts, compiled=NO_MEAN_OF_WORDS),
    views.Flattened: Rules(stacked=stacked_row, compiled=compiled_row),
    views.ChannelSequence: Rules(stacked=stacked_line, compiled=compiled_line),
    views.StepSequence: Rules(stacked=stacked_steps, compiled=compiled_steps),
    views.Patches: Rules(stacked=stacked_patches, compiled=compiled_patches),
    views.Features: Rules(stacked=stacked_features, compiled=compiled_features),
}
