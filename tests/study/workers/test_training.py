"""What a network is trained with in a worker: the protocol's numbers, the same for whoever asks."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bakeoff.data.load import load
from bakeoff.study import protocol
from bakeoff.study.design.entrants import Entrant, Profile, choose_entrants
from bakeoff.study.design.jobs import Job, JobKind, job_name
from bakeoff.study.design.trial import SeededIntervention, Trial
from bakeoff.study.workers import tasks
from bakeoff.study.workers.executor import TaskContext
from bakeoff.study.workers.requests import TrainingRequest
from bakeoff.study.workers.shared_dataset import MappedDataset, share
from bakeoff.train.recipe import Recipe, Replica
from bakeoff.train.stacked import fit_stack

DEADLINE = 123.5


class AskedError(Exception):
    """Ends a task where it would train."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[Replica], Recipe, dict[str, Any]]]:
    found: list[tuple[list[Replica], Recipe, dict[str, Any]]] = []

    def note(build: Any, data: Any, replicas: Any, recipe: Recipe, **options: Any) -> None:
        found.append((list(replicas), recipe, options))
        raise AskedError

    monkeypatch.setattr(fit_stack, "fit_stack", note)
    monkeypatch.setattr(tasks, "set_up_torch", lambda: None)  # it is for a worker's whole process
    return found


@pytest.fixture
def dataset(tmp_path: Path) -> MappedDataset:
    return share(load("iris"), tmp_path)


def mlp(dataset: MappedDataset) -> Entrant:
    return choose_entrants(dataset.schema, ["mlp"])[-1]


def training(dataset: MappedDataset, kind: JobKind, examples: int) -> TrainingRequest:
    trials = tuple(
        Trial(entrant="mlp", setting=rate, examples=examples, seed=4, steps=60) for rate in (0.01, 0.1)
    )
    return TrainingRequest(
        dataset=dataset,
        entrant=mlp(dataset),
        job=Job(name=job_name("mlp", kind), kind=kind, entrant="mlp", trials=trials),
        profile=Profile(entrant="mlp"),
        weights=(None, None),
        reproducible=True,
        judge="errors",
    )


def test_learning_rates_compete_where_they_are_tuned_and_nowhere_else(
    asked: Any, dataset: MappedDataset
) -> None:
    context = TaskContext(deadline=DEADLINE)
    for kind in (JobKind.TUNING, JobKind.CURVE):
        with pytest.raises(AskedError):
            tasks.train(training(dataset, kind, 50), context)
    (tuned, tuning, options), (grown, curve, _) = asked
    assert (tuning.rejections, curve.rejections) == (protocol.REJECTION_PARTS, ())
    assert [one.tuning_group for one in tuned + grown] == ["fold None", "fold None", None, None]
    assert [(one.learning_rate, one.seed, one.examples) for one in tuned] == [(0.01, 4, 50), (0.1, 4, 50)]
    assert (tuning.steps, tuning.judge, tuning.batch_size) == (60, "errors", protocol.BATCH_EXAMPLES)
    assert (options["deadline"], options["reproducible"]) == (DEADLINE, True)


def test_changed_data_are_trained_on_by_the_same_recipe(asked: Any, dataset: MappedDataset) -> None:
    usual = training(dataset, JobKind.CURVE, 90)
    change = SeededIntervention(name="shuffle_columns", seed=4)
    changed = tuple(replace(trial, intervention=change) for trial in usual.job.trials)
    for job in (usual.job, replace(usual.job, kind=JobKind.PAIRED, trials=changed)):
        with pytest.raises(AskedError):
            tasks.train(replace(usual, job=job), TaskContext())
    (replicas, recipe, options), (replicas_changed, recipe_changed, options_changed) = asked
    assert recipe_changed == recipe
    assert replicas_changed == replicas
    assert {**options_changed, "progress": None} == {**options, "progress": None}
