"""EfficientNet: a small network found by search, and one rule that makes it larger.

Tan, Le, *EfficientNet: rethinking model scaling for convolutional neural networks*, ICML 2019 (arXiv
1905.11946).

New in 2019: a network can be made deeper, wider, or be given larger images, and each alone soon stops
helping. Scale all three together, at a fixed ratio: `compound_scaling`. The base network, B0, was found
by search; its block is MobileNet's inverted bottleneck (widen, convolve each channel by itself, narrow)
with squeeze-and-excitation (each channel is multiplied by a number that depends on all channels' means).

It assumes that neighbours belong together, that a pattern means the same wherever it appears, that large
patterns are made of small ones, and that mixing positions and mixing channels can be done one after the
other.

Where this differs from the paper: widths and depths of B1 ... B7 are the published table `SCALES`, which
the rule gives before rounding. Two conventions exist for the published weights, chosen by `padding`:
"symmetric" (torchvision and timm; batch normalisation with epsilon 1e-5, 1e-3 from B5 on as there) and
"tensorflow" (the authors' own, and Hugging Face: one pixel more at the end where a stride does not divide
the side, epsilon 1e-3). Images of at most 64 pixels a side keep their size in the stem and in the first
stage that would halve it.
"""

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from bakeoff.data.schema import Classes, Image, Schema, Value
from bakeoff.errors import OptionError
from bakeoff.models import register
from bakeoff.models.layers.image_stem import image_of, imagenet, is_small, require_no_width
from bakeoff.models.registry.card import ModelCard
from bakeoff.models.vision.efficientnet_layouts import layouts

PAPER = "Tan and Le, EfficientNet: rethinking model scaling, ICML 2019, arXiv 1905.11946"
Feature = Float[Tensor, "batch channels height width"]

#: The paper's ratios (section 3.3): depth, width and resolution grow by these for each step of the
#: coefficient, and multiply-adds by about alpha * beta^2 * gamma^2 = 2.
ALPHA, BETA, GAMMA = 1.2, 1.1, 1.15
PADDINGS = ("symmetric", "tensorflow")


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much larger than B0: factors of width and depth, the side of its images in pixels, dropout."""

    width: float
    depth: float
    resolution: int
    dropout: float = 0.2


#: The published sizes, B0 to B7.
SCALES = {
    f"efficientnet_b{number}": Scale(width=width, depth=depth, resolution=resolution, dropout=dropout)
    for number, (width, depth, resolution, dropout) in enumerate(
        (
            *((1.0, 1.0, 224, 0.2), (1.0, 1.1, 240, 0.2), (1.1, 1.2, 260, 0.3), (1.2, 1.4, 300, 0.3)),
            *((1.4, 1.8, 380, 0.4), (1.6, 2.2, 456, 0.4), (1.8, 2.6, 528, 0.5), (2.0, 3.1, 600, 0.5)),
        )
    )
}


def compound_scaling(coefficient: float, *, resolution: int = 224) -> Scale:
    """The paper's rule: depth alpha^c, width beta^c, resolution gamma^c (section 3.3).

    >>> scale = compound_scaling(1)
    >>> scale.depth, scale.width, scale.resolution
    (1.2, 1.1, 258)

    Args:
        coefficient: c; each step about doubles the multiply-adds.
        resolution: side of the base network's images in pixels.

    Raises:
        OptionError: a negative coefficient.
    """
    if coefficient < 0:
        raise OptionError(f"The scaling coefficient must be 0 or more, and {coefficient} was given.")
    return Scale(
        width=BETA**coefficient, depth=ALPHA**coefficient, resolution=round(resolution * GAMMA**coefficient)
    )


def scaled_channels(channels: int, width: float) -> int:
    """Channels times the width factor, rounded to a multiple of 8 and never down by more than a tenth."""
    wanted = channels * width
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * wanted else rounded


def scaled_repeats(repeats: int, depth: float) -> int:
    """Blocks times the depth factor, rounded up."""
    return math.ceil(repeats * depth)


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One row of table 1: `repeats` blocks; the first has the stride."""

    widens: int
    kernel: int
    stride: int
    channels: int
    repeats: int


#: B0 (table 1 of the paper), after a stem of 32 channels and before a last 1x1 convolution to 1280.
STAGES = tuple(
    Stage(widens=widens, kernel=kernel, stride=stride, channels=channels, repeats=repeats)
    for widens, kernel, stride, channels, repeats in (
        *((1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3)),
        *((6, 5, 1, 112, 3), (6, 5, 2, 192, 4), (6, 3, 1, 320, 1)),
    )
)
STEM_CHANNELS, LAST_WIDENS = 32, 4


class Convolution(nn.Module):
    """Convolution and batch normalisation, then SiLU where `active`."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 1,
        *,
        stride: int = 1,
        groups: int = 1,
        active: bool = True,
        padding: str = "symmetric",
        epsilon: float = 1e-5,
    ) -> None:
        super().__init__()
        self.same = padding == "tensorflow" and stride > 1
        fill = 0 if self.same else kernel // 2
        self.convolution = nn.Conv2d(inputs, outputs, kernel, stride, fill, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=epsilon, momentum=0.01 if epsilon > 1e-5 else 0.1)
        self.active = active

    def forward(self, x: Feature) -> Feature:
        if self.same:
            x = F.pad(x, (*self._fill(x.shape[3]), *self._fill(x.shape[2])))
        x = self.norm(self.convolution(x))
        return F.silu(x) if self.active else x

    def _fill(self, side: int) -> tuple[int, int]:
        """TensorFlow's "same": as few pixels as give ceil(side / stride) outputs, the odd one at the end."""
        kernel, stride = self.convolution.kernel_size[0], self.convolution.stride[0]
        missing = max((math.ceil(side / stride) - 1) * stride + kernel - side, 0)
        return missing // 2, missing - missing // 2


class SqueezeExcitation(nn.Module):
    """Multiply each channel by a number between 0 and 1 that two 1x1 layers read from all channels' means."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeezed, 1)
        self.excite = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Feature) -> Feature:
        return x * torch.sigmoid(self.excite(F.silu(self.squeeze(x.mean((2, 3), keepdim=True)))))


class Block(nn.Module):
    """Inverted bottleneck: 1x1 widens, each channel is convolved by itself, its weight is set, 1x1 narrows.

    Where the shape stays, the input is added; in training the whole sum but the input is left out for a share
    `drop` of the examples (stochastic depth, Huang et al., arXiv 1603.09382).
    """

    def __init__(
        self, inputs: int, stage: Stage, outputs: int, *, stride: int, drop: float, **convolution: Any
    ) -> None:
        super().__init__()
        inner = scaled_channels(inputs, stage.widens)
        self.widen = Convolution(inputs, inner, **convolution) if inner != inputs else None
        self.depthwise = Convolution(inner, inner, stage.kernel, stride=stride, groups=inner, **convolution)
        self.excitation = SqueezeExcitation(inner, max(1, inputs // 4))
        self.narrow = Convolution(inner, outputs, active=False, **convolution)
        self.adds, self.drop = stride == 1 and inputs == outputs, drop

    def forward(self, x: Feature) -> Feature:
        y = x if self.widen is None else self.widen(x)
        y = self.narrow(self.excitation(self.depthwise(y)))
        if not self.adds:
            return y
        if self.training and self.drop:
            kept = torch.rand(len(y), 1, 1, 1, device=y.device) >= self.drop
            y = y * kept / (1 - self.drop)
        return x + y


class EfficientNet(nn.Module):
    """Images [B, C, H, W] to logits [B, outputs].

    Args:
        channels, outputs: of the data.
        scale: how much larger than B0.
        small: the small-image stem.
        padding: "symmetric" or "tensorflow" (see the head of this file).
        epsilon: of the batch normalisations.
        stochastic_depth: the last block's share of examples left out in training; the first block's is 0.
    """

    def __init__(
        self,
        channels: int,
        outputs: int,
        *,
        scale: Scale,
        small: bool = False,
        padding: str = "symmetric",
        epsilon: float = 1e-5,
        stochastic_depth: float = 0.2,
    ) -> None:
        super().__init__()
        if padding not in PADDINGS:
            raise OptionError(f"padding must be one of {', '.join(PADDINGS)}, and '{padding}' was given.")
        convolution: dict[str, Any] = {"padding": padding, "epsilon": epsilon}
        current = scaled_channels(STEM_CHANNELS, scale.width)
        self.stem = Convolution(channels, current, 3, stride=1 if small else 2, **convolution)
        self.stages = nn.Sequential()
        total, done = sum(scaled_repeats(stage.repeats, scale.depth) for stage in STAGES), 0
        for index, stage in enumerate(STAGES):
            blocks, wider = nn.Sequential(), scaled_channels(stage.channels, scale.width)
            for block in range(scaled_repeats(stage.repeats, scale.depth)):
                stride = 1 if block or (small and index == 1) else stage.stride
                drop = stochastic_depth * done / total
                blocks.append(Block(current, stage, wider, stride=stride, drop=drop, **convolution))
                current, done = wider, done + 1
            self.stages.append(blocks)
        last = current * LAST_WIDENS
        self.last = Convolution(current, last, **convolution)
        self.dropout = nn.Dropout(scale.dropout)
        self.head = nn.Linear(last, outputs)
        self._initialise()

    def forward(self, x: Feature) -> Float[Tensor, "batch outputs"]:
        x = self.last(self.stages(self.stem(x)))
        return self.head(self.dropout(x.mean((2, 3))))

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        bound = self.head.out_features**-0.5
        nn.init.uniform_(self.head.weight, -bound, bound)
        nn.init.zeros_(self.head.bias)


def build(
    schema: Schema, width: int | None = None, *, name: str, small: bool | None = None, **options: Any
) -> EfficientNet:
    """EfficientNet-B0 ... B7; options `padding`, `epsilon`, `stochastic_depth`, `small` as in the class."""
    require_no_width(name, width)
    image, scale = image_of(schema), SCALES[name]
    options.setdefault(
        "epsilon", 1e-3 if name[-1] in "567" or options.get("padding") == "tensorflow" else 1e-5
    )
    return EfficientNet(image.channels, schema.outputs, scale=scale, small=is_small(image, small), **options)


for _name, _scale in SCALES.items():
    register(
        ModelCard(
            name=_name,
            family="efficientnet",
            year=2019,
            paper=PAPER,
            summary=f"Inverted bottlenecks with channel weights; B0 x{_scale.depth} deep and x{_scale.width} wide.",
            biases=("locality", "translation", "hierarchy"),
            inputs=(Image,),
            targets=(Classes, Value),
            build=partial(build, name=_name),
            example=imagenet(_scale.resolution),
            layouts=layouts([scaled_repeats(stage.repeats, _scale.depth) for stage in STAGES]),
        )
    )
