"""Bars as a PNG, drawn with Pillow: no browser is needed."""

from math import ceil, log10
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

_COLOURS = ((31, 119, 180), (255, 127, 14), (44, 160, 44))
_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 960, 540, 70, 70, 60


def _power(exponent: int) -> str:
    """A power of ten with its decimal prefix: 10 M."""
    prefixes = {0: "", 3: " k", 6: " M", 9: " G", 12: " T", 15: " P"}
    base = max((step for step in prefixes if step <= exponent), default=0)
    return f"{10.0 ** (exponent - base):g}{prefixes[base]}"


def write_bars(path: Path, title: str, names: list[str], series: dict[str, list[int]]) -> None:
    """Groups of bars on a logarithmic scale.

    Args:
        path: the PNG file.
        title: above the bars.
        names: one a group.
        series: label -> one value a group.
    """
    picture = Image.new("RGB", (_WIDTH, _HEIGHT), "white")
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(15)
    draw.text((_LEFT, 14), title, fill="black", font=ImageFont.load_default(20))
    values = [value for row in series.values() for value in row if value > 0]
    low = ceil(log10(min(values, default=1))) - 1  # below the smallest value, whose bar would have no height
    high = max(low + 1, int(log10(max(values, default=10))) + 1)
    bottom = _HEIGHT - _BOTTOM

    def height_of(value: float) -> float:
        return bottom - (log10(value) - low) / (high - low) * (bottom - _TOP)

    for power in range(low, high + 1):
        y = height_of(10.0**power)
        draw.line((_LEFT, y, _WIDTH - 20, y), fill=(225, 225, 225))
        draw.text((12, y - 9), _power(power), fill="black", font=font)
    group = (_WIDTH - 20 - _LEFT) / max(1, len(names))
    bar = group * 0.8 / max(1, len(series))
    for index, name in enumerate(names):
        x = _LEFT + index * group
        draw.text((x + group * 0.1, bottom + 10), name, fill="black", font=font)
        for position, (colour, row) in enumerate(zip(_COLOURS, series.values(), strict=False)):
            if row[index] > 0:
                left = x + group * 0.1 + position * bar
                draw.rectangle((left, height_of(row[index]), left + bar - 3, bottom), fill=colour)
    for position, (colour, label) in enumerate(zip(_COLOURS, series, strict=False)):
        x = _LEFT + position * 200
        draw.rectangle((x, 46, x + 12, 58), fill=colour)
        draw.text((x + 18, 43), label, fill="black", font=font)
    picture.save(path)
