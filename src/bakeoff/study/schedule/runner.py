"""`JobRunner`: what every study shares: from a job to a worker's task, and from its end to the store.

A comparison, its evidence and `why` differ in which jobs they make and when, and in nothing that is written here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bakeoff.data.dataset import Dataset
from bakeoff.errors import StoreError
from bakeoff.messages.statement import Statement, reason_of
from bakeoff.study.design.entrants import Entrant, Profile
from bakeoff.study.design.jobs import Definition, Job, JobKind
from bakeoff.study.design.states import TrialState
from bakeoff.study.design.trial import TrialResult
from bakeoff.study.results.store import Store
from bakeoff.study.workers import tasks
from bakeoff.study.workers.executor import Executor, SharedDataset
from bakeoff.study.workers.queue import WorkerTask
from bakeoff.study.workers.requests import ChangedTestRequest, ClassicalRequest, TrainingRequest


@dataclass(frozen=True, kw_only=True)
class JobRunner:
    """Has jobs trained in workers, and stores what came of them.

    Attributes:
        dataset, definition: of the study.
        store: where finished jobs are written, and read by a continued run.
        executor: of the workers.
        judge: of the evaluations, see `bakeoff.train.recipe.Recipe`.
        reproducible: whether what could be decided by a timing is decided by a rule: without a clock.
        keeps_weights: whether weights of trainings at full size are written: one of them is handed over in the end.
    """

    dataset: Dataset
    definition: Definition
    store: Store
    executor: Executor
    judge: str
    reproducible: bool
    keeps_weights: bool = False

    @property
    def shared(self) -> SharedDataset:
        """The dataset as workers open it."""
        return self.executor.share(self.dataset)

    def task(
        self, job: Job, entrant: Entrant, *, profile: Profile | None = None, deadline: float | None = None
    ) -> WorkerTask:
        """The task by which a worker does this job; the job is its payload.

        Args:
            entrant: whose job it is.
            profile: of a network, where it was made.
            deadline: on the monotonic clock; None for none.
        """
        request: ChangedTestRequest | ClassicalRequest | TrainingRequest
        if job.kind is JobKind.TEST:
            request = ChangedTestRequest(
                dataset=self.shared, entrant=entrant, job=job, weights=self.weight_files(job)
            )
            return WorkerTask(task=tasks.test_trained, request=request, payload=job, deadline=deadline)
        if entrant.kind != "network":
            request = ClassicalRequest(dataset=self.shared, entrant=entrant, job=job)
            return WorkerTask(task=tasks.fit_classical, request=request, payload=job, deadline=deadline)
        full = self.definition.sizes[-1] if self.keeps_weights else None
        files = zip(job.trials, self.weight_files(job), strict=True)
        request = TrainingRequest(
            dataset=self.shared,
            entrant=entrant,
            job=job,
            profile=profile,
            weights=tuple(file if trial.examples == full else None for trial, file in files),
            reproducible=self.reproducible,
            judge=self.judge,
            metric=self.definition.metric,
        )
        return WorkerTask(task=tasks.train, request=request, payload=job, deadline=deadline)

    def weight_files(self, job: Job) -> tuple[str, ...]:
        """The file of each trial's weights, whether they were written or not."""
        return tuple(str(self.store.weights_path(trial, self.definition.context)) for trial in job.trials)

    def stored(self, job: Job) -> tuple[TrialResult, ...] | None:
        """The results of this very job, where an earlier process of the run has finished it."""
        found = self.store.job(job.name)
        return found if found and tuple(result.trial for result in found) == job.trials else None

    def put(self, job: Job, results: tuple[TrialResult, ...]) -> None:
        """Write a finished job with its outputs, in one transaction."""
        self.store.put_job(job.name, results, self.definition.context)


def results_of(
    job: Job, outcome: Any, reason: Callable[[BaseException], Statement] = reason_of
) -> tuple[TrialResult, ...]:
    """A job's results from what its task returned; all have failed where it raised an exception instead.

    Args:
        reason: from the exception.

    Raises:
        StoreError: the worker could not write its weights. That says nothing of the network: nothing is stored, so
            that the job is done again when the run goes on.
    """
    if isinstance(outcome, StoreError):
        raise outcome
    if not isinstance(outcome, BaseException):
        return tuple(outcome)
    said = reason(outcome)
    return tuple(TrialResult(trial=trial, state=TrialState.FAILED, reason=said) for trial in job.trials)
