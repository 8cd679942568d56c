"""Trained networks are scored on their own training examples; a line cannot fit XOR, however long it trains."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bakeoff.data.load import load
from bakeoff.study.design.entrants import choose_entrants
from bakeoff.study.design.jobs import Job, JobKind
from bakeoff.study.design.trial import SeededIntervention, Trial, TrialResult
from bakeoff.study.workers import tasks
from bakeoff.study.workers.executor import TaskContext
from bakeoff.study.workers.requests import TrainingRequest
from bakeoff.study.workers.shared_dataset import share


@pytest.fixture
def xor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Four corners, of which one class has two that lie across; 240 examples."""
    monkeypatch.setattr(tasks, "set_up_torch", lambda: None)  # it is for a worker's whole process
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 2, (240, 2))
    values = corners + 0.1 * rng.standard_normal((240, 2))
    label = np.where(corners[:, 0] != corners[:, 1], "odd", "even")
    frame = pl.DataFrame({"x": values[:, 0], "y": values[:, 1], "label": label})
    return share(load(frame, target="label"), tmp_path)


def trained(dataset, model: str, *, metric: str | None = "accuracy", change=None) -> list[TrialResult]:
    trials = tuple(
        Trial(entrant=model, setting=0.02, examples=size, seed=1, steps=150, intervention=change)
        for size in (40, 120)
    )
    job = Job(name="job", kind=JobKind.CURVE, entrant=model, trials=trials)
    request = TrainingRequest(
        dataset=dataset,
        entrant=choose_entrants(dataset.schema, [model])[-1],
        job=job,
        profile=None,
        weights=(None, None),
        reproducible=True,
        judge="loss",
        metric=metric,
    )
    return tasks.train(request, TaskContext())


def test_a_line_cannot_fit_what_a_network_with_hidden_units_fits(xor) -> None:
    line, mlp = trained(xor, "linear"), trained(xor, "mlp")
    # Three of four corners are the most that a line gets right; the share of each corner is about a quarter.
    assert all(result.training_score < 0.85 for result in line)
    assert mlp[-1].training_score > 0.95


def test_the_score_is_that_of_the_very_training_examples_by_hand(xor, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    from bakeoff.data.dataset import training_order
    from bakeoff.models import build

    request_path = str(tmp_path / "weights.safetensors")
    trial = Trial(entrant="mlp", setting=0.02, examples=40, seed=1, steps=20)
    entrant = choose_entrants(xor.schema, ["mlp"])[-1]
    request = TrainingRequest(
        dataset=xor,
        entrant=entrant,
        job=Job(name="job", kind=JobKind.CURVE, entrant="mlp", trials=(trial,)),
        profile=None,
        weights=(request_path,),
        reproducible=True,
        judge="loss",
        metric="accuracy",
    )
    (result,) = tasks.train(request, TaskContext())
    import torch

    dataset = xor.open()
    order = training_order(dataset, seed=1)[:40]
    module = build(entrant.card, dataset.schema, width=entrant.width, seed=0).eval()
    module.load_state_dict(load_file(request_path))
    with torch.no_grad():
        answers = module(torch.from_numpy(np.asarray(dataset.inputs_at(order)))).argmax(dim=1).numpy()
    assert result.training_score == pytest.approx((answers == dataset.targets_at(order)).mean())


def test_nothing_is_scored_where_nobody_asks_or_the_data_are_changed(xor) -> None:
    change = SeededIntervention(name="shuffle_columns", seed=0)
    for results in (trained(xor, "linear", metric=None), trained(xor, "linear", change=change)):
        assert [result.training_score for result in results] == [None, None]
        assert all(result.counts for result in results)


def test_results_that_were_stored_before_there_was_such_a_score_are_read(xor) -> None:
    from bakeoff.study.results.store import _unpack_result

    (result, _) = trained(xor, "linear")
    facts = result.facts()
    assert _unpack_result(dict(facts), None, None, {}).training_score == result.training_score
    older = {name: value for name, value in facts.items() if name != "training_score"}
    assert _unpack_result(older, None, None, {}).training_score is None
    assert replace(result, training_score=None).facts()["training_score"] is None
