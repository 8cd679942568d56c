"""FCN, the fully convolutional network for time series.

Paper: Wang, Yan, Oates, "Time Series Classification from Scratch with Deep Neural Networks: A Strong Baseline",
IJCNN 2017 (arXiv 1611.06455).

What was new: no hand-made features, no distance such as dynamic time warping, no pooling between the layers. Three
convolutions over time, then the mean over time of each of the last 128 channels, then one linear layer. It was as
good as ensembles of dozens of classifiers.

What it assumes: a short pattern (8, then 5, then 3 steps) says the same thing wherever in time it appears
(convolution), and the class depends on how much of each pattern there is, not on where (the mean). A stack of the
three sees 8 + 4 + 2 = 14 steps at once; longer relations are invisible to it.

    x [B, C, T] -> conv 8 -> conv 5 -> conv 3 -> mean over time -> linear -> [B, K]
                   128       256       128       (batch norm and ReLU after each convolution)

Where this differs: nothing in the layers (the shapes are those of the authors' Keras code, also in Fawaz et al. 2019,
arXiv 1809.04356). New is `lengths`: padded steps are set back to zero after each layer and left out of the mean, so
a padded series gets the very answer of the short one.
"""

from typing import Any

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from bakeoff.data.schema import Classes, Forecast, Schema, Series, Value
from bakeoff.models import register
from bakeoff.models.layers.sequences import GUNPOINT, Lengths, mean_over_time, require_shape, zero_padding
from bakeoff.models.registry.card import ModelCard

PAPER = (
    "Wang, Yan, Oates, Time Series Classification from Scratch with Deep Neural Networks: "
    "A Strong Baseline, IJCNN 2017, arXiv:1611.06455"
)


class SameConv(nn.Conv1d):
    """Convolution over time that keeps the length: zeros on both sides, the odd one at the end (as in Keras)."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, *, bias: bool = True) -> None:
        super().__init__(channels_in, channels_out, kernel, bias=bias)
        self.sides = ((kernel - 1) // 2, kernel // 2)

    def forward(self, signal: Float[Tensor, "batch channels time"]) -> Float[Tensor, "batch out time"]:
        return super().forward(F.pad(signal, self.sides))


class ConvBlock(nn.Module):
    """Convolution, batch norm, and ReLU unless given otherwise: the brick of FCN and of ResNet for series."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, *, relu: bool = True) -> None:
        super().__init__()
        self.conv = SameConv(channels_in, channels_out, kernel)
        self.norm = nn.BatchNorm1d(channels_out)
        self.relu = relu

    def forward(
        self, signal: Float[Tensor, "batch channels time"], lengths: Lengths = None
    ) -> Float[Tensor, "batch out time"]:
        signal = self.norm(self.conv(signal))
        return zero_padding(F.relu(signal) if self.relu else signal, lengths)


class FCN(nn.Module):
    """Three convolutions over time, a mean over time, a linear layer.

    Args:
        channels: channels of the series.
        outputs: numbers per example.
        width: channels of the first and the last convolution; the middle one has twice as many. 128 in the paper.
    """

    def __init__(self, channels: int, outputs: int, *, width: int = 128) -> None:
        super().__init__()
        self.channels = channels
        self.block1 = ConvBlock(channels, width, 8)
        self.block2 = ConvBlock(width, 2 * width, 5)
        self.block3 = ConvBlock(2 * width, width, 3)
        self.head = nn.Linear(width, outputs)

    def forward(
        self, inputs: Float[Tensor, "batch channels time"], lengths: Lengths = None
    ) -> Float[Tensor, "batch outputs"]:
        require_shape(inputs, (self.channels, None))
        signal = zero_padding(inputs, lengths)
        for block in (self.block1, self.block2, self.block3):
            signal = block(signal, lengths)
        return self.head(mean_over_time(signal, lengths))


def build(schema: Schema, width: int | None = None, **options: Any) -> FCN:
    """FCN for a series; `width` 128 as in the paper where None."""
    assert isinstance(schema.input, Series)
    return FCN(schema.input.channels, schema.outputs, width=width or 128, **options)


register(
    ModelCard(
        name="fcn",
        family="cnn",
        year=2017,
        paper=PAPER,
        summary="Three convolutions over time, then the mean of each channel: how much of which pattern, not where.",
        biases=("locality", "translation", "hierarchy"),
        build=build,
        inputs=(Series,),
        targets=(Classes, Value, Forecast),
        width=128,
        example=GUNPOINT,
    )
)
