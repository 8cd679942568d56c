"""The single-layer perceptron: softmax or linear regression.

Rosenblatt, *The perceptron: a probabilistic model for information storage and organization in the brain*, 1958.
New then: a machine that learns its weights from examples. It assumes that the answer is a weighted sum of the
inputs, so a straight cut must do. Where this differs: the weights are learned by gradient descent on the
cross-entropy (logistic regression, Cox 1958), not by Rosenblatt's rule; `models/vision/perceptron.py` has that one.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from bakeoff.data.schema import Classes, Image, Schema, Tokens
from bakeoff.models import register
from bakeoff.models.layers.views import Counts, Flattened
from bakeoff.models.registry.card import ModelCard


class Linear(nn.Module):
    """`logits = W x + b`, with x the example's values in a row."""

    def __init__(self, schema: Schema) -> None:
        super().__init__()
        self.row = Flattened(schema.input)
        self.out = nn.Linear(self.row.features, schema.outputs)

    def forward(
        self, x: Tensor, lengths: Int[Tensor, " batch"] | None = None
    ) -> Float[Tensor, "batch outputs"]:
        return self.out(self.row(x, lengths))


class BagOfWords(nn.Module):
    """`logits = W counts + b`: a text by the share of each of its words, whatever their order."""

    def __init__(self, kind: Tokens, outputs: int) -> None:
        super().__init__()
        self.counts = Counts(kind.vocabulary_size, outputs)
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Int[Tensor, "batch time"]) -> Float[Tensor, "batch outputs"]:
        return self.counts(x) + self.bias


def build(schema: Schema, width: int | None = None) -> nn.Module:
    """Softmax or linear regression; it has no width."""
    return BagOfWords(schema.input, schema.outputs) if isinstance(schema.input, Tokens) else Linear(schema)


register(
    ModelCard(
        name="linear",
        family="linear",
        year=1958,
        paper="Rosenblatt, The perceptron, Psychological Review 65, 1958",
        summary="One layer of weights: softmax or linear regression on the raw values.",
        biases=("linearity",),
        recipe="linear",
        build=build,
        scalable=True,
        example=Schema(
            input=Image(channels=1, height=28, width=28), target=Classes(names=tuple("0123456789"))
        ),
    )
)
