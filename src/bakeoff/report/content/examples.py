"""Raw examples made ready to be drawn: an image, a series, a graph, a row or a text, as records.

How each is drawn stands in `html/assets/macros.html.j2`. A page shows dozens of them, each the size of a thumb:
Plotly, with its axes and its seconds for each figure, would be too heavy for them.
"""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.packed_graphs import PackedGraphs
from bakeoff.data.schema import Input, Series
from bakeoff.report.content.graph_drawing import ExampleGraph, graph_drawing
from bakeoff.report.words.text import clean, shorten, significant

#: The most channels of a series that are drawn ...
MOST_CHANNELS = 4
#: ... with at most this many points each.
MOST_POINTS = 160
#: The most columns of a row that are shown.
MOST_COLUMNS = 8
#: The most characters of a text that are shown.
MOST_CHARACTERS = 260
#: Images are reduced to this many pixels a side.
LARGEST_SIDE = 160
#: An image of bytes without a value as high as this is stretched to the full range (the digits reach 16).
_DARK = 64

#: Width and height of a series' drawing, in pixels.
SERIES_BOX = (200.0, 84.0)

Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class ExamplePicture:
    """A PNG in base64. `pixelated`: its pixels stay squares; `strip`: it has one row of them."""

    kind: ClassVar[str] = "picture"
    png: str
    pixelated: bool = False
    strip: bool = False


@dataclass(frozen=True, kw_only=True)
class ExampleSeries:
    """A line of points (x, y) for each channel over a common scale, inside `SERIES_BOX` (y points down)."""

    kind: ClassVar[str] = "series"
    lines: tuple[tuple[Point, ...], ...]


@dataclass(frozen=True, kw_only=True)
class ExampleRow:
    """Names and values of the first columns, and how many columns are left out."""

    kind: ClassVar[str] = "row"
    pairs: tuple[tuple[str, str], ...]
    left_out: int


@dataclass(frozen=True, kw_only=True)
class ExampleText:
    kind: ClassVar[str] = "text"
    text: str


Example = ExamplePicture | ExampleSeries | ExampleRow | ExampleText | ExampleGraph


def example_of(
    raw: Any, *, columns: Sequence[str] = (), kind: Input | None = None, length: int | None = None
) -> Example | None:
    """One raw example as a record; None where there is no way to show it.

    Args:
        raw: an image [C, H, W] (bytes, or numbers of any range), a series [C, T], a row [F], a text, or packed graphs,
            of which the first is shown.
        columns: names of a row's columns, where known.
        kind: of the example, where its shape is ambiguous.
        length: true length of a series that is padded.
    """
    if isinstance(raw, str):
        return _text(raw)
    if isinstance(raw, dict):
        return _row(list(raw), list(raw.values()))
    if isinstance(raw, PackedGraphs):
        return graph_drawing(raw[:1])
    array = np.asarray(raw)
    if isinstance(kind, Series) and length is not None:
        array = array[:, : max(length, 1)]
    if array.ndim == 3 and array.shape[0] in (1, 2, 3, 4):
        return _picture(array)
    if array.ndim == 2:
        return _series(array)
    if array.ndim == 1:
        return _row(
            columns if len(columns) == len(array) else [f"x{place + 1}" for place in range(len(array))], array
        )
    return None


def shaded(values: NDArray[Any]) -> ExamplePicture:
    """Numbers [H, W] or [T] as a picture from light (least) to dark (most)."""
    from PIL import Image

    grid = np.atleast_2d(np.asarray(values, np.float64))
    return ExamplePicture(
        png=_png(Image.fromarray(255 - _to_bytes(grid))), pixelated=True, strip=grid.shape[0] == 1
    )


def _picture(image: NDArray[Any]) -> ExamplePicture:
    from PIL import Image

    pixels = image if image.dtype == np.uint8 and image.max(initial=0) >= _DARK else _to_bytes(image)
    pixels = pixels[:1] if len(pixels) == 2 else pixels[:3]
    array = np.ascontiguousarray(pixels.transpose(1, 2, 0))
    picture = Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array)
    picture.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    return ExamplePicture(png=_png(picture), pixelated=max(picture.size) < LARGEST_SIDE // 2)


def _png(picture: Any) -> str:
    store = io.BytesIO()
    picture.save(store, format="PNG", optimize=True)
    return base64.b64encode(store.getvalue()).decode("ascii")


def _to_bytes(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Numbers of any range spread over 0 ... 255."""
    values = np.nan_to_num(image.astype(np.float64))
    low, high = float(values.min()), float(values.max())
    return ((values - low) / ((high - low) or 1.0) * 255).round().astype(np.uint8)


def _series(series: NDArray[Any]) -> ExampleSeries:
    values = np.nan_to_num(series[:MOST_CHANNELS].astype(np.float64))
    low, high = float(values.min()), float(values.max())
    reach, (width, height) = (high - low) or 1.0, SERIES_BOX
    lines = []
    for row in values:
        x, y = _thin(row)
        across = 2 + x / max(values.shape[1] - 1, 1) * (width - 4)
        down = 4 + (high - y) / reach * (height - 8)
        lines.append(tuple(zip(across.tolist(), down.tolist(), strict=True)))
    return ExampleSeries(lines=tuple(lines))


def _thin(row: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(positions, values) of few points that keep each stretch's lowest and highest value."""
    if len(row) <= MOST_POINTS:
        return np.arange(len(row), dtype=np.float64), row
    indices: list[int] = []
    for part in np.array_split(np.arange(len(row)), MOST_POINTS // 2):
        indices += sorted({int(part[row[part].argmin()]), int(part[row[part].argmax()])})
    chosen = np.array(indices)
    return chosen.astype(np.float64), row[chosen]


def _row(names: Sequence[str], values: Sequence[Any] | NDArray[Any]) -> ExampleRow:
    shown = list(zip(names, values, strict=True))[:MOST_COLUMNS]
    return ExampleRow(
        pairs=tuple((shorten(clean(name), 28), _cell(value)) for name, value in shown),
        left_out=len(names) - len(shown),
    )


def _cell(value: Any) -> str:
    if isinstance(value, (int, float, np.number)) and not isinstance(value, bool):
        number = float(value)
        is_whole = np.isfinite(number) and number == int(number) and abs(number) < 1e6
        return str(int(number)) if is_whole else significant(number, 4)
    return shorten(clean(value), 28)


def _text(text: str) -> ExampleText:
    plain = clean(text)
    return ExampleText(text=plain if len(plain) <= MOST_CHARACTERS else plain[: MOST_CHARACTERS - 1] + "…")
