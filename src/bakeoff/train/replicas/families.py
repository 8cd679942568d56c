"""Rules for the catalogue's scalable families, by which a stack of them runs without `vmap`.

Each repeats the forward of its module with the replicas on the first axis [R, B, ...] and calls
`bakeoff.train.kernels.operators` for the expensive parts. The tests compare every rule with the plain module.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bakeoff.data.schema import Graph, Image, Series, Table
from bakeoff.models.layers import views
from bakeoff.models.layers.graphs import GraphBatch
from bakeoff.models.scalable import cnn, gin, linear, mlp, transformer
from bakeoff.models.scalable import recurrent as recurrent_family
from bakeoff.train.kernels import operators
from bakeoff.train.replicas.graphs import StackedGraphs
from bakeoff.train.replicas.layers import recurrent_layers
from bakeoff.train.replicas.module import NetworkStack
from bakeoff.train.replicas.registry import stacked


def is_real(lengths: Tensor, steps: int) -> Tensor:
    """[R, B, T]: True where a step lies within the example's true length [R, B]."""
    return torch.arange(steps, device=lengths.device) < lengths[..., None]


@stacked(views.Embedding)
def embedding(stack: NetworkStack, module: views.Embedding, tokens: Tensor) -> Tensor:
    return stack.call(module.table, tokens) * (tokens != 0)[..., None]


@stacked(views.Counts)
def counts(stack: NetworkStack, module: views.Counts, tokens: Tensor) -> Tensor:
    real = (tokens != 0)[..., None]
    return (stack.call(module.weight, tokens) * real).sum(2) / real.sum(2).clamp(min=1)


@stacked(views.Flattened)
def row(stack: NetworkStack, module: views.Flattened, x: Tensor, lengths: Tensor | None = None) -> Tensor:
    if module.embed is not None:
        x = stack.call(module.embed, x)
    elif lengths is not None:
        x = x * views.real_values(module.kind, lengths, x.shape[-1])
    return x.flatten(2)


@stacked(views.ChannelSequence)
def line(
    stack: NetworkStack, module: views.ChannelSequence, x: Tensor, lengths: Tensor | None = None
) -> Tensor:
    if module.embed is not None:
        return stack.call(module.embed, x).transpose(2, 3)
    return x if lengths is None else x * is_real(lengths, x.shape[-1])[:, :, None, :]


@stacked(views.StepSequence)
def steps(
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


@stacked(views.Patches)
def patches(stack: NetworkStack, module: views.Patches, x: Tensor) -> Tensor:
    if any(module.fill):
        x = F.pad(x, module.fill)
    *front, height, width = x.shape
    x = x.reshape(*front, height // module.side, module.side, width // module.side, module.side)
    return x.permute(0, 1, 3, 5, 2, 4, 6).flatten(4).flatten(2, 3)


@stacked(views.Features)
def features(stack: NetworkStack, module: views.Features, x: Tensor) -> Tensor:
    return torch.addcmul(stack.of(module, "bias")[:, None], x[..., None], stack.of(module, "weight")[:, None])


@stacked(linear.Linear)
def linear_network(
    stack: NetworkStack, module: linear.Linear, x: Tensor, lengths: Tensor | None = None
) -> Tensor:
    return stack.call(module.out, stack.call(module.row, x, lengths))


@stacked(linear.BagOfWords)
def bag_of_words(stack: NetworkStack, module: linear.BagOfWords, x: Tensor) -> Tensor:
    return stack.call(module.counts, x) + stack.of(module, "bias")[:, None]


@stacked(mlp.MLP)
def mlp_network(stack: NetworkStack, module: mlp.MLP, x: Tensor, lengths: Tensor | None = None) -> Tensor:
    return stack.call(module.layers, stack.call(module.row, x, lengths))


def where_and_whether(x: Tensor) -> Tensor:
    """[R, B, C, P] to every position's features and each channel's maximum."""
    return torch.cat((x.flatten(2), x.amax(3)), dim=2)


@stacked(cnn.Convolution1d)
def convolution1d(
    stack: NetworkStack, module: cnn.Convolution1d, x: Tensor, lengths: Tensor | None = None
) -> Tensor:
    x = stack.call(module.line, x, lengths)
    for stage in module.stages:
        x = stack.call(stage, x, relu=True)
        assert isinstance(stage, nn.Conv1d)
        if lengths is not None:
            lengths = ((lengths + 2 - stage.kernel_size[0]) // 2 + 1).clamp(min=1)
            x = x * is_real(lengths, x.shape[-1])[:, :, None, :]
    return stack.call(module.head, where_and_whether(x))


@stacked(cnn.Convolution2d)
def convolution2d(stack: NetworkStack, module: cnn.Convolution2d, x: Tensor) -> Tensor:
    for stage in module.stages:
        x = operators.max_pool2d(stack.call(stage, x, relu=True), size=2)
    return stack.call(module.head, where_and_whether(x.flatten(3)))


def without_padding(view: views.StepSequence, x: Tensor, lengths: Tensor | None) -> Tensor:
    """Inputs [..., T] without the last steps, where these are padding in every example of every replica.

    Recurrent networks and Transformers do not use them. Sequences that are read in frames are returned unchanged.
    """
    if lengths is None or view.frame > 1:
        return x
    return x[..., : max(int(lengths.max()), 1)]


@stacked(recurrent_family.Recurrent)
def recurrent_network(
    stack: NetworkStack, module: recurrent_family.Recurrent, x: Tensor, lengths: Tensor | None = None
) -> Tensor:
    layers = recurrent_layers(stack, module.cell)
    assert layers is not None
    cell = type(module.cell).__name__.lower()
    states = operators.recurrent(
        cell, stack.call(module.steps, without_padding(module.steps, x, lengths), lengths), layers
    )
    if lengths is None:
        return stack.call(module.head, states[:, :, -1])
    last = (module.steps.lengths(lengths) - 1)[..., None, None].expand(-1, -1, 1, states.shape[3])
    return stack.call(module.head, states.gather(2, last)[:, :, 0])


@stacked(transformer.Block)
def block(stack: NetworkStack, module: transformer.Block, x: Tensor, real: Tensor | None = None) -> Tensor:
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


@stacked(transformer.Transformer)
def transformer_network(
    stack: NetworkStack, module: transformer.Transformer, x: Tensor, lengths: Tensor | None = None
) -> Tensor:
    real = None
    if isinstance(module.elements, views.StepSequence):
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


@stacked(gin.Layer)
def graph_layer(stack: NetworkStack, module: gin.Layer, h: Tensor, graphs: StackedGraphs) -> Tensor:
    h = torch.addcmul(h + graphs.neighbours(h), h, stack.of(module, "epsilon")[:, None])
    h = stack.call(module.norm, stack.call(module.up, h)).relu()
    return stack.call(module.down, h, relu=True)


@stacked(gin.GIN)
def graph_network(stack: NetworkStack, module: gin.GIN, batches: Sequence[GraphBatch]) -> Tensor:
    graphs = StackedGraphs.of(batches)
    h = stack.call(module.embed, graphs.features)
    sums = [graphs.sums(h)]
    for layer in module.layers:
        h = stack.call(layer, h, graphs)
        sums.append(graphs.sums(h))
    return stack.call(module.head, torch.cat(sums, 2) / module.kind.nodes)
