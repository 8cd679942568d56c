"""LeNet-5: the convolutional network that read the cheques.

LeCun, Bottou, Bengio, Haffner, *Gradient-based learning applied to document recognition*, Proc. IEEE 86,
1998.

New then: the features are learned together with the classifier, through three ideas at once: small local
receptive fields, the same weights at all positions, and subsampling, so that what is found matters more
than exactly where.

It assumes that neighbours belong together, that a stroke means the same wherever it appears, that large
patterns are made of small ones. The input is 32 x 32, larger than any digit, so that a stroke's end may
lie in a filter's centre.

    x [B, C, 32, 32]
    C1  6 maps, 5x5                        156 weights (one input channel)
    S2  2x2 sums, scaled and shifted        12
    C3  16 maps, 5x5, each of 3 to 6 maps  1,516      which of which: `TABLE`, to break symmetry and save
    weights S4  2x2 sums, scaled and shifted        32 C5  120 maps, 5x5                      48,120 F6
    84 units                           10,164      together the paper's 60,000 head
    one output a class

Where this differs from the paper: the outputs are a linear layer, not distances to fixed 7 x 12 pictures
of the digits, so any number and kind of classes will do. Smaller images are centred on 32 x 32 zeros, as
the paper did with MNIST's 28 x 28; larger ones give C5 several positions, whose mean is taken. With more
than one input channel every C1 map sees them all. All non-linearities are the paper's `1.7159 tanh(2/3
x)`.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from bakeoff.data.schema import Classes, Image, Schema, Value
from bakeoff.models import register
from bakeoff.models.layers.image_stem import image_of, require_no_width
from bakeoff.models.registry.card import ModelCard

PAPER = "LeCun et al., Gradient-based learning applied to document recognition, Proc. IEEE 86, 1998"
SIDE = 32

#: Table I of the paper: which of S2's six maps each of C3's sixteen maps sees.
TABLE: tuple[tuple[int, ...], ...] = (
    *((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5)),
    *((0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5)),
    *((0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5)),
    (0, 1, 2, 3, 4, 5),
)


def squash(x: Tensor) -> Tensor:
    """The paper's sigmoid, `1.7159 tanh(2/3 x)`: 1 at 1 and -1 at -1, with the largest curvature there."""
    return 1.7159 * torch.tanh(x * (2 / 3))


class Subsample(nn.Module):
    """2x2 sums of each map, times one learned number, plus another."""

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((maps, 1, 1), 0.25))
        self.offset = nn.Parameter(torch.zeros(maps, 1, 1))

    def forward(
        self, x: Float[Tensor, "batch maps height width"]
    ) -> Float[Tensor, "batch maps rows columns"]:
        return F.avg_pool2d(x, 2) * 4 * self.scale + self.offset


class PartialConvolution(nn.Module):
    """A 5x5 convolution whose maps see only some of the maps before: one filter for each entry of `TABLE`."""

    def __init__(self) -> None:
        super().__init__()
        pairs = [(after, before) for after, seen in enumerate(TABLE) for before in seen]
        self.pairs: Tensor
        self.register_buffer("pairs", torch.tensor(pairs).T, persistent=False)
        bounds = torch.tensor([(25 * len(seen)) ** -0.5 for seen in TABLE])
        self.weight = nn.Parameter((torch.rand(len(pairs), 5, 5) * 2 - 1) * bounds[self.pairs[0], None, None])
        self.bias = nn.Parameter((torch.rand(len(TABLE)) * 2 - 1) * bounds)

    def forward(self, x: Float[Tensor, "batch 6 height width"]) -> Float[Tensor, "batch 16 rows columns"]:
        """As one dense convolution whose other weights are zero: sixteen small ones would be slower."""
        dense = self.weight.new_zeros(len(TABLE), 6, 5, 5).index_put(
            (self.pairs[0], self.pairs[1]), self.weight
        )
        return F.conv2d(x, dense, self.bias)


class LeNet5(nn.Module):
    """Images [B, C, H, W] to logits [B, outputs]."""

    def __init__(self, image: Image, outputs: int) -> None:
        super().__init__()
        rows, columns = max(SIDE - image.height, 0), max(SIDE - image.width, 0)
        self.fill = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)
        self.c1 = nn.Conv2d(image.channels, 6, 5)
        self.s2 = Subsample(6)
        self.c3 = PartialConvolution()
        self.s4 = Subsample(16)
        self.c5 = nn.Conv2d(16, 120, 5)
        self.f6 = nn.Linear(120, 84)
        self.head = nn.Linear(84, outputs)

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch outputs"]:
        x = F.pad(x, self.fill)
        x = squash(self.s2(squash(self.c1(x))))
        x = squash(self.s4(squash(self.c3(x))))
        x = squash(self.c5(x)).mean((2, 3))
        return self.head(squash(self.f6(x)))


def build(schema: Schema, width: int | None = None, **options: Any) -> LeNet5:
    """LeNet-5 for images of any size."""
    require_no_width("lenet5", width)
    return LeNet5(image_of(schema), schema.outputs, **options)


register(
    ModelCard(
        name="lenet5",
        family="lenet",
        year=1998,
        paper=PAPER,
        summary="Two rounds of learned 5x5 filters and subsampling, then a small classifier.",
        biases=("locality", "translation", "hierarchy"),
        inputs=(Image,),
        targets=(Classes, Value),
        build=build,
        example=Schema(
            input=Image(channels=1, height=32, width=32), target=Classes(names=tuple("0123456789"))
        ),
    )
)
