"""Changed copies of training examples, made a batch at a time on the device: flip, crop, cutout, mixup.

Each draws from torch's global generator of the batch's device, which a `SingleTraining` keeps with its state, so that a
resumed training draws the same numbers. B batch, C channels, H height, W width, K classes.
"""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from bakeoff.data.schema import Image, Schema
from bakeoff.errors import OptionError, suggest
from bakeoff.train.tensors import Batch

Images = Float[Tensor, "batch channels height width"]

#: The largest shift of `crop`, as a part of each side.
CROP_PART = 1 / 8
#: The side of the square that `cutout` blanks, as a part of the image's shorter side.
CUTOUT_PART = 1 / 2
#: Images with a smaller side are not shifted unasked: one pixel of 8 is a different image (measured on digits).
LEAST_SIDE = 16
#: Both parameters of mixup's beta distribution (Zhang et al. 2018 use 0.1 to 0.4 on ImageNet).
MIXUP_ALPHA = 0.2


def flip(images: Images) -> Images:
    """Each image mirrored left to right with probability 1/2."""
    mirrored = torch.rand(len(images), device=images.device) < 0.5
    return torch.where(mirrored[:, None, None, None], images.flip(3), images)


def crop(images: Images, part: float = CROP_PART) -> Images:
    """Each image shifted by up to `part` of its sides, at random; what is missing is mirrored at the edge.

    The random crop with padding of He et al. 2016 (arXiv 1512.03385), with mirrored instead of black borders.
    """
    count, channels, height, width = images.shape
    rows, columns = _margin(height, part), _margin(width, part)
    padded = F.pad(images, (columns, columns, rows, rows), mode="reflect")
    top = torch.randint(0, 2 * rows + 1, (count, 1), device=images.device)
    left = torch.randint(0, 2 * columns + 1, (count, 1), device=images.device)
    row = top + torch.arange(height, device=images.device)
    column = left + torch.arange(width, device=images.device)
    example = torch.arange(count, device=images.device)
    channel = torch.arange(channels, device=images.device)
    return padded[
        example[:, None, None, None],
        channel[None, :, None, None],
        row[:, None, :, None],
        column[:, None, None, :],
    ]


def cutout(images: Images, part: float = CUTOUT_PART) -> Images:
    """A square of each image set to 0 (the mean of the training images), its centre anywhere in the image.

    DeVries & Taylor 2017 (arXiv 1708.04552).
    """
    count, _, height, width = images.shape
    side = max(1, round(min(height, width) * part))
    top = torch.randint(0, height, (count, 1), device=images.device) - side // 2
    left = torch.randint(0, width, (count, 1), device=images.device) - side // 2
    row = torch.arange(height, device=images.device)
    column = torch.arange(width, device=images.device)
    hidden = ((row >= top) & (row < top + side))[:, :, None] & ((column >= left) & (column < left + side))[
        :, None
    ]
    return images.masked_fill(hidden[:, None], 0.0)


def mixup(batch: Batch, classes: int, alpha: float = MIXUP_ALPHA) -> Batch:
    """Every example mixed with another of its batch, inputs and targets alike: `w x + (1 - w) x'`, w ~ Beta(a, a).

    Zhang et al. 2018 (arXiv 1710.09412). Targets come back as probabilities float [B, K], or as mixed numbers.
    """
    inputs, targets, lengths = batch.array, batch.targets, batch.lengths
    share = _beta(alpha, inputs.device).to(inputs.dtype)
    partner = torch.randperm(len(inputs), device=inputs.device)
    if not targets.is_floating_point():
        targets = F.one_hot(targets, classes).to(inputs.dtype)
    return Batch(
        torch.lerp(inputs[partner], inputs, share), torch.lerp(targets[partner], targets, share), lengths
    )


CHANGES: dict[str, Callable[[Tensor], Tensor]] = {"flip": flip, "crop": crop, "cutout": cutout}
NAMES = (*CHANGES, "mixup")


def chosen_changes(asked: str | Sequence[str], schema: Schema, *, suits: bool) -> tuple[str, ...]:
    """The changes to make, in the order of `NAMES`.

    Args:
        asked: "auto" (`crop` for images of `LEAST_SIDE` and more where it `suits`), "none", or names with commas or
            in a sequence. A mirror image may mean something else (a digit, a letter, a sign), so `flip` is made
            only where it is asked for.
        schema: of the data.
        suits: whether augmentation suits the network by default.

    Raises:
        OptionError: an unknown name, or one that does not go with this data.
    """
    image = schema.input if isinstance(schema.input, Image) else None
    names = [name.strip() for name in asked.split(",")] if isinstance(asked, str) else list(asked)
    if names in (["none"], []):
        return ()
    if names == ["auto"]:
        return (
            ("crop",) if suits and image is not None and min(image.height, image.width) >= LEAST_SIDE else ()
        )
    for name in names:
        if name not in NAMES:
            raise OptionError(
                f"There is no augmentation called '{name}'. {suggest(name, (*NAMES, 'auto', 'none'))}"
            )
        if image is None:
            raise OptionError(
                f"The augmentation '{name}' changes images, and this data is {type(schema.input).__name__}: "
                "leave it out."
            )
    return tuple(name for name in NAMES if name in names)


def changer(names: Sequence[str], classes: int) -> Callable[[Batch, int], Batch] | None:
    """A batch and the number of finished steps to the batch to train on; None where nothing is to be changed."""
    if not names:
        return None

    def change(batch: Batch, step: int) -> Batch:
        images = batch.array
        for name in names:
            if name in CHANGES:
                images = CHANGES[name](images)
        batch = batch._replace(inputs=images)
        return mixup(batch, classes) if "mixup" in names else batch

    return change


def _margin(side: int, part: float) -> int:
    """The largest shift in pixels; less than the side, since at most the whole image can be mirrored at its edge."""
    return min(max(1, round(side * part)), side - 1)


def _beta(alpha: float, device: torch.device) -> Tensor:
    """One number of Beta(alpha, alpha), as X / (X + Y) of two gamma variables, from torch's own generator."""
    draws = torch._standard_gamma(torch.full((2,), alpha, dtype=torch.float64)).clamp_min(1e-300)
    return (draws[0] / draws.sum()).to(device, torch.float32 if device.type == "mps" else torch.float64)
