"""A comparison on a terminal: tables that fit its width, and the verdict in a few sentences.

User text is given to Rich as `Text`, cleaned of control characters, never as markup. A table that is too wide is
divided into several by columns, each with the entrants in front; numbers are never cut.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.cells import cell_len, chop_cells
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from bakeoff.explain.biases.records import Why
from bakeoff.messages import say
from bakeoff.report.content.drop_heatmap import closing_title, heat_map, heat_tables
from bakeoff.report.content.figures import metric_label
from bakeoff.report.content.matched_budgets import equal_sentences, given_rows
from bakeoff.report.content.result_rows import (
    EntrantRow,
    SizeTable,
    entrant_notes,
    entrant_rows,
    size_table,
    size_title,
    withheld_forecasts,
)
from bakeoff.report.words.palette import colours
from bakeoff.report.words.text import bound, clean, duration, wrapped
from bakeoff.study.analysis.goal import GoalAnswer
from bakeoff.study.results.comparison import Comparison

#: The longest line of a sentence.
WIDEST_TEXT = 100
#: The column of names is folded to this width where the table would not fit otherwise.
_NARROW_NAME = 14
#: Blanks around each column.
_GAP = 2
#: A mark in the colour of the entrant.
_DOT = "● "


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of numbers: heading and a cell for each row."""

    heading: str
    cells: tuple[str, ...]

    @property
    def width(self) -> int:
        return max(cell_len(text) for text in (self.heading, *self.cells)) + _GAP


@dataclass(frozen=True, kw_only=True)
class ResultTables:
    """The table of results; as one table where the width allows, else divided by columns."""

    rows: tuple[EntrantRow, ...]
    groups: tuple[tuple[str, tuple[Column, ...]], ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        widest = max(cell_len(row.name) for row in self.rows) + 2 + _GAP
        everything = [column for _, columns in self.groups for column in columns]
        if widest + sum(column.width for column in everything) <= options.max_width:
            yield self._table(everything, name_width=None)
            yield from self._captions()
            return
        for index, (title, columns) in enumerate(self.groups):
            name_width = min(
                widest, max(options.max_width - sum(column.width for column in columns), _NARROW_NAME)
            )
            for place, part in enumerate(_fitting(columns, options.max_width - name_width)):
                if index or place:
                    yield Text("")
                if title and not place:
                    yield Text("\n".join(wrapped(title, options.max_width)), style="dim")
                yield self._table(part, name_width=name_width, measured_only=bool(title))

    def _captions(self) -> Iterator[Text]:
        """In one table the titles of its parts have no place above their columns."""
        for title, columns in self.groups:
            if title:
                yield Text(f"{columns[0].heading}–{columns[-1].heading}: {title}", style="dim")

    def _table(
        self, columns: Sequence[Column], *, name_width: int | None, measured_only: bool = False
    ) -> Table:
        table = Table(
            box=box.SIMPLE_HEAD,
            show_edge=False,
            pad_edge=False,
            padding=(0, _GAP - 1, 0, 0),  # and one blank that the box draws between columns
            header_style="dim",
        )
        width = None if name_width is None else name_width - _GAP
        table.add_column(
            say("report.table.entrant"), overflow="fold", width=width, min_width=min(width or 8, 8)
        )
        for column in columns:
            least = column.width - _GAP
            table.add_column(
                Text(column.heading), justify="right", no_wrap=True, overflow="crop", min_width=least
            )
        for index, row in enumerate(self.rows):
            if measured_only and not any(column.cells[index] for column in columns):
                continue  # nothing was measured at any size
            table.add_row(
                _name(row, width), *(Text(column.cells[index], style=_style(row)) for column in columns)
            )
        return table


def _fitting(columns: Sequence[Column], width: int) -> list[list[Column]]:
    """The columns in groups of at most `width`, in order, at least one in each."""
    groups: list[list[Column]] = []
    for column in columns:
        if groups and sum(other.width for other in groups[-1]) + column.width <= width:
            groups[-1].append(column)
        else:
            groups.append([column])
    return groups


def _name(row: EntrantRow, width: int | None) -> Text:
    """The coloured mark and the name; a name that is too long continues on the next line, indented."""
    name = row.name
    if width is not None and cell_len(name) > width - len(_DOT):
        name = f"\n{' ' * len(_DOT)}".join(chop_cells(name, width - len(_DOT)))
    return Text.assemble((_DOT, colours("dark")[row.style.colour]), (name, _style(row)))


def _style(row: EntrantRow) -> str:
    return "bold" if row.best else "" if row.judged else "dim"


def result_tables(comparison: Comparison) -> ResultTables:
    """Score with interval, cost, and the score at each size, of every entrant."""
    rows = tuple(entrant_rows(comparison.entrants, comparison.verdict))
    metric = metric_label(comparison.metric)
    groups: list[tuple[str, tuple[Column, ...]]] = [
        (
            "",
            (
                Column(heading=metric, cells=tuple(row.score for row in rows)),
                Column(heading="95 %", cells=tuple(row.narrow for row in rows)),
                Column(heading=say("report.table.best"), cells=tuple(row.probability for row in rows)),
                Column(heading=say("report.table.parameters"), cells=tuple(row.parameters for row in rows)),
                Column(heading=say("report.table.flops_short"), cells=tuple(row.flops for row in rows)),
                Column(heading=say("report.table.seconds"), cells=tuple(row.seconds for row in rows)),
            ),
        )
    ]
    sizes = size_table(comparison.entrants, comparison.metric)
    if sizes is not None and len(sizes.sizes) > 1:
        groups.append((size_title(comparison.metric), _size_columns(sizes, rows)))
    return ResultTables(rows=rows, groups=tuple(groups))


def given_table(comparison: Comparison) -> Table:
    """What each network was allocated: parameters, and steps, FLOPs and time of a training."""
    table = Table(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, _GAP - 1, 0, 0), header_style="dim"
    )
    table.add_column(say("report.table.entrant"), overflow="fold")
    for heading in ("parameters", "steps", "training_flops", "training_seconds"):
        table.add_column(say(f"report.table.{heading}"), justify="right", no_wrap=True)
    for row in given_rows(comparison):
        name = Text.assemble((_DOT, colours("dark")[row.style.colour]), row.name)
        table.add_row(name, *map(Text, (row.parameters, row.steps, row.flops, row.seconds)))
    return table


def _size_columns(sizes: SizeTable, rows: Sequence[EntrantRow]) -> tuple[Column, ...]:
    by_name = {row.name: row for row in sizes.rows}
    found = [by_name.get(row.name) for row in rows]
    measured = [
        Column(heading=heading, cells=tuple(row.scores[index][0] if row else "" for row in found))
        for index, heading in enumerate(sizes.sizes)
    ]
    forecast = [
        Column(heading=heading, cells=tuple(row.forecast[index][0] if row else "" for row in found))
        for index, heading in enumerate(sizes.multiples)
    ]
    return (*measured, *forecast)


def verdict_block(comparison: Comparison, width: int) -> RenderableType:
    """The verdict's sentences, the first one strong, wrapped to `width` cells."""
    parts = [Text(say("report.section.verdict"), style="dim")]
    for index, sentence in enumerate(comparison.verdict.sentences):
        parts.append(_sentence(sentence, width, "bold" if index == 0 else ""))
    return Group(*parts)


def _sentence(sentence: str, width: int, style: str) -> Text:
    return Text("\n".join(wrapped(bound(clean(sentence)), width)), style=style, no_wrap=True)


def notes(comparison: Comparison) -> list[str]:
    """Sentences besides the table: entrants that were not judged, withheld forecasts, and warnings."""
    said = entrant_notes(comparison.entrants, comparison.verdict)
    withheld = withheld_forecasts(comparison.entrants)
    return [*said, *withheld, *(clean(warning) for warning in comparison.warnings)]


def print_comparison(console: Console, comparison: Comparison) -> None:
    """Print the table, the notes and the verdict."""
    width = min(console.width, WIDEST_TEXT)
    console.print()
    console.print(result_tables(comparison))
    if comparison.equal != "steps" and equal_sentences(comparison):
        console.print()
        console.print(given_table(comparison))
        console.print()
        for sentence in equal_sentences(comparison):
            console.print(_sentence(sentence, width, ""))
    said = notes(comparison)
    if said:
        console.print()
        for sentence in said:
            console.print(_sentence(sentence, width, "dim"))
    console.print()
    console.print(verdict_block(comparison, width))
    if isinstance(comparison.why, Why):
        print_evidence(console, comparison.why)


def print_evidence(console: Console, why: Why) -> None:
    """Print the evidence: sentences, and the table that they are from."""
    width = min(console.width, WIDEST_TEXT)
    console.print()
    console.print(Text(say("report.section.why"), style="dim"))
    for sentence in why.sentences:
        console.print(_sentence(sentence, width, ""))
    drawn = heat_map(why)
    if drawn is None:
        return
    console.print()
    console.print(_sentence(closing_title(why), width, "dim"))
    for table in heat_tables(drawn, console.width):
        console.print(table)
    for key in ("why.table.note_terminal", "why.more"):
        console.print(_sentence(say(key), width, "dim"))


def print_goal(console: Console, answer: GoalAnswer) -> None:
    """How many examples lead to the goal, by entrant."""
    width = min(console.width, WIDEST_TEXT)
    console.print()
    console.print(Text(say("report.section.goal"), style="dim"))
    for sentence in answer.sentences:
        console.print(_sentence(sentence, width, ""))


def print_places(console: Console, comparison: Comparison, *, report: Path) -> None:
    """Print the seconds spent, and the paths of the report and the network."""
    places = [
        (say("report.done.seconds"), duration(comparison.seconds)),
        (say("report.done.report"), clean(report)),
    ]
    if comparison.champion is not None:
        key = "report.done.champion" if comparison.champion.is_winner else "report.done.best_network"
        place = f"{clean(comparison.champion.folder)} ({clean(comparison.champion.entrant)})"
        places.append((say(key), place))
    indent = max(cell_len(heading) for heading, _ in places) + 2
    console.print()
    for heading, text in places:  # soft-wrapped, so that a long path can be copied
        line = Text.assemble((heading + " " * (indent - cell_len(heading)), "dim"), text)
        console.print(line, soft_wrap=True)
