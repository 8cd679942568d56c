"""What is known of a study while it runs: how well who did on validation, who may yet win, what a training takes."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from bakeoff.data.dataset import Dataset
from bakeoff.study.design.entrants import Entrant, Profile
from bakeoff.study.design.jobs import Definition, Job, Parcel, tuning_work
from bakeoff.study.design.matched_budgets import Shares
from bakeoff.study.design.trial import Trial, TrialResult
from bakeoff.study.schedule import progressive_sampling
from bakeoff.study.schedule.racing import contenders
from bakeoff.tasks.metrics.registry import METRICS, MetricContext, preference

#: What a classical entrant takes at the least: a worker has to load scikit-learn for it.
CLASSICAL_SECONDS = 2.0


@dataclass
class SoFar:
    """The finished jobs of a study, and what follows from them. The test split is not looked at.

    Attributes:
        dataset, definition: of the study.
        entrants: by name, with the widths that were found.
        results: of the finished jobs by name.
        profiles: of the networks. shares: the steps of each network's trainings.
    """

    dataset: Dataset
    definition: Definition
    entrants: dict[str, Entrant]
    results: dict[str, tuple[TrialResult, ...]] = field(default_factory=dict)
    profiles: dict[str, Profile] = field(default_factory=dict)
    shares: Shares = field(default_factory=lambda: Shares(steps={}, amount=0.0))

    def __post_init__(self) -> None:
        self.metric = METRICS[self.definition.metric]
        self._context = MetricContext(seasonal_scale=self.dataset.seasonal_scale)
        self._truth = self.dataset.targets_at(self.dataset.splits.validation)
        self._preferences: dict[Trial, tuple[float, float]] = {}

    @property
    def judged_on(self) -> int:
        """How many validation examples there are."""
        return len(self._truth)

    def preference(self, result: TrialResult) -> tuple[float, float]:
        """On validation: what to choose settings by; see `tasks.metrics.registry.preference`."""
        if result.trial not in self._preferences:
            assert result.validation_outputs is not None
            found = preference(self.metric, result.validation_outputs, self._truth, self._context)
            self._preferences[result.trial] = found
        return self._preferences[result.trial]

    def score(self, result: TrialResult) -> float:
        """On validation; grows with quality, whatever the metric."""
        return self.preference(result)[0]

    def tuned(self) -> dict[str, TrialResult]:
        """Of each entrant that saw all examples, the setting that did best, among those trained as they should be."""
        found = {}
        for name in self.entrants:
            tried = [r for r in self.results.get(f"{name}/tuning", ()) if r.counts]
            if tried:
                found[name] = max(tried, key=self.preference)
        return found

    def best(self) -> dict[str, float | None]:
        """The setting of each tuned entrant."""
        return {name: result.trial.setting for name, result in self.tuned().items()}

    def settings(self) -> dict[str, float | None]:
        """The same, and of those that climbed and did not come to all examples."""
        return {
            **progressive_sampling.settings(self.entrants.values(), self.results, self.preference),
            **self.best(),
        }

    def leading_score(self) -> float | None:
        """The best score of those that are tuned."""
        return max(map(self.score, self.tuned().values()), default=None)

    def hopeful(self) -> set[str]:
        """Those that may yet win or tie."""
        outputs = {
            name: result.validation_outputs
            for name, result in self.tuned().items()
            if result.validation_outputs is not None
        }
        return contenders(outputs, self._truth, is_classification=self.dataset.schema.is_classification)

    def climbed(self, name: str) -> list[progressive_sampling.Rung] | None:
        """An entrant's rungs (see `progressive_sampling`); None where the last of them failed."""
        return progressive_sampling.climbed(name, self.results, self.score)

    def missing(self, wanted: Iterable[Parcel]) -> list[Parcel]:
        """Those of these parcels that have not been trained yet."""
        best = self.best()
        done = {
            (result.trial.entrant, result.trial.examples, result.trial.seed)
            for name, results in self.results.items()
            if not name.endswith("/tuning")
            for result in results
            if result.trial.setting == best.get(result.trial.entrant)
        }
        return [parcel for parcel in wanted if (parcel.entrant, *parcel.point) not in done]

    def training_seconds(self, name: str) -> float:
        """Predicted for one training at full size, from those there were; from the profile where there are none."""
        spent = [result for job in self.results.values() for result in job if result.trial.entrant == name]
        if self.entrants[name].kind != "network":
            counted = [result.seconds for result in spent if result.state.counts]
            return float(np.mean(counted)) if counted else 0.0
        steps = sum(result.steps_done for result in spent)
        if steps:
            return sum(result.seconds for result in spent) / steps * self.shares.steps[name]
        planned = self.shares.steps.get(name, 0)
        return self.profiles[name].seconds_per_step * planned if name in self.profiles else 0.0

    def job_seconds(self, job: Job) -> float:
        """Predicted for a job, before it begins."""
        entrant = self.entrants[job.entrant]
        if not (job.is_tuning or job.is_rung):
            return len(job.trials) * self.training_seconds(job.entrant)
        if entrant.kind == "network":
            return tuning_work(self.shares.steps[job.entrant]) * self.profiles[job.entrant].seconds_per_step
        if entrant.kind == "baseline":
            return 0.0
        rungs = self.climbed(job.entrant)
        if not rungs:
            return CLASSICAL_SECONDS
        return max(rungs[-1].seconds_at(job.trials[0].examples), CLASSICAL_SECONDS)
