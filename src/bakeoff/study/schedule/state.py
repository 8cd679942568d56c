"""The state of a running study: validation scores, who may still win or tie, and predicted seconds of trainings."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from bakeoff.data.dataset import Dataset
from bakeoff.errors import StoreError, printable
from bakeoff.study.design.entrants import Entrant, Profile
from bakeoff.study.design.jobs import Definition, Job, JobKind, TrialRequest, job_name, job_names, tuning_work
from bakeoff.study.design.matched_budgets import StepAllocation
from bakeoff.study.design.trial import Trial, TrialResult
from bakeoff.study.protocol import LEAST_CLASSICAL_SECONDS
from bakeoff.study.schedule import progressive_sampling
from bakeoff.study.schedule.racing import survivors
from bakeoff.tasks.metrics.registry import METRICS, MetricContext
from bakeoff.tasks.registry import task_of


@dataclass
class StudyState:
    """The finished jobs of a study, and what follows from them. The test split is not read.

    Attributes:
        dataset, definition: of the study.
        entrants: by name, with the widths that were set.
        results: of the finished jobs, by the job's name.
        profiles: of the networks, by name.
        allocation: the steps of each network's trainings.
    """

    dataset: Dataset
    definition: Definition
    entrants: dict[str, Entrant]
    results: dict[str, tuple[TrialResult, ...]] = field(default_factory=dict)
    profiles: dict[str, Profile] = field(default_factory=dict)
    allocation: StepAllocation = field(default_factory=lambda: StepAllocation(steps={}, amount=0.0))

    def __post_init__(self) -> None:
        self._task = task_of(self.dataset.schema)
        self.metric = METRICS[self.definition.metric]
        self._context = MetricContext(seasonal_scale=self.dataset.seasonal_scale)
        self._truth = self.dataset.targets_at(self.dataset.splits.validation)
        self._preferences: dict[Trial, tuple[float, float]] = {}

    def take_stored(self, jobs: Mapping[str, tuple[TrialResult, ...]]) -> None:
        """Take the finished jobs of those who take part now; whoever else a run's file names is nobody here."""
        taken = {
            job: results
            for job, results in jobs.items()
            if results
            and results[0].trial.entrant in self.entrants
            and job in job_names(results[0].trial)
            and len({result.trial.entrant for result in results}) == 1
        }
        for job, results in taken.items():
            for result in results:
                self._check_outputs(job, result)
        self.results |= taken

    def _check_outputs(self, job: str, result: TrialResult) -> None:
        """Raises `StoreError` where stored outputs are not those of these data."""
        splits, size = self.dataset.splits, self.dataset.schema.outputs
        for outputs, examples in (
            (result.validation_outputs, splits.validation),
            (result.test_outputs, splits.test),
        ):
            fits = outputs is None or (
                len(outputs) == len(examples)
                and outputs.values.shape[1:] == (size,)
                and outputs.values.dtype.kind == "f"
            )
            if not fits:
                raise StoreError(
                    f"The run's file holds outputs of '{printable(job)}' that are not of these data (it is damaged): "
                    "begin a new run with --fresh or another --name."
                )

    def results_in_order(self) -> tuple[TrialResult, ...]:
        """All results: in the order of the entrants (not of completion), tuning before curves."""
        places = {name: place for place, name in enumerate(self.entrants)}

        def place(name: str) -> tuple[int, bool, int, str]:
            entrant = self.results[name][0].trial.entrant
            return places[entrant], name != job_name(entrant, JobKind.TUNING), len(name), name

        return tuple(result for name in sorted(self.results, key=place) for result in self.results[name])

    @property
    def judged_on(self) -> int:
        """How many validation examples there are."""
        return len(self._truth)

    def preference(self, result: TrialResult) -> tuple[float, float]:
        """What settings are chosen by, from validation outputs; greater is better (see
        `tasks.base.Task.preference`)."""
        if result.trial not in self._preferences:
            assert result.validation_outputs is not None
            found = self._task.preference(self.metric, result.validation_outputs, self._truth, self._context)
            self._preferences[result.trial] = found
        return self._preferences[result.trial]

    def score(self, result: TrialResult) -> float:
        """The validation score, with the sign under which greater is better."""
        return self.preference(result)[0]

    def tuned(self) -> dict[str, TrialResult]:
        """For each entrant tuned on all examples, the completed trial with the best validation score."""
        found = {}
        for name in self.entrants:
            tried = [r for r in self.results.get(job_name(name, JobKind.TUNING), ()) if r.counts]
            if tried:
                found[name] = max(tried, key=self.preference)
        return found

    def best(self) -> dict[str, float | None]:
        """The best setting of each tuned entrant."""
        return {name: result.trial.setting for name, result in self.tuned().items()}

    def settings(self) -> dict[str, float | None]:
        """The same, and the best setting of the progressively sampled entrants that were not tuned on all examples."""
        return {
            **progressive_sampling.settings(self.entrants.values(), self.results, self.preference),
            **self.best(),
        }

    def leading_score(self) -> float | None:
        """The best validation score of the tuned entrants, greater is better; None where nobody is tuned."""
        return max(map(self.score, self.tuned().values()), default=None)

    def still_in_race(self) -> set[str]:
        """The tuned entrants that may still win or tie."""
        errors = {
            name: self._task.errors(result.validation_outputs, self._truth)
            for name, result in self.tuned().items()
            if result.validation_outputs is not None
        }
        return survivors(errors)

    def sizes_tried(self, name: str) -> list[progressive_sampling.Rung] | None:
        """The training sizes that an entrant was tried on, smallest first; None where all trials of one size failed."""
        return progressive_sampling.sizes_tried(name, self.results, self.score)

    def missing(self, wanted: Iterable[TrialRequest]) -> list[TrialRequest]:
        """The requests whose training is not done yet."""
        best = self.best()
        tuning = {job_name(name, JobKind.TUNING) for name in self.entrants}
        done = {
            (result.trial.entrant, result.trial.examples, result.trial.seed)
            for name, results in self.results.items()
            if name not in tuning
            for result in results
            if result.trial.setting == best.get(result.trial.entrant)
        }
        return [request for request in wanted if (request.entrant, *request.point) not in done]

    def training_seconds(self, name: str) -> float:
        """Predicted seconds of one training at full size: from its trainings so far, or from its profile before any."""
        spent = [result for job in self.results.values() for result in job if result.trial.entrant == name]
        if self.entrants[name].kind != "network":
            counted = [result.seconds for result in spent if result.state.counts]
            return float(np.mean(counted)) if counted else 0.0
        steps = sum(result.steps_done for result in spent)
        if steps:
            return sum(result.seconds for result in spent) / steps * self.allocation.steps[name]
        planned = self.allocation.steps.get(name, 0)
        return self.profiles[name].seconds_per_step * planned if name in self.profiles else 0.0

    def job_seconds(self, job: Job) -> float:
        """Predicted seconds of a job."""
        entrant = self.entrants[job.entrant]
        if job.kind is JobKind.CURVE:
            return len(job.trials) * self.training_seconds(job.entrant)
        if entrant.kind == "network":
            return (
                tuning_work(self.allocation.steps[job.entrant]) * self.profiles[job.entrant].seconds_per_step
            )
        if entrant.kind == "baseline":
            return 0.0
        rungs = self.sizes_tried(job.entrant)
        if not rungs:
            return LEAST_CLASSICAL_SECONDS
        return max(rungs[-1].seconds_at(job.trials[0].examples), LEAST_CLASSICAL_SECONDS)
