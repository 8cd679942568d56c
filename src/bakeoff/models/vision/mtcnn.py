"""P-Net: a face detector of 6,632 parameters, the first of the three cascaded networks of MTCNN.

Zhang, Zhang, Li, Qiao, *Joint face detection and alignment using multi-task cascaded convolutional
networks*, IEEE Signal Processing Letters 23, 2016 (arXiv 1604.02878).

New in 2016: one small network answers two questions at once, "is this window of 12 x 12 pixels a face?"
and "where in it?", and since it has no dense layer it slides over a whole picture in one pass. Larger
networks then look only at the few windows that it lets through.

It assumes that neighbours belong together and that a pattern means the same wherever it appears.

    x [B, 3, 12, 12] -> 3x3, 10 -> 2x2 maximum -> 3x3, 16 -> 3x3, 32 -> face or not [2] (and box corners [4])

Where this differs from the paper: nothing in the shape; the landmark outputs, which the published network
leaves out too, are not there. `forward` gives the mean over all windows of an image larger than 12 x 12,
`forward_maps` each window's answers. The published weights (facenet-pytorch, MIT) expect pixels as (value
- 127.5) / 128.
"""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from bakeoff.data.schema import Classes, Image, Schema, Value
from bakeoff.errors import ModelError
from bakeoff.models import register
from bakeoff.models.layers.image_stem import image_of, require_no_width, require_side
from bakeoff.models.registry.card import ModelCard
from bakeoff.models.weights import Layout

PAPER = "Zhang et al., Joint face detection and alignment (MTCNN), IEEE SPL 23, 2016, arXiv 1604.02878"
SIDE = 12
Map = Float[Tensor, "batch channels rows columns"]


class PNet(nn.Module):
    """Images [B, C, H, W] to logits [B, outputs].

    Args:
        channels, outputs: of the data.
        boxes: also the layer that says where in its window a face lies; `forward_maps` answers with it.
    """

    def __init__(self, channels: int, outputs: int, *, boxes: bool = False) -> None:
        super().__init__()
        self.convolution1, self.slope1 = nn.Conv2d(channels, 10, 3), nn.PReLU(10)
        self.convolution2, self.slope2 = nn.Conv2d(10, 16, 3), nn.PReLU(16)
        self.convolution3, self.slope3 = nn.Conv2d(16, 32, 3), nn.PReLU(32)
        self.head = nn.Conv2d(32, outputs, 1)
        self.boxes = nn.Conv2d(32, 4, 1) if boxes else None

    def _features(self, x: Map) -> Map:
        x = F.max_pool2d(self.slope1(self.convolution1(x)), 2, ceil_mode=True)
        return self.slope3(self.convolution3(self.slope2(self.convolution2(x))))

    def forward(self, x: Map) -> Float[Tensor, "batch outputs"]:
        return self.head(self._features(x)).mean((2, 3))

    def forward_maps(self, x: Map) -> tuple[Map, Map]:
        """Logits [B, outputs, rows, columns] and box corners [B, 4, rows, columns] of every window, 2
        pixels apart.

        The corners are how far left, top, right and bottom of the face lie from the window's, in its sides.

        Raises:
            ModelError: the network was built without boxes.
        """
        if self.boxes is None:
            raise ModelError("This P-Net was built without boxes: build it with boxes=True.")
        x = self._features(x)
        return self.head(x), self.boxes(x)


def build(schema: Schema, width: int | None = None, *, boxes: bool = False) -> PNet:
    """P-Net; `boxes=True` as in the class."""
    require_no_width("pnet", width)
    require_side("pnet", image_of(schema), SIDE)
    return PNet(image_of(schema).channels, schema.outputs, boxes=boxes)


LAYOUTS = {
    "facenet-pytorch": Layout(
        options={"boxes": True},
        rules={
            "conv4_1.{p}": "head.{p}",
            "conv4_2.{p}": "boxes.{p}",
            "conv{n}.{p}": "convolution{n}.{p}",
            "prelu{n}.{p}": "slope{n}.{p}",
        },
    )
}

register(
    ModelCard(
        name="pnet",
        family="mtcnn",
        year=2016,
        paper=PAPER,
        summary="Three small convolutions that tell a face from its surroundings, window by window.",
        biases=("locality", "translation", "hierarchy"),
        inputs=(Image,),
        targets=(Classes, Value),
        build=build,
        example=Schema(
            input=Image(channels=3, height=SIDE, width=SIDE), target=Classes(names=("no face", "face"))
        ),
        layouts=LAYOUTS,
    )
)
