"""What `why` found: frozen records of figures, one cell for each entrant and intervention."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from bakeoff.explain.biases.score_drops import Loss
from bakeoff.study.analysis.verdict import Statement


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What one change of the data did to one entrant.

    Attributes:
        entrant: who.
        change, kind, assumption, amount: of the intervention (see `bakeoff.data.interventions.catalogue`).
        control: whether the answer was known beforehand.
        loss: of score when it is trained again on the changed data, paired over examples and seeds.
        tested: loss when, trained on the data as they are, it is only tested on the changed ones; None where it
            cannot be (another length, or labels that say nothing).
    """

    entrant: str
    change: str
    kind: str
    assumption: str
    amount: int | None
    control: bool
    loss: Loss
    tested: Loss | None = None


@dataclass(frozen=True, kw_only=True)
class Taking:
    """An entrant on the data as they are: score with its 95 % interval and its learning rate."""

    name: str
    family: str
    score: float
    low: float
    high: float
    setting: float | None


@dataclass(frozen=True, kw_only=True)
class Memory:
    """How many of the last steps an entrant needs: `enough` cost nothing that could be shown, `too_few` did."""

    entrant: str
    enough: int
    too_few: int
    length: int


@dataclass(frozen=True, kw_only=True)
class Size:
    """An entrant at another width than its `usual` one, and what that costs it (less than 0: it gains)."""

    entrant: str
    width: int
    usual: int
    parameters: int
    loss: Loss


@dataclass(frozen=True, kw_only=True)
class Why:
    """The measured biases of some entrants on some data.

    Attributes:
        name: of the data. metric: in which scores and losses are.
        entrants: on the data as they are, best first. baseline: the best score that nothing learned.
        tied: those of the entrants that may be the best.
        cells: one for each entrant and change that was finished.
        memory: of the best entrant; None where it was not asked or not found.
        sizes: the best entrant at half and at twice its width, where there was time.
        statements: what the table says, each with a figure. advice: what to try next.
        broken: controls that came out other than they must; then the table should not be believed.
        left_out: changes and networks for which there was no time, with those that failed.
        steps, seeds, seconds: of the study.
        needed_seconds: what the least that would tell anything was predicted to take, where there was no time for it.
        interrupted: whether Ctrl-C ended it before its time.
    """

    name: str
    metric: str
    entrants: tuple[Taking, ...]
    baseline: float
    tied: tuple[str, ...]
    cells: tuple[Cell, ...]
    memory: Memory | None = None
    sizes: tuple[Size, ...] = ()
    statements: tuple[Statement, ...] = ()
    advice: tuple[Statement, ...] = ()
    broken: tuple[Statement, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
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

    def to_json(self) -> dict[str, Any]:
        record = {
            key: value for key, value in asdict(self).items() if key not in ("statements", "advice", "broken")
        }
        texts = {
            key: [statement.text() for statement in getattr(self, key)]
            for key in ("statements", "advice", "broken")
        }
        return {**record, "matters": list(self.matters()), **texts}


def is_shown(cell: Cell) -> bool:
    """Whether the loss of this cell is a finding: shown over the whole table, harmful, and no control."""
    return cell.loss.shown and cell.loss.loss > 0 and not cell.control
