"""What all Plotly figures share: escaped labels, colour tokens, layout and axes.

A Plotly figure here is a plain dictionary {"data": [...], "layout": {...}}. Colours in it are tokens of `palette`
("token:family-cnn", "token:ink/0.15" for 15 % opacity): the page replaces them by its theme's colours, and
`with_colours` does so here. Plotly interprets some HTML in its labels, so that all user text goes through `label`.
"""

import html
import math
import re
from collections.abc import Iterable
from typing import Any

from bakeoff.report.words.palette import colours
from bakeoff.report.words.text import amount, clean, duration, shorten

Plot = dict[str, Any]

_TOKEN = re.compile(r"token:([a-z-]+)(?:/([0-9.]+))?")


def label(text: object, width: int | None = None) -> str:
    """User text that Plotly shows literally: cleaned, shortened to `width` cells, escaped.

    >>> label("<b>a & b</b>")
    '&lt;b&gt;a &amp; b&lt;/b&gt;'
    """
    plain = clean(text)
    return html.escape(plain if width is None else shorten(plain, width), quote=False)


def token(name: str, opacity: float | None = None) -> str:
    return f"token:{name}" if opacity is None else f"token:{name}/{opacity:g}"


def with_colours(plot: Any, theme: str) -> Any:
    """A copy with each colour token replaced by the theme's colour ("light" or "dark")."""
    known = colours(theme)
    if isinstance(plot, dict):
        return {key: with_colours(value, theme) for key, value in plot.items()}
    if isinstance(plot, list):
        return [with_colours(value, theme) for value in plot]
    found = _TOKEN.fullmatch(plot) if isinstance(plot, str) else None
    if not found:
        return plot
    colour, opacity = known[found[1]], found[2]
    if opacity is None:
        return colour
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def show_score(score: float, *, percent: bool) -> str:
    """A score as in the verdict: in percent with one decimal, or with four digits."""
    if not math.isfinite(score):
        return "–"
    return f"{100 * score:.1f} %" if percent else f"{score:#.4g}"


def show_cost(value: float, cost: str) -> str:
    """A cost with its unit: "flops", "parameters" or "seconds"."""
    return duration(value) if cost == "seconds" else amount(value, "FLOPs" if cost == "flops" else "")


def layout_of(*, x: Plot, y: Plot) -> Plot:
    return {
        "xaxis": x,
        "yaxis": y,
        "margin": {"l": 8, "r": 14, "t": 24, "b": 8},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": token("soft"), "size": 12},
        "hoverlabel": {
            "bgcolor": token("panel"),
            "bordercolor": token("line"),
            "font": {"color": token("ink"), "size": 12.5},
            "align": "left",
        },
        "hovermode": "closest",
        "dragmode": False,
        "showlegend": False,
    }


def axis(title: str) -> Plot:
    return {
        "title": {"text": title, "standoff": 10, "font": {"color": token("soft"), "size": 12}},
        "gridcolor": token("grid"),
        "linecolor": token("line"),
        "zeroline": False,
        "automargin": True,
        "fixedrange": True,
        "ticks": "",
    }


def score_axis(metric: str, percent: bool) -> Plot:
    return {**axis(metric), **({"ticksuffix": " %"} if percent else {}), "nticks": 7}


def log_axis(values: Iterable[float], title: str, *, cost: str | None = None) -> Plot:
    """A log axis with few round ticks, written with k, M, G or as times."""
    found = [value for value in values if value > 0] or [1.0, 10.0]
    low, high = math.log10(min(found)), math.log10(max(found))
    margin = max(0.06 * (high - low), 0.08)
    show = (lambda value: show_cost(value, cost)) if cost else amount
    ticks = _round_ticks(low - margin, high + margin)
    return {
        **axis(title),
        "type": "log",
        "range": [low - margin, high + margin],
        "tickmode": "array",
        "tickvals": ticks,
        "ticktext": [_short_tick(show(value)) for value in ticks],
    }


def _round_ticks(low: float, high: float, most: int = 7) -> list[float]:
    """1-2-5 numbers between 10^low and 10^high, fewer of each decade until there are at most `most`."""
    for steps in ((1, 2, 5), (1, 3), (1,)):
        decades = range(math.floor(low), math.ceil(high) + 1)
        ticks = [step * 10.0**decade for decade in decades for step in steps]
        ticks = [tick for tick in ticks if low <= math.log10(tick) <= high]
        if len(ticks) <= most:
            return ticks
    return ticks[:: math.ceil(len(ticks) / most)]


def _short_tick(text: str) -> str:
    """A tick's text without zeros after the point: '5.00 k' becomes '5 k'; '0.5 s' does not change."""
    return re.sub(r"\.0+(?=\D|$)", "", text).replace("FLOPs", "").strip()
