"""The convolutional network, in one dimension or two.

LeCun et al., *Gradient-based learning applied to document recognition*, Proc. IEEE 86, 1998. New then: one small
filter moved over all positions. It assumes that neighbours belong together (locality), that a pattern means the
same wherever it appears (translation), and that large patterns are made of small ones (hierarchy).

The 1-D stages are those of the CNN published with MNIST-1D (Greydanus, arXiv 2011.14439: kernels 5, 3, 3, stride 2),
continued until at most `LAST_LINE` positions remain; the 2-D stages are 3x3 convolutions with 2x2 maximum pooling
until at most `LAST_GRID` positions a side remain. Where this differs from the papers: besides the last positions the
head reads each channel's maximum over them, so that it can ask "is it anywhere?" as well as "where is it?".
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from bakeoff.data.schema import Classes, Image, Schema, Series, Tokens
from bakeoff.models import register
from bakeoff.models.layers.views import ChannelSequence, is_real
from bakeoff.models.registry.card import ModelCard

LAST_LINE, LAST_GRID = 8, 7
#: The widest stage of the 2-D network, in multiples of the first.
WIDEST = 8


class Convolution1d(nn.Module):
    """Series [B, C, T] or texts [B, T]: stages of (convolution, stride 2, ReLU), then a linear head.

    Features beyond an example's true length are set to zero after every stage, as the zero padding of a
    convolution over the unpadded example would be.
    """

    def __init__(self, schema: Schema, width: int) -> None:
        super().__init__()
        assert isinstance(schema.input, Series | Tokens)
        self.line = ChannelSequence(schema.input)
        self.stages = nn.ModuleList()
        self.kernels: list[int] = []
        channels, length = self.line.channels, schema.input.length
        while len(self.stages) < 3 or length > LAST_LINE:
            kernel = min(3 if self.stages else 5, length + 2)
            self.kernels.append(kernel)
            self.stages.append(nn.Conv1d(channels, width, kernel, stride=2, padding=1))
            channels, length = width, (length + 2 - kernel) // 2 + 1
        self.head = nn.Linear(width * (length + 1), schema.outputs)

    @property
    def receptive_field(self) -> int:
        """How many neighbouring time steps one last position sees."""
        field, jump = 1, 1
        for kernel in self.kernels:
            field, jump = field + (kernel - 1) * jump, jump * 2
        return field

    def forward(
        self, x: Tensor, lengths: Int[Tensor, " batch"] | None = None
    ) -> Float[Tensor, "batch outputs"]:
        x = self.line(x, lengths)
        for stage, kernel in zip(self.stages, self.kernels, strict=True):
            x = F.relu(stage(x))
            if lengths is not None:
                lengths = ((lengths + 2 - kernel) // 2 + 1).clamp(min=1)
                x = x * is_real(lengths, x.shape[-1])[:, None, :]
        return self.head(_where_and_whether(x))


class Convolution2d(nn.Module):
    """Images [B, C, H, W]: stages of (3x3 convolution, ReLU, 2x2 maximum), channels doubling, then a linear head."""

    def __init__(self, schema: Schema, width: int) -> None:
        super().__init__()
        assert isinstance(schema.input, Image)
        channels, height, columns = schema.input.shape
        self.stages = nn.ModuleList()
        while min(height, columns) > 1 and (len(self.stages) < 2 or max(height, columns) > LAST_GRID):
            wider = width * min(2 ** len(self.stages), WIDEST)
            self.stages.append(nn.Conv2d(channels, wider, 3, padding=1))
            channels, height, columns = wider, height // 2, columns // 2
        self.head = nn.Linear(channels * (height * columns + 1), schema.outputs)

    @property
    def receptive_field(self) -> int:
        """The side, in pixels, of the square that one last position sees."""
        field, jump = 1, 1
        for _ in self.stages:
            field, jump = field + 2 * jump + jump, jump * 2
        return field

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch outputs"]:
        for stage in self.stages:
            x = F.max_pool2d(F.relu(stage(x)), 2)
        return self.head(_where_and_whether(x.flatten(2)))


def _where_and_whether(x: Float[Tensor, "batch channels positions"]) -> Float[Tensor, "batch features"]:
    """Every position's features, and each channel's maximum over the positions."""
    return torch.cat((x.flatten(1), x.amax(2)), dim=1)


def build(schema: Schema, width: int | None = None) -> nn.Module:
    """`width` is the channels of the first stage (16 on images, 25 on series and texts)."""
    if isinstance(schema.input, Image):
        return Convolution2d(schema, width or 16)
    return Convolution1d(schema, width or 25)


register(
    ModelCard(
        name="cnn",
        family="cnn",
        year=1998,
        paper="LeCun et al., Gradient-based learning applied to document recognition, Proc. IEEE 86, 1998",
        summary="Small filters moved over all positions, stage after stage, then a linear head.",
        biases=("locality", "translation", "hierarchy"),
        inputs=(Image, Series, Tokens),
        build=build,
        scalable=True,
        example=Schema(
            input=Image(channels=1, height=28, width=28), target=Classes(names=tuple("0123456789"))
        ),
    )
)
