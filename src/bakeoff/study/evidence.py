"""The contract of what explains a comparison's result (`EvidenceProvider`), and what it is given (`ComparisonContext`).

Evidence is made after the learning curves, within the budget, by a package above this one. A comparison reserves a
part of its budget for it and hands over what it has trained.
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
from bakeoff.study.workers.executor import Executor


@dataclass(frozen=True, kw_only=True, eq=False)
class ComparisonContext:
    """What a comparison hands over when its learning curves are done.

    Attributes:
        dataset, entrants, definition: what was compared.
        outcome: every training of it.
        store: of the run; finished work may be written into its folder.
        executor: of idle workers.
        reserved_seconds: of the budget, for evidence; None without a clock, 0 where the budget was too small.
        deadline: of the evidence, on the monotonic clock; None without a clock.
        report: called with (done, total) of progress.
    """

    dataset: Dataset
    entrants: tuple[Entrant, ...]
    definition: Definition
    outcome: Outcome
    store: Store
    executor: Executor
    reserved_seconds: float | None
    deadline: float | None
    report: Callable[[int, int], None]


class EvidenceProvider(Protocol):
    """Explains the result of a comparison."""

    def seconds(self, comparison: ComparisonContext) -> float:
        """Predicted wall-clock seconds of what will be done within `reserved_seconds`; 0 where nothing fits.

        Must not read the test split.
        """

    def gather(
        self, comparison: ComparisonContext, verdict: Verdict, results: Sequence[EntrantResult]
    ) -> Evidence | None:
        """The evidence; None where there is nothing to explain. `results` are in order, best first."""
