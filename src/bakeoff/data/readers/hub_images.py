"""`Dataset` objects of Hugging Face's package `datasets` that hold a column of pictures."""

from typing import Any

from bakeoff.data.dataset import Dataset
from bakeoff.data.forms.hub_datasets import has_images
from bakeoff.data.options import ReadingOptions
from bakeoff.data.readers.base import Claim, Reader


def _read(source: Any, options: ReadingOptions, *, seed: int, name: str | None) -> Dataset:
    from bakeoff.data.forms.hub_pictures import load_hub_pictures

    return load_hub_pictures(source, target=options.target, size=options.pixels, seed=seed, name=name)


HUB_IMAGES = Reader(
    described="a dataset of pictures",
    plural="datasets of pictures",
    claims=(Claim(objects=has_images),),
    options=frozenset({"target", "size", "kind"}),
    kinds=("image",),
    read=_read,
)
