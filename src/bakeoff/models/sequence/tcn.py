"""TCN, the temporal convolutional network: a convolution that never looks ahead, and far back.

Paper: Bai, Kolter, Koltun, "An Empirical Evaluation of Generic Convolutional and Recurrent Networks for Sequence
Modeling", 2018 (arXiv 1803.01271), after WaveNet (van den Oord et al. 2016, arXiv 1609.03499).

What was new: the claim, with measurements, that for sequences a convolution should be the first thing to try, not an
LSTM. Two means: *causal* convolution (the answer at step t sees only steps up to t) and *dilation* (a layer looks at
every 1st, 2nd, 4th, 8th ... step), so the past that is seen doubles with each layer, while no gradient has to pass
through each step in between.

What it assumes: order; local patterns at each scale, the same anywhere in time; and a longest reach, fixed when it is
built:

    reach = 1 + 2 (k - 1) (2^levels - 1) steps     for kernels of k steps and two convolutions a level

    one level:  x -> [conv k, dilation 2^i -> ReLU -> dropout] twice -> + x -> ReLU
                     (x goes through a convolution of one step where the number of channels changes)

Where this differs: unless given, the number of levels is the smallest whose reach covers the whole series. The
authors' code means to start the convolutions at N(0, 0.01), but its weight normalisation sets them back to torch's
default; so does this.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from bakeoff.data.schema import Classes, Forecast, Image, Schema, Series, Tokens, Value
from bakeoff.errors import OptionError
from bakeoff.models import register
from bakeoff.models.layers.sequences import EveryStep, Lengths, last_real_step
from bakeoff.models.registry.card import ModelCard


def reach(kernel: int, levels: int) -> int:
    """How many steps, itself included, the answer at one step depends on.

    >>> reach(7, 8)
    3061
    """
    return 1 + 2 * (kernel - 1) * (2**levels - 1)


def levels_for(steps: int, kernel: int) -> int:
    """The fewest levels whose reach covers this many steps.

    >>> levels_for(784, 7)
    7
    """
    levels = 1
    while reach(kernel, levels) < steps:
        levels += 1
    return levels


class CausalConv(nn.Module):
    """Convolution over time that sees the present and the past only.

    Its weights are g v / |v|, one length g and one direction v an output channel (weight normalisation, Salimans and
    Kingma 2016, arXiv 1602.07868): how strong and what for are learned apart.
    """

    def __init__(self, channels_in: int, channels_out: int, kernel: int, dilation: int) -> None:
        super().__init__()
        self.dilation, self.past = dilation, (kernel - 1) * dilation
        bound = (channels_in * kernel) ** -0.5  # torch's own start for a convolution
        self.direction = nn.Parameter(torch.empty(channels_out, channels_in, kernel).uniform_(-bound, bound))
        self.length = nn.Parameter(self.direction.detach().norm(dim=(1, 2), keepdim=True))
        self.bias = nn.Parameter(torch.empty(channels_out).uniform_(-bound, bound))

    def forward(self, signal: Float[Tensor, "batch channels time"]) -> Float[Tensor, "batch out time"]:
        weight = self.length * self.direction / self.direction.norm(dim=(1, 2), keepdim=True)
        return F.conv1d(F.pad(signal, (self.past, 0)), weight, self.bias, dilation=self.dilation)


class Level(nn.Module):
    """Two causal convolutions of one dilation whose result is added to their input."""

    def __init__(
        self, channels_in: int, channels_out: int, kernel: int, dilation: int, dropout: float
    ) -> None:
        super().__init__()
        self.conv1 = CausalConv(channels_in, channels_out, kernel, dilation)
        self.conv2 = CausalConv(channels_out, channels_out, kernel, dilation)
        self.dropout = nn.Dropout(dropout)
        same = channels_in == channels_out
        self.shortcut = None if same else nn.Conv1d(channels_in, channels_out, 1)

    def forward(self, signal: Float[Tensor, "batch channels time"]) -> Float[Tensor, "batch out time"]:
        changed = self.dropout(F.relu(self.conv1(signal)))
        changed = self.dropout(F.relu(self.conv2(changed)))
        return F.relu(changed + (signal if self.shortcut is None else self.shortcut(signal)))


class TemporalConvolution(nn.Module):
    """Levels of growing dilation: [B, T, C] to [B, T, width], the answer at each step from its past alone.

    Args:
        channels: numbers of one step.
        width: channels inside.
        kernel: k, steps of a convolution; at least 2.
        levels: how many; the i-th (from 0) has dilation 2^i.
        dropout: share of the channels' values hidden while training.
    """

    def __init__(self, channels: int, *, width: int, kernel: int, levels: int, dropout: float = 0.0) -> None:
        super().__init__()
        if kernel < 2 or levels < 1:
            raise OptionError(
                f"kernel={kernel}, levels={levels}: a TCN needs kernels of 2 steps and 1 level at least."
            )
        self.levels = nn.Sequential(
            *(
                Level(channels if index == 0 else width, width, kernel, 2**index, dropout)
                for index in range(levels)
            )
        )

    def forward(self, inputs: Float[Tensor, "batch time channels"]) -> Float[Tensor, "batch time width"]:
        return self.levels(inputs.transpose(1, 2)).transpose(1, 2)


class TCN(nn.Module):
    """A temporal convolution that answers from the last real step, which has seen all steps before it."""

    def __init__(
        self, schema: Schema, width: int, *, kernel: int, levels: int | None, dropout: float
    ) -> None:
        super().__init__()
        self.view = EveryStep(schema.input)
        levels = levels or levels_for(self.view.steps, max(kernel, 2))
        self.body = TemporalConvolution(
            self.view.channels, width=width, kernel=kernel, levels=levels, dropout=dropout
        )
        self.head = nn.Linear(width, schema.outputs)

    def forward(self, inputs: Tensor, lengths: Lengths = None) -> Float[Tensor, "batch outputs"]:
        return self.head(last_real_step(self.body(self.view(inputs, lengths)), lengths))


def build(
    schema: Schema,
    width: int | None = None,
    *,
    kernel: int = 7,
    levels: int | None = None,
    dropout: float = 0.05,
) -> TCN:
    """A TCN; 25 channels, kernels of 7 and dropout 0.05 unless given, as in the paper's sequential MNIST."""
    return TCN(schema, width or 25, kernel=kernel, levels=levels, dropout=dropout)


register(
    ModelCard(
        name="tcn",
        family="cnn",
        year=2018,
        paper="Bai, Kolter, Koltun, An Empirical Evaluation of Generic Convolutional and Recurrent Networks "
        "for Sequence Modeling, 2018, arXiv:1803.01271",
        summary="Convolutions that see only the past, twice as far back with each layer.",
        biases=("order", "locality", "translation", "hierarchy"),
        build=build,
        inputs=(Image, Series, Tokens),
        targets=(Classes, Value, Forecast),
        width=25,
        example=Schema(input=Series(channels=1, length=784), target=Classes(names=tuple("0123456789"))),
    )
)
