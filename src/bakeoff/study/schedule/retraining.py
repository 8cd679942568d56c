"""Trains a comparison's entrants again on changed data, with the settings, steps and seeds that they had in it.

So only trainings on changed data are new, and the score drops are those of the networks in the verdict. The networks
that the comparison has trained are also tested on the changed data, which takes very little time.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bakeoff.data.interventions.catalogue import Intervention
from bakeoff.messages.statement import Statement, failure_of
from bakeoff.study.design.entrants import Entrant, Profile
from bakeoff.study.design.jobs import Job, JobKind, changed_test_job, paired_job
from bakeoff.study.design.states import TrialState
from bakeoff.study.design.trial import TrialResult
from bakeoff.study.results.seed_results import SeedResults
from bakeoff.study.schedule.retraining_plan import Selection
from bakeoff.study.schedule.runner import JobRunner, results_of
from bakeoff.study.workers.queue import WorkerTask, run_tasks

#: (entrant, name of the change), or (entrant, None) for the unchanged data.
Cell = tuple[str, str | None]


@dataclass(kw_only=True)
class Retrained:
    """What was trained again.

    Attributes:
        results: by entrant and change, each with its results in the order of the seeds. An entrant without all seeds on
            the unchanged data is not here, since nothing of it can be paired.
        failures: what failed, with the reason.
        interrupted: whether Ctrl-C ended it.
    """

    results: dict[Cell, SeedResults] = field(default_factory=dict)
    failures: dict[str, Statement] = field(default_factory=dict)
    interrupted: bool = False


@dataclass(frozen=True, kw_only=True)
class Retraining:
    """The trainings of one selection.

    Attributes:
        runner: of its jobs.
        entrants, profiles: of the comparison, by name.
        runs: its completed trainings at full size with the chosen setting, by entrant and seed.
        changes: that may be selected, the most informative first.
        deadline: on the monotonic clock; None without a clock.
    """

    runner: JobRunner
    entrants: Mapping[str, Entrant]
    profiles: Mapping[str, Profile]
    runs: Mapping[str, Mapping[int, TrialResult]]
    changes: Sequence[Intervention]
    deadline: float | None

    def train(self, selection: Selection, report: Callable[[int, int], None]) -> Retrained:
        """Take what is stored, and train the rest until the deadline or Ctrl-C.

        Args:
            report: called with (done, total) several times a second.
        """
        retrained, jobs = Retrained(), self._jobs(selection)
        found = {job.name: done for job in jobs if (done := self.runner.stored(job)) is not None}
        in_time = self.deadline is None or time.monotonic() < self.deadline
        tasks = [self._task(job) for job in jobs if job.name not in found and in_time]
        try:
            for job, outcome in run_tasks(self.runner.executor, tasks, report):
                found[job.name] = results_of(job, outcome, failure_of)
                if _is_complete(job, found[job.name]):
                    self.runner.put(job, found[job.name])
                if job.kind is JobKind.TEST and isinstance(outcome, BaseException):
                    retrained.failures[f"{job.entrant}, tested"] = failure_of(outcome)
        except KeyboardInterrupt:
            retrained.interrupted = True
            self.runner.executor.restart()
        retrained.results = self._by_cell(selection, jobs, found)
        return retrained

    def _task(self, job: Job) -> WorkerTask:
        profile = self.profiles.get(job.entrant)
        return self.runner.task(job, self.entrants[job.entrant], profile=profile, deadline=self.deadline)

    # ---- jobs

    def _jobs(self, selection: Selection) -> list[Job]:
        """All jobs of a selection, the most informative first.

        That is the unchanged data, for the seeds that the comparison had no time for, and the first change; then the
        tests, which take little time; then all other changes.
        """
        names = dict.fromkeys(name for name, _ in selection.requests)
        missing = [job for name in names if (job := self._missing(selection, name)) is not None]
        tests = [job for name in names if (job := self._tests(selection, name)) is not None]
        changes = {change.name: change for change in self.changes}
        changed = [
            (change, self._paired(name, changes[change], selection.seeds))
            for name, change in selection.requests
        ]
        first = [job for change, job in changed if change == self.changes[0].name]
        others = [job for change, job in changed if change != self.changes[0].name]
        return [*missing, *first, *tests, *others]

    def _paired(
        self,
        name: str,
        change: Intervention | None,
        seeds: Sequence[int],
        test_on: Sequence[Intervention] = (),
    ) -> Job:
        as_before = next(iter(self.runs[name].values())).trial
        return paired_job(
            self.entrants[name],
            change,
            definition=self.runner.definition,
            setting=as_before.setting,
            seeds=seeds,
            steps=as_before.steps,
            test_on=test_on,
            fold=as_before.fold,
        )

    def _missing(self, selection: Selection, name: str) -> Job | None:
        """The trainings on unchanged data for the seeds that the comparison had no time for."""
        seeds = tuple(seed for seed in selection.seeds if seed not in self.runs[name])
        return self._paired(name, None, seeds, self._test_on(selection, name)) if seeds else None

    def _tests(self, selection: Selection, name: str) -> Job | None:
        """The comparison's trained networks on changed test data; None where the weights of one of them are missing."""
        trials = [run.trial for seed, run in self.runs[name].items() if seed in selection.seeds]
        test_on = self._test_on(selection, name)
        job = changed_test_job(name, trials, test_on, seed=self.runner.definition.seed)
        there = all(Path(file).exists() for file in self.runner.weight_files(job))
        return job if trials and test_on and there else None

    def _test_on(self, selection: Selection, name: str) -> tuple[Intervention, ...]:
        if self.entrants[name].kind != "network":
            return ()
        asked = {change for who, change in selection.requests if who == name}
        return tuple(change for change in self.changes if change.name in asked)

    # ---- results

    def _by_cell(
        self, selection: Selection, jobs: Sequence[Job], found: Mapping[str, tuple[TrialResult, ...]]
    ) -> dict[Cell, SeedResults]:
        done = [result for job in jobs for result in found.get(job.name, ())]
        cells: dict[Cell, SeedResults] = {}
        for name in dict.fromkeys(name for name, _ in selection.requests):
            own = [result for result in done if result.trial.entrant == name]
            before = self._before(name, [result for result in own if result.trial.intervention is None])
            if all(seed in before for seed in selection.seeds):
                cells[name, None] = SeedResults(tuple(before[seed] for seed in selection.seeds))
        for name, change in selection.requests:
            after = [result for result in done if _cell_of(result) == (name, change)]
            if after and (name, None) in cells:
                cells[name, change] = SeedResults(tuple(after))
        return cells

    def _before(self, name: str, results: Sequence[TrialResult]) -> dict[int, TrialResult]:
        """The completed trainings on unchanged data by seed, each with its outputs on changed test data.

        Args:
            results: of the trainings that were missing, and of the tests.
        """
        runs = dict(self.runs[name])
        for result in results:
            if result.counts:
                runs[result.trial.seed] = result
            elif result.trial.seed in runs:
                runs[result.trial.seed] = replace(runs[result.trial.seed], tested=result.tested)
        return runs


def _is_complete(job: Job, results: Sequence[TrialResult]) -> bool:
    """Whether a job has nothing left to do, so that a continued run takes it as it is."""
    if job.kind is JobKind.TEST:
        return all(result.state is TrialState.FINISHED for result in results)
    return SeedResults(tuple(results)).complete


def _cell_of(result: TrialResult) -> Cell:
    change = result.trial.intervention
    return result.trial.entrant, None if change is None else change.name
