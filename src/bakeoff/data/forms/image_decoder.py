"""One image file to numbers [C, H, W]: upright, its transparency over white, grey or colour, of a given size.

JPEG, PNG, WebP, GIF (first frame), BMP, TIFF and others by Pillow. A picture of more than `MOST_PIXELS` is refused
before it is decoded: a file of a few kilobytes can claim to be one of many gigabytes (a decompression bomb).
"""

import functools
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageOps, UnidentifiedImageError

from bakeoff.errors import DataError
from bakeoff.system.files import opened

#: Images that claim more pixels are refused.
MOST_PIXELS = 100_000_000
#: ... and grey ones of 16 or 32 bits a pixel already from this many, since they take several times the memory.
MOST_DEEP_PIXELS = MOST_PIXELS // 4
#: A byte of 255 is as bright as 65535 in 16 bits.
_BYTE_IN_16_BITS = 257.0
#: Whatever a file's name, nothing else is read: Pillow knows forms (PostScript) for which it starts other programs.
FORMATS = ("AVIF", "BMP", "DIB", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
#: The EXIF tag.
_ORIENTATION = 0x0112
_ORIENTATION_NOTES = {"exif", "Raw profile type exif", "xmp", "XML:com.adobe.xmp"}
_GREY_MODES = ("1", "L", "LA", "La", "I", "F")


class RefusedPictureError(Exception):
    """This file cannot be used; the message is a short reason."""


@dataclass(frozen=True, kw_only=True)
class Header:
    """An image's size in pixels once it is upright, and whether it is grey, from its first bytes.

    Attributes:
        depth: bits of a pixel that are kept: 8, or 16 or 32 of grey pictures.
        cut: whether more than 8 bits a colour are in the file, which Pillow cuts to 8.
        more: whether further pictures follow the first one, which alone is read.
    """

    height: int
    width: int
    grey: bool
    depth: int = 8
    cut: bool = False
    more: bool = False


@dataclass(frozen=True, kw_only=True)
class PixelForm:
    """What every picture becomes: channels 1 (grey) or 3 (red, green, blue), a size in pixels, bits of a pixel.

    Bytes where the depth is 8; else float32 of the numbers (bytes beside 16-bit files spread to their range).
    """

    channels: int
    height: int
    width: int
    depth: int = 8

    @property
    def dtype(self) -> type[np.uint8] | type[np.float32]:
        return np.uint8 if self.depth == 8 else np.float32

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.channels, self.height, self.width

    @property
    def example_bytes(self) -> int:
        return int(np.prod(self.shape)) * np.dtype(self.dtype).itemsize


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Inside, Pillow has no limit of its own (`MOST_PIXELS` is checked instead) and does not warn about odd files."""
    before = Pillow.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Pillow.MAX_IMAGE_PIXELS = None
        try:
            yield
        finally:
            Pillow.MAX_IMAGE_PIXELS = before


def read_header(path: str | Path | bytes) -> Header:
    """Size and colour of a picture, without decoding it; call inside `quiet_pillow`.

    Raises:
        RefusedPictureError: the file is no picture that can be read, or it is too large.
    """
    with _opened(path) as picture, _refusing():
        width, height = picture.size
        if _orientation(picture) >= 5:
            width, height = height, width
        depth = _depth(picture)
        is_cut = depth == 8 and any("16" in str(tile[3]) for tile in getattr(picture, "tile", ()))
        more = bool(getattr(picture, "is_animated", False))
        return Header(height=height, width=width, grey=_is_grey(picture), depth=depth, cut=is_cut, more=more)


def decode(path: str | Path | bytes, form: PixelForm) -> NDArray[Any]:
    """The pixels [channels, height, width] of a file (or of its bytes), stretched to that size.

    Raises:
        RefusedPictureError: the file is damaged, cut short, or too large.
    """
    size = (form.width, form.height)
    with _opened(path) as picture, _refusing():
        mode = "L" if form.channels == 1 else "RGB"
        picture.draft(mode, (2 * form.width, 2 * form.height))
        upright = ImageOps.exif_transpose(picture) if _orientation(picture) != 1 else picture
        flat = _flattened(upright, mode) if form.depth == 8 else _numbers(upright, form.depth)
        if flat.size != size:
            flat = flat.resize(size, Pillow.Resampling.BILINEAR, reducing_gap=2.0)
        pixels = np.asarray(flat, form.dtype)
    return pixels[None] if form.channels == 1 else pixels.transpose(2, 0, 1)


@contextmanager
def _refusing() -> Iterator[None]:
    """Inside, any exception of Pillow's readers, which raise many types, becomes a `RefusedPictureError`."""
    try:
        yield
    except (MemoryError, RefusedPictureError):
        raise
    except Exception as error:
        raise RefusedPictureError(_reason(error)) from error


@contextmanager
def _opened(path: str | Path | bytes) -> Iterator[Pillow.Image]:
    with _refusing(), _bytes_of(path) as file, Pillow.open(file, formats=_formats()) as picture:
        width, height = picture.size
        if width * height > (MOST_PIXELS if _depth(picture) == 8 else MOST_DEEP_PIXELS):
            raise RefusedPictureError(f"it claims {width}x{height} pixels, too many to be safe")
        yield picture


def _bytes_of(source: str | Path | bytes) -> IO[bytes]:
    return io.BytesIO(source) if isinstance(source, bytes) else opened(source)


@functools.cache
def _formats() -> tuple[str, ...]:
    """Those of `FORMATS` that this Pillow was built with."""
    Pillow.init()
    return tuple(name for name in FORMATS if name in Pillow.OPEN)


def _reason(error: Exception) -> str:
    if isinstance(error, DataError):
        return "not a file but a pipe or a device"
    if isinstance(error, PermissionError):
        return "no permission to read it"
    if isinstance(error, FileNotFoundError):
        return "it is gone"
    if isinstance(error, UnidentifiedImageError):
        return "not an image"
    return "cut short" if "truncated" in str(error) else "damaged"


def _orientation(picture: Pillow.Image) -> int:
    if picture.format == "PNG" and not _ORIENTATION_NOTES & set(picture.info):
        return 1  # asking would decode the whole picture, in search of a note behind the pixels
    try:
        return int(picture.getexif().get(_ORIENTATION, 1))
    except Exception:  # a damaged note on orientation is no reason to refuse the picture
        return 1


def _depth(picture: Pillow.Image) -> int:
    """Bits of a pixel: 16 also where Pillow puts the 16 bits of a PNG file into 32."""
    if picture.mode.startswith("I;16") or (picture.mode == "I" and picture.format == "PNG"):
        return 16
    return 32 if picture.mode in ("I", "F") else 8


def _is_grey(picture: Pillow.Image) -> bool:
    if picture.mode == "P":
        palette: Any = picture.getpalette("RGB") or []
        colours = np.array(palette, np.uint8).reshape(-1, 3)
        return bool((colours == colours[:, :1]).all())
    return picture.mode in _GREY_MODES or picture.mode.startswith("I;16")


def _flattened(picture: Pillow.Image, mode: str) -> Pillow.Image:
    """Without transparency (over white), in the mode "L" or "RGB"."""
    if picture.mode.startswith("I") or picture.mode == "F":
        return _from_deep_grey(picture).convert(mode)
    if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        white = Pillow.new("RGBA", picture.size, (255, 255, 255, 255))
        picture = Pillow.alpha_composite(white, picture)
    return picture if picture.mode == mode else picture.convert("RGB").convert(mode)


def _numbers(picture: Pillow.Image, depth: int) -> Pillow.Image:
    """A grey picture as float32 numbers; bytes among 16-bit pictures are spread to the same range."""
    if _depth(picture) > 8:
        return Pillow.fromarray(np.asarray(picture).astype(np.float32))
    values = np.asarray(_flattened(picture, "L")).astype(np.float32)
    return Pillow.fromarray(values * _BYTE_IN_16_BITS if depth == 16 else values)


def _from_deep_grey(picture: Pillow.Image) -> Pillow.Image:
    """16-bit grey to 8 bits; other deep numbers are spread over 0 to 255 by their own range."""
    values = np.asarray(picture, np.float64)
    if picture.mode.startswith("I;16") or (picture.mode == "I" and 255 < values.max() <= 65535):
        return Pillow.fromarray((values / 257.0).round().astype(np.uint8))
    if picture.mode == "I" and values.min() >= 0 and values.max() <= 255:
        return Pillow.fromarray(values.astype(np.uint8))
    low, high = float(values.min()), float(values.max())
    return Pillow.fromarray(((values - low) / max(high - low, 1e-12) * 255).round().astype(np.uint8))
