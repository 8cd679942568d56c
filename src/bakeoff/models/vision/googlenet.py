"""GoogLeNet: several sizes of filter at once, and few parameters.

Szegedy et al., *Going deeper with convolutions*, CVPR 2015 (arXiv 1409.4842).

New in 2014: nobody knows which filter size is right at a layer, so an *inception module* takes 1x1, 3x3,
5x5 and a pooling side by side and lets training choose. 1x1 convolutions first narrow the channels, so
that this costs little; a mean over positions replaces the dense layers. A twelfth of AlexNet's
parameters, and it won ImageNet in 2014. Two auxiliary classifiers halfway brought the gradient to the
lower layers before normalisation made that needless.

It assumes that neighbours belong together, that a pattern means the same wherever it appears, that large
patterns are made of small ones, and that patterns of several sizes matter at the same place.

    x -> stem -> 3a 3b -> pool -> 4a 4b 4c 4d 4e -> pool -> 5a 5b -> mean over positions -> dropout -> head
                                   |        |
                                   auxiliary heads

Where this differs from the paper: batch normalisation after every convolution in place of local response
normalisation, and 3x3 filters on the branch that the paper gives 5x5: both as torchvision publishes it.
torchvision's own weights expect pixels scaled to -1 ... 1. Images of at most 64 pixels a side get a
single 3x3 convolution as a stem, without its two poolings.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from bakeoff.data.schema import Classes, Image, Schema, Value
from bakeoff.models import register
from bakeoff.models.layers.image_stem import (
    FOR_PHOTOGRAPHS,
    choose_stem,
    image_of,
    imagenet,
    require_no_width,
)
from bakeoff.models.registry.card import ModelCard
from bakeoff.models.weights import Layout

PAPER = "Szegedy et al., Going deeper with convolutions, CVPR 2015, arXiv 1409.4842"
#: The least side that its poolings leave a pixel of: of photographs, and of small images.
LEAST_SIDE, LEAST_SMALL_SIDE = 31, 4
Feature = Float[Tensor, "batch channels height width"]
Logits = Float[Tensor, "batch outputs"]

#: Table 1 of the paper: outputs of the 1x1 branch; narrowed, outputs of the 3x3; of the 5x5; of the
#: pooling branch.
MODULES: dict[str, tuple[int, int, int, int, int, int]] = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
#: Modules after which an auxiliary head stands, and after which a pooling.
AUXILIARY_AFTER, POOL_AFTER = ("4a", "4d"), {"3b": 3, "4e": 2}


class Convolution(nn.Module):
    """Convolution, batch normalisation, rectifier."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=0.001)

    def forward(self, x: Feature) -> Feature:
        return F.relu(self.norm(self.convolution(x)))


class Inception(nn.Module):
    """Four branches side by side, their channels joined."""

    def __init__(self, inputs: int, sizes: tuple[int, int, int, int, int, int]) -> None:
        super().__init__()
        one, narrow3, three, narrow5, five, pooled = sizes
        self.one = Convolution(inputs, one, 1)
        self.three = nn.Sequential(Convolution(inputs, narrow3, 1), Convolution(narrow3, three, 3))
        self.five = nn.Sequential(Convolution(inputs, narrow5, 1), Convolution(narrow5, five, 3))
        self.pooled = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), Convolution(inputs, pooled, 1))
        self.outputs = one + three + five + pooled

    def forward(self, x: Feature) -> Feature:
        return torch.cat((self.one(x), self.three(x), self.five(x), self.pooled(x)), dim=1)


class AuxiliaryHead(nn.Module):
    """A small classifier on the features halfway: an average to 4 x 4, a 1x1 convolution, two dense
    layers.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convolution = Convolution(inputs, 128, 1)
        self.hidden = nn.Linear(128 * 4 * 4, 1024)
        self.dropout = nn.Dropout(0.7)
        self.head = nn.Linear(1024, outputs)

    def forward(self, x: Feature) -> Logits:
        x = self.convolution(F.adaptive_avg_pool2d(x, 4)).flatten(1)
        return self.head(self.dropout(F.relu(self.hidden(x))))


class GoogLeNet(nn.Module):
    """Images [B, C, H, W] to logits [B, outputs].

    Args:
        channels, outputs: of the data.
        small: the small-image stem.
        auxiliary: the two auxiliary heads, which `forward_with_auxiliary` answers with.
        dropout: before the head.
    """

    def __init__(
        self, channels: int, outputs: int, *, small: bool, auxiliary: bool = False, dropout: float = 0.2
    ) -> None:
        super().__init__()
        self.stem = Convolution(channels, 192, 3) if small else _stem(channels)
        self.inceptions, self.pools, current = nn.ModuleDict(), nn.ModuleDict(), 192
        self.auxiliary = nn.ModuleDict()
        for name, sizes in MODULES.items():
            module = Inception(current, sizes)
            self.inceptions[name], current = module, module.outputs
            if name in POOL_AFTER:
                self.pools[name] = nn.MaxPool2d(POOL_AFTER[name], stride=2, ceil_mode=True)
            if auxiliary and name in AUXILIARY_AFTER:
                self.auxiliary[name] = AuxiliaryHead(current, outputs)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(current, outputs)

    def forward(self, x: Feature) -> Logits:
        return self._run(x)[0]

    def forward_with_auxiliary(self, x: Feature) -> tuple[Logits, ...]:
        """The logits, then those of each auxiliary head (the paper adds 0.3 of their losses while
        training).
        """
        logits, halfway = self._run(x)
        return logits, *(self.auxiliary[name](halfway[name]) for name in self.auxiliary)

    def _run(self, x: Feature) -> tuple[Logits, dict[str, Feature]]:
        x, halfway = self.stem(x), {}
        for name, inception in self.inceptions.items():
            x = inception(x)
            if name in self.auxiliary:
                halfway[name] = x
            if name in self.pools:
                x = self.pools[name](x)
        return self.head(self.dropout(x.mean((2, 3)))), halfway


def _stem(channels: int) -> nn.Sequential:
    """Photographs: side 224 to 28 and 192 channels."""
    return nn.Sequential(
        Convolution(channels, 64, 7, stride=2),
        nn.MaxPool2d(3, stride=2, ceil_mode=True),
        Convolution(64, 64, 1),
        Convolution(64, 192, 3),
        nn.MaxPool2d(3, stride=2, ceil_mode=True),
    )


def build(
    schema: Schema, width: int | None = None, *, small: bool | None = None, **options: Any
) -> GoogLeNet:
    """GoogLeNet; `auxiliary=True` adds the auxiliary heads, `dropout` is 0.2, `small` asks for the small-image stem."""
    require_no_width("googlenet", width)
    image = image_of(schema)
    small = choose_stem("googlenet", image, small, least=LEAST_SIDE, least_small=LEAST_SMALL_SIDE)
    return GoogLeNet(image.channels, schema.outputs, small=small, **options)


def _layout(*, auxiliary: bool) -> Layout:
    """torchvision's names. Its published file has the auxiliary heads, which are left out where we have
    none.
    """
    parts = {"conv": "convolution", "bn": "norm"}
    rules: dict[str, str | None] = {}
    for theirs, ours in parts.items():
        for number, place in ((1, 0), (2, 2), (3, 3)):
            rules[f"conv{number}.{theirs}.{{p}}"] = f"stem.{place}.{ours}.{{p}}"
        rules[f"inception{{m}}.branch1.{theirs}.{{p}}"] = f"inceptions.{{m}}.one.{ours}.{{p}}"
        for branch, word in ((2, "three"), (3, "five"), (4, "pooled")):
            rules[f"inception{{m}}.branch{branch}.{{i}}.{theirs}.{{p}}"] = (
                f"inceptions.{{m}}.{word}.{{i}}.{ours}.{{p}}"
            )
        for number, name in enumerate(AUXILIARY_AFTER, start=1):
            rules[f"aux{number}.conv.{theirs}.{{p}}"] = f"auxiliary.{name}.convolution.{ours}.{{p}}"
    for number, name in enumerate(AUXILIARY_AFTER, start=1):
        rules[f"aux{number}.fc1.{{p}}"] = f"auxiliary.{name}.hidden.{{p}}"
        rules[f"aux{number}.fc2.{{p}}"] = f"auxiliary.{name}.head.{{p}}"
    if not auxiliary:
        rules = {"aux1.{rest}": None, "aux2.{rest}": None, **rules}
    return Layout(rules={**rules, "fc.{p}": "head.{p}"}, options=FOR_PHOTOGRAPHS)


LAYOUTS = {
    "torchvision": _layout(auxiliary=True),
    "torchvision without auxiliary heads": _layout(auxiliary=False),
}

register(
    ModelCard(
        name="googlenet",
        family="googlenet",
        year=2014,
        paper=PAPER,
        summary="Modules that look with several filter sizes at once and narrow the channels first.",
        biases=("locality", "translation", "hierarchy"),
        inputs=(Image,),
        targets=(Classes, Value),
        build=build,
        example=imagenet(),
        layouts=LAYOUTS,
    )
)
