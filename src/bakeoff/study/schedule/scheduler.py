"""The scheduler of a study: profile the networks, tune every entrant, then train as much of the curves as fits.

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
from bakeoff.messages.statement import because, failure_of, reason_of
from bakeoff.study.design.entrants import Entrant, Profile
from bakeoff.study.design.jobs import (
    Definition,
    Job,
    JobKind,
    TrialRequest,
    curve_jobs,
    job_name,
    job_names,
    rung_job,
    tuning_job,
)
from bakeoff.study.design.matched_budgets import StepAllocation, Widths
from bakeoff.study.design.states import Omission, TrialState
from bakeoff.study.design.trial import TrialResult
from bakeoff.study.protocol import (
    CHEAP_PART,
    CLASSICAL_LIMIT_SECONDS,
    CLASSICAL_PART,
    EARLY_ELIMINATED_PART,
    EARLY_PART,
    JUDGED_BY_ERRORS,
    PROFILE_PART,
)
from bakeoff.study.results.facts import PLAN, SPENT_SECONDS
from bakeoff.study.results.outcome import Outcome, Progress, ProgressListener, Skipped
from bakeoff.study.results.store import Store
from bakeoff.study.results.training_plan import TrainingPlan
from bakeoff.study.schedule import progressive_sampling
from bakeoff.study.schedule.clock import Clock
from bakeoff.study.schedule.initial_plan import initial_plan
from bakeoff.study.schedule.priorities import select_affordable, split_among_workers, trial_requests
from bakeoff.study.schedule.state import StudyState
from bakeoff.study.workers import tasks as worker_tasks
from bakeoff.study.workers.executor import Executor, SharedDataset
from bakeoff.study.workers.queue import run_one
from bakeoff.study.workers.requests import ClassicalRequest, ProfileRequest, TrainingRequest, WidthsRequest

#: The least seconds that a job counts for in the progress, so that very short ones show.
LEAST_PROGRESS_SECONDS = 0.1
#: Seconds between two looks at the workers.
_POLL_SECONDS = 0.2
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
    _requested_early: set[tuple[str, int, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        by_name = {entrant.name: entrant for entrant in self.entrants}
        self.state = StudyState(dataset=self.dataset, definition=self.definition, entrants=by_name)

    def run(self) -> Outcome:
        """Run until everything is trained, the deadline or Ctrl-C; the outcome holds what is finished by then."""
        interrupted = False
        try:
            self.state.results |= self._kept_jobs()
            self._shared: SharedDataset = self.executor.share(self.dataset)
            self._profile()
            self._tune()
            self._grow_curves()
        except KeyboardInterrupt:
            interrupted = True
            self.executor.restart()
        state = self.state
        return Outcome(
            entrants=self.entrants,
            results=tuple(result for name in self._in_order() for result in state.results[name]),
            profiles=state.profiles,
            best_setting=state.settings(),
            skipped=tuple(self.skipped),
            steps=dict(state.allocation.steps),
            allocation=state.allocation,
            interrupted=interrupted,
        )

    def _kept_jobs(self) -> dict[str, tuple[TrialResult, ...]]:
        """Finished jobs of those who take part now; whoever else the file names is nobody here."""
        names = {entrant.name for entrant in self.entrants}
        return {
            job: results
            for job, results in self.store.jobs().items()
            if results
            and results[0].trial.entrant in names
            and job in job_names(results[0].trial)
            and len({result.trial.entrant for result in results}) == 1
        }

    def _in_order(self) -> list[str]:
        """Names of the finished jobs: in the order of the entrants (not of completion), tuning before curves."""
        places = {entrant.name: place for place, entrant in enumerate(self.entrants)}

        def place(name: str) -> tuple[int, bool, int, str]:
            entrant = self.state.results[name][0].trial.entrant
            return places[entrant], name != job_name(entrant, JobKind.TUNING), len(name), name

        return sorted(self.state.results, key=place)

    # ---- 1. profiles and the number of steps

    def _profile(self) -> None:
        """Make the initial plan, or take the stored one, so that a continued run has the same steps."""
        stored = PLAN.read(self.store)
        if stored is not None:
            self._follow(stored)
        else:
            sizes = self._equal_sizes()
            self._set_widths(sizes.widths)
            networks = [entrant for entrant in self.entrants if entrant.kind == "network"]
            for entrant in networks:
                request = ProfileRequest(
                    dataset=self._shared, entrant=entrant, reproducible=self.clock.deadline is None
                )
                self.executor.submit(worker_tasks.profile, request, payload=entrant.name)
            found = dict(self._drain(networks))
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
        """Set widths, devices, profiles and steps as planned, and record the networks that are left out."""
        self._set_widths(plan.widths)
        profiles = self.state.profiles = dict(plan.profiles)
        self._set(
            replace(entrant, device=profiles[entrant.name].device) if entrant.name in profiles else entrant
            for entrant in self.entrants
        )
        self.skipped += plan.skipped
        self.state.allocation = StepAllocation(steps=plan.steps, amount=plan.amount, capped=plan.capped)

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

    def _drain(self, networks: Iterable[Entrant]) -> Iterable[tuple[str, Any]]:
        names = tuple(entrant.name for entrant in networks)
        ended, at_start = 0, self.clock.left()
        while self.executor.running:
            left = self.clock.left()
            if left is not None and at_start is not None:
                # The limit holds only once a first network is timed: on a busy machine the workers start late.
                least = at_start * (1 - PROFILE_PART) if ended else 0.0
                if left <= least:
                    self.executor.restart()
                    return
            for name, result in self.executor.finished(_POLL_SECONDS):
                ended += 1
                if isinstance(result, BaseException):
                    fault = failure_of(result)
                    result = Profile(entrant=name, fault=fault)
                yield name, result
            self._report(names, ended, len(names))

    # ---- 2. tuning

    def _tune(self) -> None:
        self._phase = "tuning"
        out = {entry.entrant for entry in self.skipped}
        jobs = [self._next_of(entrant) for entrant in self.entrants if entrant.name not in out]
        there = [job for job in jobs if job is not None]
        self._run_jobs(sorted(there, key=self.state.job_seconds), fill=self.early_curve)
        reported = {entry.entrant for entry in self.skipped}
        for entrant in self.entrants:
            if (
                entrant.name not in reported
                and job_name(entrant.name, JobKind.TUNING) not in self.state.results
            ):
                self._record_end_of_sampling(entrant)

    def _next_of(self, entrant: Entrant) -> Job | None:
        """An entrant's tuning job, or the smaller size to try before; None where it is not tried any further."""
        full = tuning_job(entrant, self.definition, self.state.allocation.steps.get(entrant.name, 0))
        if full.name in self.state.results or not progressive_sampling.samples_progressively(
            entrant, self.dataset, self.definition
        ):
            return full
        tried = self.state.sizes_tried(entrant.name)
        if tried is None:
            return None
        following = self._next_rung(tried)
        if following.examples is None:
            return None
        is_last = following.examples == self.definition.sizes[-1]
        return full if is_last else rung_job(entrant, self.definition, following.examples)

    def _next_rung(self, tried: list[progressive_sampling.Rung]) -> progressive_sampling.NextSize:
        left, spent = self.clock.left() or 0.0, sum(rung.seconds for rung in tried)
        return progressive_sampling.next_rung(
            tried,
            self.definition.sizes,
            seconds_left=CLASSICAL_PART * (left + spent) - spent,
            leader=self.state.leading_score(),
            metric=self.state.metric,
            judged_on=self.state.judged_on,
        )

    def _record_end_of_sampling(self, entrant: Entrant) -> None:
        """Record why it was not trained on all examples, now that all other entrants are tuned."""
        tried = self.state.sizes_tried(entrant.name)
        if not tried:
            return
        following = self._next_rung(tried)
        if following.pruned:
            reason = because("out_of_reach")
            self.skipped.append(Skipped(entrant=entrant.name, what=Omission.PRUNED, reason=reason))
            return
        reason = because("climbed", examples=tried[-1].examples)
        spent = sum(rung.seconds for rung in tried)
        more = (spent + following.seconds) / CLASSICAL_PART - (self.definition.budget_seconds or 0.0)
        seconds = max(more, following.seconds)
        self.skipped.append(
            Skipped(entrant=entrant.name, what=Omission.OUT_OF_TIME, reason=reason, seconds=seconds)
        )

    def early_curve(self, *, idle: bool) -> Job | None:
        """A job with points of the curve of an entrant that is tuned, while others are not; None where nothing fits.

        Args:
            idle: whether a worker would otherwise wait. It may then spend `EARLY_PART` of the time left on an entrant
                that may still win, and `EARLY_ELIMINATED_PART` on another. While there is more to tune, only cheap
                curves are started, once for each entrant, in case the expensive ones take all the time.
        """
        left = self.clock.of_curves().left()
        if left is None and not idle:
            return None
        best, still_in_race, seconds = self.state.best(), self.state.still_in_race(), self._seconds()
        started_early = {name for name, _, _ in self._requested_early}
        for name in sorted(best, key=lambda name: (name not in still_in_race, seconds[name])):
            may_win = left is None or name in still_in_race
            parts = trial_requests(self.state.entrants[name], self.definition, still_in_race=may_win)
            wanted = [
                request
                for request in self.state.missing(parts)
                if (name, *request.point) not in self._requested_early
            ]
            if not wanted or (name in started_early and not idle):
                continue
            part = CHEAP_PART if not idle else EARLY_PART if may_win else EARLY_ELIMINATED_PART
            affordable, _ = select_affordable(wanted, seconds, None if left is None else part * left, 1)
            if not affordable or (
                not idle and not any(request.what is Omission.CURVE for request in affordable)
            ):
                continue  # it is not cheap
            self._requested_early |= {(name, *request.point) for request in affordable}
            return self._curve_jobs(affordable, None if left is None else {name: 1})[0]
        return None

    def _seconds(self) -> dict[str, float]:
        """Predicted seconds of one training at full size, by entrant."""
        return {name: self.state.training_seconds(name) for name in self.state.entrants}

    def _curve_jobs(self, affordable: list[TrialRequest], parts: dict[str, int] | None) -> list[Job]:
        return curve_jobs(
            affordable, self.state.entrants, self.state.best(), self.state.allocation.steps, parts
        )

    def _run_jobs(self, jobs: list[Job], fill: Callable[..., Job | None] | None = None) -> None:
        """Give jobs to workers as these get free, in order, and record each result as soon as it is there.

        Args:
            jobs: in order; finished ones are left out.
            fill: called with `idle`; may return a job to run before the next one, or, where `idle`, instead of waiting.
        """
        results = self.state.results
        self._queue = [job for job in jobs if job.name not in results]
        self._finished_work = sum(self._work(job) for job in jobs if job.name in results)
        while self._queue or self.executor.running:
            left = self.clock.left()
            while self.executor.running < self.executor.workers and (self._queue or self.executor.running):
                extra = None if fill is None else fill(idle=not self._queue)
                if extra is not None and extra.name not in results:
                    self._hand_out(extra)
                elif not self._queue:
                    break
                elif left is not None and left <= 0:
                    self._give_up(self._queue.pop(0))
                else:
                    self._hand_out(self._queue.pop(0))
            for job, result in self.executor.finished(_POLL_SECONDS):
                self._record_result(job, result)
            running = [(job, done / max(steps, 1)) for job, done, steps in self.executor.progress()]
            done = self._finished_work + sum(part * self._work(job) for job, part in running)
            total = self._finished_work + sum(
                self._work(job) for job in [*self._queue, *(j for j, _ in running)]
            )
            self._report(tuple(job.entrant for job, _ in running), round(100 * done), math.ceil(100 * total))

    def _work(self, job: Job) -> float:
        """The seconds that a job counts for in the progress, as they were first predicted."""
        if job.name not in self._works:
            self._works[job.name] = max(self.state.job_seconds(job), LEAST_PROGRESS_SECONDS)
        return self._works[job.name]

    def _hand_out(self, job: Job) -> None:
        entrant, deadline = self.state.entrants[job.entrant], self.clock.deadline
        if entrant.kind == "classical" and job.kind in (JobKind.RUNG, JobKind.TUNING):
            # The best score may have risen out of its reach since it was queued.
            again = self._next_of(entrant)
            if again is None:
                return
            job = again
        if entrant.kind == "network":
            request = self._training_request(entrant, job)
            self.executor.submit(worker_tasks.train, request, payload=job, deadline=deadline)
            return
        left = self.clock.left()
        if left is not None and entrant.kind == "classical" and self._phase == "tuning":
            deadline = time.monotonic() + max(CLASSICAL_PART * left, min(CLASSICAL_LIMIT_SECONDS, left))
        fits = ClassicalRequest(dataset=self._shared, entrant=entrant, job=job)
        self.executor.submit(worker_tasks.fit_classical, fits, payload=job, deadline=deadline)

    def _training_request(self, entrant: Entrant, job: Job) -> TrainingRequest:
        """The weights of trainings at full size are kept: one of them is handed over in the end."""
        full = self.definition.sizes[-1]
        weights = tuple(
            str(self.store.weights_path(trial, self.definition.context)) if trial.examples == full else None
            for trial in job.trials
        )
        return TrainingRequest(
            dataset=self._shared,
            entrant=entrant,
            job=job,
            profile=self.state.profiles[entrant.name],
            weights=weights,
            reproducible=self.clock.deadline is None,
            judge="errors" if self.definition.metric in JUDGED_BY_ERRORS else "loss",
        )

    def _record_result(self, job: Job, result: Any) -> None:
        if isinstance(result, BaseException):
            reason = reason_of(result)
            result = [
                TrialResult(trial=trial, state=TrialState.FAILED, reason=reason) for trial in job.trials
            ]
        self.state.results[job.name] = tuple(result)
        self._finished_work += self._work(job)
        self.store.put_job(job.name, result, self.definition.context)
        if job.kind is JobKind.RUNG:
            following = self._next_of(self.state.entrants[job.entrant])
            if following is not None:
                insort(self._queue, following, key=self.state.job_seconds)

    def _give_up(self, job: Job) -> None:
        seconds = len(job.trials) * self.state.training_seconds(job.entrant)
        self.skipped.append(
            Skipped(
                entrant=job.entrant, what=Omission.NOT_STARTED, reason=because("time_over"), seconds=seconds
            )
        )

    # ---- 3. curves

    def _grow_curves(self) -> None:
        self._phase, self.clock = "curves", self.clock.of_curves()
        best, still_in_race = self.state.best(), self.state.still_in_race()
        wanted = self.state.missing(
            request
            for entrant in self.entrants
            if entrant.name in best
            for request in trial_requests(
                entrant, self.definition, still_in_race=entrant.name in still_in_race
            )
        )
        while wanted:
            left, seconds = self.clock.left(), self._seconds()
            affordable, wanted = select_affordable(wanted, seconds, left, self.executor.workers)
            if not affordable:
                break
            parts = None if left is None else split_among_workers(affordable, seconds, self.executor.workers)
            jobs = self._curve_jobs(affordable, parts)
            self._run_jobs(sorted(jobs, key=lambda job: -len(job.trials) * seconds[job.entrant]))
        self.skipped += [
            Skipped(entrant=name, what=what, reason=because("no_time"), seconds=seconds)
            for (name, what), seconds in self._refused(wanted, still_in_race).items()
        ]

    def _refused(
        self, requests: Iterable[TrialRequest], still_in_race: set[str]
    ) -> dict[tuple[str, Omission], float]:
        """Predicted seconds of the requests that did not fit, by entrant and by what they are part of."""
        seconds: dict[tuple[str, Omission], float] = {}
        for request in requests:
            what = request.what if request.entrant in still_in_race else Omission.CANNOT_WIN
            place = (request.entrant, what)
            seconds[place] = seconds.get(place, 0.0) + self.state.training_seconds(request.entrant)
        return seconds

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
