"""One comparison in its run's folder, from the definition to the `Comparison`."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from bakeoff.data.card import data_card
from bakeoff.data.dataset import Dataset
from bakeoff.data.findings import leaks
from bakeoff.data.folds import of_fold
from bakeoff.inference.training_hashes import write_training_hashes
from bakeoff.messages import say
from bakeoff.study.analysis.summary import Summary
from bakeoff.study.comparison.champion import ChampionWeights, after_folds
from bakeoff.study.comparison.environment import environment
from bakeoff.study.comparison.warnings import busy_warnings, metric_warnings, training_warnings
from bakeoff.study.design.cross_validation import FoldChoice
from bakeoff.study.design.entrants import Entrant
from bakeoff.study.design.jobs import Definition
from bakeoff.study.evidence import ComparisonContext, EvidenceProvider
from bakeoff.study.protocol import (
    CHAMPION_PART,
    EVIDENCE_PART,
    LEAST_EVIDENCE_BUDGET_SECONDS,
    LEAST_RETURNED_SECONDS,
    MOST_RESERVED_PART,
    RESERVE_SECONDS,
    RESERVE_SECONDS_PER_ENTRANT,
)
from bakeoff.study.results.comparison import Champion, Comparison
from bakeoff.study.results.facts import DEFINITION, SOURCE, SPENT_SECONDS
from bakeoff.study.results.outcome import Outcome, Progress, ProgressListener
from bakeoff.study.results.records import Evidence, Testing
from bakeoff.study.results.run_folder import RunFolder
from bakeoff.study.results.store import Store
from bakeoff.study.schedule.clock import Clock
from bakeoff.study.schedule.scheduler import Study
from bakeoff.study.workers import tasks as worker_tasks
from bakeoff.study.workers.executor import Executor
from bakeoff.study.workers.queue import run_one
from bakeoff.study.workers.requests import ChampionRequest
from bakeoff.system.hardware import slowdown


class ComparisonRun:
    """One run in its folder, from the definition to the `Comparison`."""

    def __init__(
        self,
        *,
        dataset: Dataset,
        entrants: tuple[Entrant, ...],
        definition: Definition,
        folder: Path,
        executor: Executor,
        started: float,
        listener: ProgressListener | None,
        show: Callable[[Comparison], str] | None,
        evidence: EvidenceProvider | None,
        source: str | None,
        margin: float | None,
        folds: FoldChoice,
        metric_chosen: bool,
    ) -> None:
        self._dataset, self._entrants, self._definition = dataset, entrants, definition
        self._folder, self._executor, self._started = folder, executor, started
        self._listener, self._show, self._evidence = listener, show, evidence
        self._margin, self._folds, self._metric_chosen = margin, folds, metric_chosen
        self._card = data_card(dataset)
        self._store = Store(folder)
        DEFINITION.write(self._store, definition)
        if source is not None:
            SOURCE.write(self._store, source)
        self._spent_before = SPENT_SECONDS.read(self._store) or 0.0
        #: Measured on what was done so far, which is much as what the verdict takes: one thread that computes.
        self._slowdown = slowdown()

    def to_the_end(self) -> Comparison:
        reserved_seconds = self._reserved_seconds()
        outcome, clock = self._study(reserved_seconds)
        if self._evidence is not None and reserved_seconds and not outcome.interrupted:
            needed = self._evidence.seconds(self._context(outcome, clock, reserved_seconds))
            if reserved_seconds - needed > LEAST_RETURNED_SECONDS and outcome.skipped:
                outcome, clock = self._study(needed)
        with _interrupts_ignored():
            self._entrants = outcome.entrants
            summary = Summary(
                outcome.dataset,
                self._entrants,
                outcome.definition,
                outcome,
                margin=self._margin,
                leaks=leaks(self._card.findings),
            )
        trained = self._final_training(summary, outcome)
        with _interrupts_ignored():
            champion = self._champion(summary, trained)
            SPENT_SECONDS.write(self._store, clock.spent())
        why = None
        if self._evidence is not None and not outcome.interrupted:
            comparison = self._context(outcome, clock, reserved_seconds)
            why = self._evidence.gather(comparison, summary.verdict, summary.entrants)
        with _interrupts_ignored():
            SPENT_SECONDS.write(self._store, clock.spent())
            on_all = trained.on_all if trained is not None and outcome.definition.folds else None
            testing = replace(self._testing(summary, outcome, on_all), explained=why is not None)
            return self._comparison(summary, outcome, champion, clock, why, testing)

    def _reserved_seconds(self) -> float | None:
        """Seconds reserved for evidence: 0 where the budget is too small or none is wanted; None without a clock."""
        budget = self._definition.budget_seconds
        if self._evidence is None:
            return 0.0
        if budget is None:
            return None
        return EVIDENCE_PART * budget if budget >= LEAST_EVIDENCE_BUDGET_SECONDS else 0.0

    def _context(self, outcome: Outcome, clock: Clock, reserved_seconds: float | None) -> ComparisonContext:
        deadline = self._deadline()

        def report(done: int, total: int) -> None:
            SPENT_SECONDS.write(self._store, clock.spent())
            if self._listener is not None:
                left = None if deadline is None else deadline - time.monotonic()
                progress = Progress(phase="why", entrants=(), done=done, total=total, seconds_left=left)
                self._listener(progress)

        return ComparisonContext(
            dataset=of_fold(outcome.dataset, 0 if outcome.definition.folds else None),
            entrants=outcome.entrants,
            definition=outcome.definition,
            outcome=outcome,
            store=self._store,
            executor=self._executor,
            reserved_seconds=reserved_seconds,
            deadline=deadline,
            report=report,
        )

    def _deadline(self) -> float | None:
        """When all training must end, on the monotonic clock: the verdict and the report take the rest."""
        budget = self._definition.budget_seconds
        if budget is None:
            return None
        test_thousands = min(len(self._dataset.splits.test), 10_000) / 1000
        reserve = RESERVE_SECONDS + RESERVE_SECONDS_PER_ENTRANT * len(self._entrants) * test_thousands
        reserve = max(reserve, min(reserve * self._slowdown, MOST_RESERVED_PART * budget))
        return self._started + budget - self._spent_before - reserve

    def _study(self, reserved_seconds: float | None) -> tuple[Outcome, Clock]:
        """Run the study; a second call continues it.

        Args:
            reserved_seconds: its learning curves end this many seconds before the deadline of all training.
        """
        clock = Clock(
            started=self._started,
            deadline=self._deadline(),
            spent_before=self._spent_before,
            reserved_seconds=(reserved_seconds or 0.0) + self._seconds_of_champion(),
        )
        study = Study(
            dataset=self._dataset,
            entrants=self._entrants,
            definition=self._definition,
            store=self._store,
            clock=clock,
            executor=self._executor,
            listener=self._listener,
        )
        return study.run(), clock

    def _seconds_of_champion(self) -> float:
        """Kept for its training on all examples, which follows where there are folds."""
        budget = self._definition.budget_seconds
        return CHAMPION_PART * budget if self._folds.counts and budget is not None else 0.0

    def _final_training(self, summary: Summary, outcome: Outcome) -> ChampionWeights | None:
        """Whose weights are handed over; with folds they are trained now. None where no network was judged."""
        best = summary.champion_trial()
        if best is None:
            return None
        if not outcome.definition.folds:
            return ChampionWeights(dataset=outcome.dataset, definition=outcome.definition, trial=best.trial)
        return after_folds(
            outcome, best.trial, store=self._store, executor=self._executor, deadline=self._deadline()
        )

    def _champion(self, summary: Summary, trained: ChampionWeights | None) -> Champion | None:
        if trained is None:
            return None
        entrant = next(entrant for entrant in self._entrants if entrant.name == trained.trial.entrant)
        folder = RunFolder(self._folder).champion
        self._write_champion(entrant, trained, folder)
        write_training_hashes(folder, trained.dataset)
        leader = summary.verdict.winner or summary.verdict.leader
        is_winner = entrant.name == leader
        return Champion(entrant=entrant.name, folder=folder, is_winner=is_winner, card=entrant.card)

    def _testing(self, summary: Summary, outcome: Outcome, on_all: bool | None) -> Testing:
        """On which examples everybody was tested, and why on these."""
        definition, folds = outcome.definition, self._folds
        tested, trained = len(summary.tested), definition.sizes[-1]
        if not definition.folds:
            reason = "budget" if folds.counts else folds.reason
            return Testing(reason=reason, tested_examples=tested, training_examples=trained)
        how = outcome.dataset.splits.how
        by_group = how != "by time" and outcome.dataset.groups is not None
        return Testing(
            folds=definition.folds,
            finished=len(summary.folds),
            how="by group" if by_group else how,
            reason=folds.reason,
            tested_examples=tested,
            training_examples=trained,
            champion_on_all=on_all,
        )

    def _write_champion(self, entrant: Entrant, trained: ChampionWeights, folder: Path) -> None:
        """In a worker, which has torch in memory already."""
        weights = self._store.weights_path(trained.trial, trained.definition.context)
        shared = self._executor.share(trained.dataset)
        request = ChampionRequest(dataset=shared, entrant=entrant, weights=str(weights), folder=str(folder))
        failure = run_one(self._executor, worker_tasks.write_champion, request)
        if isinstance(failure, BaseException):
            raise failure

    def _comparison(
        self,
        summary: Summary,
        outcome: Outcome,
        champion: Champion | None,
        clock: Clock,
        why: Evidence | None,
        testing: Testing,
    ) -> Comparison:
        definition = self._definition
        return Comparison(
            name=self._dataset.name,
            folder=self._folder,
            dataset=outcome.dataset,
            data_card=self._card,
            metric=definition.metric,
            seconds=clock.spent(),
            budget_seconds=definition.budget_seconds,
            seed=definition.seed,
            seeds=definition.seeds,
            steps=_common(outcome.steps),
            equal=definition.equal,
            equal_amount=outcome.allocation.amount,
            verdict=summary.verdict,
            entrants=summary.entrants,
            trials=summary.trials(),
            skipped=outcome.skipped,
            warnings=(
                *(statement.text() for statement in testing.statements()),
                *self._warnings(summary, outcome, why, clock.spent()),
            ),
            environment={**environment(), **_operators(outcome)},
            testing=testing,
            test_indices=summary.tested,
            test_targets=self._dataset.targets_at(summary.tested),
            test_outputs=summary.test_outputs(),
            mistakes=summary.mistakes(),
            champion=champion,
            interrupted=outcome.interrupted or (why is not None and why.interrupted),
            why=why,
            participants={entrant.name: entrant for entrant in outcome.entrants},
            show=self._show,
        )

    def _warnings(
        self, summary: Summary, outcome: Outcome, why: Evidence | None, spent_seconds: float
    ) -> Iterator[str]:
        if self._metric_chosen:
            yield from metric_warnings(self._dataset, self._definition.metric)
        for finding in self._dataset.findings:
            if finding.severity != "note":
                yield say(f"data.finding.{finding.kind}", **finding.values)
        if self._spent_before > 0:
            yield say(
                "study.warning.continued", folder=str(self._folder), seconds=f"{self._spent_before:.0f}"
            )
        if outcome.interrupted:
            yield say("study.warning.interrupted")
        if why is not None and why.interrupted:
            yield say("study.warning.evidence_interrupted")
        yield from busy_warnings(self._slowdown, self._definition.budget_seconds, spent_seconds)
        yield from training_warnings(summary, seeds=self._definition.seeds)


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Inside, Ctrl-C is ignored: a second one would cut short the few seconds in which the verdict is made."""
    import signal
    import threading

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _common(steps: dict[str, int]) -> int | None:
    """The optimiser steps that all networks have; None where they differ, 0 where there is no network."""
    different = set(steps.values())
    return next(iter(different), 0) if len(different) <= 1 else None


def _operators(outcome: Outcome) -> dict[str, str]:
    used = sorted({profile.operators for profile in outcome.profiles.values() if profile.operators})
    return {"operators": "; ".join(used)} if used else {}
