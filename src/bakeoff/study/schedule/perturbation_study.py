"""The study behind `why`: the same entrants, steps and seeds on the unchanged data and on each changed form.

The order of work: profile the networks, choose the steps with which everything fits, tune each entrant's learning rate
on the unchanged data, then train the table (unchanged data first). Whoever interprets it may have a few more jobs
trained while there is time.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from bakeoff.data.interventions.catalogue import Intervention
from bakeoff.messages.statement import Statement, because, failure_of, reason_of
from bakeoff.study.design.entrants import Entrant, Profile
from bakeoff.study.design.jobs import Job, full_steps, paired_job, tuning_job
from bakeoff.study.design.trial import TrialResult
from bakeoff.study.protocol import WHY_TUNING_PART
from bakeoff.study.results.seed_results import SeedResults
from bakeoff.study.schedule.clock import Clock
from bakeoff.study.schedule.perturbation_plan import WorkerTime, plan_perturbations
from bakeoff.study.schedule.profiling import profile_networks
from bakeoff.study.schedule.runner import JobRunner, results_of
from bakeoff.study.workers.queue import WorkerTask, run_tasks
from bakeoff.tasks.registry import task_of

#: Called with (phase, done, total, seconds left).
PhaseListener = Callable[[str, int, int, float | None], None]


@dataclass
class PerturbationStudy:
    """One study, while it runs.

    Args:
        runner: of its jobs, with the data and the definition. Evaluations are judged by the loss: the table tells what
            is learned, and not who would win.
        entrants: networks and classical ones.
        changes: the interventions, the most informative first.
        clock: of the whole study; without a deadline nothing depends on a timing.
        listener: called with (phase, done, total, seconds left).

    Attributes:
        results: by entrant and name of the change; None for the unchanged data.
        settings: the setting of each tuned entrant.
        failures: why an entrant takes no part.
    """

    runner: JobRunner
    entrants: tuple[Entrant, ...]
    changes: tuple[Intervention, ...]
    clock: Clock
    listener: PhaseListener | None = None
    results: dict[tuple[str, str | None], SeedResults] = field(default_factory=dict)
    settings: dict[str, float | None] = field(default_factory=dict)
    failures: dict[str, Statement] = field(default_factory=dict)
    _profiles: dict[str, Profile] = field(default_factory=dict)
    _spent: float = 0.0
    _predicted: float = 1e-9

    def __post_init__(self) -> None:
        definition = self.runner.definition
        self.dataset = self.runner.dataset
        self._seeds = tuple(range(definition.seed, definition.seed + definition.seeds))

    def run(self) -> None:
        """Profile, plan, tune and train the table; `results` has what was finished in time."""
        definition = self.runner.definition
        self._profile()
        self.plan = plan_perturbations(
            self._profiles,
            self.changes,
            seeds=self._seeds,
            time=WorkerTime(workers=self.runner.executor.workers, seconds_left=self.clock.left()),
            steps=definition.steps or full_steps(definition.sizes[-1]),
        )
        cheapest_first = sorted(
            (e for e in self.entrants if e.kind != "network" or e.name in self.plan.changes),
            key=lambda e: self._profiles[e.name].seconds_per_step if e.name in self._profiles else 0.0,
        )
        self._tune(cheapest_first)
        self._plan_again()
        tuned = [e for e in cheapest_first if e.name in self.settings]
        self.train_table([e for e in tuned if e.kind != "network" or e.name in self.plan.changes])

    def stop(self) -> None:
        """After Ctrl-C: no further job is begun."""
        self.runner.executor.restart()
        self.clock = replace(self.clock, deadline=time.monotonic())

    def _profile(self) -> None:
        networks = [entrant for entrant in self.entrants if entrant.kind == "network"]
        found = profile_networks(
            self.runner,
            networks,
            clock=self.clock,
            report=lambda done: self._report("profile", done, len(networks)),
        )
        for network in networks:
            profile = found.get(network.name)
            if profile is None:
                self.failures[network.name] = because("timing" if found else "time_over")
            elif profile.fault:
                self.failures[network.name] = profile.fault
            else:
                self._profiles[network.name] = profile

    def _tune(self, entrants: Sequence[Entrant]) -> None:
        """Choose each entrant's setting: that with the lowest validation loss on the unchanged data."""
        left = self.clock.left()
        deadline = None if left is None else time.monotonic() + WHY_TUNING_PART * left
        self.settings |= {
            entrant.name: entrant.settings[0] for entrant in entrants if len(entrant.settings) == 1
        }
        jobs = [
            (tuning_job(entrant, self.runner.definition, self.plan.steps), entrant)
            for entrant in entrants
            if len(entrant.settings) > 1
        ]
        for job, outcome in self._run("tuning", jobs, deadline):
            self._choose_setting(job.entrant, outcome)

    def _choose_setting(self, name: str, outcome: Any) -> None:
        if isinstance(outcome, BaseException):
            self.failures[name] = reason_of(outcome)
            return
        if name in self._profiles:
            self._spent += sum(result.seconds for result in outcome)
            self._predicted += sum(r.steps_done for r in outcome) * self._profiles[name].seconds_per_step
        best = self._best_setting(outcome)
        if best is None:
            self.failures[name] = because("state.stopped")
        else:
            self.settings[name] = best

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

    def _plan_again(self) -> None:
        """Under a clock: plan the table again with the speed measured in tuning, perhaps with fewer steps."""
        tuned = {name: profile for name, profile in self._profiles.items() if name in self.settings}
        if self.clock.deadline is None or not tuned:
            return
        time_left = WorkerTime(
            workers=self.runner.executor.workers,
            seconds_left=self.clock.left(),
            slower=max(self._spent / self._predicted, 0.5),
        )
        again = plan_perturbations(
            tuned,
            self.plan.changes,
            seeds=self.plan.seeds,
            time=time_left,
            steps=self.plan.steps,
            tuning=0.0,
        )
        self.plan = replace(again, left_out=(*self.plan.left_out, *again.left_out))

    def train_table(self, entrants: Sequence[Entrant], also: Sequence[Intervention] = ()) -> None:
        """Train these entrants on the unchanged data, on their changes, and on the changes in `also`.

        What is finished is not trained again. The most informative changes come first.
        """
        every = (*self.plan.every_change, *also) if self.plan.changes else (*self.changes, *also)
        cells: dict[str, tuple[str, str | None]] = {}
        jobs: list[tuple[Job, Entrant]] = []
        for change, entrant in product((None, *every), entrants):
            cell = (entrant.name, change.name if change else None)
            own = self.plan.changes.get(entrant.name, every)
            if cell not in self.results and (change is None or change in also or change in own):
                tested = change is None and entrant.kind == "network"
                setting = self.settings[entrant.name]
                jobs.append((self.paired_job(entrant, change, setting=setting, tested=tested), entrant))
                cells[jobs[-1][0].name] = cell
        try:
            for job, found in self.train("table", jobs):
                self.results[cells[job.name]] = found
        finally:
            self._sort_results()

    def _sort_results(self) -> None:
        """By entrant and not by which job ended first, on which the last digit of a pooled variance would depend."""
        places = {entrant.name: place for place, entrant in enumerate(self.entrants)}
        in_order = sorted(self.results.items(), key=lambda item: places[item[0][0]])
        self.results.clear()  # whoever reads the table holds this very dictionary
        self.results.update(in_order)

    def paired_job(
        self, entrant: Entrant, change: Intervention | None, *, setting: float | None, tested: bool = False
    ) -> Job:
        """All seeds of an entrant on one form of the data.

        Args:
            setting: of its trainings.
            tested: whether the trained networks are tested on the changes that the plan has for them.
        """
        return paired_job(
            entrant,
            change,
            definition=self.runner.definition,
            setting=setting,
            seeds=self.plan.seeds,
            steps=self.plan.steps,
            test_on=self.plan.changes.get(entrant.name, ()) if tested else (),
        )

    def train(self, phase: str, jobs: Sequence[tuple[Job, Entrant]]) -> Iterator[tuple[Job, SeedResults]]:
        """Each job with its results, as it ends; those that were completed are stored."""
        for job, outcome in self._run(phase, jobs, self.clock.deadline):
            found = SeedResults(results_of(job, outcome, failure_of))
            if found.complete:
                self.runner.put(job, found.results)
            yield job, found

    def has_time(self, seconds: float) -> bool:
        """Whether so many seconds of work on one worker fit before the deadline, with half of it and 1 s to spare."""
        left = self.clock.left()
        return left is None or 1.5 * seconds + 1.0 < left

    def _run(
        self, phase: str, jobs: Sequence[tuple[Job, Entrant]], deadline: float | None
    ) -> Iterator[tuple[Job, Any]]:
        profiles: Mapping[str, Profile] = self._profiles
        tasks = [
            self.runner.task(job, entrant, profile=profiles.get(entrant.name), deadline=deadline)
            for job, entrant in jobs
        ]
        return self.run_tasks(phase, tasks)

    def run_tasks(self, phase: str, tasks: Sequence[WorkerTask]) -> Iterator[tuple[Any, Any]]:
        """(payload, result or exception) of every task; the listener is called with the progress."""
        return run_tasks(self.runner.executor, tasks, lambda done, total: self._report(phase, done, total))

    def _report(self, phase: str, done: int, total: int) -> None:
        if self.listener is not None:
            self.listener(phase, done, total, self.clock.left())
