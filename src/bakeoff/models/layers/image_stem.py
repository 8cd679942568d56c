"""What the named networks for images share: small images, least sizes, and the shape that a paper fixed.

Networks drawn for photographs of 224 x 224 throw away three quarters of the rows and columns in their
first layers. On small images (at most `SMALL_SIDE` pixels a side) nothing would be left, so each network
then takes the *small-image stem* that has become usual for CIFAR: a 3x3 first convolution with stride 1
and no pooling after it.
"""

from bakeoff.data.schema import Classes, Image, Schema
from bakeoff.errors import ModelError

#: Images of at most this many pixels a side get the small-image stem.
SMALL_SIDE = 64

#: Published weights are of networks for photographs; their layouts say so, whatever the size of the images at hand.
FOR_PHOTOGRAPHS = {"small": False}
#: Where published weights do not fit the stem for photographs, they may be of a network for small images.
FOR_SMALL_IMAGES = {"small": True}

#: What the networks of the ImageNet years were published for: 1000 classes of photographs.
IMAGENET_CLASSES = tuple(map(str, range(1000)))


def imagenet(side: int = 224) -> Schema:
    """ImageNet's schema at this resolution: where the catalogue states parameters and multiply-adds."""
    return Schema(input=Image(channels=3, height=side, width=side), target=Classes(names=IMAGENET_CLASSES))


def cifar() -> Schema:
    """CIFAR-10's schema: 32 x 32 colour images of ten classes."""
    return Schema(input=Image(channels=3, height=32, width=32), target=Classes(names=tuple("0123456789")))


def image_of(schema: Schema) -> Image:
    """The schema's input, which `bakeoff.models.build` has made sure is an image."""
    assert isinstance(schema.input, Image)
    return schema.input


def is_small(image: Image, asked: bool | None = None) -> bool:
    """Whether the small-image stem is due: as asked, or by the side of the image."""
    return max(image.height, image.width) <= SMALL_SIDE if asked is None else asked


def require_side(name: str, image: Image, least: int) -> None:
    """Raises `ModelError`, naming the least side, where an image is too small for the network."""
    if min(image.height, image.width) < least:
        raise ModelError(
            f"'{name}' needs images of at least {least} x {least} pixels, and these are {image.height} x "
            f"{image.width}: enlarge them, or choose another network."
        )


def choose_stem(name: str, image: Image, small: bool | None, *, least: int, least_small: int) -> bool:
    """Whether the small-image stem is due, once it is sure that the image is large enough for the one that is.

    Args:
        name: of the network, for the error.
        image: of the data.
        small: what was asked for; None decides by the side of the image.
        least, least_small: the least side in pixels with the stem for photographs, and with that for small images.

    Raises:
        ModelError: the image is too small.
    """
    chosen = is_small(image, small)
    require_side(name, image, least_small if chosen else least)
    return chosen


def require_no_width(name: str, width: int | None) -> None:
    """Raises `ModelError` where a width is asked of a network whose shape the paper fixed."""
    if width is not None:
        raise ModelError(
            f"'{name}' has the shape that its paper gives and no width to choose, and width={width} was asked: "
            "leave it out, or choose a scalable network such as 'cnn'."
        )
