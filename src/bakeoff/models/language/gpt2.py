"""GPT-2: a Transformer that foretells the next word.

Paper: Radford, Wu, Child, Luan, Amodei, Sutskever, "Language Models are Unsupervised Multitask Learners", OpenAI
2019. The idea of the first GPT: Radford et al. 2018.

What was new: nothing but the next word is learned, on 40 GB of text - and questions, translation and summaries come
along, without a task ever being named. In the network: the norm stands *before* each part (so the sum runs through
unhindered, and 48 layers train), and the weights into the sum start smaller the deeper the network.

What it assumes: order, one way only: an element sees itself and those before it. Otherwise any two may be related;
position is a learned vector for each of 1024.

    word + position -> 12 x [ x = x + attention(norm(x));  x = x + W2 gelu(W1 norm(x)) ] -> norm -> head

Three heads, by the option `head`:
    "language_model"   [B, T, V]  the next word at each position: agreement with each word's embedding, the same tensor
    "classes"          [B, K]     the last real element's state, which has seen all, through a linear layer (no bias)
    "none"             [B, T, D]  the last states

Where this differs: nothing in the layers (GELU is the paper's tanh form). Positions number 1024, or as many as the
tokens of an example where those are more.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from bakeoff.data.schema import Classes, Schema, Tokens, Value
from bakeoff.models import register
from bakeoff.models.layers.language_heads import Head, Size, require_head, require_published_width, sentiment
from bakeoff.models.layers.sequences import Lengths, last_real_step, require_positions
from bakeoff.models.registry.card import Build, ModelCard
from bakeoff.models.weights import Changed, Layout, transposed

POSITIONS, WORDS = 1024, 50_257


SIZES = {
    "gpt2": Size(layers=12, width=768, heads=12),
    "gpt2_medium": Size(layers=24, width=1024, heads=16),
    "gpt2_large": Size(layers=36, width=1280, heads=20),
    "gpt2_xl": Size(layers=48, width=1600, heads=25),
}


class CausalAttention(nn.Module):
    """Each element's query against the keys of itself and those before it, in heads."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query_key_value = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Float[Tensor, "batch time width"]) -> Float[Tensor, "batch time width"]:
        query, key, value = (
            part.unflatten(2, (self.heads, -1)).transpose(1, 2)
            for part in self.query_key_value(x).chunk(3, dim=2)
        )
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.out(mixed.transpose(1, 2).flatten(2))


class Layer(nn.Module):
    """Norm, attention, sum; norm, two linear layers with GELU between, sum."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(width), CausalAttention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Float[Tensor, "batch time width"]) -> Float[Tensor, "batch time width"]:
        x = x + self.dropout(self.attention(self.norm1(x)))
        return x + self.dropout(self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh")))


class GPT2(nn.Module):
    """Embeddings, layers, a last norm and one of three heads (see the top of this file).

    Args:
        vocabulary_size, outputs: V and K.
        size: layers, width and heads.
        positions: the longest text, in tokens.
        head: "classes", "language_model" or "none".
        dropout: share hidden after the embeddings and after each part.
    """

    def __init__(
        self,
        vocabulary_size: int,
        outputs: int,
        size: Size,
        *,
        positions: int = POSITIONS,
        head: Head = "classes",
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        require_head(head)
        self.kind = head
        self.word = nn.Embedding(vocabulary_size, size.width)
        self.position = nn.Embedding(positions, size.width)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(Layer(size.width, size.heads, dropout) for _ in range(size.layers))
        self.norm = nn.LayerNorm(size.width)
        self.head = nn.Linear(size.width, outputs, bias=False) if head == "classes" else None
        self._initialise()

    def _initialise(self) -> None:
        """Weights from N(0, 0.02); those into the sum are smaller by the root of the number of its summands."""
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)
            elif "norm" not in name:
                into_sum = name.endswith(("out.weight", "down.weight"))
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * len(self.layers)) if into_sum else 0.02)

    def states(self, tokens: Int[Tensor, "batch time"]) -> Float[Tensor, "batch time width"]:
        """The last states. Padding stands at the end, where nobody before it looks."""
        require_positions(tokens, self.position.num_embeddings)
        x = self.dropout(
            self.word(tokens) + self.position(torch.arange(tokens.shape[1], device=tokens.device))
        )
        for layer in self.layers:
            x = layer(x)
        return self.norm(x)

    def forward(self, inputs: Int[Tensor, "batch time"], lengths: Lengths = None) -> Tensor:
        states = self.states(inputs)
        if self.kind == "language_model":
            return F.linear(states, self.word.weight)
        return states if self.head is None else self.head(last_real_step(states, lengths))


#: Hugging Face's names, with and without the prefix "transformer."; its matrices are transposed.
HUGGING_FACE = Layout(
    prefixes=("transformer.",),
    rules={
        "wte.weight": "word.weight",
        "wpe.weight": "position.weight",
        "lm_head.weight": "word.weight",  # tied
        "score.weight": "head.weight",
        "ln_f.{p}": "norm.{p}",
        "h.{i}.attn.bias": None,  # masks that old files carry along
        "h.{i}.attn.masked_bias": None,
        "h.{i}.ln_{n}.{p}": "layers.{i}.norm{n}.{p}",
        "h.{i}.attn.c_attn.weight": Changed("layers.{i}.attention.query_key_value.weight", transposed),
        "h.{i}.attn.c_attn.bias": "layers.{i}.attention.query_key_value.bias",
        "h.{i}.attn.c_proj.weight": Changed("layers.{i}.attention.out.weight", transposed),
        "h.{i}.attn.c_proj.bias": "layers.{i}.attention.out.bias",
        "h.{i}.mlp.c_fc.weight": Changed("layers.{i}.up.weight", transposed),
        "h.{i}.mlp.c_fc.bias": "layers.{i}.up.bias",
        "h.{i}.mlp.c_proj.weight": Changed("layers.{i}.down.weight", transposed),
        "h.{i}.mlp.c_proj.bias": "layers.{i}.down.bias",
    },
)


def builder(size: Size) -> Build:
    """The card's `build`. Options: head, dropout."""

    def build(schema: Schema, width: int | None = None, **options: Any) -> GPT2:
        assert isinstance(schema.input, Tokens)
        require_published_width(width, size.width, SIZES)
        return GPT2(
            schema.input.vocabulary_size,
            schema.outputs,
            size,
            positions=max(POSITIONS, schema.input.length),
            **options,
        )

    return build


for _name, _size in SIZES.items():
    register(
        ModelCard(
            name=_name,
            family="transformer",
            year=2019,
            paper="Radford et al., Language Models are Unsupervised Multitask Learners, OpenAI 2019",
            summary=f"A Transformer of {_size.layers} layers that foretell the next word from those before it.",
            biases=("relation", "order"),
            recipe="attention",
            build=builder(_size),
            inputs=(Tokens,),
            targets=(Classes, Value),
            example=sentiment(WORDS, length=1024),
            layouts={"huggingface": HUGGING_FACE},
        )
    )
