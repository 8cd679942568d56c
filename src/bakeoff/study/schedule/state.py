"""The state of a running study: validation scores, who may still win or tie, and predicted seconds of trainings."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Dataset
from bakeoff.errors import StoreError, printable
from bakeoff.study.design.entrants import Entrant, Profile
from bakeoff.study.design.jobs import Definition, Job, JobKind, TrialRequest, job_name, job_names, tuning_work
from bakeoff.study.design.matched_budgets import StepAllocation
from bakeoff.study.design.trial import Trial, TrialResult
from bakeoff.study.protocol import LEAST_CLASSICAL_SECONDS
from bakeoff.study.schedule import progressive_sampling
from bakeoff.study.schedule.racing import survivors
from bakeoff.tasks.metrics.registry import METRICS, Floats, MetricContext
from bakeoff.tasks.registry import task_of

#: Equal to no setting.
_NO_SETTING = object()


def most_common(settings: Iterable[float | None]) -> float | None:
    """The setting that was chosen most often; of equally frequent ones the one in the middle.

    >>> most_common([0.1, 0.3, 0.1]), most_common([0.1, 0.2, 0.3]), most_common([None])
    (0.1, 0.2, None)
    """
    chosen = list(settings)
    counts = Counter(chosen)
    often = [one for one in counts if counts[one] == max(counts.values())]
    return sorted(often, key=lambda one: one or 0.0)[(len(often) - 1) // 2]


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
        self._preferences: dict[Trial, tuple[float, float]] = {}

    def use(self, dataset: Dataset, definition: Definition) -> None:
        """Take the dataset with folds, and their definition."""
        self.dataset, self.definition = dataset, definition

    def _truth(self, fold: int | None) -> NDArray[Any]:
        """The validation targets of this fold."""
        splits = self.dataset.splits if fold is None else self.dataset.folds[fold]
        return self.dataset.targets_at(splits.validation)

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
        fold, size = result.trial.fold, self.dataset.schema.outputs
        known = dict(enumerate(self.dataset.folds))
        splits = self.dataset.splits if fold is None else known.get(fold, self.dataset.splits)
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
        return sum(len(self._truth(fold)) for fold in self.definition.fold_numbers)

    def preference(self, result: TrialResult) -> tuple[float, float]:
        """What settings are chosen by, from validation outputs; greater is better (see
        `tasks.base.Task.preference`)."""
        if result.trial not in self._preferences:
            assert result.validation_outputs is not None
            truth = self._truth(result.trial.fold)
            found = self._task.preference(self.metric, result.validation_outputs, truth, self._context)
            self._preferences[result.trial] = found
        return self._preferences[result.trial]

    def score(self, result: TrialResult) -> float:
        """The validation score, with the sign under which greater is better."""
        return self.preference(result)[0]

    def tuned(self) -> dict[str, dict[int | None, TrialResult]]:
        """For each entrant tuned on all examples, by fold, the completed trial with the best validation score.

        An entrant that was stopped before it was tuned in all folds has those in which it was.
        """
        found: dict[str, dict[int | None, TrialResult]] = {}
        for name in self.entrants:
            for result in self.results.get(job_name(name, JobKind.TUNING), ()):
                if result.counts:
                    own, fold = found.setdefault(name, {}), result.trial.fold
                    own[fold] = max(own.get(fold, result), result, key=self.preference)
        return found

    def best(self) -> dict[str, dict[int | None, float | None]]:
        """The best setting of each tuned entrant, by fold."""
        return {
            name: {fold: result.trial.setting for fold, result in own.items()}
            for name, own in self.tuned().items()
        }

    def settings(self) -> dict[str, float | None]:
        """The setting of each entrant that is trained on all examples: with folds the one chosen in most of them.

        Those of the progressively sampled entrants that were not tuned on all examples are here as well.
        """
        return {
            **progressive_sampling.settings(self.entrants.values(), self.results, self.preference),
            **{name: most_common(own.values()) for name, own in self.best().items()},
        }

    def leading_score(self) -> float | None:
        """The best validation score of the tuned entrants, greater is better; None where nobody is tuned."""
        means = (float(np.mean([self.score(one) for one in own.values()])) for own in self.tuned().values())
        return max(means, default=None)

    def still_in_race(self) -> set[str]:
        """The tuned entrants that may still win or tie."""
        tuned = self.tuned()
        shared = [fold for fold in self.definition.fold_numbers if all(fold in own for own in tuned.values())]
        errors = {
            name: np.concatenate([self._errors(own[fold]) for fold in shared])
            for name, own in tuned.items()
            if shared
        }
        return survivors(errors) if shared else set(tuned)

    def _errors(self, result: TrialResult) -> Floats:
        assert result.validation_outputs is not None
        return self._task.errors(result.validation_outputs, self._truth(result.trial.fold))

    def sizes_tried(self, name: str) -> list[progressive_sampling.Rung] | None:
        """The training sizes that an entrant was tried on, smallest first; None where all trials of one size failed."""
        return progressive_sampling.sizes_tried(name, self.results, self.score)

    def missing(self, wanted: Iterable[TrialRequest]) -> list[TrialRequest]:
        """The requests whose training is not done yet."""
        best = self.best()
        tuning = {job_name(name, JobKind.TUNING) for name in self.entrants}
        done = {
            result.trial.point
            for name, results in self.results.items()
            if name not in tuning
            for result in results
            if best.get(result.trial.entrant, {}).get(result.trial.fold, _NO_SETTING) == result.trial.setting
        }
        return [request for request in wanted if (request.entrant, *request.point) not in done]

    def point_seconds(self, name: str) -> float:
        """Predicted seconds of one point of the learning curve at full size: one training in every fold."""
        return self.training_seconds(name) * len(self.definition.fold_numbers)

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
            work = tuning_work(self.allocation.steps[job.entrant]) * len(self.definition.fold_numbers)
            return work * self.profiles[job.entrant].seconds_per_step
        if entrant.kind == "baseline":
            return 0.0
        rungs = self.sizes_tried(job.entrant)
        if not rungs:
            return LEAST_CLASSICAL_SECONDS
        return max(rungs[-1].seconds_at(job.trials[0].examples), LEAST_CLASSICAL_SECONDS)
