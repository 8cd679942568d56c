"""The evidence that a comparison ends with: its leading networks, trained again on data with an assumption removed.

Everything that can be taken from the comparison is: its learning rates, its steps, its seeds, and its test outputs as
those "before". So only the changed data are trained on, and the losses are those of the networks in the verdict. Those
networks, as they are, are also tested on the changed data, which costs next to nothing.
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
from bakeoff.explain.biases.drop_table import LossTable
from bakeoff.explain.biases.evidence_cache import KeptTrainings
from bakeoff.explain.biases.records import Taking, Why
from bakeoff.explain.biases.selection import Candidate, Selection, cast, select
from bakeoff.explain.biases.worker_tasks import Training, TrainingOutputs, test_trained, train_changed
from bakeoff.messages.statement import Statement
from bakeoff.study.design.entrants import Entrant
from bakeoff.study.design.trial import TrialResult
from bakeoff.study.evidence import Judged
from bakeoff.study.results.records import EntrantResult, Verdict
from bakeoff.study.schedule.scheduler import JUDGED_BY_ERRORS
from bakeoff.study.workers.queue import Task, work_off
from bakeoff.tasks.metrics.registry import METRICS, Metric, MetricContext

#: Kept in the run's store, so that a continued run does the same; and the folder of its trainings there.
FACT, FOLDER = "why", "why"


class ClosingEvidence:
    """Makes the evidence (see `bakeoff.study.evidence.EvidenceMaker`)."""

    def seconds(self, judged: Judged) -> float:
        known = _Known(judged)
        ranking = known.ranking_on_validation()
        if not ranking:
            return 0.0
        return known.select(cast(ranking, ranking), judged.kept_seconds).seconds

    def gather(self, judged: Judged, verdict: Verdict, results: Sequence[EntrantResult]) -> Why | None:
        known = _Known(judged)
        ranking = [result.name for result in results if result.judged and result.name in known.runs]
        if not ranking:
            return None
        return _Gathering(judged, known, verdict, results, ranking).why()


class _Known:
    """What the comparison has trained already, of those that can be trained again."""

    def __init__(self, judged: Judged) -> None:
        self.judged = judged
        self.metric = METRICS[judged.definition.metric]
        self.context = MetricContext(seasonal_scale=judged.dataset.seasonal_scale)
        self.changes = most_telling(judged.dataset.schema)
        self.runs = {entrant.name: runs for entrant in judged.entrants if (runs := self._runs(entrant))}

    def _runs(self, entrant: Entrant) -> dict[int, TrialResult]:
        """The trainings at full size with the chosen setting, by seed: of networks, and of trees on a table."""
        trees = entrant.name == "boosting" and isinstance(self.judged.dataset.schema.input, Table)
        outcome = self.judged.outcome
        if not (entrant.kind == "network" or trees) or entrant.name not in outcome.best_setting:
            return {}
        found: dict[int, TrialResult] = {}
        for result in outcome.results:
            trial = result.trial
            if (
                trial.entrant == entrant.name
                and trial.setting == outcome.best_setting[entrant.name]
                and trial.examples == self.judged.definition.sizes[-1]
                and result.counts
            ):
                found.setdefault(trial.seed, result)
        return dict(sorted(found.items()))

    def ranking_on_validation(self) -> list[str]:
        truth = self.judged.dataset.targets_at(self.judged.dataset.splits.validation)

        def score(name: str) -> float:
            run = next(iter(self.runs[name].values()))
            return self.metric.sign * self.metric.score(run.validation_outputs, truth, self.context)  # type: ignore[arg-type]

        return sorted(self.runs, key=score, reverse=True)

    def select(self, people: Sequence[str], seconds_left: float | None) -> Selection:
        first = self.judged.definition.seed
        return select(
            [self._candidate(name) for name in people],
            [change.name for change in self.changes],
            seeds=range(first, first + self.judged.definition.seeds),
            seconds_left=seconds_left,
            workers=self.judged.pool.workers,
        )

    def _candidate(self, name: str) -> Candidate:
        """With the time of a whole training, by the steps that all of its trainings took."""
        spent = [r for r in self.judged.outcome.results if r.trial.entrant == name]
        steps, wanted = sum(r.steps_done for r in spent), next(iter(self.runs[name].values())).trial.steps
        seconds = (
            sum(r.seconds for r in spent) / steps * wanted
            if steps
            else float(np.mean([r.seconds for r in self.runs[name].values()]))
        )
        return Candidate(name=name, seconds=seconds, seeds=tuple(self.runs[name]))


@dataclass(frozen=True)
class _Gathering:
    """One gathering of evidence, from the verdict to the record."""

    judged: Judged
    known: _Known
    verdict: Verdict
    results: Sequence[EntrantResult]
    ranking: Sequence[str]
    faults: dict[str, str] = field(default_factory=dict)
    interrupts: list[KeyboardInterrupt] = field(default_factory=list)

    def why(self) -> Why | None:
        begun = time.monotonic()
        empty = Why(
            name=self.judged.dataset.name,
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
        if self.judged.kept_seconds == 0:
            return replace(empty, statements=(Statement(key="why.unmeasured.short", values={}),))
        people = cast(self.ranking, self.verdict.tied or (self.verdict.winner or self.ranking[0],))
        selection = self._kept_selection(people)
        if not selection.wishes:
            seconds = f"{selection.needed_seconds:.0f}"
            values = {"names": ", ".join(people[:-1] or people), "seconds": seconds}
            said = Statement(key="why.unmeasured.dear", values=values)
            return replace(empty, statements=(said,), needed_seconds=selection.needed_seconds)
        return self._read(empty, selection, self._train(selection), begun)

    @property
    def metric(self) -> Metric:
        return self.known.metric

    def _baseline(self) -> float:
        scores = [r.score for r in self.results if r.kind == "baseline" and r.score is not None]
        return max(scores, key=lambda score: self.metric.sign * score, default=float("nan"))

    def _kept_selection(self, people: Sequence[str]) -> Selection:
        """What was chosen when this run first came so far, or a new choice."""
        kept = self.judged.store.fact(FACT)
        if kept is not None:
            return Selection(
                seeds=tuple(kept["seeds"]),
                wishes=tuple((name, change) for name, change in kept["wishes"]),
                needed_seconds=kept["needed_seconds"],
            )
        deadline = self.judged.deadline
        left = None if deadline is None else max(deadline - time.monotonic(), 0.0)
        selection = self.known.select(people, left)
        facts = {"seeds": list(selection.seeds), "needed_seconds": selection.needed_seconds}
        self.judged.store.put_fact(FACT, {**facts, "wishes": [list(wish) for wish in selection.wishes]})
        return selection

    # ---- training

    def _train(self, selection: Selection) -> dict[tuple[str, str | None], TrainingOutputs]:
        """What is there already, then what is trained before the deadline (or Ctrl-C)."""
        kept = KeptTrainings(self.judged.store.folder / FOLDER, self.judged.definition.context)
        wanted = [*self._missing(selection), *self._changed(selection)]
        found: dict[tuple[str, str | None], TrainingOutputs] = {
            place(training): outputs for training in wanted if (outputs := kept.get(training)) is not None
        }
        shared, deadline = self.judged.pool.share(self.judged.dataset), self.judged.deadline
        no_clock = self.judged.definition.budget_seconds is None
        trainings = [
            Task(train_changed, (shared, training, deadline, no_clock), training)
            for training in wanted
            if place(training) not in found and (deadline is None or time.monotonic() < deadline)
        ]
        first = [task for task in trainings if task.payload.change in (None, self.known.changes[0].name)]
        tasks = [*first, *self._tests(selection, shared), *(task for task in trainings if task not in first)]
        tested: dict[str, dict[str, Any]] = {}
        try:
            for payload, outcome in work_off(self.judged.pool, tasks, self.judged.tell):
                if isinstance(payload, str):
                    tested[payload] = {} if isinstance(outcome, BaseException) else outcome
                    if isinstance(outcome, BaseException):
                        self.faults[f"{payload}, tested"] = f"{type(outcome).__name__}: {outcome}"
                    continue
                if isinstance(outcome, BaseException):
                    outcome = TrainingOutputs(training=payload, fault=f"{type(outcome).__name__}: {outcome}")
                found[place(payload)] = outcome
                if outcome.outputs:
                    kept.put(outcome)
        except KeyboardInterrupt as interrupt:
            self.interrupts.append(interrupt)
            self.judged.pool.restart()
        return self._results(selection, found, tested)

    def _training(
        self, name: str, change: str | None, seeds: tuple[int, ...], tests: tuple[str, ...]
    ) -> Training:
        entrant = next(entrant for entrant in self.judged.entrants if entrant.name == name)
        trial = next(iter(self.known.runs[name].values())).trial
        return Training(
            entrant=entrant,
            change=change,
            setting=trial.setting,
            seeds=seeds,
            steps=trial.steps,
            seed=self.judged.definition.seed,
            test_on=tests if entrant.kind == "network" else (),
            judge="errors" if self.metric.name in JUDGED_BY_ERRORS else "loss",
        )

    def _missing(self, selection: Selection) -> list[Training]:
        """On the data as they are, for the seeds that the comparison had no time for."""
        found = []
        for name in dict.fromkeys(name for name, _ in selection.wishes):
            seeds = tuple(seed for seed in selection.seeds if seed not in self.known.runs[name])
            if seeds:
                found.append(self._training(name, None, seeds, self._tests_of(selection, name)))
        return found

    def _changed(self, selection: Selection) -> list[Training]:
        return [self._training(name, change, selection.seeds, ()) for name, change in selection.wishes]

    def _tests_of(self, selection: Selection, name: str) -> tuple[str, ...]:
        return tuple(change for who, change in selection.wishes if who == name)

    def _tests(self, selection: Selection, shared: Any) -> list[Task]:
        """The comparison's own networks on the changed test data."""
        tasks = []
        for name in dict.fromkeys(name for name, _ in selection.wishes):
            seeds = tuple(seed for seed in self.known.runs[name] if seed in selection.seeds)
            training = self._training(name, None, seeds, self._tests_of(selection, name))
            paths = [str(path) for path in self._weights(name, seeds)]
            if training.test_on and paths:
                tasks.append(Task(test_trained, (shared, training, paths, self.judged.deadline), name))
        return tasks

    def _weights(self, name: str, seeds: Sequence[int]) -> list[Path]:
        """Files of these seeds; none where one of them is gone."""
        runs = [self.known.runs[name][seed] for seed in seeds]
        paths = [self.judged.store.weights_path(run.trial, self.judged.definition.context) for run in runs]
        return paths if all(path.exists() for path in paths) else []

    def _results(
        self,
        selection: Selection,
        found: dict[tuple[str, str | None], TrainingOutputs],
        tested: dict[str, dict[str, Any]],
    ) -> dict[tuple[str, str | None], TrainingOutputs]:
        """Outputs by entrant and change, those before in the order of the seeds."""
        results: dict[tuple[str, str | None], TrainingOutputs] = {}
        for name in dict.fromkeys(name for name, _ in selection.wishes):
            whole = self._training(name, None, selection.seeds, ())
            runs = {seed: run.test_outputs for seed, run in self.known.runs[name].items()}
            more = found.get((name, None))
            if more is not None and more.outputs:
                runs |= dict(zip(more.training.seeds, more.outputs, strict=True))
            before = tuple(runs[seed] for seed in selection.seeds if runs.get(seed) is not None)
            if len(before) < len(selection.seeds):
                continue  # nothing that could be paired
            results[name, None] = TrainingOutputs(
                training=whole,
                outputs=before,  # type: ignore[arg-type]
                tested=self._tested(name, selection, more, tested.get(name, {})),
            )
        return results | {
            (name, change): outputs
            for (name, change), outputs in found.items()
            if change is not None and (name, None) in results
        }

    def _tested(
        self, name: str, selection: Selection, more: TrainingOutputs | None, own: dict[str, Any]
    ) -> dict[str, Any]:
        """In the order of the seeds, for the changes for which all seeds were tested."""
        have = [seed for seed in self.known.runs[name] if seed in selection.seeds]
        found = {}
        for change in self._tests_of(selection, name):
            by_seed = dict(zip(have, own.get(change, ()), strict=False))
            if more is not None:
                by_seed |= dict(zip(more.training.seeds, more.tested.get(change, ()), strict=False))
            if all(seed in by_seed for seed in selection.seeds):
                found[change] = tuple(by_seed[seed] for seed in selection.seeds)
        return found

    # ---- reading

    def _read(
        self,
        empty: Why,
        selection: Selection,
        results: dict[tuple[str, str | None], TrainingOutputs],
        begun: float,
    ) -> Why:
        changes: tuple[Intervention, ...] = self.known.changes
        table = LossTable(
            self.judged.dataset,
            changes,
            results,
            seed=self.judged.definition.seed,
            metric=self.metric,
            context=self.known.context,
        )
        cells = table.cells()
        entrants = tuple(self._taking(r) for r in self.results if (r.name, None) in results)
        done = {
            (name, change) for name, change in results if change is not None and results[name, change].outputs
        }
        left_out = {
            f"{name}/{change}": "no time" for name, change in selection.wishes if (name, change) not in done
        }
        if not any(not cell.control for cell in cells):
            said: tuple[Statement, ...] = (Statement(key="why.unmeasured.stopped", values={}),)
        else:
            said = sentences.statements(cells, entrants, empty.baseline, None, self.metric)
        steps = [result.training.steps for result in results.values()]
        return replace(
            empty,
            entrants=entrants,
            cells=cells,
            statements=said,
            advice=sentences.next_steps(cells, entrants[0], None, self.metric) if entrants else (),
            broken=table.broken(cells),
            left_out=left_out | table.faults() | self.faults,
            steps=max(steps, default=0),
            seeds=len(selection.seeds),
            seconds=time.monotonic() - begun,
            interrupted=bool(self.interrupts),
        )

    def _taking(self, result: EntrantResult) -> Taking:
        return Taking(
            name=result.name,
            family=result.family,
            score=result.score if result.score is not None else float("nan"),
            low=result.low if result.low is not None else float("nan"),
            high=result.high if result.high is not None else float("nan"),
            setting=result.learning_rate,
        )


def place(training: Training) -> tuple[str, str | None]:
    """Where in the table a training belongs: (entrant, change)."""
    return training.entrant.name, training.change
