"""Folders of images, one sub-folder a class."""

from typing import Any

from bakeoff.data.dataset import Dataset
from bakeoff.data.options import ReadingOptions
from bakeoff.data.readers.base import Claim, Reader


def _read(source: Any, options: ReadingOptions, *, seed: int, name: str | None) -> Dataset:
    from bakeoff.data.forms.images import load_images

    return load_images(source, size=options.pixels, seed=seed, name=name)


IMAGES = Reader(
    described="a folder of images",
    plural="folders of images",
    claims=(Claim(folders=True),),
    options=frozenset({"size", "kind"}),
    kinds=("image",),
    instead={"target": "leave it out: the sub-folder of an image is its class"},
    read=_read,
)
