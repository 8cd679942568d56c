"""The study behind `why`: the same entrants, steps and seeds on the unchanged data and on each changed form.

The order of work: profile the networks, choose the steps with which everything fits, tune each entrant's learning rate
on the unchanged data, train the table (unchanged data first), then, where a shorter series was found to hurt, bisect
the number of steps that is needed.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bakeoff.data.dataset import Dataset
from bakeoff.data.interventions.catalogue import Intervention, intervention
from bakeoff.explain.biases.plan import PerturbationPlan, WorkerTime, plan_perturbations
from bakeoff.explain.biases.worker_tasks import (
    ChangedTrial,
    ChangedTrialRequest,
    ChangedTrialResult,
    train_changed,
)
from bakeoff.messages.statement import Statement, because, failure_of, reason_of
from bakeoff.study.design.entrants import Entrant, Profile
from bakeoff.study.design.jobs import Job, JobKind, full_steps, job_name
from bakeoff.study.design.trial import Trial, TrialResult
from bakeoff.study.protocol import WHY_MOST_TEST_EXAMPLES, WHY_MOST_TRAINING_EXAMPLES, WHY_TUNING_PART
from bakeoff.study.workers import tasks as worker_tasks
from bakeoff.study.workers.executor import Executor, SharedDataset
from bakeoff.study.workers.queue import WorkerTask, run_tasks
from bakeoff.study.workers.requests import ClassicalRequest, ProfileRequest, TrainingRequest
from bakeoff.tasks.registry import task_of

#: Called with (phase, done, total, seconds left).
PhaseListener = Callable[[str, int, int, float | None], None]


@dataclass
class PerturbationStudy:
    """One study, while it runs.

    Args:
        dataset: as `limited` returns it.
        entrants: networks and classical ones.
        changes: the interventions, the most informative first.
        seeds: how many are wanted.
        seed: the first one, and that of the interventions.
        deadline: on the monotonic clock; None without a clock, when nothing depends on a timing.
        executor: of the workers.
        steps: of every training; None lets budget and data decide.
        listener: called with (phase, done, total, seconds left).
    """

    dataset: Dataset
    entrants: tuple[Entrant, ...]
    changes: tuple[Intervention, ...]
    seeds: int
    seed: int
    deadline: float | None
    executor: Executor
    steps: int | None = None
    listener: PhaseListener | None = None
    results: dict[tuple[str, str | None], ChangedTrialResult] = field(default_factory=dict)
    settings: dict[str, float | None] = field(default_factory=dict)
    failures: dict[str, Statement] = field(default_factory=dict)
    _spent: float = 0.0
    _predicted: float = 1e-9

    def run(self) -> PerturbationPlan:
        """Profile, plan, tune and train the table; `results` has what was finished in time."""
        self._shared: SharedDataset = self.executor.share(self.dataset)
        profiles = self._profiles()
        seeds = tuple(range(self.seed, self.seed + self.seeds))
        time_left = WorkerTime(workers=self.executor.workers, seconds_left=self._left())
        examples = len(self.dataset.splits.train)
        self.plan = plan_perturbations(
            profiles, self.changes, seeds=seeds, time=time_left, steps=self.steps or full_steps(examples)
        )
        cheapest_first = sorted(
            (e for e in self.entrants if e.kind != "network" or e.name in self.plan.changes),
            key=lambda entrant: profiles[entrant.name].seconds_per_step if entrant.name in profiles else 0.0,
        )
        self._tune(cheapest_first, profiles)
        self._plan_again(profiles)
        tuned = [e for e in cheapest_first if e.name in self.settings]
        self.train_table([e for e in tuned if e.kind != "network" or e.name in self.plan.changes])
        return self.plan

    def _plan_again(self, profiles: dict[str, Profile]) -> None:
        """Under a clock: plan the table again with the speed measured in tuning, perhaps with fewer steps."""
        tuned = {name: profile for name, profile in profiles.items() if name in self.settings}
        if self.deadline is None or not tuned:
            return
        steps = self.plan.steps
        time_left = WorkerTime(
            workers=self.executor.workers,
            seconds_left=self._left(),
            slower=max(self._spent / self._predicted, 0.5),
        )
        again = plan_perturbations(
            tuned, self.plan.changes, seeds=self.plan.seeds, time=time_left, steps=steps, tuning=0.0
        )
        self.plan = replace(again, left_out=(*self.plan.left_out, *again.left_out))

    def train_table(self, entrants: Sequence[Entrant], also: Sequence[Intervention] = ()) -> None:
        """Train these entrants on the unchanged data, on their changes, and on the changes in `also`.

        What is finished is not trained again. The most informative changes come first.
        """
        every = (*self.plan.every_change, *also) if self.plan.changes else (*self.changes, *also)
        trials = [
            self._changed_trial(entrant, change)
            for change in (None, *every)
            for entrant in entrants
            if (entrant.name, change.name if change else None) not in self.results
            and (change is None or change in also or change in self.plan.changes.get(entrant.name, every))
        ]
        tasks = [
            WorkerTask(
                task=train_changed,
                request=ChangedTrialRequest(
                    dataset=self._shared, trial=trial, reproducible=self.deadline is None
                ),
                payload=trial,
                deadline=self.deadline,
            )
            for trial in trials
        ]
        for trial, outcome in self.run_tasks("table", tasks):
            if isinstance(outcome, BaseException):
                outcome = ChangedTrialResult(trial=trial, failure=failure_of(outcome))
            self.results[trial.entrant.name, trial.change] = outcome

    def _changed_trial(self, entrant: Entrant, change: Intervention | None) -> ChangedTrial:
        own = self.plan.changes.get(entrant.name, ())
        names = tuple(c.name for c in own) if change is None else ()
        return ChangedTrial(
            entrant=entrant,
            change=change.name if change else None,
            setting=self.settings[entrant.name],
            seeds=self.plan.seeds,
            steps=self.plan.steps if entrant.kind == "network" else 0,
            seed=self.seed,
            test_on=names if entrant.kind == "network" else (),
        )

    def _profiles(self) -> dict[str, Profile]:
        networks = [entrant for entrant in self.entrants if entrant.kind == "network"]
        tasks = [
            WorkerTask(
                task=worker_tasks.profile,
                request=ProfileRequest(dataset=self._shared, entrant=entrant, reproducible=True),
                payload=entrant.name,
            )
            for entrant in networks
        ]
        found = {}
        for name, outcome in self.run_tasks("profile", tasks):
            failure = reason_of(outcome) if isinstance(outcome, BaseException) else outcome.fault
            if failure:
                self.failures[name] = failure
            else:
                found[name] = outcome
        return found

    def _tune(self, entrants: Sequence[Entrant], profiles: dict[str, Profile]) -> None:
        """Choose each entrant's setting: that with the lowest validation loss on the unchanged data."""
        jobs = [entrant for entrant in entrants if len(entrant.settings) > 1]
        left = self._left()
        deadline = None if left is None else time.monotonic() + WHY_TUNING_PART * left
        self.settings |= {
            entrant.name: entrant.settings[0] for entrant in entrants if len(entrant.settings) == 1
        }
        tasks = [self._tuning_task(entrant, profiles, deadline) for entrant in jobs]
        for name, outcome in self.run_tasks("tuning", tasks):
            best = None if isinstance(outcome, BaseException) else self._best_setting(outcome)
            if name in profiles and not isinstance(outcome, BaseException):
                self._spent += sum(result.seconds for result in outcome)
                self._predicted += sum(r.steps_done for r in outcome) * profiles[name].seconds_per_step
            if best is None:
                is_error = isinstance(outcome, BaseException)
                self.failures[name] = reason_of(outcome) if is_error else because("state.stopped")
            else:
                self.settings[name] = best

    def _tuning_task(
        self, entrant: Entrant, profiles: dict[str, Profile], deadline: float | None
    ) -> WorkerTask:
        job = self._tuning_job(entrant)
        if entrant.kind != "network":
            fits = ClassicalRequest(dataset=self._shared, entrant=entrant, job=job)
            return WorkerTask(
                task=worker_tasks.fit_classical, request=fits, payload=entrant.name, deadline=deadline
            )
        request = TrainingRequest(
            dataset=self._shared,
            entrant=entrant,
            job=job,
            profile=profiles[entrant.name],
            weights=(None,) * len(job.trials),
            reproducible=self.deadline is None,
            judge="loss",
        )
        return WorkerTask(task=worker_tasks.train, request=request, payload=entrant.name, deadline=deadline)

    def _tuning_job(self, entrant: Entrant) -> Job:
        steps = self.plan.steps if entrant.kind == "network" else 0
        examples = len(self.dataset.splits.train)
        trials = tuple(
            Trial(
                entrant=entrant.name,
                setting=setting,
                examples=examples,
                seed=self.seed,
                steps=steps,
                width=entrant.width,
            )
            for setting in entrant.settings
        )
        return Job(
            name=job_name(entrant.name, JobKind.TUNING),
            kind=JobKind.TUNING,
            entrant=entrant.name,
            trials=trials,
        )

    def _best_setting(self, results: Sequence[TrialResult]) -> float | None:
        """The setting with the lowest loss of the validation outputs; None where no trial was completed."""
        able = [r for r in results if r.state.counts and r.validation_outputs is not None]
        if not able:
            return None
        truth = self.dataset.targets_at(self.dataset.splits.validation)
        task = task_of(self.dataset.schema)

        def loss(result: TrialResult) -> float:
            outputs = result.validation_outputs
            assert outputs is not None
            return task.mean_loss(outputs, truth)

        return min(able, key=loss).trial.setting

    def has_time(self, seconds: float) -> bool:
        """Whether so many seconds of work on one worker fit before the deadline, with half of it and 1 s to spare."""
        left = self._left()
        return left is None or 1.5 * seconds + 1.0 < left

    def run_tasks(self, phase: str, tasks: Sequence[WorkerTask]) -> Iterator[tuple[Any, Any]]:
        """(payload, result or exception) of every task; the listener is called with the progress."""

        def report(done: int, total: int) -> None:
            if self.listener is not None:
                self.listener(phase, done, total, self._left())

        return run_tasks(self.executor, tasks, report)

    def _left(self) -> float | None:
        return None if self.deadline is None else self.deadline - time.monotonic()


def limited(dataset: Dataset) -> Dataset:
    """The dataset in memory, with at most `WHY_MOST_TRAINING_EXAMPLES` training examples, and at most
    `WHY_MOST_TEST_EXAMPLES` in either other split."""
    splits = dataset.splits
    parts = [splits.train[:WHY_MOST_TRAINING_EXAMPLES], _thinned(splits.validation), _thinned(splits.test)]
    if sum(map(len, parts)) == len(dataset):
        return dataset
    rows = np.sort(np.concatenate(parts))
    train, validation, test = (np.searchsorted(rows, part) for part in parts)
    chosen = type(splits)(train=train, validation=validation, test=test, how=splits.how)
    return dataset.subset(rows, chosen)


def _thinned(part: np.ndarray) -> np.ndarray:
    if len(part) <= WHY_MOST_TEST_EXAMPLES:
        return part
    return part[np.linspace(0, len(part) - 1, WHY_MOST_TEST_EXAMPLES).astype(np.int64)]


def memory_to_try(dataset: Dataset, hurts: int, harmless: int) -> Intervention | None:
    """The number of last steps midway between one that hurts and one that does not; None where none lies between."""
    middle = (hurts + harmless) // 2
    return intervention(f"keep_last_{middle}", dataset.schema) if hurts < middle < harmless else None
