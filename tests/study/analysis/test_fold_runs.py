"""The trainings of all folds as one: who is judged, and on which examples, where not everybody finished every fold."""

import numpy as np
import pytest

from bakeoff.data.dataset import Dataset
from bakeoff.data.folds import with_folds
from bakeoff.data.load import load
from bakeoff.study import protocol
from bakeoff.study.analysis.fold_runs import fold_runs
from bakeoff.study.analysis.fold_variance import fold_inflation
from bakeoff.study.analysis.resampling import resample
from bakeoff.study.design.entrants import Entrant
from bakeoff.study.design.jobs import Definition
from bakeoff.study.design.matched_budgets import StepAllocation
from bakeoff.study.design.states import TrialState
from bakeoff.study.design.trial import Trial, TrialResult
from bakeoff.study.results.outcome import Outcome
from bakeoff.tasks.metrics.registry import METRICS


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


def test_a_run_in_folds_says_itself_what_a_seed_does_and_counts_training_sets_that_overlap() -> None:
    rng = np.random.default_rng(0)
    targets, folds = rng.integers(0, 2, 200), np.arange(200) % 5
    answers = np.where(rng.random(200) < 0.8, targets, 1 - targets)
    outputs = np.log(np.where(np.arange(2) == answers[:, None], 0.9, 0.1))
    accuracy = METRICS["accuracy"]
    drawn = {
        how: resample({"net": [outputs]}, targets, accuracy, folds=labels, replicates=2000)
        for how, labels in (("split", None), ("folds", folds))
    }
    assert drawn["split"].seed_unknown.all()
    assert not drawn["folds"].seed_unknown.any()
    wider = np.var(drawn["folds"].examples_only) / np.var(drawn["split"].examples_only)
    assert wider == pytest.approx(1 + protocol.FOLD_CORRECTION * 5 / 4, rel=1e-6)
    assert wider == pytest.approx(fold_inflation(5), rel=1e-6)

    uneven = np.where(
        (folds == 0)[:, None], outputs[:, ::-1], outputs
    )  # one fold's network has learned the contrary
    found = resample({"net": [uneven]}, targets, accuracy, folds=folds, replicates=200)
    scores = [(uneven.argmax(1) == targets)[folds == fold].mean() for fold in range(5)]
    by_hand = np.var(scores, ddof=1) / 5 - np.mean(scores) * (1 - np.mean(scores)) / 200
    assert found.seed_variance[0] == pytest.approx(by_hand, rel=0.05)
