"""LLaMA: GPT with four changes, each of which makes it simpler or cheaper.

Papers: Touvron et al., "LLaMA: Open and Efficient Foundation Language Models", 2023 (arXiv 2302.13971); grouped
queries as in LLaMA 2 and 3 (Touvron et al. 2023, arXiv 2307.09288; Grattafiori et al. 2024, arXiv 2407.21783).

What was new: the network was not, the recipe was: a smaller network, trained on more text than anybody thought
useful, is as good and far cheaper to run. It brought four parts together that nearly every language model has had
since:

    RMSNorm           x / sqrt(mean(x^2)) * g: no mean taken off, no bias                   (Zhang and Sennrich 2019)
    rotary positions  each pair of a query's or key's numbers is turned by an angle that grows with the position, so
                      that their product depends on how far apart they stand and not on where      (Su et al. 2021)
    SwiGLU            W3 (silu(W1 x) * W2 x): a gate in the feed-forward                            (Shazeer 2020)
    grouped queries   several heads share a key and a value: less to remember while writing  (Ainslie et al. 2023)

What it assumes: order, one way only, and *distance*: rotary positions know how far apart two words are. Otherwise any
two may be related.

    word -> layers of [ x = x + attention(norm(x));  x = x + swiglu(norm(x)) ] -> norm -> head         no bias anywhere

Three heads, by the option `head`: "language_model" [B, T, V], "classes" [B, K] from the last real element, "none" [B,
T, D].

Where this differs: nothing in the layers. A query's pairs are its first and second half, as at Hugging Face; Meta's
own files pair neighbours, which is the same up to the order of a matrix's rows. `llama` is a shape that a laptop
trains (that of Karpathy's "stories15M", here with grouped queries); `llama_7b`, `llama3_8b` and `llama3_2_1b` are
published ones.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from bakeoff.data.schema import Classes, Schema, Tokens, Value
from bakeoff.errors import OptionError
from bakeoff.models import register
from bakeoff.models.layers.language_heads import Head, require_head, sentiment
from bakeoff.models.layers.sequences import Lengths, last_real_step, require_shape
from bakeoff.models.registry.card import Build, ModelCard
from bakeoff.models.weights import Layout


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """LLaMA 3.1's way to read longer texts than it learned from: slow rotations become slower still.

    Wavelengths above `original / low` positions are stretched by `factor`, those under `original / high` are not.
    """

    factor: float
    low: float
    high: float
    original: int


@dataclass(frozen=True, kw_only=True)
class Size:
    """A shape.

    Attributes:
        layers, width, heads: as in any Transformer.
        groups: keys and values; `heads / groups` queries share one.
        inner: units of the feed-forward part.
        base: the longest wavelength of the rotary positions is about 2 pi times this.
        epsilon: added under RMSNorm's root.
        tied: the language model's head is the word embedding itself.
        stretch: of the rotary positions, where there is one.
    """

    layers: int
    width: int
    heads: int
    groups: int
    inner: int
    base: float = 10_000.0
    epsilon: float = 1e-5
    tied: bool = False
    stretch: Stretch | None = None


SIZES = {
    "llama": Size(layers=6, width=288, heads=6, groups=3, inner=768, tied=True),
    "llama_7b": Size(layers=32, width=4096, heads=32, groups=32, inner=11_008, epsilon=1e-6),
    "llama3_8b": Size(layers=32, width=4096, heads=32, groups=8, inner=14_336, base=500_000.0),
    "llama3_2_1b": Size(
        layers=16, width=2048, heads=32, groups=8, inner=8192, base=500_000.0, tied=True,
        stretch=Stretch(factor=32.0, low=1.0, high=4.0, original=8192),
    ),
}  # fmt: skip
#: Entries of each tokenizer's vocabulary, as published.
WORDS = {"llama": 32_000, "llama_7b": 32_000, "llama3_8b": 128_256, "llama3_2_1b": 128_256}


class RMSNorm(nn.Module):
    """x / sqrt(mean(x^2) + epsilon) * g over the last axis."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x: Float[Tensor, "... width"]) -> Float[Tensor, "... width"]:
        return self.weight * (x * torch.rsqrt(x.square().mean(dim=-1, keepdim=True) + self.epsilon))


def angles(steps: int, part: int, size: Size, device: torch.device) -> Float[Tensor, "steps half"]:
    """The angle of each position and each pair [T, part / 2]: position / base^(2 i / part)."""
    rate = size.base ** (-torch.arange(0, part, 2, device=device, dtype=torch.float32) / part)
    if size.stretch is not None:
        rate = _stretched(rate, size.stretch)
    return torch.arange(steps, device=device, dtype=torch.float32)[:, None] * rate


def _stretched(rate: Float[Tensor, "half"], stretch: Stretch) -> Float[Tensor, "half"]:
    """Fast rotations as they are, slow ones slower by `factor`, a mixture between the two limits."""
    turns = stretch.original * rate / (2 * math.pi)  # full turns within the text it learned from
    share = ((turns - stretch.low) / (stretch.high - stretch.low)).clamp(0.0, 1.0)
    return rate * share + rate / stretch.factor * (1 - share)


def rotated(
    x: Float[Tensor, "batch heads time part"], angle: Float[Tensor, "time half"]
) -> Float[Tensor, "batch heads time part"]:
    """Each pair (i, i + part / 2) turned by its angle."""
    first, second = x.chunk(2, dim=-1)
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


class GroupedAttention(nn.Module):
    """Causal attention with rotary positions in which several queries share a key and a value."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        if size.width % size.heads or size.heads % size.groups or (size.width // size.heads) % 2:
            raise OptionError(
                f"width={size.width}, heads={size.heads}, groups={size.groups}: heads must divide the width into "
                "even parts, and groups must divide the heads."
            )
        self.part, self.sharing = size.width // size.heads, size.heads // size.groups
        self.query = nn.Linear(size.width, size.width, bias=False)
        self.key = nn.Linear(size.width, size.groups * self.part, bias=False)
        self.value = nn.Linear(size.width, size.groups * self.part, bias=False)
        self.out = nn.Linear(size.width, size.width, bias=False)

    def forward(
        self, x: Float[Tensor, "batch time width"], angle: Float[Tensor, "time half"]
    ) -> Float[Tensor, "batch time width"]:
        query, key, value = (
            part(x).unflatten(2, (-1, self.part)).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        query, key = rotated(query, angle), rotated(key, angle)
        key, value = (part.repeat_interleave(self.sharing, dim=1) for part in (key, value))
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.out(mixed.transpose(1, 2).flatten(2))


class SwiGLU(nn.Module):
    """down(silu(gate(x)) * up(x))."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.gate, self.up = (nn.Linear(width, inner, bias=False) for _ in range(2))
        self.down = nn.Linear(inner, width, bias=False)

    def forward(self, x: Float[Tensor, "batch time width"]) -> Float[Tensor, "batch time width"]:
        return self.down(F.silu(self.gate(x)) * self.up(x))


class Layer(nn.Module):
    """Norm, attention, sum; norm, SwiGLU, sum."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.norm1, self.attention = RMSNorm(size.width, size.epsilon), GroupedAttention(size)
        self.norm2, self.feed_forward = RMSNorm(size.width, size.epsilon), SwiGLU(size.width, size.inner)

    def forward(
        self, x: Float[Tensor, "batch time width"], angle: Float[Tensor, "time half"]
    ) -> Float[Tensor, "batch time width"]:
        x = x + self.attention(self.norm1(x), angle)
        return x + self.feed_forward(self.norm2(x))


class Llama(nn.Module):
    """Words, layers, a last norm and one of three heads (see the top of this file); any length of text.

    Args:
        vocabulary_size, outputs: V and K.
        size: the shape.
        head: "classes", "language_model" or "none".
    """

    def __init__(self, vocabulary_size: int, outputs: int, size: Size, *, head: Head = "classes") -> None:
        super().__init__()
        require_head(head)
        self.size, self.kind = size, head
        self.word = nn.Embedding(vocabulary_size, size.width)
        self.layers = nn.ModuleList(Layer(size) for _ in range(size.layers))
        self.norm = RMSNorm(size.width, size.epsilon)
        for name, parameter in self.named_parameters():
            if "norm" not in name:
                nn.init.normal_(parameter, std=0.02)
        self.head: nn.Linear | None = None
        if head != "none":
            answers = outputs if head == "classes" else vocabulary_size
            self.head = nn.Linear(size.width, answers, bias=False)
            nn.init.normal_(self.head.weight, std=0.02)
            if head == "language_model" and size.tied:
                self.head.weight = self.word.weight

    def states(self, tokens: Int[Tensor, "batch time"]) -> Float[Tensor, "batch time width"]:
        """The last states. Padding stands at the end, where nobody before it looks."""
        require_shape(tokens, (None,))
        angle = angles(tokens.shape[1], self.size.width // self.size.heads, self.size, tokens.device)
        x = self.word(tokens)
        for layer in self.layers:
            x = layer(x, angle)
        return self.norm(x)

    def forward(self, inputs: Int[Tensor, "batch time"], lengths: Lengths = None) -> Tensor:
        states = self.states(inputs)
        if self.head is None:
            return states
        return self.head(states if self.kind == "language_model" else last_real_step(states, lengths))


#: Hugging Face's names, with and without the prefix "model.".
HUGGING_FACE = Layout(
    prefixes=("model.",),
    rules={
        "embed_tokens.weight": "word.weight",
        "norm.weight": "norm.weight",
        "lm_head.weight": "head.weight",
        "score.weight": "head.weight",
        "layers.{i}.self_attn.rotary_emb.inv_freq": None,  # computed, kept in old files
        "layers.{i}.self_attn.q_proj.weight": "layers.{i}.attention.query.weight",
        "layers.{i}.self_attn.k_proj.weight": "layers.{i}.attention.key.weight",
        "layers.{i}.self_attn.v_proj.weight": "layers.{i}.attention.value.weight",
        "layers.{i}.self_attn.o_proj.weight": "layers.{i}.attention.out.weight",
        "layers.{i}.mlp.{which}_proj.weight": "layers.{i}.feed_forward.{which}.weight",
        "layers.{i}.input_layernorm.weight": "layers.{i}.norm1.weight",
        "layers.{i}.post_attention_layernorm.weight": "layers.{i}.norm2.weight",
    },
)


def resized(size: Size, width: int) -> Size:
    """The same shape at another width: heads of about 48 numbers, half as many groups, 8/3 the width inside."""
    heads = max(2, round(width / 48) // 2 * 2)
    return replace(
        size, width=width, heads=heads, groups=heads // 2, inner=math.ceil(8 * width / 3 / 32) * 32
    )


def builder(name: str) -> Build:
    """The card's `build`. Options: head. `llama` alone has a width to turn, in multiples of its heads."""

    def build(schema: Schema, width: int | None = None, **options: Any) -> Llama:
        assert isinstance(schema.input, Tokens)
        size = SIZES[name]
        if width is not None and width != size.width:
            if name != "llama":
                raise OptionError(
                    f"width={width}: '{name}' is fixed at {size.width}; only 'llama' has a width to turn."
                )
            size = resized(size, width)
        return Llama(schema.input.vocabulary_size, schema.outputs, size, **options)

    return build


for _name, _size in SIZES.items():
    register(
        ModelCard(
            name=_name,
            family="transformer",
            year=2024 if _name.startswith("llama3") else 2023,
            paper="Grattafiori et al., The Llama 3 Herd of Models, 2024, arXiv:2407.21783"
            if _name.startswith("llama3")
            else "Touvron et al., LLaMA: Open and Efficient Foundation Language Models, 2023, arXiv:2302.13971",
            summary="GPT with RMSNorm, rotary positions, a gated feed-forward part and shared keys.",
            biases=("relation", "order"),
            recipe="attention",
            build=builder(_name),
            inputs=(Tokens,),
            targets=(Classes, Value),
            width=_size.width if _name == "llama" else None,
            example=sentiment(WORDS[_name], length=256 if _name == "llama" else 2048),
            layouts={"huggingface": HUGGING_FACE},
        )
    )
