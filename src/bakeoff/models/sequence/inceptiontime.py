"""InceptionTime: short and long patterns side by side.

Paper: Fawaz, Lucas, Forestier, Pelletier, Schmidt, Weber, Webb, Idoumghar, Muller, Petitjean, "InceptionTime: Finding
AlexNet for Time Series Classification", Data Mining and Knowledge Discovery 2020 (arXiv 1909.04939), after Szegedy
et al. (GoogLeNet), CVPR 2015.

What was new: kernels of 10, 20 and 40 steps work next to each other in each layer, so nobody has to choose the scale
of a pattern; a *bottleneck* (a convolution of one step, down to 32 channels; none for a single channel) keeps the
long kernels cheap; and an ensemble of five networks that differ only in their initial weights removes most of the
luck of training.

What it assumes: patterns are local in time, of any scale up to 40 steps, and mean the same anywhere; six layers see
6 * 39 + 1 = 235 steps at once.

    one module:  x -> bottleneck 1, 32 -> conv 40, 32 -┐
                                       -> conv 20, 32 -┤
                                       -> conv 10, 32 -┼-> 128 channels -> batch norm -> ReLU
                 x -> max pool 3       -> conv 1,  32 -┘
    network:     six modules, a shortcut around every third -> mean over time -> linear

Where this differs: nothing in the layers (kernels of 40, 20 and 10 steps as in the text and the authors' code). The
authors train the five networks of the ensemble each by itself; `inceptiontime_ensemble`, trained as one module, has one
loss for all five, that of their mean probability (for real values: of their mean). To have the paper's, train
`inceptiontime` with five seeds and give them to `InceptionTimeEnsemble`. New is `lengths`, as in `fcn.py`.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from bakeoff.data.schema import Classes, Forecast, Schema, Series, Value
from bakeoff.models import register
from bakeoff.models.layers.sequences import GUNPOINT, Lengths, mean_over_time, require_shape, zero_padding
from bakeoff.models.layers.views import is_real
from bakeoff.models.registry.card import ModelCard
from bakeoff.models.sequence.fcn import SameConv

#: The paper's lengths of the kernels side by side, in steps.
KERNELS = (40, 20, 10)


class Inception(nn.Module):
    """One module: three kernel lengths and a max pool side by side, each giving `width` channels."""

    def __init__(self, channels_in: int, width: int) -> None:
        super().__init__()
        self.bottleneck = nn.Conv1d(channels_in, width, 1, bias=False) if channels_in > 1 else None
        narrowed = width if channels_in > 1 else 1
        self.convs = nn.ModuleList(SameConv(narrowed, width, kernel, bias=False) for kernel in KERNELS)
        self.pooled = nn.Conv1d(channels_in, width, 1, bias=False)
        self.norm = nn.BatchNorm1d(4 * width)

    def forward(
        self, signal: Float[Tensor, "batch channels time"], lengths: Lengths = None
    ) -> Float[Tensor, "batch out time"]:
        narrow = signal if self.bottleneck is None else self.bottleneck(signal)
        branches = [conv(narrow) for conv in self.convs]
        branches.append(self.pooled(_max_of_three(signal, lengths)))
        return zero_padding(F.relu(self.norm(torch.cat(branches, dim=1))), lengths)


def _max_of_three(
    signal: Float[Tensor, "batch channels time"], lengths: Lengths
) -> Float[Tensor, "batch channels time"]:
    """The largest of each step and its two neighbours; steps beyond the end never win."""
    if lengths is None:
        return F.max_pool1d(signal, 3, stride=1, padding=1)
    beyond = ~is_real(lengths, signal.shape[-1])[:, None, :]
    lowest = torch.finfo(signal.dtype).min
    largest = F.max_pool1d(signal.masked_fill(beyond, lowest), 3, stride=1, padding=1)
    return largest.masked_fill(beyond, 0.0)


class Shortcut(nn.Module):
    """Adds what went into three modules to what came out of them."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels_in, channels_out, 1, bias=False)
        self.norm = nn.BatchNorm1d(channels_out)

    def forward(
        self, before: Float[Tensor, "batch channels time"], after: Float[Tensor, "batch out time"]
    ) -> Float[Tensor, "batch out time"]:
        return F.relu(self.norm(self.conv(before)) + after)


class InceptionTime(nn.Module):
    """Inception modules over time with a shortcut around every third, a mean over time, a linear layer.

    Args:
        channels: channels of the series.
        outputs: numbers per example.
        width: channels of each of a module's four branches; 32 in the paper.
        depth: modules; 6 in the paper.
    """

    def __init__(self, channels: int, outputs: int, *, width: int = 32, depth: int = 6) -> None:
        super().__init__()
        self.channels = channels
        self.modules_in_order = nn.ModuleList(
            Inception(channels if index == 0 else 4 * width, width) for index in range(depth)
        )
        self.shortcuts = nn.ModuleList(
            Shortcut(channels if index == 0 else 4 * width, 4 * width) for index in range(depth // 3)
        )
        self.head = nn.Linear(4 * width, outputs)

    def forward(
        self, inputs: Float[Tensor, "batch channels time"], lengths: Lengths = None
    ) -> Float[Tensor, "batch outputs"]:
        require_shape(inputs, (self.channels, None))
        signal = before = zero_padding(inputs, lengths)
        for index, module in enumerate(self.modules_in_order):
            signal = module(signal, lengths)
            if index % 3 == 2:
                signal = before = zero_padding(self.shortcuts[index // 3](before, signal), lengths)
        return self.head(mean_over_time(signal, lengths))


class InceptionTimeEnsemble(nn.Module):
    """Several InceptionTime networks and the mean of what they say.

    For classes the answer is the logarithm of the mean probability, so that softmax of it gives that mean.
    """

    def __init__(self, members: list[InceptionTime], *, classes: bool) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.classes = classes

    def forward(
        self, inputs: Float[Tensor, "batch channels time"], lengths: Lengths = None
    ) -> Float[Tensor, "batch outputs"]:
        answers = torch.stack([member(inputs, lengths) for member in self.members])
        if not self.classes:
            return answers.mean(dim=0)
        return torch.logsumexp(F.log_softmax(answers, dim=-1), dim=0) - math.log(len(self.members))


def build(schema: Schema, width: int | None = None, **options: Any) -> InceptionTime:
    """One InceptionTime network; `width` 32 as in the paper where None. Options: depth."""
    assert isinstance(schema.input, Series)
    return InceptionTime(schema.input.channels, schema.outputs, width=width or 32, **options)


def build_ensemble(
    schema: Schema, width: int | None = None, *, networks: int = 5, **options: Any
) -> InceptionTimeEnsemble:
    """The paper's ensemble, of five networks unless given otherwise."""
    members = [build(schema, width, **options) for _ in range(networks)]
    return InceptionTimeEnsemble(members, classes=schema.is_classification)


for _name, _build, _summary in (
    (
        "inceptiontime",
        build,
        "Kernels of 10, 20 and 40 steps side by side in each of six layers: no scale to choose.",
    ),
    (
        "inceptiontime_ensemble",
        build_ensemble,
        "Five InceptionTime networks and the mean of their probabilities.",
    ),
):
    register(
        ModelCard(
            name=_name,
            family="cnn",
            year=2020,
            paper="Fawaz et al., InceptionTime: Finding AlexNet for Time Series Classification, "
            "Data Mining and Knowledge Discovery 2020, arXiv:1909.04939",
            summary=_summary,
            biases=("locality", "translation", "hierarchy"),
            build=_build,
            inputs=(Series,),
            targets=(Classes, Value, Forecast),
            width=32,
            example=GUNPOINT,
        )
    )
