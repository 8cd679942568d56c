"""Running a study: profile, tune, then grant the time that is left to what tells most; stop, and continue.

The order under a clock:
1. Profile every network on this machine (parameters, FLOPs, seconds per step) and share out the steps, equally in
   steps, FLOPs or seconds, so that tuning takes about two fifths of the time; what is too dear even so is left out, and
   said. Where parameters are to be equal, widths are found first.
2. Tune every entrant (all settings at full size, one seed), cheapest first, so that nobody cheap goes unjudged because
   a dear one took longer than predicted. On large data, those whose cost grows with the data begin with few examples
   (`progressive_sampling`). Curves that cost next to nothing come before the tuning of the dear ones, and a worker
   that has nothing left to tune begins with the others.
3. Grant parcels of the learning curves, most telling first, as long as they are predicted to fit; repeat while time
   is left.
Without a clock every parcel is granted, nothing depends on a timing, and the figures depend on the seed alone.
"""

import math
import time
from bisect import insort
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bakeoff.data.dataset import Dataset
from bakeoff.study.design.entrants import Entrant, Profile
from bakeoff.study.design.jobs import Definition, Job, Parcel, curve_jobs, rung_job, tuning_job
from bakeoff.study.design.matched_budgets import Shares, Widths, equal_widths
from bakeoff.study.design.trial import State, TrialResult
from bakeoff.study.results.outcome import Listener, Outcome, Progress, Skipped
from bakeoff.study.results.store import Store
from bakeoff.study.schedule import progressive_sampling
from bakeoff.study.schedule.clock import Clock
from bakeoff.study.schedule.initial_plan import make_plan
from bakeoff.study.schedule.priorities import dealt_out, grant, parcels
from bakeoff.study.schedule.state import SoFar
from bakeoff.study.workers import tasks as worker_tasks
from bakeoff.study.workers.local import Pool, SharedDataset

#: A classical entrant may take this part of the time for its tuning before it is stopped.
CLASSICAL_PART = 0.25
#: It has at least so many seconds: to load scikit-learn takes most of them, whatever it is loaded for.
LEAST_CLASSICAL = 3.0
#: Under these metrics the best evaluation of a training is the one with the fewest errors, not the lowest loss.
JUDGED_BY_ERRORS = ("accuracy", "balanced_accuracy", "macro_f1")
#: A curve that is begun while others are still tuned may take this part of the time that is left.
EARLY_PART = 0.5
#: The same for one that can no longer win.
EARLY_HOPELESS_PART = 0.1
#: A curve is cheap, and begun before the dear ones are tuned, where it takes less than this part of the time left.
CHEAP_PART = 0.05
#: A network that is still being timed after this part of the time is given up, so that the others can be judged.
PROFILE_PART = 0.35
#: In the progress a job counts for at least so many seconds.
LEAST_WORK = 0.1
_POLL_SECONDS, _KEEP_TIME_SECONDS = 0.2, 0.5


@dataclass
class Study:
    """One study under way.

    Args:
        dataset, entrants, definition: what is compared.
        store: where finished jobs go, and where they are found again.
        clock: over the whole run, the reserve for the verdict taken off.
        pool: of workers.
        listener: is told of progress a few times a second.
    """

    dataset: Dataset
    entrants: tuple[Entrant, ...]
    definition: Definition
    store: Store
    clock: Clock
    pool: Pool
    listener: Listener | None = None
    skipped: list[Skipped] = field(default_factory=list)
    _phase: str = "profile"
    _queue: list[Job] = field(default_factory=list)
    _finished_work: float = 0.0
    _works: dict[str, float] = field(default_factory=dict)
    _kept_time_at: float = 0.0
    _handed_early: set[tuple[str, int, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        by_name = {entrant.name: entrant for entrant in self.entrants}
        self.so_far = SoFar(dataset=self.dataset, definition=self.definition, entrants=by_name)

    def run(self) -> Outcome:
        """Run to the end, to the deadline, or to Ctrl-C; what is finished by then is in the outcome."""
        interrupted = False
        try:
            self.so_far.results |= self.store.jobs()
            self._shared: SharedDataset = self.pool.share(self.dataset)
            self._profile()
            self._tune()
            self._grow_curves()
        except KeyboardInterrupt:
            interrupted = True
            self.pool.restart()
        so_far = self.so_far
        return Outcome(
            entrants=self.entrants,
            results=tuple(result for name in self._in_order() for result in so_far.results[name]),
            profiles=so_far.profiles,
            best_setting=so_far.settings(),
            skipped=tuple(self.skipped),
            steps=dict(so_far.shares.steps),
            shares=so_far.shares,
            interrupted=interrupted,
        )

    def _in_order(self) -> list[str]:
        """Names of the finished jobs in the order of the entrants, whoever was done first; tuning before curves."""
        places = {entrant.name: place for place, entrant in enumerate(self.entrants)}
        return sorted(
            self.so_far.results,
            key=lambda name: (places[name.rpartition("/")[0]], not name.endswith("/tuning"), len(name), name),
        )

    # ---- 1. profiles and the number of steps

    def _profile(self) -> None:
        """Profiles, the steps of every training, and who is too dear; kept, so that a continued run has the same."""
        plan = self.store.fact("plan")
        if plan is None:
            sizes = self._equal_sizes()
            self._set_widths(sizes.widths)
            networks = [entrant for entrant in self.entrants if entrant.kind == "network"]
            for entrant in networks:
                self.pool.submit(
                    worker_tasks.profile,
                    self._shared,
                    entrant,
                    self.clock.deadline is None,
                    payload=entrant.name,
                )
            found = dict(self._drain(networks))
            plan = make_plan(
                networks, found, self.definition, seconds_left=self.clock.left(), workers=self.pool.workers
            )
            plan["widths"] = dict(sizes.widths)
            if self.definition.equal == "parameters":
                plan["amount"] = sizes.parameters
            self.store.put_fact("plan", plan)
        self._set_widths(plan["widths"])
        profiles = self.so_far.profiles = {name: Profile(**facts) for name, facts in plan["profiles"].items()}
        self._set(
            replace(entrant, device=profiles[entrant.name].device) if entrant.name in profiles else entrant
            for entrant in self.entrants
        )
        self.skipped += [Skipped(**facts) for facts in plan["skipped"]]
        self.so_far.shares = Shares(steps=plan["steps"], amount=plan["amount"], capped=tuple(plan["capped"]))

    def _equal_sizes(self) -> Widths:
        """Widths that give the networks about equally many parameters, where that was asked for."""
        if self.definition.equal != "parameters":
            return Widths(parameters=0, widths={})
        networks = [entrant for entrant in self.entrants if entrant.kind == "network"]
        self.pool.submit(equal_widths, self.dataset.schema, networks, payload="widths")
        answers: list[tuple[Any, Any]] = []
        while self.pool.running:
            answers += self.pool.finished(_POLL_SECONDS)
        sizes = answers[0][1]
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
        self.so_far.entrants = {entrant.name: entrant for entrant in self.entrants}

    def _drain(self, networks: Iterable[Entrant]) -> Iterable[tuple[str, Any]]:
        names = tuple(entrant.name for entrant in networks)
        ended, whole = 0, self.clock.left()
        while self.pool.running:
            left = self.clock.left()
            if left is not None and whole is not None:
                # Before the first is timed, on a busy machine, the workers may not even have started.
                least = whole * (1 - PROFILE_PART) if ended else 0.0
                if left <= least:
                    self.pool.restart()
                    return
            for name, result in self.pool.finished(_POLL_SECONDS):
                ended += 1
                if isinstance(result, BaseException):
                    result = Profile(entrant=name, fault=f"{type(result).__name__}: {result}")
                yield name, result
            self._tell(names, ended, len(names))

    # ---- 2. tuning

    def _tune(self) -> None:
        self._phase = "tuning"
        out = {entry.entrant for entry in self.skipped}
        jobs = [self._next_of(entrant) for entrant in self.entrants if entrant.name not in out]
        there = [job for job in jobs if job is not None]
        self._work_off(sorted(there, key=self.so_far.job_seconds), fill=self.early_curve)
        told = {entry.entrant for entry in self.skipped}
        for entrant in self.entrants:
            if entrant.name not in told and f"{entrant.name}/tuning" not in self.so_far.results:
                self._record_end_of_climb(entrant)

    def _next_of(self, entrant: Entrant) -> Job | None:
        """An entrant's tuning, or the rung of its climb that comes before it; None where the climb has ended."""
        full = tuning_job(entrant, self.definition, self.so_far.shares.steps.get(entrant.name, 0))
        if full.name in self.so_far.results or not progressive_sampling.climbs(
            entrant, self.dataset, self.definition
        ):
            return full
        climbed = self.so_far.climbed(entrant.name)
        if climbed is None:
            return None
        following = self._next_rung(climbed)
        if following.examples is None:
            return None
        is_last = following.examples == self.definition.sizes[-1]
        return full if is_last else rung_job(entrant, self.definition, following.examples)

    def _next_rung(self, climbed: list[progressive_sampling.Rung]) -> progressive_sampling.Next:
        left, spent = self.clock.left() or 0.0, sum(rung.seconds for rung in climbed)
        return progressive_sampling.next_rung(
            climbed,
            self.definition.sizes,
            seconds_left=CLASSICAL_PART * (left + spent) - spent,
            leader=self.so_far.leading_score(),
            metric=self.so_far.metric,
            judged_on=self.so_far.judged_on,
        )

    def _record_end_of_climb(self, entrant: Entrant) -> None:
        """Why it was not trained on all examples, now that all others are known."""
        climbed = self.so_far.climbed(entrant.name)
        if not climbed:
            return
        following = self._next_rung(climbed)
        if following.spared:
            reason = "its learning curve cannot reach the best"
            self.skipped.append(Skipped(entrant=entrant.name, what="spared", reason=reason))
            return
        reason = f"its share of the time would be over at more than {climbed[-1].examples:,} examples"
        spent = sum(rung.seconds for rung in climbed)
        more = (spent + following.seconds) / CLASSICAL_PART - (self.definition.budget_seconds or 0.0)
        seconds = max(more, following.seconds)
        self.skipped.append(Skipped(entrant=entrant.name, what="climbed", reason=reason, seconds=seconds))

    def early_curve(self, *, idle: bool) -> Job | None:
        """Some of the curve of somebody who is tuned already, before everybody is.

        A worker that would otherwise wait (`idle`) may spend some time on it, more for those that may yet win. While
        there is more to tune, only what is cheap is begun, once: should the dear ones take all the time, it is there.
        """
        left = self.clock.of_curves().left()
        if left is None and not idle:
            return None
        best, hopeful, seconds = self.so_far.best(), self.so_far.hopeful(), self._seconds()
        had_its_turn = {name for name, _, _ in self._handed_early}
        for name in sorted(best, key=lambda name: (name not in hopeful, seconds[name])):
            contender = left is None or name in hopeful
            parts = parcels(self.so_far.entrants[name], self.definition, contender=contender)
            wanted = [
                parcel
                for parcel in self.so_far.missing(parts)
                if (name, *parcel.point) not in self._handed_early
            ]
            if not wanted or (name in had_its_turn and not idle):
                continue
            part = CHEAP_PART if not idle else EARLY_PART if contender else EARLY_HOPELESS_PART
            granted, _ = grant(wanted, seconds, None if left is None else part * left, 1)
            if not granted or (not idle and not any(parcel.what == "curve" for parcel in granted)):
                continue  # it is not cheap
            self._handed_early |= {(name, *parcel.point) for parcel in granted}
            return self._curve_jobs(granted, None if left is None else {name: 1})[0]
        return None

    def _seconds(self) -> dict[str, float]:
        """Predicted for one training at full size, by entrant."""
        return {name: self.so_far.training_seconds(name) for name in self.so_far.entrants}

    def _curve_jobs(self, granted: list[Parcel], parts: dict[str, int] | None) -> list[Job]:
        return curve_jobs(granted, self.so_far.entrants, self.so_far.best(), self.so_far.shares.steps, parts)

    def _work_off(self, jobs: list[Job], fill: Callable[..., Job | None] | None = None) -> None:
        """Hand out jobs, in order, as workers get free; keep each result as soon as it is there.

        Args:
            jobs: in order; those that are finished already are left out.
            fill: gives a job that is worth more than the next of them, or, `idle`, for a worker that would wait.
        """
        results = self.so_far.results
        self._queue = [job for job in jobs if job.name not in results]
        self._finished_work = sum(self._work(job) for job in jobs if job.name in results)
        while self._queue or self.pool.running:
            left = self.clock.left()
            while self.pool.running < self.pool.workers and (self._queue or self.pool.running):
                extra = None if fill is None else fill(idle=not self._queue)
                if extra is not None and extra.name not in results:
                    self._hand_out(extra)
                elif not self._queue:
                    break
                elif left is not None and left <= 0:
                    self._give_up(self._queue.pop(0))
                else:
                    self._hand_out(self._queue.pop(0))
            for job, result in self.pool.finished(_POLL_SECONDS):
                self._keep(job, result)
            running = [(job, done / max(whole, 1)) for job, done, whole in self.pool.progress()]
            done = self._finished_work + sum(part * self._work(job) for job, part in running)
            total = self._finished_work + sum(
                self._work(job) for job in [*self._queue, *(j for j, _ in running)]
            )
            self._tell(tuple(job.entrant for job, _ in running), round(100 * done), math.ceil(100 * total))

    def _work(self, job: Job) -> float:
        """What a job counts for in the progress: its predicted seconds when it was first asked for."""
        if job.name not in self._works:
            self._works[job.name] = max(self.so_far.job_seconds(job), LEAST_WORK)
        return self._works[job.name]

    def _hand_out(self, job: Job) -> None:
        entrant, deadline = self.so_far.entrants[job.entrant], self.clock.deadline
        if entrant.kind == "classical" and (job.is_rung or job.is_tuning):
            again = self._next_of(entrant)  # the leader may be out of its reach by now
            if again is None:
                return
            job = again
        if entrant.kind == "network":
            full = self.definition.sizes[-1]
            weights = [
                str(self.store.weights_path(trial, self.definition.context))
                if trial.examples == full
                else None
                for trial in job.trials
            ]
            self.pool.submit(
                worker_tasks.train,
                self._shared,
                entrant,
                job,
                self.so_far.profiles[entrant.name],
                deadline,
                weights,
                self.clock.deadline is None,
                "errors" if self.definition.metric in JUDGED_BY_ERRORS else "loss",
                payload=job,
            )
            return
        left = self.clock.left()
        if left is not None and entrant.kind == "classical" and self._phase == "tuning":
            deadline = time.monotonic() + max(CLASSICAL_PART * left, min(LEAST_CLASSICAL, left))
        self.pool.submit(worker_tasks.fit_classical, self._shared, entrant, job, deadline, payload=job)

    def _keep(self, job: Job, result: Any) -> None:
        if isinstance(result, BaseException):
            reason = str(result) if str(result) else type(result).__name__
            result = [TrialResult(trial=trial, state=State.FAILED, reason=reason) for trial in job.trials]
        self.so_far.results[job.name] = tuple(result)
        self._finished_work += self._work(job)
        self.store.put_job(job.name, result, self.definition.context)
        if job.is_rung:
            following = self._next_of(self.so_far.entrants[job.entrant])
            if following is not None:
                insort(self._queue, following, key=self.so_far.job_seconds)

    def _give_up(self, job: Job) -> None:
        seconds = len(job.trials) * self.so_far.training_seconds(job.entrant)
        self.skipped.append(
            Skipped(entrant=job.entrant, what="not_started", reason="the time was over", seconds=seconds)
        )

    # ---- 3. curves

    def _grow_curves(self) -> None:
        self._phase, self.clock = "curves", self.clock.of_curves()
        best, hopeful = self.so_far.best(), self.so_far.hopeful()
        wanted = self.so_far.missing(
            parcel
            for entrant in self.entrants
            if entrant.name in best
            for parcel in parcels(entrant, self.definition, contender=entrant.name in hopeful)
        )
        while wanted:
            left, seconds = self.clock.left(), self._seconds()
            granted, wanted = grant(wanted, seconds, left, self.pool.workers)
            if not granted:
                break
            parts = None if left is None else dealt_out(granted, seconds, self.pool.workers)
            jobs = self._curve_jobs(granted, parts)
            self._work_off(sorted(jobs, key=lambda job: -len(job.trials) * seconds[job.entrant]))
        self.skipped += [
            Skipped(entrant=name, what=what, reason="no time was left for it", seconds=seconds)
            for (name, what), seconds in self._refused(wanted, hopeful).items()
        ]

    def _refused(self, parcels: Iterable[Parcel], hopeful: set[str]) -> dict[tuple[str, str], float]:
        """Seconds of what was not granted, by entrant and by what it is part of."""
        seconds: dict[tuple[str, str], float] = {}
        for parcel in parcels:
            what = parcel.what.replace(" ", "_") if parcel.entrant in hopeful else "cannot_win"
            place = (parcel.entrant, what)
            seconds[place] = seconds.get(place, 0.0) + self.so_far.training_seconds(parcel.entrant)
        return seconds

    def _tell(self, entrants: tuple[str, ...], done: int, total: int) -> None:
        if time.monotonic() - self._kept_time_at > _KEEP_TIME_SECONDS:
            self._kept_time_at = time.monotonic()
            self.store.put_fact("spent_seconds", self.clock.spent())
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
