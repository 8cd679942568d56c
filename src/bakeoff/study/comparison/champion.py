"""The network that is handed over after folds: trained on all examples, since the folds have said how good it is."""

from dataclasses import dataclass, replace
from pathlib import Path

from bakeoff.data.dataset import Dataset
from bakeoff.data.folds import for_all_examples, of_fold
from bakeoff.study.design.jobs import Definition, Job, final_job
from bakeoff.study.design.trial import Trial, TrialResult
from bakeoff.study.protocol import JUDGED_BY_ERRORS
from bakeoff.study.results.outcome import Outcome
from bakeoff.study.results.store import Store
from bakeoff.study.schedule.runner import JobRunner, results_of
from bakeoff.study.workers.executor import Executor
from bakeoff.study.workers.queue import run_tasks


@dataclass(frozen=True, kw_only=True)
class ChampionWeights:
    """Whose weights are handed over.

    Attributes:
        dataset: that it was trained on, with its scaling.
        definition: under which its weights are stored.
        trial: of its training.
        on_all: whether nothing was left out for a test.
    """

    dataset: Dataset
    definition: Definition
    trial: Trial
    on_all: bool = False


def after_folds(
    outcome: Outcome, chosen: Trial, *, store: Store, executor: Executor, deadline: float | None
) -> ChampionWeights:
    """The champion trained on all examples with the chosen setting; or of a fold, where no time is left for that.

    Args:
        chosen: stands for the trainings of all folds, with the setting chosen in most of them.
        deadline: on the monotonic clock; None for none.
    """
    dataset = for_all_examples(outcome.dataset)
    size = len(dataset.splits.train)
    definition = replace(outcome.definition, dataset=dataset.fingerprint, sizes=(size,), folds=0)
    runner = JobRunner(
        dataset=dataset,
        definition=definition,
        store=store,
        executor=executor,
        judge="errors" if definition.metric in JUDGED_BY_ERRORS else "loss",
        reproducible=definition.budget_seconds is None,
        keeps_weights=True,
    )
    job = final_job(replace(chosen, examples=size))
    if _is_trained(job, runner) or (not outcome.interrupted and _train(job, runner, outcome, deadline)):
        return ChampionWeights(dataset=dataset, definition=definition, trial=job.trials[0], on_all=True)
    return _of_a_fold(outcome, chosen)


def _is_trained(job: Job, runner: JobRunner) -> bool:
    """Whether an earlier process of this run has done it."""
    return runner.stored(job) is not None and Path(runner.weight_files(job)[0]).exists()


def _train(job: Job, runner: JobRunner, outcome: Outcome, deadline: float | None) -> bool:
    """Train it; False where it did not come to its end, by the clock, by Ctrl-C or by a failure."""
    entrant = next(entrant for entrant in outcome.entrants if entrant.name == job.entrant)
    task = runner.task(job, entrant, profile=outcome.profiles.get(entrant.name), deadline=deadline)
    results: tuple[TrialResult, ...] = ()
    try:
        for _, ended in run_tasks(runner.executor, [task], lambda done, total: None):
            results = results_of(job, ended)
    except KeyboardInterrupt:
        runner.executor.restart()
    if not all(result.counts for result in results) or not results:
        return False
    runner.put(job, results)
    return True


def _of_a_fold(outcome: Outcome, chosen: Trial) -> ChampionWeights:
    """The network of the first judged fold that has the champion's seed and size."""
    own = next(result for result in outcome.results if _is_its(result, chosen, outcome))
    dataset = of_fold(outcome.dataset, own.trial.fold)
    return ChampionWeights(dataset=dataset, definition=outcome.definition, trial=own.trial)


def _is_its(result: TrialResult, chosen: Trial, outcome: Outcome) -> bool:
    own, settings = result.trial, outcome.fold_settings[chosen.entrant]
    return (
        result.counts
        and own.point == chosen.point
        and own.fold in settings
        and settings[own.fold] == own.setting
    )
