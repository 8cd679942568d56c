"""Draws one example: an image as PNG, a series or a graph as a small plot, a row as a list, a text as text.

Everything returned is `Markup` that is safe inside a page: user data are escaped here and nowhere else.
"""

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

from bakeoff.data.packed_graphs import PackedGraphs
from bakeoff.data.schema import Input, Series
from bakeoff.messages import say
from bakeoff.report.content.graph_drawing import draw_graph
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

#: Of a series' plot, in pixels.
_WIDTH, _HEIGHT = 200.0, 84.0


def show_example(
    raw: Any, *, columns: Sequence[str] = (), kind: Input | None = None, length: int | None = None
) -> Markup | None:
    """One raw example as HTML; None where there is no way to show it.

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
        return draw_graph(raw[:1])
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


def _picture(image: NDArray[Any]) -> Markup:
    from PIL import Image

    pixels = image if image.dtype == np.uint8 and image.max(initial=0) >= _DARK else _to_bytes(image)
    pixels = pixels[:1] if len(pixels) == 2 else pixels[:3]
    array = np.ascontiguousarray(pixels.transpose(1, 2, 0))
    picture = Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array)
    picture.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    store = io.BytesIO()
    picture.save(store, format="PNG", optimize=True)
    content = base64.b64encode(store.getvalue()).decode("ascii")
    small = " pixels" if max(picture.size) < LARGEST_SIDE // 2 else ""
    return Markup('<img class="picture{}" alt="" src="data:image/png;base64,{}">').format(small, content)


def _to_bytes(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Numbers of any range spread over 0 ... 255."""
    values = np.nan_to_num(image.astype(np.float64))
    low, high = float(values.min()), float(values.max())
    return ((values - low) / ((high - low) or 1.0) * 255).round().astype(np.uint8)


def _series(series: NDArray[Any]) -> Markup:
    """A line a channel over a common scale, the first in the accent colour."""
    values = np.nan_to_num(series[:MOST_CHANNELS].astype(np.float64))
    low, high = float(values.min()), float(values.max())
    reach = (high - low) or 1.0
    lines = Markup("")
    for channel, row in reversed(list(enumerate(values))):
        x, y = _thin(row)
        across = 2 + x / max(values.shape[1] - 1, 1) * (_WIDTH - 4)
        down = 4 + (high - y) / reach * (_HEIGHT - 8)
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(across, down, strict=True))
        lines += Markup('<polyline class="channel-{}" points="{}"/>').format(channel, points)
    return Markup('<svg class="series" viewBox="0 0 {} {}" role="img" aria-hidden="true">{}</svg>').format(
        int(_WIDTH), int(_HEIGHT), lines
    )


def _thin(row: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(positions, values) of few points that keep each stretch's lowest and highest value."""
    if len(row) <= MOST_POINTS:
        return np.arange(len(row), dtype=np.float64), row
    indices: list[int] = []
    for part in np.array_split(np.arange(len(row)), MOST_POINTS // 2):
        indices += sorted({int(part[row[part].argmin()]), int(part[row[part].argmax()])})
    chosen = np.array(indices)
    return chosen.astype(np.float64), row[chosen]


def _row(names: Sequence[str], values: Sequence[Any] | NDArray[Any]) -> Markup:
    shown = list(zip(names, values, strict=True))[:MOST_COLUMNS]
    items = Markup("").join(
        Markup("<dt>{}</dt><dd>{}</dd>").format(shorten(clean(name), 28), _cell(value))
        for name, value in shown
    )
    left_out = len(names) - len(shown)
    more = (
        Markup("<dt>{}</dt><dd></dd>").format(say("report.more_columns", count=left_out))
        if left_out
        else Markup("")
    )
    return Markup('<dl class="row">{}{}</dl>').format(items, more)


def _cell(value: Any) -> str:
    if isinstance(value, (int, float, np.number)) and not isinstance(value, bool):
        number = float(value)
        is_whole = np.isfinite(number) and number == int(number) and abs(number) < 1e6
        return str(int(number)) if is_whole else significant(number, 4)
    return shorten(clean(value), 28)


def _text(text: str) -> Markup:
    plain = clean(text)
    cut = plain if len(plain) <= MOST_CHARACTERS else plain[: MOST_CHARACTERS - 1] + "…"
    return Markup("<blockquote>{}</blockquote>").format(escape(cut))
