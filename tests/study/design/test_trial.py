"""A trial: what its key depends on, and what of it is stored."""

import json
from dataclasses import replace

import pytest

from bakeoff.data.interventions.catalogue import intervention
from bakeoff.data.schema import Classes, Schema, Series
from bakeoff.study.design.entrants import choose_entrants
from bakeoff.study.design.jobs import Definition, JobKind, changed_test_job, job_names, paired_job
from bakeoff.study.design.trial import SeededIntervention, Trial

MLP = Trial(entrant="mlp", setting=3e-3, examples=10, seed=1, steps=7, width=4)
SERIES = Schema(input=Series(channels=1, length=16), target=Classes(names=("a", "b")))


@pytest.mark.parametrize(
    ("trial", "key"),
    [
        (MLP, "674c7dc16f5e3f9b1f4b80ff"),
        (Trial(entrant="knn", setting=None, examples=10, seed=1), "a449c27546eb5490ebe8a927"),
    ],
)
def test_the_key_of_a_trial_on_the_data_as_they_are_is_that_of_the_first_version(
    trial: Trial, key: str
) -> None:
    """Keys that were computed before a trial had an intervention: weights of earlier runs lie under such names."""
    assert trial.key("2/abc") == key
    assert not {"intervention", "fold"} & set(trial.to_json())


def test_each_fold_is_another_trial_and_comes_back_from_the_store() -> None:
    trials = [replace(MLP, fold=fold) for fold in (None, 0, 1)]
    assert len({trial.key("2/abc") for trial in trials}) == 3
    for trial in trials:
        assert Trial.from_json(json.loads(json.dumps(trial.to_json()))) == trial


def test_another_change_of_the_data_and_another_draw_of_it_are_other_trials() -> None:
    changes = [None, SeededIntervention(name="mirror", seed=0), SeededIntervention(name="mirror", seed=1)]
    trials = [replace(MLP, intervention=change) for change in changes]
    assert len({trial.key("2/abc") for trial in trials}) == 3
    for trial in trials:
        assert Trial.from_json(json.loads(json.dumps(trial.to_json()))) == trial


def test_a_change_that_is_drawn_for_each_example_has_the_seed_of_the_trial_and_a_fixed_one_that_of_the_study() -> (
    None
):
    definition = Definition(
        dataset="x", entrants=("mlp",), metric="accuracy", seed=5, budget_seconds=None, sizes=(40, 80)
    )
    entrant = choose_entrants(SERIES, ["mlp"])[-1]

    def job(name: str | None) -> list[Trial]:
        change = None if name is None else intervention(name, SERIES)
        made = paired_job(entrant, change, definition=definition, setting=0.01, seeds=(5, 6), steps=9)
        assert made.kind is JobKind.PAIRED
        assert made.name not in job_names(made.trials[0]), "a comparison takes it for none of its own"
        return list(made.trials)

    assert [trial.intervention for trial in job(None)] == [None, None]
    drawn, fixed = job("random_shift"), job("permute_positions")
    assert [trial.intervention and trial.intervention.seed for trial in drawn] == [5, 6]
    assert [trial.intervention and trial.intervention.seed for trial in fixed] == [5, 5]
    assert {(trial.examples, trial.setting, trial.steps) for trial in (*drawn, *fixed)} == {(80, 0.01, 9)}


def test_a_test_of_trained_networks_names_their_trials_and_the_changes() -> None:
    change = intervention("permute_positions", SERIES)
    job = changed_test_job("mlp", [MLP], [change], seed=5)
    assert (job.name, job.trials) == ("mlp/test", (MLP,))
    assert job.test_on == (SeededIntervention(name="permute_positions", seed=5),)
