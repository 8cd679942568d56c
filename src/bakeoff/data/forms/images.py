"""A folder of images, one sub-folder a class, perhaps inside `train/`, `val/` and `test/`."""

import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.assembly import make_dataset
from bakeoff.data.dataset import Dataset, Finding
from bakeoff.data.encoder import FormEncoder, NewExamples
from bakeoff.data.forms.endings import IMAGE_ENDINGS
from bakeoff.data.forms.image_cache import Pictures, cached_pictures, decode_now
from bakeoff.data.forms.targets import check_classes, known_targets
from bakeoff.data.forms.unicode import composed
from bakeoff.data.schema import Classes, Image, Schema
from bakeoff.errors import BakeoffWarning, DataError, listed, printable

PART_FOLDERS = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
#: New images up to this many bytes are decoded in memory, more of them through the cache.
_MEMORY_BYTES = 1 << 28


@dataclass(frozen=True, kw_only=True)
class ImageEncoder(FormEncoder):
    """Every image becomes bytes of this form: upright, transparency over white, stretched to height x width."""

    kind: ClassVar[str] = "images"
    channels: int
    height: int
    width: int

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "channels": self.channels, "height": self.height, "width": self.width}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        return cls(channels=int(record["channels"]), height=int(record["height"]), width=int(record["width"]))

    def read(self, source: Any, schema: Schema) -> NewExamples:
        """One image file, a folder of them, or a folder with a sub-folder for each class; or arrays of pixels."""
        if not isinstance(source, str | Path):
            from bakeoff.data.forms.arrays import ArrayEncoder

            return ArrayEncoder(axes="image").read(source, schema)
        root, files, answers = _new_files(Path(source))
        pixels, decoded = self._decode(root, files)
        targets = known_targets(np.array(answers)[decoded], schema.target) if answers else None
        return NewExamples(
            inputs=pixels, targets=targets, names=[relative_name(root, files[place]) for place in decoded]
        )

    def _decode(self, root: Path, files: Sequence[str]) -> tuple[NDArray[np.uint8], Sequence[int]]:
        refused: Sequence[tuple[int, str]]
        if len(files) * self.channels * self.height * self.width <= _MEMORY_BYTES:
            pixels, decoded, refused = decode_now(
                files, channels=self.channels, height=self.height, width=self.width
            )
        else:
            form = (self.channels, self.height, self.width)
            pictures = cached_pictures(files, size=form[1:], channels=form[0])
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


@dataclass(frozen=True, kw_only=True)
class ImageFiles:
    """The image files of one part, with the class that each one's folder names."""

    files: tuple[str, ...]
    classes: tuple[str, ...]


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
    parts = find_parts(root)
    files = [file for part in parts.values() for file in part.files]
    labels = [label for part in parts.values() for label in part.classes]
    part_of = np.repeat(list(parts), [len(part.files) for part in parts.values()])
    pictures = cached_pictures(files, size=size)
    names = sorted_classes(set(labels))
    codes = np.array([names.index(label) for label in labels], np.int64)[pictures.decoded]
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
        encoder=ImageEncoder(channels=channels, height=height, width=width),
        test=places["test"] if len(places["test"]) else None,
        validation=places["validation"] if len(places["validation"]) else None,
        seed=seed,
        labels=[relative_name(root, files[place]) for place in pictures.decoded],
        source=root.name,
        findings=_findings(root, files, pictures),
    )


def find_parts(root: Path) -> dict[str, ImageFiles]:
    """The parts of a folder of images: "all", or "train" and perhaps "validation" and "test".

    Raises:
        DataError: there is no image, or no sub-folder for each class.
    """
    folders = {entry.name.lower(): entry for entry in _subfolders(root)}
    parts = {
        part: images_by_class(folders[spelling])
        for part, spellings in PART_FOLDERS.items()
        for spelling in spellings
        if spelling in folders
    }
    parts = {part: found for part, found in parts.items() if found.files}
    if "train" not in parts:
        parts = {"all": images_by_class(root)}
    if sum(len(part.files) for part in parts.values()) == 0:
        raise DataError(_no_images(root))
    return parts


def images_by_class(root: Path) -> ImageFiles:
    """The image files in each sub-folder (at any depth below it), sorted by path."""
    files: list[str] = []
    classes: list[str] = []
    for folder in _subfolders(root):
        found = image_files(folder)
        files += found
        classes += [composed(folder.name)] * len(found)
    return ImageFiles(files=tuple(files), classes=tuple(classes))


def image_files(folder: Path) -> list[str]:
    """The paths of all image files below a folder, sorted; hidden files and folders do not count."""
    return sorted(_walk(folder))


def _walk(folder: Path) -> Iterator[str]:
    """Paths as strings: 60 000 objects of `Path` would take seconds."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if name.lower().endswith(IMAGE_ENDINGS) and not name.startswith("."):
                yield os.path.join(place, name)


def sorted_classes(names: set[str]) -> list[str]:
    """Alphabetical, or by number where all names are numbers."""
    if all(name.isascii() and name.isdigit() for name in names):
        return sorted(names, key=lambda name: (int(name), name))
    return sorted(names)


def relative_name(root: Path, file: str) -> str:
    """The file's path below the root (both absolute), with forward slashes."""
    return file[len(str(root)) :].lstrip(os.sep).replace(os.sep, "/")


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
    parts = find_parts(source)
    return (
        source,
        [file for part in parts.values() for file in part.files],
        [label for part in parts.values() for label in part.classes],
    )


def _subfolders(root: Path) -> list[Path]:
    return sorted(entry for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("."))


def _no_images(root: Path) -> str:
    shown = printable(str(root))
    if any(entry.suffix.lower() in IMAGE_ENDINGS for entry in root.iterdir()):
        return (
            f"The images in '{shown}' lie side by side, so nothing says what they show: "
            "put them into one sub-folder for each class."
        )
    if not any(root.iterdir()):
        return f"The folder '{shown}' is empty: put one sub-folder of images for each class into it."
    files = [
        entry.name for entry in sorted(root.iterdir()) if entry.is_file() and not entry.name.startswith(".")
    ]
    if files and not _subfolders(root):
        return (
            f"The folder '{shown}' holds no images but {listed(files, most=3)}: name the file that you mean."
        )
    return (
        f"The folder '{shown}' holds no images ({', '.join(IMAGE_ENDINGS)}), no series and no arrays: "
        "give a folder with one sub-folder of images for each class, or a file."
    )


def _findings(root: Path, files: Sequence[str], pictures: Pictures) -> list[Finding]:
    """The files that were skipped, folders without images, and the sizes that were changed."""
    findings = []
    empty = [folder.name for folder in _subfolders(root) if next(_walk(folder), None) is None]
    if empty:
        values = {"count": len(empty), "names": listed(empty)}
        findings.append(Finding(kind="empty_class_folders", severity="note", values=values))
    if pictures.refused:
        values = {"count": len(pictures.refused), "names": named_reasons(root, files, pictures.refused)}
        findings.append(Finding(kind="images_skipped", severity="fault", values=values))
    height, width = pictures.pixels.shape[2:]
    if {pictures.smallest, pictures.largest} != {(height, width)}:
        values = {
            "smallest": "x".join(map(str, pictures.smallest)),
            "largest": "x".join(map(str, pictures.largest)),
            "size": f"{height}x{width}",
        }
        findings.append(Finding(kind="images_resized", severity="note", values=values))
    return findings
