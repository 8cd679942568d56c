"""What comes after the curves: evidence of why somebody won, from a floor above, inside the time of the comparison.

A comparison knows nothing of how evidence is made; it keeps a part of its budget, and hands over what it has.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from bakeoff.data.dataset import Dataset
from bakeoff.study.design.entrants import Entrant
from bakeoff.study.design.jobs import Definition
from bakeoff.study.results.outcome import Outcome
from bakeoff.study.results.records import EntrantResult, Evidence, Verdict
from bakeoff.study.results.store import Store
from bakeoff.study.workers.local import Pool

#: The part of a budget that is kept for the evidence, and the smallest budget that has anything to spare.
EVIDENCE_PART, SMALLEST_BUDGET = 0.17, 40.0
#: Time that the evidence will not need goes back to the curves where it is more than this.
WORTH_GIVING_BACK = 2.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Judged:
    """What a comparison has when its curves are over.

    Attributes:
        dataset, entrants, definition: what was compared. outcome: every training of it.
        store: of the run; the folder is a place to keep what is finished. pool: of workers, idle.
        kept_seconds: for the evidence; None: no clock; 0: the budget was too small to keep any.
        deadline: of the evidence, on the monotonic clock; None: no clock.
        tell: is told (done, total) of progress.
    """

    dataset: Dataset
    entrants: tuple[Entrant, ...]
    definition: Definition
    outcome: Outcome
    store: Store
    pool: Pool
    kept_seconds: float | None
    deadline: float | None
    tell: Callable[[int, int], None]


class EvidenceMaker(Protocol):
    """How evidence is made."""

    def seconds(self, judged: Judged) -> float:
        """Predicted wall-clock time of what will be done in `judged.kept_seconds`; 0 where nothing fits.

        The test split is not looked at for this.
        """

    def gather(self, judged: Judged, verdict: Verdict, results: Sequence[EntrantResult]) -> Evidence | None:
        """The evidence, or None where there is nothing to explain. `results` are best first."""
