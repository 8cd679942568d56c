"""The scheduler of a comparison: profile the networks, tune every entrant, then train as much of the curves as fits.

The order under a clock:
1. Profile every network on this machine (parameters, FLOPs, seconds per step) and allocate the optimiser steps, equal
   in steps, FLOPs or seconds, so that tuning takes about two fifths of the time. A network that is too expensive even
   so is left out and listed as skipped. Where parameters are made equal, widths are set first.
2. Tune every entrant (all settings at full size, one seed), cheapest first, so that no cheap entrant goes unjudged
   because an expensive one took longer than predicted. On large data, entrants whose cost grows with the data are
   sampled progressively (`progressive_sampling`). Cheap curves are trained before the expensive entrants are tuned, and
   a worker that has nothing left to tune starts with the other curves.
3. Train points of the learning curves, those that contribute most to the verdict first, as long as they are predicted
   to fit; repeat while time is left.
Without a clock all points are trained, nothing depends on a timing, and the figures depend on the seed alone.
"""

import math
import time
from bisect import insort
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bakeoff.data.dataset import Dataset
from bakeoff.data.folds import with_folds
from bakeoff.messages.statement import because
from bakeoff.study.design.entrants import Entrant
from bakeoff.study.design.jobs import Definition, Job, JobKind
from bakeoff.study.design.matched_budgets import StepAllocation, Widths
from bakeoff.study.design.states import Omission
from bakeoff.study.protocol import JUDGED_BY_ERRORS
from bakeoff.study.results.facts import PLAN, SPENT_SECONDS
from bakeoff.study.results.outcome import Outcome, Progress, ProgressListener, Skipped
from bakeoff.study.results.store import Store
from bakeoff.study.results.training_plan import TrainingPlan
from bakeoff.study.schedule.clock import Clock
from bakeoff.study.schedule.curves import Curves
from bakeoff.study.schedule.initial_plan import initial_plan
from bakeoff.study.schedule.profiling import profile_networks
from bakeoff.study.schedule.runner import JobRunner, results_of
from bakeoff.study.schedule.state import StudyState
from bakeoff.study.schedule.tuning import Tuning
from bakeoff.study.workers import tasks as worker_tasks
from bakeoff.study.workers.executor import Executor
from bakeoff.study.workers.queue import WorkerTask, run_one, run_while_given
from bakeoff.study.workers.requests import WidthsRequest

#: The least seconds that a job counts for in the progress, so that very short ones show.
LEAST_PROGRESS_SECONDS = 0.1
#: Seconds between two writes of the seconds spent to the store (what a killed run is charged with).
_SAVE_TIME_SECONDS = 0.5


@dataclass
class Study:
    """One study, while it runs.

    Args:
        dataset, entrants, definition: what is compared.
        store: where finished jobs are written, and read by a continued run.
        clock: of the whole run; its deadline leaves time for the verdict.
        executor: of the workers.
        listener: called with a `Progress` a few times a second.
    """

    dataset: Dataset
    entrants: tuple[Entrant, ...]
    definition: Definition
    store: Store
    clock: Clock
    executor: Executor
    listener: ProgressListener | None = None
    skipped: list[Skipped] = field(default_factory=list)
    _phase: str = "profile"
    _queue: list[Job] = field(default_factory=list)
    _finished_work: float = 0.0
    _works: dict[str, float] = field(default_factory=dict)
    _saved_time_at: float = 0.0

    def __post_init__(self) -> None:
        by_name = {entrant.name: entrant for entrant in self.entrants}
        self.state = StudyState(dataset=self.dataset, definition=self.definition, entrants=by_name)
        self.runner = JobRunner(
            dataset=self.dataset,
            definition=self.definition,
            store=self.store,
            executor=self.executor,
            judge="errors" if self.definition.metric in JUDGED_BY_ERRORS else "loss",
            reproducible=self.clock.deadline is None,
            keeps_weights=True,
        )
        self.tuning = Tuning(state=self.state, clock=self.clock)
        self.curves = Curves(state=self.state, clock=self.clock.of_curves())

    def run(self) -> Outcome:
        """Run until everything is trained, the deadline or Ctrl-C; the outcome holds what is finished by then."""
        interrupted = False
        try:
            self._profile()  # first, since the plan says in how many folds the stored trials were made
            self.state.take_stored(self.store.jobs())
            self._tune()
            self._grow_curves()
        except KeyboardInterrupt:
            interrupted = True
            self.executor.restart()
        state = self.state
        return Outcome(
            dataset=self.dataset,
            definition=self.definition,
            entrants=self.entrants,
            results=state.results_in_order(),
            profiles=state.profiles,
            best_setting=state.settings(),
            fold_settings=state.best(),
            skipped=tuple(self.skipped),
            steps=dict(state.allocation.steps),
            allocation=state.allocation,
            interrupted=interrupted,
        )

    # ---- 1. profiles and the number of steps

    def _profile(self) -> None:
        """Make the initial plan, or take the stored one, so that a continued run has the same steps."""
        stored = PLAN.read(self.store)
        if stored is not None:
            self._follow(stored)
            return
        sizes = self._equal_sizes()
        self._set_widths(sizes.widths)
        networks = [entrant for entrant in self.entrants if entrant.kind == "network"]
        names = tuple(network.name for network in networks)
        found = profile_networks(
            self.runner,
            networks,
            clock=self.clock,
            report=lambda done: self._report(names, done, len(names)),
        )
        plan = initial_plan(
            networks,
            found,
            self.definition,
            seconds_left=self.clock.left(),
            workers=self.executor.workers,
        )
        plan = replace(plan, widths=dict(sizes.widths))
        if self.definition.equal == "parameters":
            plan = replace(plan, amount=sizes.parameters)
        PLAN.write(self.store, plan)
        self._follow(plan)

    def _follow(self, plan: TrainingPlan) -> None:
        """Set folds, widths, devices, profiles and steps as planned, and record the networks that are left out."""
        if plan.folds:
            self._divide(plan.folds)
        self._set_widths(plan.widths)
        profiles = self.state.profiles = dict(plan.profiles)
        self._set(
            replace(entrant, device=profiles[entrant.name].device) if entrant.name in profiles else entrant
            for entrant in self.entrants
        )
        self.skipped += plan.skipped
        self.state.allocation = StepAllocation(steps=plan.steps, amount=plan.amount, capped=plan.capped)

    def _divide(self, folds: int) -> None:
        """From here on every trial is of one of so many folds."""
        self.dataset = with_folds(self.dataset, folds, seed=self.definition.seed)
        self.definition = self.definition.with_folds(self.dataset)
        self.state.use(self.dataset, self.definition)
        self.runner = replace(self.runner, dataset=self.dataset, definition=self.definition)

    def _equal_sizes(self) -> Widths:
        """Widths that give the networks about equally many parameters, where parameters are made equal; else none."""
        if self.definition.equal != "parameters":
            return Widths(parameters=0, widths={})
        networks = tuple(entrant for entrant in self.entrants if entrant.kind == "network")
        request = WidthsRequest(schema=self.dataset.schema, entrants=networks)
        sizes = run_one(self.executor, worker_tasks.match_widths, request)
        if isinstance(sizes, BaseException):
            raise sizes
        assert isinstance(sizes, Widths)
        return sizes

    def _set_widths(self, widths: Mapping[str, int]) -> None:
        self._set(
            replace(entrant, width=widths[entrant.name]) if entrant.name in widths else entrant
            for entrant in self.entrants
        )

    def _set(self, entrants: Iterable[Entrant]) -> None:
        self.entrants = tuple(entrants)
        self.state.entrants = {entrant.name: entrant for entrant in self.entrants}

    # ---- 2. tuning

    def _tune(self) -> None:
        self._phase = "tuning"
        out = {entry.entrant for entry in self.skipped}
        jobs = [self.tuning.next_job(entrant) for entrant in self.entrants if entrant.name not in out]
        there = [job for job in jobs if job is not None]
        self._run_jobs(sorted(there, key=self.state.job_seconds), fill=self.curves.early)
        reported = {entry.entrant for entry in self.skipped}
        ended = [self.tuning.not_tuned(e) for e in self.entrants if e.name not in reported]
        self.skipped += [entry for entry in ended if entry is not None]

    # ---- 3. curves

    def _grow_curves(self) -> None:
        self._phase, self.clock = "curves", self.clock.of_curves()
        still_in_race, wanted = self.state.still_in_race(), self.curves.wanted()
        while wanted:
            jobs, wanted = self.curves.jobs(wanted, self.executor.workers)
            if not jobs:
                break
            self._run_jobs(jobs)
        self.skipped += self.curves.skipped(wanted, still_in_race)

    # ---- jobs

    def _run_jobs(self, jobs: list[Job], fill: Callable[..., Job | None] | None = None) -> None:
        """Give jobs to workers as these get free, in order, and record each result as soon as it is there.

        Args:
            jobs: in order; finished ones are left out.
            fill: called with `idle`; may return a job to run before the next one, or, where `idle`, instead of waiting.
        """
        results = self.state.results
        self._queue = [job for job in jobs if job.name not in results]
        self._finished_work = sum(self._work(job) for job in jobs if job.name in results)
        ended = run_while_given(
            self.executor, lambda: self._following(fill), self._report_work, at_once=self.executor.workers
        )
        for job, outcome in ended:
            self._record_result(job, outcome)

    def _following(self, fill: Callable[..., Job | None] | None) -> WorkerTask | None:
        """The next task; None where no job is left, or only such as must wait for those that run."""
        while self._queue or self.executor.running:
            extra = None if fill is None else fill(idle=not self._queue)
            if extra is not None and extra.name not in self.state.results:
                return self._task(extra)
            if not self._queue:
                return None
            job, left = self._queue.pop(0), self.clock.left()
            if left is not None and left <= 0:
                self._give_up(job)
            elif (task := self._task(job)) is not None:
                return task
        return None

    def _task(self, job: Job) -> WorkerTask | None:
        """The task of a job; None where its entrant is not tried any further."""
        entrant, deadline = self.state.entrants[job.entrant], self.clock.deadline
        if entrant.kind == "classical" and job.kind in (JobKind.RUNG, JobKind.TUNING):
            # The best score may have risen out of its reach since it was queued.
            again = self.tuning.next_job(entrant)
            if again is None:
                return None
            job = again
        seconds = self.tuning.seconds_for(entrant) if self._phase == "tuning" else None
        if seconds is not None:
            deadline = time.monotonic() + seconds
        return self.runner.task(
            job, entrant, profile=self.state.profiles.get(entrant.name), deadline=deadline
        )

    def _record_result(self, job: Job, outcome: Any) -> None:
        results = results_of(job, outcome)
        self.state.results[job.name] = results
        self._finished_work += self._work(job)
        self.runner.put(job, results)
        if job.kind is JobKind.RUNG:
            following = self.tuning.next_job(self.state.entrants[job.entrant])
            if following is not None:
                insort(self._queue, following, key=self.state.job_seconds)

    def _give_up(self, job: Job) -> None:
        seconds = len(job.trials) * self.state.training_seconds(job.entrant)
        self.skipped.append(
            Skipped(
                entrant=job.entrant, what=Omission.NOT_STARTED, reason=because("time_over"), seconds=seconds
            )
        )

    # ---- progress

    def _work(self, job: Job) -> float:
        """The seconds that a job counts for in the progress, as they were first predicted."""
        if job.name not in self._works:
            self._works[job.name] = max(self.state.job_seconds(job), LEAST_PROGRESS_SECONDS)
        return self._works[job.name]

    def _report_work(self) -> None:
        running = [(job, done / max(steps, 1)) for job, done, steps in self.executor.progress()]
        done = self._finished_work + sum(part * self._work(job) for job, part in running)
        total = self._finished_work + sum(self._work(job) for job in [*self._queue, *(j for j, _ in running)])
        self._report(tuple(job.entrant for job, _ in running), round(100 * done), math.ceil(100 * total))

    def _report(self, entrants: tuple[str, ...], done: int, total: int) -> None:
        if time.monotonic() - self._saved_time_at > _SAVE_TIME_SECONDS:
            self._saved_time_at = time.monotonic()
            SPENT_SECONDS.write(self.store, self.clock.spent())
        if self.listener is not None:
            self.listener(
                Progress(
                    phase=self._phase,
                    entrants=entrants,
                    done=done,
                    total=total,
                    seconds_left=self.clock.left(),
                )
            )
