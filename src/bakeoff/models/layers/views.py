"""The change of view: how one example looks to each family. The point of a comparison, so it has one home.

| family         | Image [C, H, W]     | Series [C, T]       | Tokens [T]            | Table [F]         |
|----------------|---------------------|---------------------|-----------------------|-------------------|
| linear         | its values in a row | its values in a row | how often each occurs | its features      |
| mlp            | its values in a row | its values in a row | embeddings in a row   | its features      |
| cnn            | a grid              | a line              | a line of embeddings  | -                 |
| rnn, lstm, gru | rows in time        | steps in time       | embeddings in time    | -                 |
| transformer    | a set of patches    | a set of steps      | a set of embeddings   | a set of features |

A Graph is nodes with their neighbours to gin, whose forward has an argument `graphs`: it reads the edges, and nothing
else. To a network without that argument it is the dense view [F + V, V], made here: its values in a row to linear and
mlp, a set of nodes, each with its row of the adjacency matrix, to the transformer. `arguments` gives each its own.

A table has no neighbourhood and no order, so the networks that live from one do not take it; and the nodes of a graph
have no order, so that neither grids nor sequences can be made of them.

Padded steps or nodes (beyond an example's true length) come out as zeros from every view, whatever came in.
Sequences longer than `LONGEST` are read in frames of several steps, so that a step of a recurrent network or a
token of a Transformer holds a short stretch of the signal.
"""

import inspect
import math
from collections.abc import Callable
from functools import lru_cache

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from bakeoff.data.schema import Graph, Image, Input, Series, Table, Tokens
from bakeoff.errors import ModelError
from bakeoff.models.layers.graphs import GraphBatch

#: The longest sequence, in steps, that recurrent networks and Transformers read from images, series and tables.
LONGEST = 128
#: Size of a token's learned vector where a family does not say otherwise.
EMBEDDING = 32
#: A Transformer sees an image as at most this many patches a side.
PATCHES_PER_SIDE = 7
#: The most numbers in the dense view of one graph (1 GiB of float32, a graph of 16,000 nodes).
MOST_DENSE_NUMBERS = 2**28


def takes_lengths(module: nn.Module) -> bool:
    """Whether the module's forward has an argument called `lengths`."""
    return "lengths" in _argument_names(module)


def takes_graphs(module: nn.Module) -> bool:
    """Whether the module's forward has an argument called `graphs`: it reads edges, not the dense view."""
    return "graphs" in _argument_names(module)


def _argument_names(module: nn.Module) -> frozenset[str]:
    return _names_of(getattr(module.forward, "__func__", module.forward))


@lru_cache(maxsize=64)
def _names_of(forward: Callable[..., object]) -> frozenset[str]:
    return frozenset(inspect.signature(forward).parameters)


def arguments(
    module: nn.Module, inputs: Tensor | GraphBatch, lengths: Int[Tensor, " batch"] | None
) -> tuple[Tensor | GraphBatch, ...]:
    """What this module's forward takes of these examples: graphs or their dense views, with true lengths or without."""
    seen = dense(inputs) if isinstance(inputs, GraphBatch) and not takes_graphs(module) else inputs
    return (seen, lengths) if lengths is not None and takes_lengths(module) else (seen,)


def dense(graphs: GraphBatch) -> Float[Tensor, "batch rows nodes"]:
    """Graphs as arrays [B, F + V, V]: a column a node, its F numbers above its row of the adjacency matrix.

    V is the number of nodes of the largest graph; smaller ones are padded with zeros at the end.
    """
    check_dense(graphs.kind)
    features, links = graphs.features, graphs.links
    out = features.new_zeros(graphs.batch_size, features.shape[1] + graphs.kind.nodes, graphs.kind.nodes)
    owner = graphs.owners
    place = torch.arange(len(owner), device=owner.device) - graphs.offsets[owner]
    out[owner, : features.shape[1], place] = features
    row = torch.arange(len(owner), device=owner.device).repeat_interleave(
        links.offsets.diff(), output_size=len(links.columns)
    )
    values = features.new_ones(len(row)) if links.values is None else links.values
    out[owner[row], features.shape[1] + place[row], place[links.columns]] = values
    return out


def check_dense(kind: Input) -> None:
    """Raises `ModelError` where the dense view of one graph of this kind is too large to be made."""
    numbers = math.prod(kind.shape) if isinstance(kind, Graph) else 0
    if numbers > MOST_DENSE_NUMBERS:
        raise ModelError(
            f"A graph of {kind.shape[1]:,} nodes is a matrix of {4 * numbers / 2**30:,.1f} GiB to this network: choose "
            "one that reads edges, such as gin."
        )


def is_real(lengths: Int[Tensor, " batch"], steps: int) -> Bool[Tensor, "batch steps"]:
    """True where a step lies within the example's true length."""
    return torch.arange(steps, device=lengths.device) < lengths[:, None]


def real_values(kind: Input, lengths: Int[Tensor, "*batch"], steps: int) -> Bool[Tensor, "*batch rows steps"]:
    """True where a number of a series or graph [..., C, T] is real: within the length, of a step, a node or two nodes.

    There is one row for all channels of a series.
    """
    columns = (torch.arange(steps, device=lengths.device) < lengths[..., None])[..., None, :]
    if not isinstance(kind, Graph):
        return columns
    rows = torch.arange(-kind.features, kind.nodes, device=lengths.device) < lengths[..., None]
    return rows[..., None] & columns


class Embedding(nn.Module):
    """Tokens [B, T] to learned vectors [B, T, D]; token 0 is padding and gives zeros."""

    def __init__(self, vocabulary_size: int, dimension: int) -> None:
        super().__init__()
        self.table = nn.Embedding(vocabulary_size, dimension)
        nn.init.normal_(self.table.weight, std=dimension**-0.5)

    def forward(self, tokens: Int[Tensor, "batch time"]) -> Float[Tensor, "batch time dimension"]:
        return self.table(tokens) * (tokens != 0)[..., None]


class Counts(nn.Module):
    """Tokens [B, T] to the share of each word of the vocabulary, already multiplied by a weight per word and output.

    `mean_t W[token_t]` is a linear map of the bag of words, computed without writing the bag down.
    """

    def __init__(self, vocabulary_size: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Embedding(vocabulary_size, outputs)
        nn.init.zeros_(self.weight.weight)

    def forward(self, tokens: Int[Tensor, "batch time"]) -> Float[Tensor, "batch outputs"]:
        real = (tokens != 0)[..., None]
        return (self.weight(tokens) * real).sum(1) / real.sum(1).clamp(min=1)


class Flattened(nn.Module):
    """All values of an example in one row [B, F]: no neighbourhood, no order. `features` is F."""

    def __init__(self, kind: Input, embedding: int = EMBEDDING // 2) -> None:
        super().__init__()
        check_dense(kind)
        self.kind = kind
        self.embed = Embedding(kind.vocabulary_size, embedding) if isinstance(kind, Tokens) else None
        self.features = math.prod(kind.shape) * (embedding if self.embed else 1)

    def forward(
        self, x: Tensor, lengths: Int[Tensor, " batch"] | None = None
    ) -> Float[Tensor, "batch features"]:
        if self.embed is not None:
            x = self.embed(x)
        elif lengths is not None:
            x = x * real_values(self.kind, lengths, x.shape[-1])
        return x.flatten(1)


class ChannelSequence(nn.Module):
    """A series or a text as channels along one axis [B, C, T], for a convolution. `channels` is C."""

    def __init__(self, kind: Series | Tokens, embedding: int = EMBEDDING) -> None:
        super().__init__()
        self.embed = Embedding(kind.vocabulary_size, embedding) if isinstance(kind, Tokens) else None
        self.channels = embedding if isinstance(kind, Tokens) else kind.channels

    def forward(
        self, x: Tensor, lengths: Int[Tensor, " batch"] | None = None
    ) -> Float[Tensor, "batch channels time"]:
        if self.embed is not None:
            return self.embed(x).transpose(1, 2)
        return x if lengths is None else x * is_real(lengths, x.shape[-1])[:, None, :]


class StepSequence(nn.Module):
    """An example as a sequence [B, T, C]: an image's rows, a series' steps, a text's tokens, a table's features.

    And a graph's nodes, as a set: whoever reads them as a sequence finds no order in them.

    `steps` is T and `channels` is C; `frame` original steps make one (1 unless there are more than `LONGEST`).
    """

    def __init__(self, kind: Input, embedding: int = EMBEDDING) -> None:
        super().__init__()
        check_dense(kind)
        self.kind = kind
        self.embed = Embedding(kind.vocabulary_size, embedding) if isinstance(kind, Tokens) else None
        match kind:
            case Image():
                count, each = kind.height, kind.channels * kind.width
            case Series():
                count, each = kind.length, kind.channels
            case Graph():
                count, each = kind.nodes, kind.shape[0]
            case Tokens():
                count, each = kind.length, embedding
            case Table():
                count, each = kind.features, 1
        self.frame = 1 if isinstance(kind, Tokens) else math.ceil(count / LONGEST)
        self.steps, self.channels = math.ceil(count / self.frame), each * self.frame

    def forward(
        self, x: Tensor, lengths: Int[Tensor, " batch"] | None = None
    ) -> Float[Tensor, "batch time channels"]:
        match self.kind:
            case Image():
                x = x.transpose(1, 2).flatten(2)
            case Series() | Graph():
                if lengths is not None:
                    x = x * real_values(self.kind, lengths, x.shape[2])
                x = x.transpose(1, 2)
            case Table():
                x = x[..., None]
        if self.embed is not None:
            x = self.embed(x)
        if self.frame == 1:
            return x
        x = nn.functional.pad(x, (0, 0, 0, self.steps * self.frame - x.shape[1]))
        return x.reshape(len(x), self.steps, -1)

    def lengths(self, lengths: Int[Tensor, "*batch"]) -> Int[Tensor, "*batch"]:
        """True lengths counted in this view's steps, at least 1; of a stack of networks too, [R, B]."""
        return ((lengths + self.frame - 1) // self.frame).clamp(min=1)


class Patches(nn.Module):
    """An image as a set of square patches [B, T, C * side * side], row by row; edges are filled up with zeros."""

    def __init__(self, kind: Image) -> None:
        super().__init__()
        self.side = max(1, math.ceil(max(kind.height, kind.width) / PATCHES_PER_SIDE))
        rows, columns = math.ceil(kind.height / self.side), math.ceil(kind.width / self.side)
        self.fill = (0, columns * self.side - kind.width, 0, rows * self.side - kind.height)
        self.steps, self.channels = rows * columns, kind.channels * self.side**2

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch time patch"]:
        if any(self.fill):
            x = nn.functional.pad(x, self.fill)
        rows, columns = x.shape[2] // self.side, x.shape[3] // self.side
        x = x.reshape(*x.shape[:2], rows, self.side, columns, self.side)
        return x.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)


class Features(nn.Module):
    """A table's features as a set of vectors [B, F, D]: each has its own direction and its own offset.

    `x_f * weight_f + bias_f`, the tokeniser of Gorishniy et al. 2021 (arXiv 2106.11959).
    """

    def __init__(self, features: int, dimension: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(features, dimension) * dimension**-0.5)
        self.bias = nn.Parameter(torch.randn(features, dimension) * dimension**-0.5)

    def forward(self, x: Float[Tensor, "batch features"]) -> Float[Tensor, "batch features dimension"]:
        return x[..., None] * self.weight + self.bias
