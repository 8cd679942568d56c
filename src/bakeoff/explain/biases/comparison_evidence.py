"""Evidence at the end of a comparison: its leading networks, trained again on data with one assumption removed.

Learning rates, steps, seeds and the test outputs before the change are those of the comparison. So only trainings on
changed data are new, and the score drops are those of the networks in the verdict. The comparison's trained networks
are also tested on the changed data, which takes very little time.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from bakeoff.data.interventions.catalogue import Intervention, most_telling
from bakeoff.data.schema import Table
from bakeoff.explain.biases import sentences
from bakeoff.explain.biases.drop_table import DropTable
from bakeoff.explain.biases.evidence_cache import ChangedTrialStore
from bakeoff.explain.biases.records import EntrantScore, Why
from bakeoff.explain.biases.selection import (
    SELECTION,
    RetrainableEntrant,
    Selection,
    choose_to_retrain,
    select,
)
from bakeoff.explain.biases.worker_tasks import (
    ChangedTestRequest,
    ChangedTrial,
    ChangedTrialRequest,
    ChangedTrialResult,
    test_trained,
    train_changed,
)
from bakeoff.messages.statement import Statement, because, failure_of
from bakeoff.study.design.entrants import Entrant
from bakeoff.study.design.trial import TrialResult
from bakeoff.study.evidence import ComparisonContext
from bakeoff.study.protocol import JUDGED_BY_ERRORS
from bakeoff.study.results.records import EntrantResult, Verdict
from bakeoff.study.results.run_folder import RunFolder
from bakeoff.study.workers.executor import SharedDataset
from bakeoff.study.workers.queue import WorkerTask, run_tasks
from bakeoff.tasks.metrics.registry import METRICS, Metric, MetricContext
from bakeoff.tasks.outputs import dense


class ComparisonEvidence:
    """The `EvidenceProvider` of a comparison (see `bakeoff.study.evidence`)."""

    def seconds(self, comparison: ComparisonContext) -> float:
        """Predicted wall-clock seconds of the trainings that will be selected; 0 where none fits."""
        known = _TrainedAlready(comparison)
        ranking = known.ranking_on_validation()
        if not ranking:
            return 0.0
        return known.select(choose_to_retrain(ranking, ranking), comparison.reserved_seconds).seconds

    def gather(
        self, comparison: ComparisonContext, verdict: Verdict, results: Sequence[EntrantResult]
    ) -> Why | None:
        """Train and test on changed data; None where no network can be trained again."""
        known = _TrainedAlready(comparison)
        ranking = [result.name for result in results if result.judged and result.name in known.runs]
        if not ranking:
            return None
        return _EvidenceRun(comparison, known, verdict, results, ranking).why()


class _TrainedAlready:
    """The comparison's finished trainings of the entrants that can be trained again."""

    def __init__(self, comparison: ComparisonContext) -> None:
        self.comparison = comparison
        self.metric = METRICS[comparison.definition.metric]
        self.context = MetricContext(seasonal_scale=comparison.dataset.seasonal_scale)
        self.changes = most_telling(comparison.dataset.schema)
        self.runs = {entrant.name: runs for entrant in comparison.entrants if (runs := self._runs(entrant))}

    def _runs(self, entrant: Entrant) -> dict[int, TrialResult]:
        """A network's trainings at full size with its chosen setting, by seed; of boosting as well on tables."""
        trees = entrant.name == "boosting" and isinstance(self.comparison.dataset.schema.input, Table)
        outcome = self.comparison.outcome
        if not (entrant.kind == "network" or trees) or entrant.name not in outcome.best_setting:
            return {}
        found: dict[int, TrialResult] = {}
        for result in outcome.results:
            trial = result.trial
            if (
                trial.entrant == entrant.name
                and trial.setting == outcome.best_setting[entrant.name]
                and trial.examples == self.comparison.definition.sizes[-1]
                and result.counts
            ):
                found.setdefault(trial.seed, result)
        return dict(sorted(found.items()))

    def ranking_on_validation(self) -> list[str]:
        """Names of the entrants that can be trained again, the best validation score first."""
        truth = self.comparison.dataset.targets_at(self.comparison.dataset.splits.validation)

        def score(name: str) -> float:
            run = next(iter(self.runs[name].values()))
            return self.metric.sign * self.metric.score(run.validation_outputs, truth, self.context)  # type: ignore[arg-type]

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
        verdict, results: of the comparison; results are in order, best first.
        ranking: names of the entrants that can be trained again, best first.
        failures: what failed, with the reason.
        interrupts: filled by Ctrl-C.
    """

    comparison: ComparisonContext
    known: _TrainedAlready
    verdict: Verdict
    results: Sequence[EntrantResult]
    ranking: Sequence[str]
    failures: dict[str, Statement] = field(default_factory=dict)
    interrupts: list[KeyboardInterrupt] = field(default_factory=list)

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
        entrants = choose_to_retrain(
            self.ranking, self.verdict.tied or (self.verdict.winner or self.ranking[0],)
        )
        selection = self._stored_selection(entrants)
        if not selection.requests:
            seconds = f"{selection.needed_seconds:.0f}"
            values = {"names": ", ".join(entrants[:-1] or entrants), "seconds": seconds}
            said = Statement(key="why.unmeasured.dear", values=values)
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

    # ---- training

    def _train(self, selection: Selection) -> dict[tuple[str, str | None], ChangedTrialResult]:
        """The results of trainings that are stored already, and of those that end before the deadline or Ctrl-C."""
        stored = ChangedTrialStore(
            RunFolder(self.comparison.store.folder).evidence, self.comparison.definition.context
        )
        wanted = [*self._missing(selection), *self._changed(selection)]
        found: dict[tuple[str, str | None], ChangedTrialResult] = {
            cell_of(trial): outputs for trial in wanted if (outputs := stored.get(trial)) is not None
        }
        shared, deadline = self.comparison.executor.share(self.comparison.dataset), self.comparison.deadline
        no_clock = self.comparison.definition.budget_seconds is None
        trials = [
            WorkerTask(
                task=train_changed,
                request=ChangedTrialRequest(dataset=shared, trial=trial, reproducible=no_clock),
                payload=trial,
                deadline=deadline,
            )
            for trial in wanted
            if cell_of(trial) not in found and (deadline is None or time.monotonic() < deadline)
        ]
        first = [task for task in trials if task.payload.change in (None, self.known.changes[0].name)]
        tasks = [*first, *self._tests(selection, shared), *(task for task in trials if task not in first)]
        tested: dict[str, dict[str, Any]] = {}
        try:
            for payload, outcome in run_tasks(self.comparison.executor, tasks, self.comparison.report):
                if isinstance(payload, str):
                    tested[payload] = {} if isinstance(outcome, BaseException) else outcome
                    if isinstance(outcome, BaseException):
                        self.failures[f"{payload}, tested"] = failure_of(outcome)
                    continue
                if isinstance(outcome, BaseException):
                    outcome = ChangedTrialResult(trial=payload, failure=failure_of(outcome))
                found[cell_of(payload)] = outcome
                if outcome.outputs:
                    stored.put(outcome)
        except KeyboardInterrupt as interrupt:
            self.interrupts.append(interrupt)
            self.comparison.executor.restart()
        return self._results(selection, found, tested)

    def _changed_trial(
        self, name: str, change: str | None, seeds: tuple[int, ...], tests: tuple[str, ...]
    ) -> ChangedTrial:
        entrant = next(entrant for entrant in self.comparison.entrants if entrant.name == name)
        trial = next(iter(self.known.runs[name].values())).trial
        return ChangedTrial(
            entrant=entrant,
            change=change,
            setting=trial.setting,
            seeds=seeds,
            steps=trial.steps,
            seed=self.comparison.definition.seed,
            test_on=tests if entrant.kind == "network" else (),
            judge="errors" if self.metric.name in JUDGED_BY_ERRORS else "loss",
        )

    def _missing(self, selection: Selection) -> list[ChangedTrial]:
        """The trainings on unchanged data for the seeds that the comparison had no time for."""
        found = []
        for name in dict.fromkeys(name for name, _ in selection.requests):
            seeds = tuple(seed for seed in selection.seeds if seed not in self.known.runs[name])
            if seeds:
                found.append(self._changed_trial(name, None, seeds, self._tests_of(selection, name)))
        return found

    def _changed(self, selection: Selection) -> list[ChangedTrial]:
        return [self._changed_trial(name, change, selection.seeds, ()) for name, change in selection.requests]

    def _tests_of(self, selection: Selection, name: str) -> tuple[str, ...]:
        return tuple(change for who, change in selection.requests if who == name)

    def _tests(self, selection: Selection, shared: SharedDataset) -> list[WorkerTask]:
        """Tasks that test the comparison's trained networks on changed test data."""
        tasks = []
        for name in dict.fromkeys(name for name, _ in selection.requests):
            seeds = tuple(seed for seed in self.known.runs[name] if seed in selection.seeds)
            trial = self._changed_trial(name, None, seeds, self._tests_of(selection, name))
            paths = tuple(str(path) for path in self._weights(name, seeds))
            if trial.test_on and paths:
                request = ChangedTestRequest(dataset=shared, trial=trial, weights=paths)
                deadline = self.comparison.deadline
                tasks.append(WorkerTask(task=test_trained, request=request, payload=name, deadline=deadline))
        return tasks

    def _weights(self, name: str, seeds: Sequence[int]) -> list[Path]:
        """The weight files of these seeds; [] where one of them is missing."""
        runs = [self.known.runs[name][seed] for seed in seeds]
        paths = [
            self.comparison.store.weights_path(run.trial, self.comparison.definition.context) for run in runs
        ]
        return paths if all(path.exists() for path in paths) else []

    def _results(
        self,
        selection: Selection,
        found: dict[tuple[str, str | None], ChangedTrialResult],
        tested: dict[str, dict[str, Any]],
    ) -> dict[tuple[str, str | None], ChangedTrialResult]:
        """Results by entrant and change (None: unchanged data), each with its outputs in the order of the seeds."""
        results: dict[tuple[str, str | None], ChangedTrialResult] = {}
        for name in dict.fromkeys(name for name, _ in selection.requests):
            full = self._changed_trial(name, None, selection.seeds, ())
            runs = {
                seed: dense(run.test_outputs)
                for seed, run in self.known.runs[name].items()
                if run.test_outputs is not None
            }
            more = found.get((name, None))
            if more is not None and more.outputs:
                runs |= dict(zip(more.trial.seeds, more.outputs, strict=True))
            before = tuple(runs[seed] for seed in selection.seeds if runs.get(seed) is not None)
            if len(before) < len(selection.seeds):
                continue  # without all seeds before the change, nothing can be paired
            results[name, None] = ChangedTrialResult(
                trial=full,
                outputs=before,  # type: ignore[arg-type]
                tested=self._tested(name, selection, more, tested.get(name, {})),
            )
        return results | {
            (name, change): outputs
            for (name, change), outputs in found.items()
            if change is not None and (name, None) in results
        }

    def _tested(
        self, name: str, selection: Selection, more: ChangedTrialResult | None, own: dict[str, Any]
    ) -> dict[str, Any]:
        """Outputs on changed test data, in the order of the seeds, for the changes with which all seeds were tested."""
        have = [seed for seed in self.known.runs[name] if seed in selection.seeds]
        found = {}
        for change in self._tests_of(selection, name):
            by_seed = dict(zip(have, own.get(change, ()), strict=False))
            if more is not None:
                by_seed |= dict(zip(more.trial.seeds, more.tested.get(change, ()), strict=False))
            if all(seed in by_seed for seed in selection.seeds):
                found[change] = tuple(by_seed[seed] for seed in selection.seeds)
        return found

    # ---- reading

    def _read(
        self,
        empty: Why,
        selection: Selection,
        results: dict[tuple[str, str | None], ChangedTrialResult],
        started: float,
    ) -> Why:
        changes: tuple[Intervention, ...] = self.known.changes
        table = DropTable(
            self.comparison.dataset,
            changes,
            results,
            seed=self.comparison.definition.seed,
            metric=self.metric,
            context=self.known.context,
        )
        cells = table.cells()
        entrants = tuple(self._entrant_score(r) for r in self.results if (r.name, None) in results)
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
        steps = [result.trial.steps for result in results.values()]
        return replace(
            empty,
            entrants=entrants,
            cells=cells,
            statements=said,
            advice=sentences.next_steps(cells, entrants[0], None, self.metric) if entrants else (),
            broken=table.broken(cells),
            left_out=left_out | table.failures() | self.failures,
            steps=max(steps, default=0),
            seeds=len(selection.seeds),
            seconds=time.monotonic() - started,
            interrupted=bool(self.interrupts),
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


def cell_of(trial: ChangedTrial) -> tuple[str, str | None]:
    """The cell of the table that a training belongs to: (entrant, change)."""
    return trial.entrant.name, trial.change
