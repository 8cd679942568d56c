"""The Transformer encoder: every element looks at every other, and learns at which.

Vaswani et al., *Attention is all you need*, 2017 (arXiv 1706.03762). New then: relations by content alone, with no
recurrence and no convolution. It assumes only that any two elements may be related; even their order must be given to
it (by a learned vector a position), so it needs data to learn what the others assume. Where this differs:
normalisation before each part (pre-norm, Xiong et al. 2020), learned positions, the mean over elements as the summary.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from bakeoff.data.schema import Classes, Image, Schema, Series, Table
from bakeoff.models import register
from bakeoff.models.layers.views import Features, Patches, StepSequence, is_real
from bakeoff.models.registry.card import ModelCard

LAYERS, HEADS = 2, 4


class Attention(nn.Module):
    """`softmax(Q K^T / sqrt(D / heads)) V`, in `heads` parts of the width D."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def parts(self, x: Float[Tensor, "batch time width"]) -> list[Float[Tensor, "batch heads time part"]]:
        """Queries, keys and values."""
        return [part.unflatten(2, (self.heads, -1)).transpose(1, 2) for part in self.qkv(x).chunk(3, dim=2)]

    def weights(
        self, x: Float[Tensor, "batch time width"], real: Bool[Tensor, "batch time"] | None = None
    ) -> Float[Tensor, "batch heads time time"]:
        """How much each element (third axis) takes from each (fourth axis); rows sum to 1."""
        q, k, _ = self.parts(x)
        scores = q @ k.transpose(2, 3) * q.shape[3] ** -0.5
        if real is not None:
            scores = scores.masked_fill(~real[:, None, None, :], float("-inf"))
        return scores.softmax(dim=3)

    def forward(
        self, x: Float[Tensor, "batch time width"], real: Bool[Tensor, "batch time"] | None = None
    ) -> Float[Tensor, "batch time width"]:
        q, k, v = self.parts(x)
        mixed = F.scaled_dot_product_attention(
            q, k, v, attn_mask=None if real is None else real[:, None, None, :]
        )
        return self.out(mixed.transpose(1, 2).flatten(2))


class Block(nn.Module):
    """x + attention(norm(x)), then x + feed-forward(norm(x)); the feed-forward is width -> 2 width -> ReLU -> width."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.up = nn.Linear(width, 2 * width)
        self.down = nn.Linear(2 * width, width)

    def forward(
        self, x: Float[Tensor, "batch time width"], real: Bool[Tensor, "batch time"] | None = None
    ) -> Float[Tensor, "batch time width"]:
        x = x + self.attention(self.norm1(x), real)
        return x + self.down(F.relu(self.up(self.norm2(x))))


class Transformer(nn.Module):
    """Elements -> vectors + positions -> `LAYERS` blocks -> mean over the real elements -> outputs."""

    def __init__(self, schema: Schema, width: int) -> None:
        super().__init__()
        heads = HEADS if width % HEADS == 0 else 1
        self.embed: nn.Module
        self.elements: StepSequence | Patches | None = None
        if isinstance(schema.input, Table):
            self.embed, steps = Features(schema.input.features, width), schema.input.features
        else:
            self.elements = (
                Patches(schema.input)
                if isinstance(schema.input, Image)
                else StepSequence(schema.input, width)
            )
            self.embed, steps = nn.Linear(self.elements.channels, width), self.elements.steps
        self.positions = nn.Parameter(torch.randn(steps, width) * 0.02)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(LAYERS))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, schema.outputs)

    def forward(
        self, x: Tensor, lengths: Int[Tensor, " batch"] | None = None
    ) -> Float[Tensor, "batch outputs"]:
        real = None
        if isinstance(self.elements, StepSequence):
            x = self.elements(x, lengths)
            real = None if lengths is None else is_real(self.elements.lengths(lengths), x.shape[1])
        elif self.elements is not None:
            x = self.elements(x)
        x = self.embed(x) + self.positions
        for block in self.blocks:
            x = block(x, real)
        x = self.norm(x)
        if real is None:
            return self.head(x.mean(1))
        return self.head((x * real[..., None]).sum(1) / real.sum(1, keepdim=True))


def build(schema: Schema, width: int | None = None) -> nn.Module:
    """`width` is the size D of an element's vector."""
    return Transformer(schema, width or 64)


register(
    ModelCard(
        name="transformer",
        family="transformer",
        year=2017,
        paper="Vaswani et al., Attention is all you need, 2017 (arXiv 1706.03762)",
        summary="Every element looks at every other and learns at which.",
        biases=("relation",),
        recipe="attention",
        build=build,
        width=64,
        scalable=True,
        example=Schema(input=Series(channels=1, length=40), target=Classes(names=tuple("0123456789"))),
    )
)
