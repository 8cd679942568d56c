"""Images are decoded once, into one file of bytes in the user's cache folder, which is then memory-mapped.

The folder's name is a hash of what the pixels depend on: every file's path, size and time of change, and the requested
size.
"""

import errno
import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.forms.image_decoder import (
    Header,
    PixelForm,
    RefusedPictureError,
    decode,
    quiet_pillow,
    read_header,
)
from bakeoff.errors import DataError, printable
from bakeoff.system.cache import cache_folder, store_folder
from bakeoff.system.hardware import available_cores

#: Part of the key; raised when the decoding changes, so that old pixels are not used.
_VERSION = 3
#: Where no size is given, the longer side of the common size is at most this.
LONGEST_SIDE = 64
#: The most threads that decode images.
_MOST_THREADS = 4
#: Images with fewer pixels than this (in the median) are decoded in one thread: others would wait for Python's lock.
_PIXELS_WORTH_A_THREAD = 160 * 160
#: Images that are decoded before they are written.
_BLOCK_FILES = 1024


@dataclass(frozen=True, kw_only=True, eq=False)
class Pictures:
    """The pictures that could be read, in the order of the files.

    Attributes:
        pixels: [N, C, H, W], memory-mapped; uint8, or float32 where the depth is more than 8 bits.
        decoded: indices of their files, int64 [N].
        refused: (index of the file, reason) of the others.
        smallest, largest: (height, width) as they were; the smallest and largest by area.
        depth: bits of a pixel: 8, 16 or 32.
        cut: number of files that hold more bits than that.
        more: number of files that hold further pictures, of which the first alone is read.
    """

    pixels: NDArray[Any]
    decoded: NDArray[np.int64]
    refused: tuple[tuple[int, str], ...]
    smallest: tuple[int, int]
    largest: tuple[int, int]
    depth: int = 8
    cut: int = 0
    more: int = 0


def cached_pictures(
    files: Sequence[str], *, size: tuple[int, int] | None = None, form: PixelForm | None = None
) -> Pictures:
    """The pictures of these files, from the cache if they are there, else decoded into it.

    Args:
        files: absolute paths.
        size: (height, width); None takes the median size, its longer side at most `LONGEST_SIDE`.
        form: the form of the pixels; None takes the size, colour if any file has it, and the bits that grey files have.

    Raises:
        DataError: no file can be read as a picture, the disk is full, or the cache may not be written.
    """
    place = cache_folder() / "images" / _key(files, f"{size} {form}")
    found = _open_cache(place)
    if found is not None:
        return found
    with quiet_pillow():
        headers = [_header_or_reason(file) for file in files]
    known = [header for header in headers if isinstance(header, Header)]
    form = form or common_form(known, size)
    facts: dict[str, Any] = {"channels": form.channels, "height": form.height, "width": form.width}
    facts |= {"depth": form.depth, **_sizes(known), "cut": cut_files(known, form)}
    facts["more"] = sum(header.more for header in known)
    try:
        store_folder(
            place,
            lambda folder: _write(folder, files, headers, facts),
            lambda folder: _open_cache(folder) is not None,
        )
    except OSError as error:
        raise DataError(_why_not_written(error, place, len(files) * form.example_bytes)) from error
    written = _open_cache(place)
    if written is None:
        raise DataError(
            f"The cache of decoded images in '{printable(str(place))}' was damaged: run the same again."
        )
    return written


def decode_now(
    files: Sequence[str | bytes], form: PixelForm
) -> tuple[NDArray[Any], list[int], list[tuple[int, str]]]:
    """Pixels [N, C, H, W] in memory, the indices of the files that were read, (index, reason) of the others.

    Args:
        files: paths, or the files' bytes.
    """
    with quiet_pillow(), ThreadPoolExecutor(_threads()) as threads:
        results = list(threads.map(partial(_pixels_or_reason, form=form), files))
    decoded = [place for place, result in enumerate(results) if not isinstance(result, str)]
    refused = [(place, result) for place, result in enumerate(results) if isinstance(result, str)]
    pixels = np.empty((len(decoded), *form.shape), form.dtype)
    for row, place in enumerate(decoded):
        pixels[row] = results[place]
    return pixels, decoded, refused


def _threads() -> int:
    return min(_MOST_THREADS, available_cores())


def read_headers(files: Sequence[str | bytes]) -> list[Header]:
    """The headers of those files that are pictures."""
    with quiet_pillow():
        headers = [_header_or_reason(file) for file in files]
    return [header for header in headers if isinstance(header, Header)]


def common_form(headers: list[Header], size: tuple[int, int] | None) -> PixelForm:
    """Colour if any picture has colour, the bits of grey ones, the median size unless it is given (height, width).

    Raises:
        DataError: there are no headers.
    """
    if not headers:
        raise DataError("Not one of the files can be read as an image: give JPEG, PNG or WebP files.")
    channels = 1 if all(header.grey for header in headers) else 3
    depth = max(header.depth for header in headers) if channels == 1 else 8
    if size is None:
        height = float(np.median([header.height for header in headers]))
        width = float(np.median([header.width for header in headers]))
        shrink = min(1.0, LONGEST_SIDE / max(height, width))
        size = max(1, round(height * shrink)), max(1, round(width * shrink))
    return PixelForm(channels=channels, height=size[0], width=size[1], depth=depth)


def cut_files(headers: list[Header], form: PixelForm) -> int:
    """The number of files that hold more bits than are read: deep colours, and deep greys beside colours."""
    return sum(header.cut or header.depth > form.depth for header in headers)


def _key(files: Sequence[str], form: str) -> str:
    digest = hashlib.blake2b(f"{_VERSION} {form} {LONGEST_SIDE}".encode(), digest_size=16)
    for file in files:
        try:
            status = os.stat(file)
            facts = f"\0{status.st_size}\0{status.st_mtime_ns}\0"
        except OSError:
            facts = "\0gone\0"
        digest.update(os.fsencode(file) + facts.encode())
    return digest.hexdigest()


def _header_or_reason(file: str | bytes) -> Header | str:
    try:
        return read_header(file)
    except RefusedPictureError as refused:
        return str(refused)


def _pixels_or_reason(file: str | bytes, form: PixelForm) -> NDArray[Any] | str:
    try:
        return decode(file, form)
    except RefusedPictureError as refused:
        return str(refused)


def _sizes(headers: list[Header]) -> dict[str, tuple[int, int]]:
    """The smallest and the largest (height, width) by area; (0, 0) of no picture."""
    areas = sorted((header.height * header.width, header.height, header.width) for header in headers)
    return {"smallest": areas[0][1:] if areas else (0, 0), "largest": areas[-1][1:] if areas else (0, 0)}


def _write(folder: Path, files: Sequence[str], headers: list[Header | str], facts: dict[str, Any]) -> None:
    """Write `pixels.bin` and `index.json` (not by a memory map, which would kill the program on a full disk)."""
    form = PixelForm(**{name: facts[name] for name in ("channels", "height", "width", "depth")})
    stored: list[int] = []
    refused = [(place, header) for place, header in enumerate(headers) if isinstance(header, str)]
    readable = [place for place, header in enumerate(headers) if not isinstance(header, str)]
    areas = [header.height * header.width for header in headers if isinstance(header, Header)]
    worth_threads = float(np.median(areas)) >= _PIXELS_WORTH_A_THREAD
    with quiet_pillow(), ThreadPoolExecutor(_threads()) as threads, (folder / "pixels.bin").open("wb") as out:
        for start in range(0, len(readable), _BLOCK_FILES):
            places = readable[start : start + _BLOCK_FILES]
            decoded: Iterable[NDArray[Any] | str] = (threads.map if worth_threads else map)(
                partial(_pixels_or_reason, form=form), [files[place] for place in places]
            )
            for place, result in zip(places, decoded, strict=True):
                if isinstance(result, str):
                    refused.append((place, result))
                else:
                    stored.append(place)
                    out.write(np.ascontiguousarray(result).data)
        out.flush()
        os.fsync(out.fileno())
    if not stored:
        raise DataError("Not one of the images can be decoded: they are damaged or cut short.")
    record = {**facts, "kept": stored, "refused": sorted(refused)}
    (folder / "index.json").write_text(json.dumps(record), encoding="utf-8")


def _open_cache(place: Path) -> Pictures | None:
    """The pictures of a complete cache, else None."""
    try:
        record = json.loads((place / "index.json").read_text(encoding="utf-8"))
        form = PixelForm(**{name: int(record[name]) for name in ("channels", "height", "width", "depth")})
        shape = (len(record["kept"]), *form.shape)
        if (place / "pixels.bin").stat().st_size != len(record["kept"]) * form.example_bytes:
            return None
        return Pictures(
            pixels=np.memmap(place / "pixels.bin", dtype=form.dtype, mode="r", shape=shape),
            depth=form.depth,
            cut=int(record["cut"]),
            more=int(record["more"]),
            decoded=np.array(record["kept"], np.int64),
            refused=tuple((int(file), str(reason)) for file, reason in record["refused"]),
            smallest=(int(record["smallest"][0]), int(record["smallest"][1])),
            largest=(int(record["largest"][0]), int(record["largest"][1])),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _why_not_written(error: OSError, place: Path, needed_bytes: int) -> str:
    folder = printable(str(place.parent), most=200)
    advice = "or set BAKEOFF_CACHE to a folder elsewhere"
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return (
            f"The disk is full: the decoded images need {needed_bytes / 1e6:.0f} MB in '{folder}'. Free some space, "
            f"{advice}."
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"The cache folder '{folder}' may not be written: change its permissions, {advice}."
    return f"The decoded images cannot be kept in '{folder}' ({printable(str(error))}): mend it, {advice}."
