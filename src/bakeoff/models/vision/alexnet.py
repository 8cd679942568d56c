"""AlexNet: the network that won ImageNet in 2012 and ended the years of hand-made features.

Krizhevsky, Sutskever, Hinton, *ImageNet classification with deep convolutional neural networks*, NeurIPS
2012.

New then: LeNet's idea at a hundred times the size, made possible by two GPUs, by rectifiers (`max(0, x)`
trains several times faster than tanh) and by dropout, which kept 60 million parameters from learning 1.2
million pictures by heart.

It assumes that neighbours belong together, that a pattern means the same wherever it appears, and that
large patterns are made of small ones; its three dense layers at the end assume nothing, and hold 96 % of
its parameters.

    x [B, 3, 224, 224] -> 11x11/4, 64 -> 3x3/2 maximum -> 5x5, 192 -> 3x3/2 maximum
                       -> 3x3, 384 -> 3x3, 256 -> 3x3, 256 -> 3x3/2 maximum -> 6 x 6 x 256
                       -> dropout, 4096 -> dropout, 4096 -> head

Where this differs from the paper: this is the one-GPU version with 64-192-384-256-256 channels of
Krizhevsky's *One weird trick for parallelizing convolutional neural networks* (arXiv 1404.5997), which
torchvision publishes, without the local response normalisation. Images of other sizes are averaged to the
6 x 6 grid. Images of at most 64 pixels a side get a 3x3 first convolution with stride 1, and a grid no
finer than what is left of them.
"""

from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

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

PAPER = "Krizhevsky et al., ImageNet classification with deep convolutional neural networks, NeurIPS 2012"
#: Three poolings of 3x3 with stride 2 leave a pixel of this many, after the stem of photographs and of small images.
LEAST_SIDE, LEAST_SMALL_SIDE = 63, 15
GRID = 6


class AlexNet(nn.Module):
    """Images [B, C, H, W] to logits [B, outputs]."""

    def __init__(self, image: Image, outputs: int, *, small: bool, dropout: float = 0.5) -> None:
        super().__init__()
        first = (
            nn.Conv2d(image.channels, 64, 3, padding=1) if small else nn.Conv2d(image.channels, 64, 11, 4, 2)
        )
        self.features = nn.Sequential(
            *(first, nn.ReLU(), nn.MaxPool2d(3, 2)),
            *(nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2)),
            *(nn.Conv2d(192, 384, 3, padding=1), nn.ReLU()),
            *(nn.Conv2d(384, 256, 3, padding=1), nn.ReLU()),
            *(nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2)),
        )
        grid = (
            tuple(min(GRID, _pooled(side)) for side in (image.height, image.width)) if small else (GRID, GRID)
        )
        self.grid = nn.AdaptiveAvgPool2d(grid)
        self.hidden = nn.Sequential(
            *(nn.Dropout(dropout), nn.Linear(256 * grid[0] * grid[1], 4096), nn.ReLU()),
            *(nn.Dropout(dropout), nn.Linear(4096, 4096), nn.ReLU()),
        )
        self.head = nn.Linear(4096, outputs)

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch outputs"]:
        return self.head(self.hidden(self.grid(self.features(x)).flatten(1)))


def _pooled(side: int) -> int:
    """The side that three poolings of 3x3 with stride 2 leave."""
    for _ in range(3):
        side = (side - 3) // 2 + 1
    return side


def build(schema: Schema, width: int | None = None, *, small: bool | None = None, **options: Any) -> AlexNet:
    """AlexNet; `dropout` is the share of units that dropout silences (0.5), `small` asks for the small-image stem."""
    require_no_width("alexnet", width)
    image = image_of(schema)
    small = choose_stem("alexnet", image, small, least=LEAST_SIDE, least_small=LEAST_SMALL_SIDE)
    return AlexNet(image, schema.outputs, small=small, **options)


LAYOUTS = {
    "torchvision": Layout(
        options=FOR_PHOTOGRAPHS,
        rules={
            "features.{rest}": "features.{rest}",
            "classifier.6.{p}": "head.{p}",
            "classifier.{i}.{p}": "hidden.{i}.{p}",
        },
    )
}

register(
    ModelCard(
        name="alexnet",
        family="alexnet",
        year=2012,
        paper=PAPER,
        summary="Five convolutions and three dense layers with rectifiers and dropout.",
        biases=("locality", "translation", "hierarchy"),
        inputs=(Image,),
        targets=(Classes, Value),
        build=build,
        example=imagenet(),
        layouts=LAYOUTS,
    )
)
