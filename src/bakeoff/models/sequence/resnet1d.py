"""ResNet for time series: FCN's brick, three deep, with shortcuts.

Paper: Wang, Yan, Oates, "Time Series Classification from Scratch with Deep Neural Networks: A Strong Baseline",
IJCNN 2017 (arXiv 1611.06455), after He et al., "Deep Residual Learning", CVPR 2016 (arXiv 1512.03385).

What was new: He's idea, learn the *difference* to the input and not the output itself, taken from pictures to series.
With the shortcut the gradient reaches the first layer unhindered, so nine convolutions train as easily as three.

What it assumes: what FCN assumes (local patterns, anywhere in time; how much of each), and that later features are
corrections of earlier ones. Nine layers see 3 * (7 + 4 + 2) + 1 = 40 steps at once.

    x -> [conv 8, conv 5, conv 3] + shortcut -> ReLU      64 channels
      -> [conv 8, conv 5, conv 3] + shortcut -> ReLU     128 channels
      -> [conv 8, conv 5, conv 3] + shortcut -> ReLU     128 channels
      -> mean over time -> linear

The shortcut is a convolution of one step where the number of channels changes, and batch norm in any case.

Where this differs: the first version of the authors' code normalises the input once more; as in Fawaz et al. 2019
(arXiv 1809.04356) we do not, for the data are standardised already. New is `lengths`, as in `fcn.py`.
"""

from typing import Any

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from bakeoff.data.schema import Classes, Forecast, Schema, Series, Value
from bakeoff.models import register
from bakeoff.models.layers.sequences import GUNPOINT, Lengths, mean_over_time, require_shape, zero_padding
from bakeoff.models.registry.card import ModelCard
from bakeoff.models.sequence.fcn import PAPER, ConvBlock


class Residual(nn.Module):
    """Three convolutions of 8, 5 and 3 steps whose result is added to their input."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.block1 = ConvBlock(channels_in, channels_out, 8)
        self.block2 = ConvBlock(channels_out, channels_out, 5)
        self.block3 = ConvBlock(channels_out, channels_out, 3, relu=False)
        if channels_in == channels_out:
            self.shortcut: nn.Module = nn.BatchNorm1d(channels_out)
        else:
            self.shortcut = nn.Sequential(
                nn.Conv1d(channels_in, channels_out, 1), nn.BatchNorm1d(channels_out)
            )

    def forward(
        self, signal: Float[Tensor, "batch channels time"], lengths: Lengths = None
    ) -> Float[Tensor, "batch out time"]:
        changed = self.block1(signal, lengths)
        changed = self.block2(changed, lengths)
        changed = self.block3(changed, lengths)
        return zero_padding(F.relu(changed + self.shortcut(signal)), lengths)


class ResNet1d(nn.Module):
    """Three residual units over time, a mean over time, a linear layer.

    Args:
        channels: channels of the series.
        outputs: numbers per example.
        width: channels of the first unit; the other two have twice as many. 64 in the paper.
    """

    def __init__(self, channels: int, outputs: int, *, width: int = 64) -> None:
        super().__init__()
        self.channels = channels
        self.unit1 = Residual(channels, width)
        self.unit2 = Residual(width, 2 * width)
        self.unit3 = Residual(2 * width, 2 * width)
        self.head = nn.Linear(2 * width, outputs)

    def forward(
        self, inputs: Float[Tensor, "batch channels time"], lengths: Lengths = None
    ) -> Float[Tensor, "batch outputs"]:
        require_shape(inputs, (self.channels, None))
        signal = zero_padding(inputs, lengths)
        for unit in (self.unit1, self.unit2, self.unit3):
            signal = unit(signal, lengths)
        return self.head(mean_over_time(signal, lengths))


def build(schema: Schema, width: int | None = None, **options: Any) -> ResNet1d:
    """ResNet for a series; `width` 64 as in the paper where None."""
    assert isinstance(schema.input, Series)
    return ResNet1d(schema.input.channels, schema.outputs, width=width or 64, **options)


register(
    ModelCard(
        name="resnet1d",
        family="cnn",
        year=2017,
        paper=PAPER,
        summary="Nine convolutions over time in three units, each adding a correction to what went in.",
        biases=("locality", "translation", "hierarchy"),
        build=build,
        inputs=(Series,),
        targets=(Classes, Value, Forecast),
        width=64,
        example=GUNPOINT,
    )
)
