"""ResNet: layers that learn what to add to their input. Also its plain twin, without the additions.

He, Zhang, Ren, Sun, *Deep Residual Learning for Image Recognition*, CVPR 2016 (arXiv 1512.03385).

New in 2015: a deeper plain network trained *worse* than a shallow one, on the training data too, although
it could have copied the shallow one and left the rest at the identity. So let each block compute `relu(x
+ f(x))`: to do nothing it needs only `f = 0`. With that, 152 layers trained where 30 had been hard.

It assumes what every convolutional network assumes: neighbours belong together, a pattern means the same
wherever it appears, large patterns are made of small ones. The addition assumes nothing about data; it
eases the optimisation.

`x [B, C, H, W] -> stem -> 4 stages (each halves the side and doubles the channels) -> mean over positions
-> head`

    block of 18 and 34       3x3 -> 3x3                         `Basic`
    block of 50, 101, 152    1x1 narrows -> 3x3 -> 1x1 widens   `Bottleneck`

Where this differs from the paper: the stride of a bottleneck sits in its 3x3 convolution, not in the
first 1x1 ("v1.5", as torchvision, timm and Hugging Face have it; the published weights want it).
Projections on the shortcut where the shape changes are option B; the CIFAR networks take option A (every
second pixel, new channels zero), as the paper did. `plain*` are the paper's plain networks: the same
layers, the sums left out. Images of at most 64 pixels a side get a 3x3 stem with stride 1 and no pooling.
"""

from functools import partial
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from bakeoff.data.schema import Classes, Image, Schema, Value
from bakeoff.models import register
from bakeoff.models.layers.image_stem import (
    FOR_PHOTOGRAPHS,
    cifar,
    image_of,
    imagenet,
    is_small,
    require_no_width,
)
from bakeoff.models.registry.card import ModelCard
from bakeoff.models.weights import Layout

PAPER = "He et al., Deep Residual Learning for Image Recognition, CVPR 2016, arXiv 1512.03385"
Feature = Float[Tensor, "batch channels height width"]

#: Blocks in each of the four stages (table 1 of the paper); True: bottleneck blocks.
DEPTHS: dict[int, tuple[tuple[int, ...], bool]] = {
    18: ((2, 2, 2, 2), False),
    34: ((3, 4, 6, 3), False),
    50: ((3, 4, 6, 3), True),
    101: ((3, 4, 23, 3), True),
    152: ((3, 8, 36, 3), True),
}
#: Depth 6n + 2: three stages of n basic blocks (section 4.2).
CIFAR_DEPTHS = (20, 32, 44, 56, 110)
BOTTLENECK_WIDENS = 4


class Projection(nn.Module):
    """Option B: a shortcut whose shape changes is a 1x1 convolution with the block's stride."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Feature) -> Feature:
        return self.norm(self.convolution(x))


class Subsample(nn.Module):
    """Option A: every `stride`-th pixel, and zeros for the new channels. Nothing is learned."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.stride, self.new_channels = stride, outputs - inputs

    def forward(self, x: Feature) -> Feature:
        before = self.new_channels // 2
        return F.pad(
            x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, before, self.new_channels - before)
        )


class Basic(nn.Module):
    """Two 3x3 convolutions. `shortcut` is None in a plain network, where nothing is added."""

    def __init__(self, inputs: int, width: int, stride: int, shortcut: nn.Module | None) -> None:
        super().__init__()
        self.convolution1 = nn.Conv2d(inputs, width, 3, stride=stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.convolution2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.shortcut = shortcut

    def forward(self, x: Feature) -> Feature:
        y = F.relu(self.norm1(self.convolution1(x)))
        y = self.norm2(self.convolution2(y))
        return F.relu(y if self.shortcut is None else y + self.shortcut(x))


class Bottleneck(nn.Module):
    """1x1 to fewer channels, 3x3 there, 1x1 to four times as many: as many multiply-adds as two 3x3, far
    wider.
    """

    def __init__(self, inputs: int, width: int, stride: int, shortcut: nn.Module | None) -> None:
        super().__init__()
        outputs = width * BOTTLENECK_WIDENS
        self.convolution1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.convolution2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.convolution3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.norm3 = nn.BatchNorm2d(outputs)
        self.shortcut = shortcut

    def forward(self, x: Feature) -> Feature:
        y = F.relu(self.norm1(self.convolution1(x)))
        y = F.relu(self.norm2(self.convolution2(y)))
        y = self.norm3(self.convolution3(y))
        return F.relu(y if self.shortcut is None else y + self.shortcut(x))


class Stem(nn.Module):
    """The first convolution: 7x7 with stride 2 and a pooling for photographs, 3x3 for small images."""

    def __init__(self, channels: int, width: int, *, small: bool) -> None:
        super().__init__()
        kernel, stride = (3, 1) if small else (7, 2)
        self.convolution = nn.Conv2d(channels, width, kernel, stride=stride, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.pool = nn.Identity() if small else nn.MaxPool2d(3, stride=2, padding=1)

    def forward(self, x: Feature) -> Feature:
        return self.pool(F.relu(self.norm(self.convolution(x))))


class ResNet(nn.Module):
    """Images [B, C, H, W] to logits [B, outputs].

    Args:
        channels, outputs: of the data.
        blocks: how many in each stage.
        width: channels of the first stage; each further stage has twice as many.
        bottleneck: `Bottleneck` blocks, not `Basic` ones.
        shortcuts: "projection" (option B), "subsample" (option A) or "none" (a plain network).
        small: the small-image stem.
    """

    def __init__(
        self,
        channels: int,
        outputs: int,
        *,
        blocks: tuple[int, ...],
        width: int = 64,
        bottleneck: bool = False,
        shortcuts: str = "projection",
        small: bool = False,
    ) -> None:
        super().__init__()
        self.stem = Stem(channels, width, small=small)
        self.stages = nn.Sequential()
        current, widens = width, BOTTLENECK_WIDENS if bottleneck else 1
        for stage, count in enumerate(blocks):
            inner = width * 2**stage
            layers = nn.Sequential()
            for block in range(count):
                stride = 2 if stage and block == 0 else 1
                shortcut = _shortcut(shortcuts, current, inner * widens, stride)
                layers.append((Bottleneck if bottleneck else Basic)(current, inner, stride, shortcut))
                current = inner * widens
            self.stages.append(layers)
        self.head = nn.Linear(current, outputs)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Feature) -> Float[Tensor, "batch outputs"]:
        return self.head(self.stages(self.stem(x)).mean((2, 3)))


def _shortcut(kind: str, inputs: int, outputs: int, stride: int) -> nn.Module | None:
    if kind == "none":
        return None
    if inputs == outputs and stride == 1:
        return nn.Identity()
    return (Projection if kind == "projection" else Subsample)(inputs, outputs, stride)


def build(
    schema: Schema,
    width: int | None = None,
    *,
    name: str,
    depth: int,
    plain: bool,
    small: bool | None = None,
) -> ResNet:
    """ResNet-18 ... 152, or the plain twin; `small` asks for the small-image stem or against it."""
    require_no_width(name, width)
    image = image_of(schema)
    blocks, bottleneck = DEPTHS[depth]
    shortcuts = "none" if plain else "projection"
    options: dict[str, Any] = {"blocks": blocks, "bottleneck": bottleneck, "shortcuts": shortcuts}
    return ResNet(image.channels, schema.outputs, small=is_small(image, small), **options)


def build_cifar(schema: Schema, width: int | None = None, *, name: str, depth: int, plain: bool) -> ResNet:
    """The thin ResNets of section 4.2: three stages of 16, 32 and 64 channels, always with the small stem."""
    blocks, shortcuts = ((depth - 2) // 6,) * 3, "none" if plain else "subsample"
    return ResNet(
        image_of(schema).channels,
        schema.outputs,
        blocks=blocks,
        width=width or 16,
        shortcuts=shortcuts,
        small=True,
    )


def _stages(theirs: str, ours: str) -> dict[str, str]:
    """torchvision counts its four stages from 1 and has the number inside a word: one rule for each."""
    return {
        f"layer{stage + 1}.{{b}}.{theirs}.{{p}}": f"stages.{stage}.{{b}}.{ours}.{{p}}" for stage in range(4)
    }


def _parts(theirs: str, ours: str) -> dict[str, str]:
    """Hugging Face counts a block's convolutions from 0."""
    block = "encoder.stages.{s}.layers.{b}.layer"
    return {f"{block}.{k}.{theirs}.{{p}}": f"stages.{{s}}.{{b}}.{ours}{k + 1}.{{p}}" for k in range(3)}


_TORCHVISION = Layout(
    options=FOR_PHOTOGRAPHS,
    rules={
        "conv1.{p}": "stem.convolution.{p}",
        "bn1.{p}": "stem.norm.{p}",
        **_stages("conv{k}", "convolution{k}"),
        **_stages("bn{k}", "norm{k}"),
        **_stages("downsample.0", "shortcut.convolution"),
        **_stages("downsample.1", "shortcut.norm"),
        "fc.{p}": "head.{p}",
    },
)
_HUGGINGFACE = Layout(
    prefixes=("resnet.",),
    options=FOR_PHOTOGRAPHS,
    rules={
        "embedder.embedder.convolution.{p}": "stem.convolution.{p}",
        "embedder.embedder.normalization.{p}": "stem.norm.{p}",
        **_parts("convolution", "convolution"),
        **_parts("normalization", "norm"),
        "encoder.stages.{s}.layers.{b}.shortcut.convolution.{p}": "stages.{s}.{b}.shortcut.convolution.{p}",
        "encoder.stages.{s}.layers.{b}.shortcut.normalization.{p}": "stages.{s}.{b}.shortcut.norm.{p}",
        "classifier.1.{p}": "head.{p}",
    },
)
LAYOUTS = {"torchvision": _TORCHVISION, "timm": _TORCHVISION, "huggingface": _HUGGINGFACE}


def _register(depth: int, *, plain: bool, small: bool) -> None:
    name = f"{'plain' if plain else 'resnet'}{depth}{'_cifar' if small else ''}"
    twin = f"The plain twin of {name.replace('plain', 'resnet')}: the same layers without the shortcuts."
    register(
        ModelCard(
            name=name,
            family="plain" if plain else "resnet",
            year=2015,
            paper=PAPER,
            summary=twin if plain else f"{depth} layers whose blocks learn what to add to their input.",
            biases=("locality", "translation", "hierarchy"),
            inputs=(Image,),
            targets=(Classes, Value),
            build=partial(build_cifar if small else build, name=name, depth=depth, plain=plain),
            width=16 if small else None,
            example=cifar() if small else imagenet(),
            layouts={} if small or plain else LAYOUTS,
        )
    )


for _depth in DEPTHS:
    _register(_depth, plain=False, small=False)
    _register(_depth, plain=True, small=False)
for _depth in CIFAR_DEPTHS:
    _register(_depth, plain=False, small=True)
    _register(_depth, plain=True, small=True)
