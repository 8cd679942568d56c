"""The frozen records of `why`: one cell of figures for each entrant and intervention."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bakeoff.explain.biases.score_drops import ScoreDrop
from bakeoff.study.analysis.verdict import Statement

#: Of the changes that were not measured with one entrant so many are named.
MOST_NAMED = 3


@dataclass(frozen=True, kw_only=True)
class Cell:
    """The effect of one intervention on one entrant.

    Attributes:
        entrant: its name.
        change, kind, assumption, amount: of the intervention (see `bakeoff.data.interventions.catalogue`).
        control: whether the result was known beforehand.
        loss: the drop of the score when it is trained again on the changed data, paired over examples and seeds.
        tested: the drop when it is trained on unchanged data and only tested on changed data; None where that is not
            possible (another length) or says nothing (shuffled labels).
    """

    entrant: str
    change: str
    kind: str
    assumption: str
    amount: int | None
    control: bool
    loss: ScoreDrop
    tested: ScoreDrop | None = None


@dataclass(frozen=True, kw_only=True)
class EntrantScore:
    """An entrant's score on the unchanged data, with its 95 % interval, and its learning rate (`setting`)."""

    name: str
    family: str
    score: float
    low: float
    high: float
    setting: float | None


@dataclass(frozen=True, kw_only=True)
class MemoryLength:
    """How many of the last steps of a series an entrant needs.

    Attributes:
        entrant: its name.
        enough: steps with which no drop of the score was shown.
        too_few: the most steps with which a drop was shown.
        length: of the series.
    """

    entrant: str
    enough: int
    too_few: int
    length: int


@dataclass(frozen=True, kw_only=True)
class Size:
    """An entrant at another `width` than its `usual` one, and the drop of its score there (below 0: it gains)."""

    entrant: str
    width: int
    usual: int
    parameters: int
    loss: ScoreDrop


@dataclass(frozen=True, kw_only=True)
class Why:
    """The measured biases of some entrants on some data.

    Attributes:
        name: of the data.
        metric: of all scores and drops.
        entrants: their scores on unchanged data, best first.
        baseline: the best score of a baseline.
        tied: the entrants that may be the best.
        cells: one for each entrant and change that was finished.
        memory: of the best entrant; None where it was not measured or not found.
        sizes: the best entrant at half and at twice its width, where there was time.
        statements: what the table shows, each with a figure.
        advice: what to try next.
        broken: controls with another result than they must have, in which case the table should not be trusted.
        left_out: changes and networks that were not measured, each with the reason.
        steps, seeds, seconds: of the study.
        needed_seconds: predicted for the smallest useful part of the table, where there was no time for it; else None.
        interrupted: whether Ctrl-C ended it.
    """

    name: str
    metric: str
    entrants: tuple[EntrantScore, ...]
    baseline: float
    tied: tuple[str, ...]
    cells: tuple[Cell, ...]
    memory: MemoryLength | None = None
    sizes: tuple[Size, ...] = ()
    statements: tuple[Statement, ...] = ()
    advice: tuple[Statement, ...] = ()
    broken: tuple[Statement, ...] = ()
    left_out: Mapping[str, Statement] = field(default_factory=dict)
    steps: int = 0
    seeds: int = 0
    seconds: float = 0.0
    needed_seconds: float | None = None
    interrupted: bool = False

    @property
    def sentences(self) -> tuple[str, ...]:
        """Statements, broken controls and advice, in the language in force."""
        return tuple(statement.text() for statement in (*self.broken, *self.statements, *self.advice))

    @property
    def changes(self) -> tuple[str, ...]:
        """The interventions in the order of the table."""
        return tuple(dict.fromkeys(cell.change for cell in self.cells))

    def cell(self, entrant: str, change: str) -> Cell | None:
        """One cell; None where it was not finished."""
        for cell in self.cells:
            if (cell.entrant, cell.change) == (entrant, change):
                return cell
        return None

    def matters(self) -> tuple[str, ...]:
        """The assumptions that were shown to matter to any entrant."""
        return tuple(dict.fromkeys(cell.assumption for cell in self.cells if is_shown(cell)))

    @property
    def left_out_names(self) -> tuple[str, ...]:
        """What was not measured, grouped by entrant."""
        return grouped(self.left_out)

    def to_json(self) -> dict[str, Any]:
        record = {
            key: value for key, value in asdict(self).items() if key not in ("statements", "advice", "broken")
        }
        texts = {
            key: [statement.text() for statement in getattr(self, key)]
            for key in ("statements", "advice", "broken")
        }
        left_out = {name: reason.text() for name, reason in self.left_out.items()}
        return {**record, "left_out": left_out, "matters": list(self.matters()), **texts}


def grouped(names: Iterable[str]) -> tuple[str, ...]:
    """Changes that were not measured, by entrant.

    >>> grouped(["cnn/mirror", "gru", "cnn/rotate"])
    ('cnn (mirror, rotate)', 'gru')
    """
    changes: dict[str, list[str]] = {}
    for name in names:
        entrant, _, change = name.partition("/")
        changes.setdefault(entrant, []).append(change)
    return tuple(f"{entrant}{_few(found)}" for entrant, found in changes.items())


def _few(names: Sequence[str]) -> str:
    """The first names in brackets, and how many more there are; "" for an entrant as a whole."""
    named = [name for name in names if name]
    if not named:
        return ""
    more = f", ... +{len(named) - MOST_NAMED}" if len(named) > MOST_NAMED else ""
    return f" ({', '.join(named[:MOST_NAMED])}{more})"


def is_shown(cell: Cell) -> bool:
    """Whether this cell is a finding: its drop is significant over the whole table, positive, and not a control's."""
    return cell.loss.shown and cell.loss.loss > 0 and not cell.control
