"""A folder of images, one sub-folder a class, perhaps inside `train/`, `val/` and `test/`."""

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.assembly import make_dataset
from bakeoff.data.dataset import Dataset, Finding
from bakeoff.data.encoder import FormEncoder, NewExamples, check_shape
from bakeoff.data.forms.endings import IMAGE_ENDINGS
from bakeoff.data.forms.hub_datasets import class_labels, has_images
from bakeoff.data.forms.hub_pixels import new_hub_pictures
from bakeoff.data.forms.image_cache import Pictures, cached_pictures, decode_now
from bakeoff.data.forms.image_decoder import PixelForm
from bakeoff.data.forms.image_folders import relative_name, understood
from bakeoff.data.forms.targets import check_classes, known_targets
from bakeoff.data.schema import Classes, Image, Schema
from bakeoff.errors import BakeoffWarning, DataError, printable

#: Bits of a pixel.
DEPTHS = (8, 16, 32)
#: New images up to this many bytes are decoded in memory, more of them through the cache.
_MEMORY_BYTES = 1 << 28


@dataclass(frozen=True, kw_only=True)
class ImageEncoder(FormEncoder):
    """Every image becomes numbers of this form: upright, transparency over white, stretched to height x width.

    Attributes:
        depth: bits of a pixel: 8 for bytes; 16 or 32 for float32 of the numbers that such files hold.
    """

    kind: ClassVar[str] = "images"
    channels: int
    height: int
    width: int
    depth: int = 8  # earlier versions knew bytes alone

    def to_json(self) -> dict[str, Any]:
        form = {"channels": self.channels, "height": self.height, "width": self.width, "depth": self.depth}
        return {"kind": self.kind, **form}

    def check(self, schema: Schema) -> None:
        check_shape((self.channels, self.height, self.width), schema)
        if self.depth not in DEPTHS or self.channels not in (1, 3):
            raise ValueError(f"there are no images of {self.channels} channels with {self.depth} bits")

    @property
    def form(self) -> PixelForm:
        """The form of the pixels that it makes."""
        return PixelForm(channels=self.channels, height=self.height, width=self.width, depth=self.depth)

    def read(self, source: Any, schema: Schema) -> NewExamples:
        """One image file, a folder of them, or a folder with a sub-folder for each class; or arrays of pixels."""
        if has_images(source):
            return self._read_hub(source, schema)
        if not isinstance(source, str | Path):
            from bakeoff.data.forms.arrays import ArrayEncoder

            return ArrayEncoder(axes="image").read(source, schema)
        root, files, answers = _new_files(Path(source))
        pixels, decoded = self._decode(root, files)
        targets = known_targets(np.array(answers)[decoded], schema.target) if answers else None
        return NewExamples(
            inputs=pixels, targets=targets, names=[relative_name(root, files[place]) for place in decoded]
        )

    def _read_hub(self, source: Any, schema: Schema) -> NewExamples:
        pixels, names = new_hub_pictures(source, self.form)
        labels = class_labels(source)
        targets = None if labels is None else known_targets(labels, schema.target)
        return NewExamples(inputs=pixels, targets=targets, names=names)

    def _decode(self, root: Path, files: Sequence[str]) -> tuple[NDArray[Any], Sequence[int]]:
        refused: Sequence[tuple[int, str]]
        if len(files) * self.form.example_bytes <= _MEMORY_BYTES:
            pixels, decoded, refused = decode_now(files, self.form)
        else:
            pictures = cached_pictures(files, form=self.form)
            pixels, decoded, refused = pictures.pixels, pictures.decoded.tolist(), pictures.refused
        if not decoded:
            raise DataError(
                f"Not one of {len(files)} files can be read as an image: give JPEG, PNG or WebP files."
            )
        if refused:
            warnings.warn(
                f"{len(refused)} images were skipped: {named_reasons(root, files, refused)}",
                BakeoffWarning,
                stacklevel=4,
            )
        return pixels, decoded


def load_images(
    root: Path, *, size: tuple[int, int] | None = None, seed: int = 0, name: str | None = None
) -> Dataset:
    """A dataset from a folder of images.

    Args:
        root: has one sub-folder a class, or `train/` (and `val/`, `test/`) that have them.
        size: (height, width) that all images are stretched to; None takes the median, at most 64 pixels a side.

    Raises:
        DataError: no images, fewer than two classes, a class with one image, or the cache cannot be written.
    """
    root = Path(os.path.abspath(root))
    folder = understood(root)
    parts = folder.parts
    files = [file for part in parts.values() for file in part.files]
    labels = [label for part in parts.values() for label in part.classes]
    part_of = np.repeat(list(parts), [len(part.files) for part in parts.values()])
    pictures = cached_pictures(files, size=size)
    names = sorted_classes(set(labels))
    code = {name: place for place, name in enumerate(names)}
    codes = np.array([code[label] for label in labels], np.int64)[pictures.decoded]
    target = Classes(names=tuple(names))
    check_classes(codes, target, what="class")
    part_of = part_of[pictures.decoded]
    channels, height, width = pictures.pixels.shape[1:]
    places = {part: np.flatnonzero(part_of == part).astype(np.int64) for part in ("validation", "test")}
    return make_dataset(
        name=name or root.name,
        input=Image(channels=channels, height=height, width=width),
        target=target,
        inputs=pictures.pixels,
        targets=codes,
        encoder=ImageEncoder(channels=channels, height=height, width=width, depth=pictures.depth),
        test=places["test"] if len(places["test"]) else None,
        validation=places["validation"] if len(places["validation"]) else None,
        seed=seed,
        labels=[relative_name(folder.root, files[place]) for place in pictures.decoded],
        source=root.name,
        findings=[*folder.findings, *_findings(folder.root, files, pictures)],
    )


def sorted_classes(names: set[str]) -> list[str]:
    """Alphabetical, or by number where all names are numbers."""
    if all(name.isascii() and name.isdigit() for name in names):
        return sorted(names, key=lambda name: (int(name), name))
    return sorted(names)


def named_reasons(
    root: Path, files: Sequence[str], refused: Sequence[tuple[int, str]], *, most: int = 5
) -> str:
    """The first few files that were skipped, each with its reason."""
    listed = [
        f"{printable(relative_name(root, files[place]))} ({reason})" for place, reason in refused[:most]
    ]
    return ", ".join(listed) + (f" and {len(refused) - most} more" if len(refused) > most else "")


def _new_files(source: Path) -> tuple[Path, list[str], list[str]]:
    """(root, files, answers); no answers where the images lie side by side."""
    source = Path(os.path.abspath(source))
    if source.is_file():
        return source.parent, [str(source)], []
    direct = sorted(
        str(entry)
        for entry in source.iterdir()
        if entry.is_file() and entry.suffix.lower() in IMAGE_ENDINGS and not entry.name.startswith(".")
    )
    if direct:
        return source, direct, []
    folder = understood(source)
    parts = folder.parts
    return (
        folder.root,
        [file for part in parts.values() for file in part.files],
        [label for part in parts.values() for label in part.classes],
    )


def _findings(root: Path, files: Sequence[str], pictures: Pictures) -> list[Finding]:
    """The files that were skipped, and the sizes and depths that were changed."""
    findings = []
    if pictures.refused:
        values = {"count": len(pictures.refused), "names": named_reasons(root, files, pictures.refused)}
        findings.append(Finding(kind="images_skipped", severity="fault", values=values))
    if pictures.depth > 8:
        low, high = float(pictures.pixels.min()), float(pictures.pixels.max())
        values = {"depth": pictures.depth, "low": low, "high": high}
        findings.append(Finding(kind="images_deep", severity="note", values=values))
    if pictures.cut:
        findings.append(
            Finding(kind="images_cut_to_bytes", severity="warning", values={"count": pictures.cut})
        )
    if pictures.more:
        findings.append(Finding(kind="images_of_frames", severity="note", values={"count": pictures.more}))
    height, width = pictures.pixels.shape[2:]
    if {pictures.smallest, pictures.largest} != {(height, width)}:
        values = {
            "smallest": "x".join(map(str, pictures.smallest)),
            "largest": "x".join(map(str, pictures.largest)),
            "size": f"{height}x{width}",
        }
        findings.append(Finding(kind="images_resized", severity="note", values=values))
    return findings
