"""Pages of evidence: the table of `why` as a heat map, and the plots of `explain`, as HTML files that open offline.

They contain no script; numbers are drawn as images and lines, and all user text is escaped.
"""

import base64
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

from bakeoff.data.encoder import NewExamples
from bakeoff.data.packed_graphs import PackedGraphs
from bakeoff.errors import printable
from bakeoff.explain.biases.records import Why
from bakeoff.explain.network.explain_network import Explained
from bakeoff.messages import language, say
from bakeoff.report.content.drop_heatmap import HeatCell, HeatMap, heat_map
from bakeoff.report.content.examples import show_example
from bakeoff.report.content.graph_drawing import draw_graph
from bakeoff.report.words.text import clean
from bakeoff.system.files import write_text

#: The most filters, and feature maps, that are drawn.
_MOST_MAPS = 16

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}table{border-collapse:collapse;font-size:.85rem}
td,th{padding:.3rem .6rem;text-align:right;white-space:nowrap}
th:first-child,td:first-child,td:nth-child(2){text-align:left}
th{font-weight:600;border-bottom:1px solid #8884}b{font-weight:700}small{color:#666;display:block}
.wide{overflow-x:auto}.row{display:flex;flex-wrap:wrap;gap:1rem;align-items:flex-start}figure{margin:0}
figcaption{font-size:.8rem;color:#666}img.map,img.picture{image-rendering:pixelated;width:120px;height:auto;min-height:8px}
img.wide-map{image-rendering:pixelated;width:320px;height:28px}svg{width:320px;height:auto}
svg polyline{fill:none;stroke:#2563a8;stroke-width:1.5}svg .channel-1{stroke:#c2571a}svg.graph{width:160px}
svg line{stroke:#8888;stroke-width:1.2}svg circle{fill:#2563a8;stroke:#2563a8}
@media(prefers-color-scheme:dark){body{color:#e6e6e6;background:#16181b}small,figcaption{color:#aaa}}
@media print{body{margin:0}}
"""


def write_why(why: Why, path: Path) -> Path:
    """Write the table, its sentences and the advice into a file. Raises `StoreError` where it cannot be written."""
    parts = [_sentences(why.sentences)]
    for heading, tested in (("why.figure.heat", False), ("why.table.tested_title", True)):
        drawn = heat_map(why, tested=tested)
        if drawn is not None:
            parts += [_heading(heading), _heat_table(drawn)]
    if why.left_out:
        parts.append(Markup("<p>{}</p>").format(say("why.left_out", names=", ".join(why.left_out))))
    return write_text(path, _page(table_title(why), parts))


def write_explained(explained: Explained, new: NewExamples, path: Path) -> Path:
    """Write the plots of one network into a file. Raises `StoreError` where it cannot be written."""
    title = say("why.explain.title", model=printable(explained.model), data=printable(explained.data))
    return write_text(path, _page(title, [_sentences(explained.sentences), *_plots(explained, new)]))


def table_title(why: Why) -> str:
    """The title of the table of score drops."""
    metric = say(f"verdict.metric.{why.metric}")
    return say("why.table.title", name=printable(why.name), metric=metric, seeds=why.seeds, steps=why.steps)


def _page(title: str, parts: Iterable[Markup]) -> str:
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    body = Markup("\n").join(parts)
    return str(
        Markup(
            '<!doctype html><html lang="{}"><head><meta charset="utf-8"><meta name="viewport" '
            'content="width=device-width"><meta http-equiv="Content-Security-Policy" content="{}"><title>{}</title>'
            "<style>{}</style></head><body><h1>{}</h1>{}</body></html>\n"
        ).format(language(), policy, title, Markup(_STYLE), title, body)
    )


def _heading(key: str) -> Markup:
    return Markup("<h2>{}</h2>").format(say(key))


def _sentences(sentences: Sequence[str]) -> Markup:
    return Markup("<ul>{}</ul>").format(
        Markup("").join(Markup("<li>{}</li>").format(text) for text in sentences)
    )


def _heat_table(drawn: HeatMap) -> Markup:
    head = Markup("").join(Markup("<th>{}</th>").format(name) for name in drawn.heads)
    scores = Markup("").join(Markup("<td>{}</td>").format(score) for score in drawn.scores)
    rows = [Markup("<tr><td>{}</td><td></td>{}</tr>").format(say("why.table.as_is"), scores)]
    for row in drawn.rows:
        body = Markup("").join(_heat_cell(cell) for cell in row.cells)
        rows.append(
            Markup("<tr><td>{}</td><td>{}</td>{}</tr>").format(clean(row.change), row.assumption, body)
        )
    return Markup(
        '<div class="wide"><table><tr><th>{}</th><th>{}</th>{}</tr>{}</table></div><p><small>{}</small></p>'
    ).format(
        say("why.table.change"),
        say("why.table.assumption"),
        head,
        Markup("").join(rows),
        say("why.table.note"),
    )


def _heat_cell(cell: HeatCell | None) -> Markup:
    if cell is None:
        return Markup("<td></td>")
    number = Markup("<b>{}</b>" if cell.shown else "{}").format(cell.loss)
    return Markup('<td style="background:{}">{}<small>± {}</small></td>').format(
        cell.colour, number, cell.reach
    )


def _plots(explained: Explained, new: NewExamples) -> list[Markup]:
    parts: list[Markup] = []
    if explained.saliency is not None:
        pairs = [
            _figure(
                Markup("{}{}").format(_example(explained, new, row), _heated(explained, new, row, heated)),
                _name(explained, row),
            )
            for row, heated in zip(explained.shown, explained.saliency, strict=True)
        ]
        parts += [_heading("why.figure.saliency"), _row(pairs)]
    if explained.filters is not None:
        kernels = explained.filters[:_MOST_MAPS]
        parts += [
            _heading("why.figure.filters"),
            _row(picture(np.abs(k).sum(0) if k.ndim > 2 else k) for k in kernels),
        ]
    if explained.feature_maps is not None:
        parts += [
            _heading("why.figure.features"),
            _row(picture(m) for m in explained.feature_maps[:_MOST_MAPS]),
        ]
    if explained.receptive is not None:
        parts += [
            _heading("why.figure.receptive"),
            _row([picture(explained.receptive.seen.astype(float)), picture(explained.receptive.used)]),
        ]
    if explained.reach is not None:
        parts += [_heading("why.figure.reach"), show_example(explained.reach[None]) or Markup("")]
    if explained.attention:
        heads = [picture(head) for layer in explained.attention for head in layer[0]]
        parts += [_heading("why.figure.attention"), _row(heads)]
    if explained.wrong:
        shown = [
            _figure(_example(explained, new, one.index), f"{one.truth} → {one.answer}")
            for one in explained.wrong
        ]
        parts += [_heading("why.figure.wrong"), _row(shown)]
    return parts


def _example(explained: Explained, new: NewExamples, row: int) -> Markup:
    if isinstance(new.inputs, PackedGraphs):
        return draw_graph(new.inputs[row : row + 1])
    length = None if new.lengths is None else int(new.lengths[row])
    return show_example(np.asarray(new.inputs[row]), kind=explained.kind, length=length) or Markup("")


def _heated(explained: Explained, new: NewExamples, row: int, heat: NDArray[Any]) -> Markup:
    """A map of the saliency; of a graph, the same drawing with its nodes shaded by it."""
    if not isinstance(new.inputs, PackedGraphs):
        return picture(heat)
    graph = new.inputs[row : row + 1]
    return draw_graph(graph.with_features(heat[: len(graph.features), None]))


def _name(explained: Explained, row: int) -> str:
    named = {one.index: f"{one.name}: {one.truth} → {one.answer}" for one in explained.wrong or ()}
    return named.get(row, str(row))


def _figure(content: Markup, caption: str) -> Markup:
    return Markup("<figure>{}<figcaption>{}</figcaption></figure>").format(content, printable(caption))


def _row(parts: Iterable[Markup]) -> Markup:
    return Markup('<div class="row">{}</div>').format(Markup("").join(parts))


def picture(values: NDArray[Any]) -> Markup:
    """Numbers [H, W] or [T] as a picture from light (least) to dark (most)."""
    from PIL import Image

    grid = np.nan_to_num(np.atleast_2d(np.asarray(values, np.float64)))
    low, high = float(grid.min()), float(grid.max())
    shade = 1 - (grid - low) / ((high - low) or 1.0)
    store = io.BytesIO()
    Image.fromarray((shade * 255).round().astype(np.uint8)).save(store, format="PNG", optimize=True)
    content = base64.b64encode(store.getvalue()).decode("ascii")
    kind = "wide-map" if grid.shape[0] == 1 else "map"
    return Markup('<img class="{}" alt="" src="data:image/png;base64,{}">').format(escape(kind), content)
