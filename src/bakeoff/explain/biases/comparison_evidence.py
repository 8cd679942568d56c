"""Evidence at the end of a comparison: its leading networks, trained again on data with one assumption removed.

Learning rates, steps, seeds and the test outputs before the change are those of the comparison. So only trainings on
changed data are new, and the score drops are those of the networks in the verdict. The comparison's trained networks
are also tested on the changed data, which takes very little time.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bakeoff.data.interventions.catalogue import most_informative
from bakeoff.explain.biases import sentences
from bakeoff.explain.biases.drop_table import DropTable
from bakeoff.explain.biases.records import EntrantScore, Why
from bakeoff.explain.biases.selection import choose_to_retrain
from bakeoff.messages.statement import Statement, because
from bakeoff.study.design.entrants import Entrant
from bakeoff.study.design.trial import TrialResult
from bakeoff.study.evidence import ComparisonContext
from bakeoff.study.protocol import JUDGED_BY_ERRORS
from bakeoff.study.results.records import EntrantResult, Verdict
from bakeoff.study.results.seed_results import SeedResults
from bakeoff.study.schedule.retraining import Retrained, Retraining
from bakeoff.study.schedule.retraining_plan import SELECTION, RetrainableEntrant, Selection, select
from bakeoff.study.schedule.runner import JobRunner
from bakeoff.tasks.metrics.registry import METRICS, Metric, MetricContext


class ComparisonEvidence:
    """The `EvidenceProvider` of a comparison (see `bakeoff.study.evidence`)."""

    def seconds(self, comparison: ComparisonContext) -> float:
        """Predicted wall-clock seconds of the trainings that will be selected; 0 where none fits."""
        known = _TrainedAlready(comparison)
        ranking = known.ranking_on_validation()
        if not ranking:
            return 0.0
        return known.select(
            choose_to_retrain(ranking, ranking, controls=known.controls), comparison.reserved_seconds
        ).seconds

    def gather(
        self, comparison: ComparisonContext, verdict: Verdict, results: Sequence[EntrantResult]
    ) -> Why | None:
        """Train and test on changed data; None where no network can be trained again."""
        known = _TrainedAlready(comparison)
        judged = {result.name for result in results if result.judged}
        ranking = [name for name in known.ranking_on_validation() if name in judged]
        if not ranking:
            return None
        return _EvidenceRun(comparison, known, verdict, results, ranking).why()


class _TrainedAlready:
    """The comparison's finished trainings of the entrants that can be trained again."""

    def __init__(self, comparison: ComparisonContext) -> None:
        self.comparison = comparison
        self.metric = METRICS[comparison.definition.metric]
        self.context = MetricContext(seasonal_scale=comparison.dataset.seasonal_scale)
        self.changes = most_informative(comparison.dataset.schema)
        self.controls = {e.name for e in comparison.entrants if e.card is not None and e.card.assumes_nothing}
        self.runs = {entrant.name: runs for entrant in comparison.entrants if (runs := self._runs(entrant))}

    def _runs(self, entrant: Entrant) -> dict[int, TrialResult]:
        """An entrant's trainings at full size with its chosen setting, by seed.

        With folds those of the first one, whose test part the changes are measured on.
        """
        outcome = self.comparison.outcome
        if not entrant.is_explained or entrant.name not in outcome.best_setting:
            return {}
        found: dict[int, TrialResult] = {}
        fold = outcome.definition.fold_numbers[0]
        settings = outcome.fold_settings.get(entrant.name, {})
        for result in outcome.results:
            trial = result.trial
            if (
                trial.entrant == entrant.name
                and trial.fold == fold
                and trial.setting == settings.get(fold, outcome.best_setting[entrant.name])
                and trial.examples == self.comparison.definition.sizes[-1]
                and result.counts
            ):
                found.setdefault(trial.seed, result)
        return dict(sorted(found.items()))

    def ranking_on_validation(self) -> list[str]:
        """Names of the entrants that can be trained again, the best validation score first."""
        truth = self.comparison.dataset.targets_at(self.comparison.dataset.splits.validation)

        def score(name: str) -> float:
            runs = SeedResults(tuple(self.runs[name].values()))
            return self.metric.sign * runs.on_validation(self.metric, truth, self.context)

        return sorted(self.runs, key=score, reverse=True)

    def select(self, entrants: Sequence[str], seconds_left: float | None) -> Selection:
        first = self.comparison.definition.seed
        return select(
            [self._candidate(name) for name in entrants],
            [change.name for change in self.changes],
            seeds=range(first, first + self.comparison.definition.seeds),
            seconds_left=seconds_left,
            workers=self.comparison.executor.workers,
        )

    def _candidate(self, name: str) -> RetrainableEntrant:
        """The entrant with the seconds of one full training, by the seconds a step of all its trainings."""
        spent = [r for r in self.comparison.outcome.results if r.trial.entrant == name]
        steps, wanted = sum(r.steps_done for r in spent), next(iter(self.runs[name].values())).trial.steps
        seconds = (
            sum(r.seconds for r in spent) / steps * wanted
            if steps
            else float(np.mean([r.seconds for r in self.runs[name].values()]))
        )
        return RetrainableEntrant(name=name, seconds=seconds, seeds=tuple(self.runs[name]))


@dataclass(frozen=True)
class _EvidenceRun:
    """Makes the evidence of one comparison, from its verdict to the record.

    Attributes:
        comparison: what is handed over by the comparison.
        known: its trainings.
        verdict, results: of the comparison.
        ranking: names of the entrants that can be trained again, the best on validation first: who is trained again and
            spoken of is not chosen by the test examples that the drops are measured on.
    """

    comparison: ComparisonContext
    known: _TrainedAlready
    verdict: Verdict
    results: Sequence[EntrantResult]
    ranking: Sequence[str]

    def why(self) -> Why | None:
        started = time.monotonic()
        empty = Why(
            name=self.comparison.dataset.name,
            metric=self.metric.name,
            entrants=(),
            baseline=self._baseline(),
            tied=self.verdict.tied,
            cells=(),
        )
        if not self.verdict.beats_baseline:
            best = next(result for result in self.results if result.name == self.ranking[0])
            shown = {
                "score": self.metric.show(best.score or 0.0),
                "baseline": self.metric.show(empty.baseline),
            }
            said = Statement(key="why.no_signal", values={"entrant": best.name, **shown})
            return replace(empty, statements=(said,))
        if self.comparison.reserved_seconds == 0:
            return replace(empty, statements=(Statement(key="why.unmeasured.short", values={}),))
        winner = self.verdict.winner
        entrants = choose_to_retrain(
            self.ranking, self.ranking if winner is None else (winner,), controls=self.known.controls
        )
        selection = self._stored_selection(entrants)
        if not selection.requests:
            seconds = f"{selection.needed_seconds:.0f}"
            values = {"names": ", ".join(entrants[:-1] or entrants), "seconds": seconds}
            said = Statement(key="why.unmeasured.expensive", values=values)
            return replace(empty, statements=(said,), needed_seconds=selection.needed_seconds)
        return self._read(empty, selection, self._train(selection), started)

    @property
    def metric(self) -> Metric:
        return self.known.metric

    def _baseline(self) -> float:
        scores = [r.score for r in self.results if r.kind == "baseline" and r.score is not None]
        return max(scores, key=lambda score: self.metric.sign * score, default=float("nan"))

    def _stored_selection(self, entrants: Sequence[str]) -> Selection:
        """The selection that an earlier process of this run has stored, or a new one, which is stored."""
        stored = SELECTION.read(self.comparison.store)
        if stored is not None:
            return stored
        deadline = self.comparison.deadline
        left = None if deadline is None else max(deadline - time.monotonic(), 0.0)
        selection = self.known.select(entrants, left)
        SELECTION.write(self.comparison.store, selection)
        return selection

    def _train(self, selection: Selection) -> Retrained:
        comparison = self.comparison
        runner = JobRunner(
            dataset=comparison.outcome.dataset,
            definition=comparison.definition,
            store=comparison.store,
            executor=comparison.executor,
            judge="errors" if self.metric.name in JUDGED_BY_ERRORS else "loss",
            reproducible=comparison.definition.budget_seconds is None,
        )
        retraining = Retraining(
            runner=runner,
            entrants={entrant.name: entrant for entrant in comparison.entrants},
            profiles=comparison.outcome.profiles,
            runs=self.known.runs,
            changes=self.known.changes,
            deadline=comparison.deadline,
        )
        return retraining.train(selection, comparison.report)

    def _read(self, empty: Why, selection: Selection, retrained: Retrained, started: float) -> Why:
        results = retrained.results
        table = DropTable(
            self.comparison.dataset,
            self.known.changes,
            results,
            seed=self.comparison.definition.seed,
            metric=self.metric,
            context=self.known.context,
        )
        cells = table.cells()
        by_name = {result.name: result for result in self.results}
        entrants = tuple(self._entrant_score(by_name[n]) for n in self.ranking if (n, None) in results)
        done = {
            (name, change) for name, change in results if change is not None and results[name, change].outputs
        }
        left_out = {
            f"{name}/{change}": because("unmeasured")
            for name, change in selection.requests
            if (name, change) not in done
        }
        if not any(not cell.control for cell in cells):
            said: tuple[Statement, ...] = (Statement(key="why.unmeasured.stopped", values={}),)
        else:
            said = sentences.statements(cells, entrants, empty.baseline, None, self.metric)
        return replace(
            empty,
            entrants=entrants,
            cells=cells,
            statements=said,
            advice=sentences.next_steps(cells, entrants[0], None, self.metric) if entrants else (),
            broken=table.broken(cells),
            left_out=left_out | table.failures() | retrained.failures,
            steps=max((result.steps for result in results.values()), default=0),
            seeds=len(selection.seeds),
            seconds=time.monotonic() - started,
            interrupted=retrained.interrupted,
        )

    def _entrant_score(self, result: EntrantResult) -> EntrantScore:
        return EntrantScore(
            name=result.name,
            family=result.family,
            score=result.score if result.score is not None else float("nan"),
            low=result.low if result.low is not None else float("nan"),
            high=result.high if result.high is not None else float("nan"),
            setting=result.learning_rate,
        )
