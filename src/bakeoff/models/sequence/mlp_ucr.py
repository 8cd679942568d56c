"""The multilayer perceptron baseline for time series: every time step is just another number.

Paper: Wang, Yan, Oates, "Time Series Classification from Scratch with Deep Neural Networks: A Strong Baseline",
IJCNN 2017 (arXiv 1611.06455).

What was new: nothing, on purpose. Three layers of 500 units with ReLU and dropout, the plainest network there is,
showed how much of the success of deep networks on series comes from their idea of time - this one has none.

What it assumes: each moment of the series has a meaning of its own, the same in all examples. Shift the series by
five steps and it is a stranger. That is harmless where the recordings are cut and aligned (ItalyPowerDemand, 95 %)
and a disaster where a shape may begin anywhere (OSULeaf, 56 %).

    x [B, C, T] -> C*T numbers -> 500 -> 500 -> 500 -> [B, K]     dropout 0.1, 0.2, 0.2 before, 0.3 after them

Where this differs: nothing. The length is fixed by the first layer; a shorter series is one with zeros at its end.
"""

import math
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from bakeoff.data.schema import Classes, Forecast, Schema, Series, Table, Value
from bakeoff.models import register
from bakeoff.models.layers.sequences import GUNPOINT, Lengths, require_shape, zero_padding
from bakeoff.models.registry.card import ModelCard
from bakeoff.models.sequence.fcn import PAPER


class MLPForSeries(nn.Module):
    """Flatten, then three hidden layers of equal width with dropout before each and after the last.

    Args:
        shape: of one example: (features,), or (channels, length).
        outputs: numbers per example.
        width: units of a hidden layer; 500 in the paper.
    """

    def __init__(self, shape: tuple[int, ...], outputs: int, *, width: int = 500) -> None:
        super().__init__()
        self.shape = shape
        layers: list[nn.Module] = [nn.Flatten()]
        for size, dropout in ((math.prod(shape), 0.1), (width, 0.2), (width, 0.2)):
            layers += [nn.Dropout(dropout), nn.Linear(size, width), nn.ReLU()]
        self.body = nn.Sequential(*layers, nn.Dropout(0.3))
        self.head = nn.Linear(width, outputs)

    def forward(
        self, inputs: Float[Tensor, "batch *rest"], lengths: Lengths = None
    ) -> Float[Tensor, "batch outputs"]:
        require_shape(inputs, self.shape)
        return self.head(self.body(inputs if inputs.ndim == 2 else zero_padding(inputs, lengths)))


def build(schema: Schema, width: int | None = None, **options: Any) -> MLPForSeries:
    """The baseline MLP for a series or a table; `width` 500 as in the paper where None."""
    return MLPForSeries(schema.input.shape, schema.outputs, width=width or 500, **options)


register(
    ModelCard(
        name="mlp_ucr",
        family="mlp",
        year=2017,
        paper=PAPER,
        summary="Three layers of 500 units with dropout that see a series as a row of unrelated numbers.",
        biases=("none",),
        recipe="dense",
        build=build,
        inputs=(Series, Table),
        targets=(Classes, Value, Forecast),
        width=500,
        example=GUNPOINT,
    )
)
