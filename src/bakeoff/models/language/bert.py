"""BERT: a Transformer encoder that first learns language by filling in gaps, and any task afterwards.

Paper: Devlin, Chang, Lee, Toutanova, "BERT: Pre-training of Deep Bidirectional Transformers for Language
Understanding", NAACL 2019 (arXiv 1810.04805). Small ones: Turc et al. 2019 (arXiv 1908.08962). MiniLM: Wang et al.
2020 (arXiv 2002.10957).

What was new: hide 15 % of the words and guess them from *both* sides. The network so trained on much text needs one
new linear layer and a few thousand examples for a new task. Since then one pre-trains once and fine-tunes often.

What it assumes: any two words may be related, both ways; order is a learned vector for each of 512 positions. From
little data it learns little: it lives from published weights (`bakeoff.models.load("bert_base", PATH)`).

    word + position + segment -> norm -> 12 x [ x = norm(x + attention(x));  x = norm(x + W2 gelu(W1 x)) ]
                                      -> the first element's state -> linear, tanh (the "pooler") -> linear -> [B, K]

Three heads, by the option `head`:
    "classes"          [B, K]     the paper's fine-tuning: the pooled first element ([CLS]) and a linear layer
    "language_model"   [B, T, V]  the word at each position: dense, gelu, norm, then the word embeddings once more
    "none"             [B, T, D]  the last states; `pooled` and `sentence` make one vector of them

Where this differs: nothing in the layers. The position vectors number 512, or as many as an example has tokens where
that is more. Texts that bakeoff itself cut into words have no [CLS] in front: then the first word's state,
which has seen all others, stands for the text. Next-sentence prediction, which later work dropped, has no head here.
"""

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from bakeoff.data.schema import Classes, Schema, Tokens, Value
from bakeoff.models import register
from bakeoff.models.layers.language_heads import Head, Size, require_head, require_published_width, sentiment
from bakeoff.models.layers.sequences import Lengths, mean_over_time, require_positions
from bakeoff.models.layers.views import is_real
from bakeoff.models.registry.card import Build, ModelCard
from bakeoff.models.weights import Layout

POSITIONS, SEGMENTS, WORDS = 512, 2, 30_522


SIZES = {
    "bert_tiny": Size(layers=2, width=128, heads=2),
    "bert_mini": Size(layers=4, width=256, heads=4),
    "bert_small": Size(layers=4, width=512, heads=8),
    "bert_medium": Size(layers=8, width=512, heads=8),
    "minilm_l6": Size(layers=6, width=384, heads=12),
    "bert_base": Size(layers=12, width=768, heads=12),
    "bert_large": Size(layers=24, width=1024, heads=16),
}


class Embeddings(nn.Module):
    """The sum of a word's, its position's and its segment's vector, normalised."""

    def __init__(self, vocabulary_size: int, positions: int, width: int, dropout: float) -> None:
        super().__init__()
        self.word = nn.Embedding(vocabulary_size, width)
        self.position = nn.Embedding(positions, width)
        self.segment = nn.Embedding(SEGMENTS, width)
        self.norm = nn.LayerNorm(width, eps=1e-12)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, tokens: Int[Tensor, "batch time"], segments: Int[Tensor, "batch time"] | None = None
    ) -> Float[Tensor, "batch time width"]:
        require_positions(tokens, self.position.num_embeddings)
        positions = torch.arange(tokens.shape[1], device=tokens.device)
        segment = torch.zeros_like(tokens) if segments is None else segments
        return self.dropout(self.norm(self.word(tokens) + self.position(positions) + self.segment(segment)))


class Attention(nn.Module):
    """Each element's query against all keys, in heads; the values' weighted mean through a last linear layer."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.out = nn.Linear(width, width)

    def forward(
        self, x: Float[Tensor, "batch time width"], mask: Tensor | None
    ) -> Float[Tensor, "batch time width"]:
        query, key, value = (
            part(x).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return self.out(mixed.transpose(1, 2).flatten(2))


class Layer(nn.Module):
    """Attention, then two linear layers with GELU between; a sum and a norm after each."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attention, self.norm1 = Attention(width, heads), nn.LayerNorm(width, eps=1e-12)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.norm2 = nn.LayerNorm(width, eps=1e-12)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x: Float[Tensor, "batch time width"], mask: Tensor | None
    ) -> Float[Tensor, "batch time width"]:
        x = self.norm1(x + self.dropout(self.attention(x, mask)))
        return self.norm2(x + self.dropout(self.down(F.gelu(self.up(x)))))


class WordHead(nn.Module):
    """From a state to a score for each word: dense, gelu, norm, then agreement with each word's embedding."""

    def __init__(self, width: int, words: nn.Embedding) -> None:
        super().__init__()
        self.dense, self.norm = nn.Linear(width, width), nn.LayerNorm(width, eps=1e-12)
        self.weight = words.weight  # the same tensor as the embedding: tied
        self.bias = nn.Parameter(torch.zeros(words.num_embeddings))

    def forward(self, states: Float[Tensor, "batch time width"]) -> Float[Tensor, "batch time words"]:
        return F.linear(self.norm(F.gelu(self.dense(states))), self.weight, self.bias)


class Bert(nn.Module):
    """Embeddings, layers, pooler and one of three heads (see the top of this file).

    Args:
        vocabulary_size, outputs: V and K.
        size: layers, width and heads.
        positions: the longest text, in tokens.
        head: "classes", "language_model" or "none".
        dropout: share hidden after the embeddings, after each part and before the head.
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
        self.embeddings = Embeddings(vocabulary_size, positions, size.width, dropout)
        self.layers = nn.ModuleList(Layer(size.width, size.heads, dropout) for _ in range(size.layers))
        self.pooler: nn.Linear | None = (
            None if head == "language_model" else nn.Linear(size.width, size.width)
        )
        self.dropout = nn.Dropout(dropout)
        require_head(head)
        self.head: nn.Module | None = None
        self.apply(_initialise)
        if head == "classes":
            self.head = nn.Linear(size.width, outputs)
            _initialise(self.head)
        elif head == "language_model":
            self.head = WordHead(size.width, self.embeddings.word)

    def states(
        self, tokens: Int[Tensor, "batch time"], lengths: Lengths = None, segments: Tensor | None = None
    ) -> Float[Tensor, "batch time width"]:
        """The last layer's states; padded elements are looked at by nobody."""
        mask = None if lengths is None else is_real(lengths, tokens.shape[1])[:, None, None, :]
        x = self.embeddings(tokens, segments)
        for layer in self.layers:
            x = layer(x, mask)
        return x

    def pooled(self, states: Float[Tensor, "batch time width"]) -> Float[Tensor, "batch width"]:
        """The first element's state through the pooler."""
        assert self.pooler is not None
        return torch.tanh(self.pooler(states[:, 0]))

    def sentence(
        self, tokens: Int[Tensor, "batch time"], lengths: Lengths = None
    ) -> Float[Tensor, "batch width"]:
        """One vector of length 1 a text: the mean of its states (Reimers and Gurevych 2019, arXiv 1908.10084)."""
        return F.normalize(mean_over_time(self.states(tokens, lengths).transpose(1, 2), lengths), dim=1)

    def forward(
        self, inputs: Int[Tensor, "batch time"], lengths: Lengths = None, segments: Tensor | None = None
    ) -> Tensor:
        states = self.states(inputs, lengths, segments)
        if self.head is None:
            return states
        return self.head(states if self.pooler is None else self.dropout(self.pooled(states)))


def _initialise(module: nn.Module) -> None:
    """Weights from N(0, 0.02), biases zero, as in the paper's code."""
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)


#: Hugging Face's names, with and without the prefix "bert."; the files of 2018 call a norm's weight "gamma".
HUGGING_FACE = Layout(
    prefixes=("bert.",),
    rules={
        "embeddings.position_ids": None,
        "embeddings.word_embeddings.weight": "embeddings.word.weight",
        "embeddings.position_embeddings.weight": "embeddings.position.weight",
        "embeddings.token_type_embeddings.weight": "embeddings.segment.weight",
        "embeddings.LayerNorm.gamma": "embeddings.norm.weight",
        "embeddings.LayerNorm.beta": "embeddings.norm.bias",
        "embeddings.LayerNorm.{p}": "embeddings.norm.{p}",
        "encoder.layer.{i}.attention.self.{which}.{p}": "layers.{i}.attention.{which}.{p}",
        "encoder.layer.{i}.attention.output.dense.{p}": "layers.{i}.attention.out.{p}",
        "encoder.layer.{i}.attention.output.LayerNorm.gamma": "layers.{i}.norm1.weight",
        "encoder.layer.{i}.attention.output.LayerNorm.beta": "layers.{i}.norm1.bias",
        "encoder.layer.{i}.attention.output.LayerNorm.{p}": "layers.{i}.norm1.{p}",
        "encoder.layer.{i}.intermediate.dense.{p}": "layers.{i}.up.{p}",
        "encoder.layer.{i}.output.dense.{p}": "layers.{i}.down.{p}",
        "encoder.layer.{i}.output.LayerNorm.gamma": "layers.{i}.norm2.weight",
        "encoder.layer.{i}.output.LayerNorm.beta": "layers.{i}.norm2.bias",
        "encoder.layer.{i}.output.LayerNorm.{p}": "layers.{i}.norm2.{p}",
        "pooler.dense.{p}": "pooler.{p}",
        "classifier.{p}": "head.{p}",
        "cls.predictions.transform.dense.{p}": "head.dense.{p}",
        "cls.predictions.transform.LayerNorm.gamma": "head.norm.weight",
        "cls.predictions.transform.LayerNorm.beta": "head.norm.bias",
        "cls.predictions.transform.LayerNorm.{p}": "head.norm.{p}",
        "cls.predictions.decoder.weight": "head.weight",
        "cls.predictions.decoder.bias": None,  # the same as the next one
        "cls.predictions.bias": "head.bias",
        "cls.seq_relationship.{p}": None,  # next-sentence prediction
    },
)
#: Files of the whole pre-training have the pooler beside the head that guesses words; that head does not use it.
LAYOUTS = {
    "huggingface": HUGGING_FACE,
    "huggingface_pretraining": Layout(
        prefixes=HUGGING_FACE.prefixes, rules={**HUGGING_FACE.rules, "pooler.dense.{p}": None}
    ),
}


def builder(size: Size) -> Build:
    """The card's `build`. Options: head, dropout."""

    def build(schema: Schema, width: int | None = None, **options: Any) -> Bert:
        assert isinstance(schema.input, Tokens)
        require_published_width(width, size.width, SIZES)
        return Bert(
            schema.input.vocabulary_size,
            schema.outputs,
            size,
            positions=max(POSITIONS, schema.input.length),
            **options,
        )

    return build


_PAPERS: dict[str, tuple[int, str]] = {
    "bert_base": (
        2019,
        "Devlin et al., BERT: Pre-training of Deep Bidirectional Transformers, NAACL 2019, arXiv:1810.04805",
    ),
    "minilm_l6": (
        2020,
        "Wang et al., MiniLM: Deep Self-Attention Distillation, NeurIPS 2020, arXiv:2002.10957",
    ),
    "bert_tiny": (2019, "Turc et al., Well-Read Students Learn Better, 2019, arXiv:1908.08962"),
}
_PAPERS |= {"bert_large": _PAPERS["bert_base"]} | dict.fromkeys(
    ("bert_mini", "bert_small", "bert_medium"), _PAPERS["bert_tiny"]
)

for _name, _size in SIZES.items():
    register(
        ModelCard(
            name=_name,
            family="transformer",
            year=_PAPERS[_name][0],
            paper=_PAPERS[_name][1],
            summary=f"A Transformer encoder of {_size.layers} layers that learned words from both sides of a gap.",
            biases=("relation",),
            recipe="attention",
            build=builder(_size),
            inputs=(Tokens,),
            targets=(Classes, Value),
            example=sentiment(WORDS, length=128),
            layouts=LAYOUTS,
        )
    )
