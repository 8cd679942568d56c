"""What a folder of images holds: its parts (train, validation, test), its classes, and what is left out, with counts.

A folder whose name says what it is for (`train`, `Test Set`, `images_val`, `seg_train`) is a part and never a class.
Linked folders are followed once. A single folder around everything is entered.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bakeoff.data.dataset import Finding
from bakeoff.data.forms.endings import IMAGE_ENDINGS, OTHER_IMAGE_ENDINGS
from bakeoff.data.forms.foreign_files import foreign_kind
from bakeoff.data.forms.image_parts import part_folders, part_said
from bakeoff.data.forms.unicode import composed
from bakeoff.errors import DataError, listed, printable

#: What systems leave in folders; neither read nor counted.
_CLUTTER = frozenset({"__macosx", "thumbs.db", "desktop.ini"})
#: Folders around everything that are entered at most.
_MOST_WRAPPERS = 8


@dataclass(frozen=True, kw_only=True)
class ImageFiles:
    """The image files of one part, with the class that each one's folder names."""

    files: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()

    def __add__(self, other: "ImageFiles") -> "ImageFiles":
        return ImageFiles(files=self.files + other.files, classes=self.classes + other.classes)


@dataclass(frozen=True, kw_only=True)
class ImageFolder:
    """A folder of images as it was understood.

    Attributes:
        root: below which the parts and classes are.
        parts: "all", or "train" and perhaps "validation" and "test".
        findings: what was guessed and what was left out.
    """

    root: Path
    parts: dict[str, ImageFiles]
    findings: tuple[Finding, ...] = ()


@dataclass(kw_only=True)
class _Walk:
    """What a walk through folders passed by without reading it."""

    others: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)


def understood(root: Path) -> ImageFolder:
    """What a folder of images holds.

    Raises:
        DataError: there is no image, or no sub-folder for each class.
    """
    walk = _Walk()
    inner = _entered(root)
    findings = []
    if inner != root:
        values = {"folder": printable(str(inner.relative_to(root)))}
        findings.append(Finding(kind="wrapper_entered", severity="note", values=values))
    folders = _subfolders(inner)
    found = part_folders([folder.name for folder in folders]) or _parts_by_content(folders)
    parts, part_findings = _parts(inner, folders, found, walk) if found else ({}, [])
    if not parts:
        parts = _parts_inside(folders, walk) or {"all": _by_class(folders, walk)}
        findings += _class_findings(inner, folders, walk)
    if sum(len(part.files) for part in parts.values()) == 0:
        raise DataError(_no_images(inner))
    return ImageFolder(root=inner, parts=parts, findings=(*findings, *part_findings, *_left_out(inner, walk)))


def _parts_by_content(folders: Sequence[Path]) -> dict[str, str]:
    """A single folder of a part's name that holds class folders and no image of its own, as its name says."""
    said = {folder: word for folder in folders if (word := part_said(folder.name)) and not word[1]}
    return {
        folder.name: part
        for folder, (part, _) in said.items()
        if not _images_in(folder) and sum(bool(image_files(inner)) for inner in _subfolders(folder)) > 1
    }


def image_files(folder: Path) -> list[str]:
    """The paths of all image files below a folder, sorted; hidden files and folders do not count."""
    return sorted(_walked(folder, _Walk()))


def relative_name(root: Path, file: str) -> str:
    """The file's path below the root (both absolute), with forward slashes."""
    return file[len(str(root)) :].lstrip(os.sep).replace(os.sep, "/")


def _parts(
    root: Path, folders: Sequence[Path], found: dict[str, str], walk: _Walk
) -> tuple[dict[str, ImageFiles], list[Finding]]:
    """The parts with class folders, {} where there are none, and what lies beside them.

    Raises:
        DataError: the folders of parts hold images and no class folders.
    """
    parts: dict[str, ImageFiles] = {}
    flat, beside = [], []
    for folder in folders:
        part = found.get(folder.name)
        if part is None:
            beside.append(folder)
        elif (own := _by_class(_subfolders(_entered(folder)), walk)).files:
            parts[part] = parts.get(part, ImageFiles()) + own
        elif image_files(folder):
            flat.append(folder)
    if not parts and flat:
        raise DataError(_no_classes(root, flat))
    if "train" not in parts:  # one part alone is all that there is
        parts = {"all": sum(parts.values(), ImageFiles())} if parts else {}
    ordered: dict[str, ImageFiles] = {
        part: parts[part] for part in ("all", "train", "validation", "test") if part in parts
    }
    return ordered, _beside_findings([*flat, *beside]) if parts else []


def _parts_inside(folders: Sequence[Path], walk: _Walk) -> dict[str, ImageFiles]:
    """The parts where each class folder holds train and test (cat/train, cat/test); {} where not all do."""
    parts: dict[str, ImageFiles] = {}
    for folder in folders:
        inner = _subfolders(folder)
        found = part_folders([place.name for place in inner])
        if _images_in(folder) or len(found) < len(inner) or not {"train", "test"} <= set(found.values()):
            return {}
        for place in inner:
            files = tuple(sorted(_walked(place, walk)))
            own = ImageFiles(files=files, classes=(composed(folder.name),) * len(files))
            parts[found[place.name]] = parts.get(found[place.name], ImageFiles()) + own
    return {part: parts[part] for part in ("train", "validation", "test") if part in parts}


def _beside_findings(folders: Sequence[Path]) -> list[Finding]:
    """Folders of images beside the parts, which were not read: of no part, or without class folders."""
    counts = {folder.name: len(image_files(folder)) for folder in folders}
    counts = {name: count for name, count in counts.items() if count}
    if not counts:
        return []
    values = {"count": sum(counts.values()), "names": listed(counts)}
    return [Finding(kind="images_beside_parts", severity="fault", values=values)]


def _by_class(folders: Iterable[Path], walk: _Walk) -> ImageFiles:
    """The image files in each folder (at any depth below it), sorted by path."""
    files: list[str] = []
    classes: list[str] = []
    for folder in folders:
        found = sorted(_walked(folder, walk))
        files += found
        classes += [composed(folder.name)] * len(found)
    return ImageFiles(files=tuple(files), classes=tuple(classes))


def _walked(folder: Path, walk: _Walk) -> Iterator[str]:
    """Paths as strings (60 000 objects of `Path` would take seconds); each folder once, whatever links to it."""
    seen = {_identity(parent) for parent in (folder, *folder.parents)}
    waiting = [str(folder)]
    while waiting:
        for entry in sorted(_entries(waiting.pop()), key=lambda entry: entry.name):
            if entry.name.startswith(".") or entry.name.lower() in _CLUTTER:
                continue
            if not _may_be_seen(entry):
                walk.broken.append(entry.path)
            elif entry.is_dir():
                if (own := _identity(entry.path)) not in seen:
                    seen.add(own)
                    waiting.append(entry.path)
            elif entry.name.lower().endswith(IMAGE_ENDINGS):
                yield entry.path
            elif entry.is_file():
                walk.others[os.path.splitext(entry.name)[1].lower()] += 1
            elif entry.is_symlink():
                walk.broken.append(entry.path)


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except PermissionError as error:
        raise DataError(
            f"The folder '{printable(folder)}' may not be read by you: change its permissions, or move it elsewhere."
        ) from error
    except OSError as error:
        raise DataError(
            f"The folder '{printable(folder)}' cannot be read ({error.strerror}): name the folder of your pictures."
        ) from error


def _may_be_seen(entry: os.DirEntry[str]) -> bool:
    """False for a link to where nobody may look, which has no kind that could be asked for."""
    try:
        entry.stat()
    except PermissionError:
        return False
    except OSError:  # it leads nowhere, or in a circle
        pass
    return True


def _identity(folder: str | Path) -> tuple[int, int]:
    status = os.stat(folder)
    return status.st_dev, status.st_ino


def _subfolders(root: Path) -> list[Path]:
    entries = [
        entry for entry in _entries(str(root)) if not entry.name.startswith(".") and _may_be_seen(entry)
    ]
    return sorted(
        Path(entry.path) for entry in entries if entry.is_dir() and entry.name.lower() not in _CLUTTER
    )


def _entered(root: Path) -> Path:
    """The folder itself, or the one inside that holds everything: a folder of folders, alone, that is no part."""
    for _ in range(_MOST_WRAPPERS):
        folders = _subfolders(root)
        is_wrapper = len(folders) == 1 and not _images_in(root) and not part_folders([folders[0].name])
        if not is_wrapper or _images_in(folders[0]) or not _subfolders(folders[0]):
            return root
        root = folders[0]
    return root


def _images_in(folder: Path) -> list[str]:
    """Names of the image files that lie directly in a folder."""
    names = [entry.name for entry in _entries(str(folder)) if _may_be_seen(entry) and not entry.is_dir()]
    return [name for name in names if name.lower().endswith(IMAGE_ENDINGS) and not name.startswith(".")]


def _class_findings(root: Path, folders: Sequence[Path], walk: _Walk) -> list[Finding]:
    """What was guessed of class folders: a name that may be a part's, names that are one, folders without images."""
    findings = []
    empty = [folder.name for folder in folders if next(_walked(folder, _Walk()), None) is None]
    if empty:
        values = {"count": len(empty), "names": listed(empty)}
        findings.append(Finding(kind="empty_class_folders", severity="note", values=values))
    parts = [folder.name for folder in folders if (said := part_said(folder.name)) and not said[1]]
    if parts:
        findings.append(
            Finding(kind="class_named_as_part", severity="warning", values={"names": listed(parts)})
        )
    names = Counter(composed(folder.name) for folder in folders)
    joined = [name for name, count in names.items() if count > 1]
    if joined:
        values = {"count": len(joined), "names": listed(joined)}
        findings.append(Finding(kind="class_folders_joined", severity="note", values=values))
    return findings


def _left_out(root: Path, walk: _Walk) -> list[Finding]:
    """What lies in the folder and was not read, with counts."""
    findings = []
    beside = _images_in(root)
    if beside:
        values = {"count": len(beside), "names": listed(sorted(beside), most=3)}
        findings.append(Finding(kind="images_beside_classes", severity="fault", values=values))
    pictures = {ending: count for ending, count in walk.others.items() if ending in OTHER_IMAGE_ENDINGS}
    if pictures:
        values = {"count": sum(pictures.values()), "endings": _endings(pictures)}
        findings.append(Finding(kind="images_of_other_formats", severity="fault", values=values))
    others = {ending: count for ending, count in walk.others.items() if ending not in pictures}
    if others:
        values = {"count": sum(others.values()), "endings": _endings(others)}
        findings.append(Finding(kind="files_ignored", severity="note", values=values))
    entries = [entry for entry in _entries(str(root)) if not entry.name.startswith(".")]
    broken = walk.broken + [
        entry.path for entry in entries if entry.is_symlink() and not os.path.exists(entry.path)
    ]
    if broken:
        values = {"count": len(broken), "names": listed(relative_name(root, path) for path in broken)}
        findings.append(Finding(kind="links_broken", severity="fault", values=values))
    return findings


def _endings(counts: dict[str, int]) -> str:
    ranked = sorted(counts.items(), key=lambda pair: -pair[1])
    shown = [f"{printable(ending, most=20) or '-'} {count}" for ending, count in ranked[:5]]
    return ", ".join(shown) + (", ..." if len(ranked) > 5 else "")


def _foreign(root: Path) -> str | None:
    """The sentence about a folder whose first file is of a kind that must be converted."""
    for place, _, names in os.walk(root):
        for name in sorted(names)[:1]:
            kind = foreign_kind(Path(place, name))
            return (
                None
                if kind is None
                else f"'{printable(relative_name(root, os.path.join(place, name)))}' {kind}"
            )
    return None


def _no_classes(root: Path, flat: Sequence[Path]) -> str:
    names = listed(folder.name for folder in flat)
    first = flat[0].name
    return (
        f"The folders {names} in '{printable(str(root))}' are parts by their names and hold the images side by side, "
        f"so nothing says what these show: put one sub-folder for each class into each of them, as "
        f"{printable(first)}/cat and {printable(first)}/dog, or rename the folders if they are classes."
    )


def _no_images(root: Path) -> str:
    shown = printable(str(root))
    if _images_in(root):
        return (
            f"The images in '{shown}' lie side by side, so nothing says what they show: "
            "put them into one sub-folder for each class."
        )
    entries = sorted(_entries(str(root)), key=lambda entry: entry.name)
    if not entries:
        return f"The folder '{shown}' is empty: put one sub-folder of images for each class into it."
    files = [entry.name for entry in entries if entry.is_file() and not entry.name.startswith(".")]
    if (foreign := _foreign(root)) is not None:
        return foreign
    if files and not _subfolders(root):
        return (
            f"The folder '{shown}' holds no images but {listed(files, most=3)}: name the file that you mean."
        )
    return (
        f"The folder '{shown}' holds no images ({', '.join(IMAGE_ENDINGS)}), no series and no arrays: "
        "give a folder with one sub-folder of images for each class, or a file."
    )
