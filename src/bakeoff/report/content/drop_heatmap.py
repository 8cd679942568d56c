"""The table of score drops as a heat map: one record of formatted cells, drawn by terminal, report and page."""

from dataclasses import dataclass

import numpy as np
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from bakeoff.explain.biases.records import Cell, Why
from bakeoff.messages import say
from bakeoff.report.words.text import clean, shorten, significant
from bakeoff.tasks.metrics.registry import METRICS

#: Drops of this size and more, in shares (30 points) or relative to the score, have the full colour.
FULL_COLOUR = 0.3
#: Names of entrants and changes are shortened to this many cells on a terminal.
_LONGEST_NAME = 24
#: Blanks between columns.
_GAP = 2


@dataclass(frozen=True, kw_only=True)
class HeatCell:
    """One score drop, formatted.

    Attributes:
        loss: the drop. reach: half of its interval.
        shown: whether it is significant over the whole table.
        warmth: between -1 (a large gain, blue) and 1 (a large drop, red).
    """

    loss: str
    reach: str
    shown: bool
    warmth: float

    @property
    def colour(self) -> str:
        """The cell's background in CSS: red for a drop, blue for a gain, transparent for 0."""
        return f"rgba({'206,62,24' if self.warmth > 0 else '38,116,200'},{0.62 * abs(self.warmth):.2f})"


@dataclass(frozen=True, kw_only=True)
class HeatRow:
    change: str
    assumption: str
    cells: tuple[HeatCell | None, ...]


@dataclass(frozen=True, kw_only=True)
class HeatMap:
    """The whole table; `scores` are those on the unchanged data."""

    heads: tuple[str, ...]
    scores: tuple[str, ...]
    rows: tuple[HeatRow, ...]


def heat_map(why: Why, *, tested: bool = False) -> HeatMap | None:
    """The drops after training again, or of networks only `tested` on changed data; None where there are none."""
    names = [entrant.name for entrant in why.entrants]
    rows = []
    for change in why.changes:
        cells = [why.cell(name, change) for name in names]
        drawn = tuple(heat_cell(cell, why.metric, tested=tested) for cell in cells)
        known = next(cell for cell in cells if cell is not None)
        if any(drawn):
            rows.append(
                HeatRow(change=change, assumption=say(f"why.assumption.{known.assumption}"), cells=drawn)
            )
    if not rows:
        return None
    measure = METRICS[why.metric]
    return HeatMap(
        heads=tuple(clean(name) for name in names),
        scores=tuple(measure.show(entrant.score) for entrant in why.entrants),
        rows=tuple(rows),
    )


def closing_title(why: Why) -> str:
    """The title of the table at the end of a comparison."""
    metric = say(f"verdict.metric.{why.metric}")
    return say("why.closing.title", metric=metric[:1].upper() + metric[1:], seeds=why.seeds)


def full_title(why: Why) -> str:
    """The title of the table that a study of its own makes."""
    metric = say(f"verdict.metric.{why.metric}")
    return say("why.table.title", name=clean(why.name), metric=metric, seeds=why.seeds, steps=why.steps)


def heat_cell(cell: Cell | None, metric: str, *, tested: bool = False) -> HeatCell | None:
    """One cell, formatted; None where there is no such drop."""
    loss = None if cell is None else cell.tested if tested else cell.loss
    if loss is None:
        return None
    return HeatCell(
        loss=_figure(loss.loss, metric),
        reach=_figure(loss.high - loss.loss, metric),
        shown=loss.shown,
        warmth=heat(loss.loss, loss.before, metric),
    )


def _figure(value: float, metric: str) -> str:
    return f"{100 * value:.1f}" if METRICS[metric].percent else significant(value)


def heat(loss: float, before: float, metric: str) -> float:
    """The warmth of a drop: between -1 (a large gain) and 1 (a large drop)."""
    scale = FULL_COLOUR if METRICS[metric].percent else FULL_COLOUR * max(abs(before), 1e-12)
    return float(np.clip(loss / scale, -1.0, 1.0))


def heat_tables(drawn: HeatMap, width: int) -> list[Table]:
    """The heat map for a terminal of this width, divided by columns where it is too wide.

    Red for a drop, blue for a gain; significant drops are bold and have a star, so that they are visible without
    colours.
    """
    columns = [
        [shorten(head, _LONGEST_NAME), drawn.scores[index], *(_text(row.cells[index]) for row in drawn.rows)]
        for index, head in enumerate(drawn.heads)
    ]
    widths = [max(map(cell_len, column)) + _GAP for column in columns]
    labels = [say("why.table.change"), say("why.table.as_is")]
    changes = [shorten(row.change, _LONGEST_NAME) for row in drawn.rows]
    label = max(cell_len(text) for text in (*labels, *changes)) + _GAP
    meaning = max(cell_len(row.assumption) for row in drawn.rows) + _GAP
    explained = label + meaning + sum(widths) <= width
    parts: list[list[int]] = [[]]
    for index, needed in enumerate(widths):
        space = width - label - (meaning if explained else 0)
        if parts[-1] and sum(widths[other] for other in parts[-1]) + needed > space:
            parts.append([])
        parts[-1].append(index)
    return [_table(drawn, part, columns, explained) for part in parts]


def _table(drawn: HeatMap, part: list[int], columns: list[list[str]], explained: bool) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="dim")
    table.add_column(say("why.table.change"), no_wrap=True)
    if explained:
        table.add_column(say("why.table.assumption"), style="dim", no_wrap=True)
    for index in part:
        table.add_column(Text(columns[index][0]), justify="right", no_wrap=True)
    blank = [""] if explained else []
    table.add_row(
        Text(say("why.table.as_is"), style="dim"), *blank, *(Text(drawn.scores[index]) for index in part)
    )
    for place, row in enumerate(drawn.rows):
        cells = [
            Text(columns[index][place + 2], style=_style(cell)) if (cell := row.cells[index]) else Text("")
            for index in part
        ]
        meaning = [row.assumption] if explained else []
        table.add_row(Text(shorten(row.change, _LONGEST_NAME)), *meaning, *cells)
    return table


def _text(cell: HeatCell | None) -> str:
    return "" if cell is None else f"{cell.loss} ± {cell.reach}{' *' if cell.shown else '  '}"


def _style(cell: HeatCell) -> str:
    depth = round(255 - 130 * abs(cell.warmth))
    colour = f"rgb(255,{depth},{depth})" if cell.warmth > 0 else f"rgb({depth},{depth},255)"
    return f"{'bold ' if cell.shown else ''}black on {colour}"
