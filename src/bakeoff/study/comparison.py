"""`compare`: from a person's data to an honest verdict, within the time allowed."""

import contextlib
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bakeoff.data.card import data_card
from bakeoff.data.dataset import Dataset
from bakeoff.data.load import load
from bakeoff.errors import BudgetError, OptionError
from bakeoff.inference.training_hashes import write_training_hashes
from bakeoff.messages import say
from bakeoff.messages.statement import reason_text
from bakeoff.models import ModelCard
from bakeoff.study.analysis.summary import Summary
from bakeoff.study.design.entrants import Entrant, choose_entrants
from bakeoff.study.design.jobs import Definition, training_sizes
from bakeoff.study.design.matched_budgets import EQUAL, check_equal
from bakeoff.study.design.states import EntrantState
from bakeoff.study.design.trial import TrialResult
from bakeoff.study.evidence import ComparisonContext, EvidenceProvider
from bakeoff.study.protocol import (
    EVIDENCE_PART,
    LEAST_EVIDENCE_BUDGET_SECONDS,
    LEAST_RETURNED_SECONDS,
    RESERVE_SECONDS,
    RESERVE_SECONDS_PER_ENTRANT,
    SEEDS,
    SHORTEST_BUDGET_SECONDS,
)
from bakeoff.study.results.comparison import Champion, Comparison
from bakeoff.study.results.facts import DEFINITION, SOURCE, SPENT_SECONDS
from bakeoff.study.results.outcome import Outcome, Progress, ProgressListener
from bakeoff.study.results.records import EntrantResult, Evidence
from bakeoff.study.results.run_folder import RunFolder
from bakeoff.study.results.store import Store, find_run
from bakeoff.study.schedule.clock import Clock
from bakeoff.study.schedule.scheduler import Study
from bakeoff.study.workers import startup
from bakeoff.study.workers import tasks as worker_tasks
from bakeoff.study.workers.executor import Executor
from bakeoff.study.workers.queue import run_one
from bakeoff.study.workers.requests import ChampionRequest
from bakeoff.system.hardware import available_cores, processor_name
from bakeoff.tasks.metrics.registry import MetricContext
from bakeoff.tasks.registry import task_of
from bakeoff.train.device import check_name, choose_device

#: Name in the store for where the data were read from.
SOURCE_FACT = SOURCE.name
#: Packages whose versions are recorded with a comparison.
_VERSIONS = ("bakeoff", "torch", "numpy", "scikit-learn", "polars")


def compare(
    data: Any,
    models: Sequence[str | ModelCard] | None = None,
    budget_seconds: float | None = 60.0,
    seed: int = 0,
    *,
    metric: str | None = None,
    out: str | Path = "runs",
    name: str | None = None,
    seeds: int = SEEDS,
    steps: int | None = None,
    equal: str = EQUAL[0],
    device: str = "auto",
    workers: int | None = None,
    listener: ProgressListener | None = None,
    on_data: Callable[[Dataset], None] | None = None,
    started: float | None = None,
    show: Callable[[Comparison], str] | None = None,
    evidence: EvidenceProvider | None = None,
    fresh: bool = False,
    margin: float | None = None,
    pool: Executor | None = None,
    **reading: Any,
) -> Comparison:
    """Compare families of networks, and what is no network, on this data.

    Args:
        data: anything that `bakeoff.load` reads, or a `Dataset`.
        models: names of networks (`name@width` for a width), `file.py:NAME`, `package.module:NAME`, or `ModelCard`s;
            None enters every scalable family that takes the data. Baselines, nearest neighbours and boosting always
            take part.
        budget_seconds: for everything, from `started` to the return; None runs the whole protocol without a clock.
        seed: of splits, subsets, orders and initial weights.
        metric: the deciding one; accuracy, RMSE or MASE where None.
        out: the folder of runs. An unfinished run with the same definition there is continued.
        name: of the run's folder; the data's name where None.
        seeds: how many the protocol asks for.
        steps: of every training; None lets budget and data decide.
        equal: what every network gets equally much of: "steps", "parameters", "flops" or "seconds" of training.
        device: where networks are trained: "cpu", "cuda", "mps"; "auto" times each network where this machine can train
            it and takes the faster (without a clock by its FLOPs, since then nothing depends on a timing).
        workers: processes of one thread; as many as cores where None.
        listener: called with a `Progress` a few times a second.
        on_data: called with the dataset as soon as it is read.
        started: when the budget began, on the monotonic clock; now where None.
        show: renders the result in a notebook.
        evidence: explains the result, in a part of the budget that is reserved for it; None leaves it out.
        fresh: whether a new run is begun even where one with the same definition is there to be continued.
        margin: what is practically equal: 0.01 is one point of a share, or 1 % of an error; None is 0.01 for shares and
            0.02 for errors.
        pool: an executor whose workers are starting already (`bakeoff.study.workers.startup`), instead of `workers`;
            closed here.
        reading: options of `bakeoff.load` (target=..., time=..., size=...).

    Raises:
        DataError, ModelError, OptionError: what was given cannot be compared.
        BudgetError: the budget is too small for any comparison.
        StoreError: the run's folder cannot be written.
    """
    clock_start = time.monotonic() if started is None else started
    if budget_seconds is not None and budget_seconds < SHORTEST_BUDGET_SECONDS:
        raise BudgetError(
            f"The budget is {budget_seconds:g} s; a comparison needs at least {SHORTEST_BUDGET_SECONDS:g} s, and a "
            "minute to say much: give --budget 60s, or --budget none for no clock."
        )
    if margin is not None and not 0 < margin < 1:
        raise OptionError(
            f"'margin' is {margin:g}: give a number above 0 and below 1, as 0.01 for one point."
        )
    if seeds < 1:
        raise OptionError(f"'seeds' is {seeds}: give at least 1.")
    if steps is not None and steps < 1:
        raise OptionError(f"'steps' is {steps}: give at least 1.")
    check_name(device)
    if device not in ("auto", "cpu"):
        choose_device(device)
    check_equal(equal, has_clock=budget_seconds is not None, steps=steps)
    pool = pool or startup.start_workers(workers, wait_for_operators=budget_seconds is None)
    try:
        dataset = load(data, seed=seed, **reading)
        context = MetricContext(seasonal_scale=dataset.seasonal_scale)
        deciding = task_of(dataset.schema).metric_named(metric, context).name
        entrants = choose_entrants(dataset.schema, models, device=device)
        if on_data is not None:
            on_data(dataset)
        definition = Definition(
            dataset=dataset.fingerprint,
            entrants=tuple(entrant.name for entrant in entrants),
            metric=deciding,
            seed=seed,
            budget_seconds=budget_seconds,
            sizes=training_sizes(dataset),
            seeds=seeds,
            steps=steps,
            equal=equal,
            device=device,
        )
        return _Run(
            dataset=dataset,
            entrants=entrants,
            definition=definition,
            folder=find_run(Path(out), name or dataset.name, definition.to_json(), fresh=fresh),
            executor=pool,
            started=clock_start,
            listener=listener,
            show=show,
            evidence=evidence,
            source=_source(data),
            margin=margin,
        ).to_the_end()
    finally:
        pool.close()


def _source(data: Any) -> str | None:
    """Where the data came from, to read them again: a built-in name, or an absolute path; None for data in memory."""
    if not isinstance(data, str | Path):
        return None
    return str(Path(data).resolve()) if Path(data).exists() else str(data)


class _Run:
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
    ) -> None:
        self._dataset, self._entrants, self._definition = dataset, entrants, definition
        self._folder, self._executor, self._started = folder, executor, started
        self._listener, self._show, self._evidence = listener, show, evidence
        self._margin = margin
        self._store = Store(folder)
        DEFINITION.write(self._store, definition)
        if source is not None:
            SOURCE.write(self._store, source)
        self._spent_before = SPENT_SECONDS.read(self._store) or 0.0

    def to_the_end(self) -> Comparison:
        reserved_seconds = self._reserved_seconds()
        outcome, clock = self._study(reserved_seconds)
        if self._evidence is not None and reserved_seconds and not outcome.interrupted:
            needed = self._evidence.seconds(self._context(outcome, clock, reserved_seconds))
            if reserved_seconds - needed > LEAST_RETURNED_SECONDS and outcome.skipped:
                outcome, clock = self._study(needed)
        with _interrupts_ignored():
            self._entrants = outcome.entrants
            summary = Summary(self._dataset, self._entrants, self._definition, outcome, margin=self._margin)
            champion = self._champion(summary)
            SPENT_SECONDS.write(self._store, clock.spent())
        why = None
        if self._evidence is not None and not outcome.interrupted:
            comparison = self._context(outcome, clock, reserved_seconds)
            why = self._evidence.gather(comparison, summary.verdict, summary.entrants)
        with _interrupts_ignored():
            SPENT_SECONDS.write(self._store, clock.spent())
            return self._comparison(summary, outcome, champion, clock, why)

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
            dataset=self._dataset,
            entrants=outcome.entrants,
            definition=self._definition,
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
            reserved_seconds=reserved_seconds or 0.0,
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

    def _champion(self, summary: Summary) -> Champion | None:
        best = summary.champion_trial()
        if best is None:
            return None
        entrant = next(entrant for entrant in self._entrants if entrant.name == best.trial.entrant)
        folder = RunFolder(self._folder).champion
        self._write_champion(entrant, best, folder)
        write_training_hashes(folder, self._dataset)
        leader = summary.verdict.winner or summary.verdict.leader
        is_winner = entrant.name == leader
        return Champion(entrant=entrant.name, folder=folder, is_winner=is_winner, card=entrant.card)

    def _write_champion(self, entrant: Entrant, best: TrialResult, folder: Path) -> None:
        """In a worker, which has torch in memory already."""
        weights = self._store.weights_path(best.trial, self._definition.context)
        shared = self._executor.share(self._dataset)
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
    ) -> Comparison:
        definition = self._definition
        return Comparison(
            name=self._dataset.name,
            folder=self._folder,
            dataset=self._dataset,
            data_card=data_card(self._dataset),
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
            warnings=tuple(self._warnings(summary, outcome, why)),
            environment={**environment(), **_operators(outcome)},
            test_indices=self._dataset.splits.test,
            test_targets=self._dataset.targets_at(self._dataset.splits.test),
            test_outputs=summary.test_outputs(),
            mistakes=summary.mistakes(),
            champion=champion,
            interrupted=outcome.interrupted or (why is not None and why.interrupted),
            why=why,
            show=self._show,
        )

    def _warnings(self, summary: Summary, outcome: Outcome, why: Evidence | None) -> Iterator[str]:
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
        single = [
            entrant.name for entrant in summary.entrants if entrant.kind == "network" and entrant.judged
        ]
        single = [name for name in single if len(summary.judged[name]) == 1]
        if single and self._definition.seeds > 1:
            yield say("study.warning.one_seed", names=", ".join(single))
        yield from _undertrained(summary.entrants)
        for entrant in summary.entrants:
            if not entrant.judged and entrant.state in (EntrantState.FAILED, EntrantState.DIVERGED):
                yield say("study.warning.fault", name=entrant.name, reason=reason_text(entrant.reason))


def _undertrained(entrants: Sequence[EntrantResult]) -> Iterator[str]:
    """Who took fewer steps than the protocol asks for, since the budget allowed no more: a sentence a number."""
    by_steps: dict[tuple[int, int], list[str]] = {}
    for entrant in entrants:
        if entrant.undertrained and entrant.steps is not None and entrant.protocol_steps is not None:
            by_steps.setdefault((entrant.steps, entrant.protocol_steps), []).append(entrant.name)
    for (steps, protocol), names in by_steps.items():
        yield say(
            "study.warning.undertrained", names=", ".join(names), steps=f"{steps:,}", protocol=f"{protocol:,}"
        )


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


def environment() -> dict[str, str]:
    """Versions and hardware that the figures came from."""
    found = {"python": platform.python_version(), "system": platform.platform()}
    for package in _VERSIONS:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    found["processor"] = processor_name() or f"{available_cores()} cores"
    found["cores"] = str(available_cores())
    return found
