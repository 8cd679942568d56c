"""The Transformer of 2017: its encoder (in the catalogue), its decoder, and both together.

Paper: Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser, Polosukhin, "Attention Is All You Need", NeurIPS
2017 (arXiv 1706.03762).

What was new: no recurrence and no convolution. Each element asks all others a question (query), each offers a key and
a value, and the answer is the mean of the values, weighted by how well key and query agree. Any two elements are one
step apart, and all elements are computed at once.

    attention   softmax(Q K^T / sqrt(d)) V           in several heads side by side, each with its own Q, K, V
    encoder     x = norm(x + attention(x));  x = norm(x + W2 relu(W1 x))                            six times
    decoder     the same, looking at its own past only, and between the two parts at the encoder's answer
    positions   sin and cos of the position at wavelengths from 2 pi to 10000 * 2 pi, added once at the start

What it assumes: any two elements may be related; which are, is learned. Order is nothing but a number added to
the input. So it needs data to learn what a convolution or a recurrent network is born with.

Where this differs: nothing in the layers (512 numbers, 8 heads, 6 layers, 2048 inside: the paper's base model). The
paper translates; to answer for a whole example the encoder's last states are averaged over the real steps. A series'
step enters through a linear layer where a word enters through its embedding. The scalable `transformer` has its norms
before each part, as is usual since 2020; this one has them after, as the paper has. `final_norm` is for weights of
`torch.nn.Transformer`, which adds a last one.
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from bakeoff.data.schema import Classes, Forecast, Image, Schema, Series, Tokens, Value
from bakeoff.errors import OptionError
from bakeoff.models import register
from bakeoff.models.layers.sequences import EveryStep, Lengths, mean_over_time
from bakeoff.models.layers.views import is_real
from bakeoff.models.registry.card import ModelCard
from bakeoff.models.weights import Layout

#: Who may look at whom: True [B, 1, T, S] (or any shape that broadcasts to it), None for everybody at everybody.
Mask = Bool[Tensor, "..."] | None


def sinusoids(steps: int, width: int, device: torch.device | None = None) -> Float[Tensor, "steps width"]:
    """Position p as sin(p / 10000^(2i/D)) in the even places and cos of the same in the odd ones, [T, D]."""
    position = torch.arange(steps, device=device, dtype=torch.float32)[:, None]
    rate = torch.exp(torch.arange(0, width, 2, device=device) * (-math.log(10000.0) / width))
    return torch.stack([torch.sin(position * rate), torch.cos(position * rate)], dim=2).flatten(1)[:, :width]


class Attention(nn.Module):
    """Heads of scaled dot-product attention; queries from `x`, keys and values from `source` (x itself where None)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        if width % heads:
            raise OptionError(f"width={width} is not a multiple of heads={heads}: choose another of the two.")
        self.heads = heads
        self.query_key_value = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(
        self,
        x: Float[Tensor, "batch time width"],
        source: Float[Tensor, "batch other width"] | None = None,
        *,
        mask: Mask = None,
        causal: bool = False,
    ) -> Float[Tensor, "batch time width"]:
        if source is None:
            query, key, value = self.query_key_value(x).chunk(3, dim=-1)
        else:
            weight, bias = self.query_key_value.weight, self.query_key_value.bias
            width = x.shape[-1]
            query = F.linear(x, weight[:width], bias[:width])
            key, value = F.linear(source, weight[width:], bias[width:]).chunk(2, dim=-1)
        query, key, value = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (query, key, value)
        )
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=causal)
        return self.out(mixed.transpose(1, 2).flatten(2))


class FeedForward(nn.Module):
    """Two linear layers with ReLU between, for each element by itself."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, x: Float[Tensor, "batch time width"]) -> Float[Tensor, "batch time width"]:
        return self.down(F.relu(self.up(x)))


class EncoderLayer(nn.Module):
    """Attention among all elements, then the feed-forward part; a sum and a norm after each."""

    def __init__(self, width: int, heads: int, inner: int, dropout: float) -> None:
        super().__init__()
        self.attention, self.norm1 = Attention(width, heads), nn.LayerNorm(width)
        self.feed_forward, self.norm2 = FeedForward(width, inner), nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x: Float[Tensor, "batch time width"], mask: Mask = None
    ) -> Float[Tensor, "batch time width"]:
        x = self.norm1(x + self.dropout(self.attention(x, mask=mask)))
        return self.norm2(x + self.dropout(self.feed_forward(x)))


class DecoderLayer(nn.Module):
    """Attention among the elements so far, attention to the encoder's answer, then the feed-forward part."""

    def __init__(self, width: int, heads: int, inner: int, dropout: float) -> None:
        super().__init__()
        self.attention, self.norm1 = Attention(width, heads), nn.LayerNorm(width)
        self.source_attention, self.norm2 = Attention(width, heads), nn.LayerNorm(width)
        self.feed_forward, self.norm3 = FeedForward(width, inner), nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        x: Float[Tensor, "batch time width"],
        source: Float[Tensor, "batch other width"],
        mask: Mask = None,
    ) -> Float[Tensor, "batch time width"]:
        x = self.norm1(x + self.dropout(self.attention(x, causal=True)))
        x = self.norm2(x + self.dropout(self.source_attention(x, source, mask=mask)))
        return self.norm3(x + self.dropout(self.feed_forward(x)))


class Transformer(nn.Module):
    """Encoder and decoder, vectors in and vectors out: what the paper's figure 1 has between embedding and softmax.

    Args:
        width: D; heads: parts of it that attend apart; layers: of each half; inner: units of the feed-forward parts.
        dropout: share hidden after each part while training.
        final_norm: a last norm on each half, as `torch.nn.Transformer` has and the paper has not.
        decoder: False for the encoder alone.
    """

    def __init__(
        self,
        *,
        width: int = 512,
        heads: int = 8,
        layers: int = 6,
        inner: int = 2048,
        dropout: float = 0.1,
        final_norm: bool = False,
        decoder: bool = True,
    ) -> None:
        super().__init__()
        sizes = (width, heads, inner, dropout)
        self.encoder_layers = nn.ModuleList(EncoderLayer(*sizes) for _ in range(layers))
        self.encoder_norm = nn.LayerNorm(width) if final_norm else None
        self.decoder_layers = nn.ModuleList(DecoderLayer(*sizes) for _ in range(layers if decoder else 0))
        self.decoder_norm = nn.LayerNorm(width) if final_norm and decoder else None

    def encode(
        self, x: Float[Tensor, "batch time width"], lengths: Lengths = None
    ) -> Float[Tensor, "batch time width"]:
        """The encoder's states; padded steps are looked at by nobody."""
        mask = None if lengths is None else is_real(lengths, x.shape[1])[:, None, None, :]
        for layer in self.encoder_layers:
            x = layer(x, mask)
        return x if self.encoder_norm is None else self.encoder_norm(x)

    def forward(
        self,
        x: Float[Tensor, "batch time width"],
        y: Float[Tensor, "batch other width"],
        lengths: Lengths = None,
    ) -> Float[Tensor, "batch other width"]:
        """The decoder's states for the target vectors `y`, each of which sees `x` and the targets before it."""
        source = self.encode(x, lengths)
        mask = None if lengths is None else is_real(lengths, x.shape[1])[:, None, None, :]
        for layer in self.decoder_layers:
            y = layer(y, source, mask)
        return y if self.decoder_norm is None else self.decoder_norm(y)


class TransformerEncoder(nn.Module):
    """Elements -> vectors * sqrt(D) + positions -> the encoder -> the mean over real steps -> a linear layer."""

    def __init__(
        self,
        schema: Schema,
        *,
        width: int,
        heads: int,
        layers: int,
        inner: int,
        dropout: float,
        final_norm: bool,
    ) -> None:
        super().__init__()
        self.view = EveryStep(schema.input, width)
        self.enter = None if isinstance(schema.input, Tokens) else nn.Linear(self.view.channels, width)
        self.dropout = nn.Dropout(dropout)
        self.body = Transformer(
            width=width,
            heads=heads,
            layers=layers,
            inner=inner,
            dropout=dropout,
            final_norm=final_norm,
            decoder=False,
        )
        self.scale = math.sqrt(width)
        self.head = nn.Linear(width, schema.outputs)

    def forward(self, inputs: Tensor, lengths: Lengths = None) -> Float[Tensor, "batch outputs"]:
        x = self.view(inputs, lengths)
        x = x * self.scale if self.enter is None else self.enter(x)
        x = self.dropout(x + sinusoids(x.shape[1], x.shape[2], x.device).to(x.dtype))
        return self.head(mean_over_time(self.body.encode(x, lengths).transpose(1, 2), lengths))


_LAYER = {
    "attention": {
        "self_attn.in_proj_{p}": "attention.query_key_value.{p}",
        "self_attn.out_proj.{p}": "attention.out.{p}",
    },
    "source": {
        "multihead_attn.in_proj_{p}": "source_attention.query_key_value.{p}",
        "multihead_attn.out_proj.{p}": "source_attention.out.{p}",
    },
    "rest": {
        "linear1.{p}": "feed_forward.up.{p}",
        "linear2.{p}": "feed_forward.down.{p}",
        "norm{n}.{p}": "norm{n}.{p}",
    },
}


def _under(theirs: str, ours: str, *parts: str) -> dict[str, str]:
    return {theirs + left: ours + right for part in parts for left, right in _LAYER[part].items()}


#: torch.nn.Transformer's names to those of `Transformer`; torch.nn.TransformerEncoder's have no "encoder." in front.
TORCH_TRANSFORMER = Layout(
    rules=_under("encoder.layers.{i}.", "encoder_layers.{i}.", "attention", "rest")
    | _under("decoder.layers.{i}.", "decoder_layers.{i}.", "attention", "source", "rest")
    | {"encoder.norm.{p}": "encoder_norm.{p}", "decoder.norm.{p}": "decoder_norm.{p}"}
)
TORCH_ENCODER = Layout(
    rules=_under("layers.{i}.", "encoder_layers.{i}.", "attention", "rest") | {"norm.{p}": "encoder_norm.{p}"}
)


def build(
    schema: Schema,
    width: int | None = None,
    *,
    heads: int = 8,
    layers: int = 6,
    inner: int | None = None,
    dropout: float = 0.1,
    final_norm: bool = False,
) -> TransformerEncoder:
    """The base model's encoder: 512 numbers, 8 heads, 6 layers; `inner` is four times the width where None."""
    width = width or 512
    return TransformerEncoder(
        schema,
        width=width,
        heads=heads,
        layers=layers,
        inner=inner or 4 * width,
        dropout=dropout,
        final_norm=final_norm,
    )


register(
    ModelCard(
        name="transformer_encoder",
        family="transformer",
        year=2017,
        paper="Vaswani et al., Attention Is All You Need, NeurIPS 2017, arXiv:1706.03762",
        summary="Six layers in which each element looks at all others, as in the first Transformer.",
        biases=("relation",),
        recipe="attention",
        build=build,
        inputs=(Image, Series, Tokens),
        targets=(Classes, Value, Forecast),
        width=512,
        example=Schema(
            input=Tokens(vocabulary_size=37_000, length=128), target=Classes(names=("negative", "positive"))
        ),
    )
)
