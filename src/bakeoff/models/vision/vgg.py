"""VGG: nothing but 3x3 convolutions, and depth.

Simonyan, Zisserman, *Very deep convolutional networks for large-scale image recognition*, ICLR 2015
(arXiv 1409.1556).

New in 2014: two 3x3 convolutions see as much as one of 5x5, with fewer weights and one more non-linearity
between them. So use only those, and go from 8 layers to 19. The regular design, doubling channels when
the side halves, has stayed.

It assumes that neighbours belong together, that a pattern means the same wherever it appears, and that
large patterns are made of small ones. The dense layers at the end assume nothing and hold most of the
parameters (124 of VGG-16's 138 million).

    x -> 5 stages of (3x3 convolution, ReLU) 1 to 4 times, each ended by a 2x2 maximum -> 7 x 7 x 512
      -> 4096, dropout -> 4096, dropout -> head

Where this differs from the paper: `_bn` has batch normalisation after each convolution (torchvision's
variants; the paper came before it), and starting from a shallower trained network is not needed. Other
image sizes are averaged to the 7 x 7 grid. Images of at most 64 pixels a side end in a mean over
positions and the head, without the two dense layers, and are pooled only while at least two pixels a side
are left.
"""

from functools import partial
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
from bakeoff.models.weights import Changed, Layout

PAPER = "Simonyan and Zisserman, Very deep convolutional networks, ICLR 2015, arXiv 1409.1556"
CHANNELS = (64, 128, 256, 512, 512)
#: Convolutions in each of the five stages (table 1 of the paper: A, B, D, E).
CONVOLUTIONS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
GRID = 7
LEAST_SIDE = 32


class VGG(nn.Module):
    """Images [B, C, H, W] to logits [B, outputs].

    Args:
        image: what the data are.
        outputs: how many numbers come out.
        convolutions: how many in each stage.
        batch_norm: normalise after each convolution.
        small: the small-image head and poolings.
        dropout: the share of the dense layers' units that dropout silences.
    """

    def __init__(
        self,
        image: Image,
        outputs: int,
        *,
        convolutions: tuple[int, ...],
        batch_norm: bool,
        small: bool,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.stages = nn.Sequential()
        channels, side = image.channels, min(image.height, image.width)
        for count, wider in zip(convolutions, CHANNELS, strict=True):
            stage = nn.Sequential()
            for _ in range(count):
                stage.append(nn.Conv2d(channels, wider, 3, padding=1))
                if batch_norm:
                    stage.append(nn.BatchNorm2d(wider))
                stage.append(nn.ReLU())
                channels = wider
            if side >= 2 or not small:
                stage.append(nn.MaxPool2d(2))
                side //= 2
            self.stages.append(stage)
        self.grid = nn.AdaptiveAvgPool2d(1 if small else GRID)
        self.hidden = nn.Sequential() if small else _dense(channels * GRID**2, dropout)
        self.head = nn.Linear(channels if small else 4096, outputs)
        self._initialise()

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch outputs"]:
        return self.head(self.hidden(self.grid(self.stages(x)).flatten(1)))

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                assert module.bias is not None
                nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.01)
                nn.init.zeros_(module.bias)


def _dense(features: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        *(nn.Linear(features, 4096), nn.ReLU(), nn.Dropout(dropout)),
        *(nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(dropout)),
    )


def build(
    schema: Schema,
    width: int | None = None,
    *,
    name: str,
    depth: int,
    batch_norm: bool,
    small: bool | None = None,
    **options: Any,
) -> VGG:
    """VGG-11, 13, 16 or 19; `dropout` as in the class, `small` asks for the small-image head and poolings."""
    require_no_width(name, width)
    image = image_of(schema)
    small = choose_stem(name, image, small, least=LEAST_SIDE, least_small=1)
    return VGG(
        image,
        schema.outputs,
        convolutions=CONVOLUTIONS[depth],
        batch_norm=batch_norm,
        small=small,
        **options,
    )


def _as_matrix(filters: Tensor) -> Tensor:
    """timm writes the dense layers as convolutions over the whole grid."""
    return filters.flatten(1)


def _layouts(depth: int, batch_norm: bool) -> dict[str, Layout]:
    """Both number all layers of the five stages in one row: `features.0`, `features.1` ..."""
    rules: dict[str, str] = {}
    number, each = 0, 3 if batch_norm else 2
    for stage, count in enumerate(CONVOLUTIONS[depth]):
        for layer in range(count * each):
            rules[f"features.{number + layer}.{{p}}"] = f"stages.{stage}.{layer}.{{p}}"
        number += count * each + 1
    torchvision = {"classifier.6.{p}": "head.{p}", "classifier.{i}.{p}": "hidden.{i}.{p}"}
    timm: dict[str, str | Changed] = {"head.fc.{p}": "head.{p}"}
    for name, place in (("fc1", 0), ("fc2", 3)):
        timm[f"pre_logits.{name}.weight"] = Changed(f"hidden.{place}.weight", _as_matrix)
        timm[f"pre_logits.{name}.bias"] = f"hidden.{place}.bias"
    return {
        "torchvision": Layout(rules={**rules, **torchvision}, options=FOR_PHOTOGRAPHS),
        "timm": Layout(rules={**rules, **timm}, options=FOR_PHOTOGRAPHS),
    }


def _register(depth: int, *, batch_norm: bool) -> None:
    name = f"vgg{depth}{'_bn' if batch_norm else ''}"
    register(
        ModelCard(
            name=name,
            family="vgg",
            year=2014,
            paper=PAPER,
            summary=f"{depth} layers of nothing but 3x3 convolutions"
            + (", each normalised over the batch." if batch_norm else "."),
            biases=("locality", "translation", "hierarchy"),
            inputs=(Image,),
            targets=(Classes, Value),
            build=partial(build, name=name, depth=depth, batch_norm=batch_norm),
            example=imagenet(),
            layouts=_layouts(depth, batch_norm),
        )
    )


for _depth in CONVOLUTIONS:
    _register(_depth, batch_norm=False)
    _register(_depth, batch_norm=True)
