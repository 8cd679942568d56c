"""The network that is handed over after folds: trained on all examples, since the folds have said how good it is."""

from dataclasses import dataclass, replace
from pathlib import Path

from bakeoff.data.dataset import Dataset
from bakeoff.data.folds import for_all_examples, of_fold
from bakeoff.study.design.entrants import Entrant
from bakeoff.study.design.jobs import Definition, final_job
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
    """

    dataset: Dataset
    definition: Definition
    trial: Trial


def after_folds(
    outcome: Outcome,
    chosen: Trial,
    entrant: Entrant,
    *,
    store: Store,
    executor: Executor,
    deadline: float | None,
) -> tuple[ChampionWeights, bool]:
    """The champion trained on all examples with the chosen setting; or of a fold, where no time is left for that.

    Args:
        chosen: stands for the trainings of all folds, with the setting chosen in most of them.
        deadline: on the monotonic clock; None for none.

    Returns:
        Whose weights, and whether they were trained on all examples.
    """
    dataset = for_all_examples(outcome.dataset)
    size = len(dataset.splits.train)
    definition = replace(outcome.definition, dataset=dataset.fingerprint, sizes=(size,), folds=0)
    job = final_job(replace(chosen, examples=size))
    runner = JobRunner(
        dataset=dataset,
        definition=definition,
        store=store,
        executor=executor,
        judge="errors" if definition.metric in JUDGED_BY_ERRORS else "loss",
        reproducible=deadline is None,
        keeps_weights=True,
    )
    results = runner.stored(job)
    if results is None or not Path(runner.weight_files(job)[0]).exists():
        profile = outcome.profiles.get(entrant.name)
        task = runner.task(job, entrant, profile=profile, deadline=deadline)
        results = ()
        for _, ended in run_tasks(executor, [task], lambda done, total: None):
            results = results_of(job, ended)
        if results and results[0].counts:
            runner.put(job, results)
    if results and results[0].counts:
        return ChampionWeights(dataset=dataset, definition=definition, trial=job.trials[0]), True
    return _of_a_fold(outcome, chosen), False


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
