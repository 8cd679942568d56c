"""The trainings of all folds as one: who is judged, and on which examples, where not everybody finished every fold."""

import numpy as np
import pytest

from bakeoff.data.dataset import Dataset
from bakeoff.data.folds import with_folds
from bakeoff.data.load import load
from bakeoff.study.analysis.fold_runs import fold_runs
from bakeoff.study.design.entrants import Entrant
from bakeoff.study.design.jobs import Definition
from bakeoff.study.design.matched_budgets import StepAllocation
from bakeoff.study.design.states import TrialState
from bakeoff.study.design.trial import Trial, TrialResult
from bakeoff.study.results.outcome import Outcome


@pytest.fixture(scope="module")
def iris() -> Dataset:
    return with_folds(load("iris"), 4, seed=0)


def outcome(dataset: Dataset, finished: dict[str, tuple[int, ...]]) -> Outcome:
    """Each entrant's fold f has the setting f / 10, and outputs that are f everywhere; another setting has -1."""
    plain = Definition(
        dataset="x", entrants=tuple(finished), metric="accuracy", seed=0, budget_seconds=None, sizes=(40,)
    )
    definition = plain.with_folds(dataset)
    size, results = definition.sizes[-1], []
    for name, folds in finished.items():
        for fold in range(4):
            test = np.full((len(dataset.folds[fold].test), 3), fold, np.float32)
            for setting, sign in ((fold / 10, 1), (0.9, -1)):
                results.append(
                    TrialResult(
                        trial=Trial(entrant=name, setting=setting, examples=size, seed=0, fold=fold),
                        state=TrialState.FINISHED if fold in folds else TrialState.STOPPED,
                        validation_outputs=test if fold in folds else None,
                        test_outputs=sign * test if fold in folds else None,
                    )
                )
    return Outcome(
        dataset=dataset,
        definition=definition,
        entrants=tuple(Entrant(name=name, kind="network", family=name, settings=()) for name in finished),
        results=tuple(results),
        profiles={},
        best_setting=dict.fromkeys(finished, 0.1),
        fold_settings={name: {fold: fold / 10 for fold in folds} for name, folds in finished.items()},
        skipped=(),
        steps={},
        allocation=StepAllocation(steps={}, amount=0.0),
        interrupted=False,
    )


def test_each_example_has_the_output_of_its_fold_with_the_setting_of_that_fold(iris: Dataset) -> None:
    found = fold_runs(outcome(iris, {"a": (0, 1, 2, 3)}))
    ((whole,),) = found.runs["a"].values()
    assert whole.trial.fold is None
    expected = np.concatenate([np.full(len(fold.test), number) for number, fold in enumerate(iris.folds)])
    assert np.array_equal(whole.test_outputs.values[:, 0], expected)


def test_everybody_is_judged_on_the_folds_that_most_have_finished(iris: Dataset) -> None:
    found = fold_runs(outcome(iris, {"a": (0, 1, 2, 3), "b": (0, 1), "c": (0, 1)}))
    assert found.folds == (0, 1)
    assert {name for name, runs in found.runs.items() if runs} == {"a", "b", "c"}
    count = sum(len(iris.folds[fold].test) for fold in (0, 1))
    assert all(len(run.test_outputs) == count for runs in found.runs.values() for (run,) in runs.values())


def test_who_missed_a_fold_that_most_have_finished_is_not_judged(iris: Dataset) -> None:
    found = fold_runs(outcome(iris, {"a": (0, 1, 2, 3), "b": (0, 1, 2, 3), "slow": (0,)}))
    assert found.folds == (0, 1, 2, 3)
    assert {name for name, runs in found.runs.items() if runs} == {"a", "b"}


def test_nothing_finished_is_nobody_judged(iris: Dataset) -> None:
    assert not any(fold_runs(outcome(iris, {"a": (), "b": ()})).runs.values())
