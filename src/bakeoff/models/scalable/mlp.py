"""The multi-layer perceptron: two hidden layers that assume nothing about the data.

Rumelhart, Hinton & Williams, *Learning representations by back-propagating errors*, Nature 323, 1986. New then:
hidden units that learn what to represent. It treats every input alike and alone, so a shuffle of all positions
changes nothing for it, and it pays for that freedom in parameters and examples. Where this differs: ReLU in place
of the logistic function, AdamW in place of plain gradient descent.
"""

from jaxtyping import Float, Int
from torch import Tensor, nn

from bakeoff.data.schema import Classes, Image, Schema
from bakeoff.models import register
from bakeoff.models.layers.views import Flattened
from bakeoff.models.registry.card import ModelCard


class MLP(nn.Module):
    """values -> width -> ReLU -> width -> ReLU -> outputs."""

    def __init__(self, schema: Schema, width: int) -> None:
        super().__init__()
        self.row = Flattened(schema.input)
        self.layers = nn.Sequential(
            nn.Linear(self.row.features, width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Linear(width, schema.outputs),
        )

    def forward(
        self, x: Tensor, lengths: Int[Tensor, " batch"] | None = None
    ) -> Float[Tensor, "batch outputs"]:
        return self.layers(self.row(x, lengths))


def build(schema: Schema, width: int | None = None) -> nn.Module:
    """`width` is the number of units in each of the two hidden layers (256, as published with MNIST-1D)."""
    return MLP(schema, width or 256)


register(
    ModelCard(
        name="mlp",
        family="mlp",
        year=1986,
        paper="Rumelhart, Hinton & Williams, Learning representations by back-propagating errors, Nature 323, 1986",
        summary="Two hidden layers over the raw values; nothing is assumed about how they hang together.",
        biases=("none",),
        recipe="dense",
        build=build,
        width=256,
        scalable=True,
        example=Schema(
            input=Image(channels=1, height=28, width=28), target=Classes(names=tuple("0123456789"))
        ),
    )
)
