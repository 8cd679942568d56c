"""Progressive sampling on large data: neighbours and boosting start small and are pruned where they cannot win."""

import re
import time

import numpy as np
import pytest

from bakeoff.data.dataset import Dataset
from bakeoff.data.load import load
from bakeoff.study.analysis.summary import Summary
from bakeoff.study.design.entrants import Entrant
from bakeoff.study.design.jobs import Definition, Job, rung_job, tuning_job
from bakeoff.study.design.matched_budgets import StepAllocation
from bakeoff.study.design.states import TrialState
from bakeoff.study.design.trial import TrialResult
from bakeoff.study.results.outcome import Outcome
from bakeoff.study.schedule import progressive_sampling
from bakeoff.study.schedule.clock import Clock
from bakeoff.study.schedule.progressive_sampling import (
    NextSize,
    Rung,
    next_rung,
    out_of_reach,
    samples_progressively,
)
from bakeoff.study.schedule.scheduler import Study
from bakeoff.tasks.metrics.registry import METRICS
from examples import study_of

pytestmark = pytest.mark.usefixtures("clock")

SIZES = (1000, 2000, 4000, 8000, 16000)
ACCURACY, RMSE = METRICS["accuracy"], METRICS["rmse"]
KNN = Entrant(name="knn", kind="classical", family="classical", settings=(1.0, 7.0))
NETWORK = Entrant(name="mlp", kind="network", family="mlp", settings=(0.01,))


def rungs(*scores: float, seconds: float = 1.0) -> list[Rung]:
    """At 1000, 2000 ... examples, a second for each thousand."""
    return [
        Rung(examples=size, score=score, seconds=seconds * size / 1000)
        for size, score in zip(SIZES, scores, strict=False)
    ]


def following(tried: list[Rung], *, seconds_left: float, leader: float | None = None) -> NextSize:
    return next_rung(tried, SIZES, seconds_left=seconds_left, leader=leader, metric=ACCURACY, judged_on=2000)


def test_progressive_sampling_starts_with_the_smallest_size_and_ends_with_all_examples() -> None:
    assert following([], seconds_left=1e9).examples == 1000
    assert following(rungs(0.5), seconds_left=1e9).examples == 2000
    assert following(rungs(0.5, 0.6, 0.7, 0.8), seconds_left=1e9).examples == 16000


def test_a_rung_is_predicted_to_take_as_long_as_it_has_examples() -> None:
    assert (
        next_rung(
            rungs(0.5, 0.6), SIZES, seconds_left=4.1, leader=None, metric=ACCURACY, judged_on=2000
        ).seconds
        == 4.0
    )
    stopped = next_rung(
        rungs(0.5, 0.6), SIZES, seconds_left=3.9, leader=None, metric=ACCURACY, judged_on=2000
    )
    assert (stopped.examples, stopped.pruned) == (None, False)
    assert stopped.seconds == 4.0 + 8.0 + 16.0


@pytest.mark.parametrize(
    ("leader", "is_out"),
    [(0.95, True), (0.80, False)],
)
def test_who_cannot_reach_the_leader_is_pruned(leader: float, is_out: bool) -> None:
    tried = rungs(0.70, 0.72, 0.74)
    assert out_of_reach(tried, SIZES[-1], leader, ACCURACY, 2000) == is_out
    found = following(tried, seconds_left=1e9, leader=leader)
    assert (found.pruned, found.examples) == (is_out, None if is_out else 8000)


def test_errors_in_the_unit_of_the_data_are_judged_the_other_way_round() -> None:
    tried = rungs(-5.0, -4.7, -4.4)  # growing with quality: an RMSE of 5.0, 4.7, 4.4
    assert out_of_reach(tried, SIZES[-1], -1.0, RMSE, 2000)
    assert not out_of_reach(tried, SIZES[-1], -4.0, RMSE, 2000)


def test_two_sizes_and_a_steep_curve_rule_nobody_out() -> None:
    assert not out_of_reach(rungs(0.20, 0.21), SIZES[-1], 0.99, ACCURACY, 2000)
    assert not out_of_reach(rungs(0.30, 0.55, 0.75), SIZES[-1], 0.93, ACCURACY, 2000), (
        "it would have about 0.93"
    )


def test_few_validation_examples_rule_out_less() -> None:
    """Measured on breast_cancer, 91 of them: boosting's first three rungs, and the leader that it became itself."""
    tried = [Rung(examples=n, score=s, seconds=1.0) for n, s in ((22, 0.923), (45, 0.934), (91, 0.945))]
    assert not out_of_reach(tried, 364, 1.0, ACCURACY, 91)
    assert out_of_reach(tried, 364, 1.0, ACCURACY, 50_000)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_a_curve_that_reaches_the_leader_is_not_ruled_out(seed: int) -> None:
    """Power laws with noise whose true end is the leader's own score."""
    rng = np.random.default_rng(seed)
    rest, steep = rng.uniform(0.0, 0.2), rng.uniform(0.1, 0.8)
    errors = rest + 0.4 * (np.array(SIZES) / SIZES[0]) ** -steep
    seen = errors[:3] * (1 + 0.02 * rng.standard_normal(3))
    assert not out_of_reach(rungs(*(1 - seen)), SIZES[-1], 1 - float(errors[-1]), ACCURACY, 2000)


def definition(dataset: Dataset, budget: float | None = 60.0) -> Definition:
    return study_of(dataset, entrants=("knn", "mlp"), budget_seconds=budget)


def test_only_large_data_under_a_clock_are_sampled_progressively_and_never_by_a_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dataset = load("digits")
    assert not samples_progressively(KNN, dataset, definition(dataset)), (
        "1150 examples of 64 values are not large"
    )
    monkeypatch.setattr(progressive_sampling, "LARGE_DATA_VALUES", 1000)
    assert samples_progressively(KNN, dataset, definition(dataset))
    assert not samples_progressively(NETWORK, dataset, definition(dataset))
    assert not samples_progressively(KNN, dataset, definition(dataset, budget=None)), (
        "without a clock everybody sees everything"
    )


def results(dataset: Dataset, job: Job, accuracy: float, seconds: float) -> tuple[TrialResult, ...]:
    """Everybody answers the first part of the examples rightly, and the rest wrongly."""
    outputs = []
    for part in (dataset.splits.validation, dataset.splits.test):
        truth = dataset.targets_at(part)
        wrong = np.arange(len(truth)) >= accuracy * len(truth)
        outputs.append(np.log(np.eye(10, dtype=np.float32)[(truth + wrong) % 10] + 0.01))
    return tuple(
        TrialResult(
            trial=trial,
            state=TrialState.FINISHED,
            steps_done=trial.steps,
            seconds=seconds,
            validation_outputs=outputs[0],
            test_outputs=outputs[1],
        )
        for trial in job.trials
    )


def study(monkeypatch: pytest.MonkeyPatch, *, network: float, left: float = 1000.0) -> Study:
    """Neighbours after three rungs of digits, beside a network of this accuracy."""
    monkeypatch.setattr(progressive_sampling, "LARGE_DATA_VALUES", 1000)
    dataset = load("digits")
    now = time.monotonic()
    made = Study(
        dataset=dataset,
        entrants=(KNN, NETWORK),
        definition=definition(dataset),
        store=None,  # type: ignore[arg-type]
        clock=Clock(started=now, deadline=now + left),
        executor=None,  # type: ignore[arg-type]
    )
    made.state.allocation = StepAllocation(steps={"mlp": 100}, amount=100)
    tuned = tuning_job(NETWORK, made.definition, 100)
    made.state.results[tuned.name] = results(dataset, tuned, network, 1.0)
    for size, accuracy in zip(made.definition.sizes, (0.50, 0.53, 0.56), strict=False):
        job = rung_job(KNN, made.definition, size)
        made.state.results[job.name] = results(dataset, job, accuracy, size / 100)
    return made


def test_progressive_sampling_goes_on_while_the_leader_is_in_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    made = study(monkeypatch, network=0.6)
    job = made.tuning.next_job(KNN)
    assert job is not None
    assert {trial.examples for trial in job.trials} == {made.definition.sizes[3]}
    assert [trial.setting for trial in job.trials] == list(KNN.settings)
    made.state.results[job.name] = results(made.dataset, job, 0.58, 1.0)
    last = made.tuning.next_job(KNN)
    assert last is not None
    assert last.name == "knn/tuning"
    assert not made.skipped


def test_who_is_pruned_is_recorded_with_where_its_curve_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    made = study(monkeypatch, network=0.95)
    assert made.tuning.next_job(KNN) is None
    pruned = made.tuning.not_tuned(KNN)
    assert pruned is not None
    assert (pruned.entrant, pruned.what) == ("knn", "spared")
    outcome = Outcome(
        dataset=made.dataset,
        definition=made.definition,
        entrants=made.entrants,
        results=tuple(result for job in made.state.results.values() for result in job),
        profiles={},
        best_setting=made.state.settings(),
        fold_settings=made.state.best(),
        skipped=(pruned,),
        steps={"mlp": 100},
        allocation=made.state.allocation,
        interrupted=False,
    )
    summary = Summary(made.dataset, made.entrants, made.definition, outcome)
    knn = next(entrant for entrant in summary.entrants if entrant.name == "knn")
    assert (knn.judged, knn.state, knn.score) == (False, "spared", None)
    assert [point.examples for point in knn.curve] == list(made.definition.sizes[:3])
    assert [round(point.score, 1) for point in knn.curve] == [0.5, 0.5, 0.6]
    assert re.fullmatch(
        r"its learning curve leads to [56].* % with all examples \([45].* to [567].*\)", str(knn.reason)
    )
    assert summary.verdict.leader == "mlp"
    assert any("cannot win: knn" in sentence for sentence in summary.verdict.sentences)
    assert not any("budget was too small" in sentence for sentence in summary.verdict.sentences)


def test_a_next_size_that_would_take_more_than_its_share_is_not_tried_and_its_time_is_recorded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = study(monkeypatch, network=0.6, left=1.0)
    assert made.tuning.next_job(KNN) is None
    entry = made.tuning.not_tuned(KNN)
    assert entry is not None
    assert entry.what == "climbed"
    assert "287" in str(entry.reason)
    assert entry.seconds is not None
    assert entry.seconds > 30, "the rest takes ten times the second that was left"


def test_a_size_that_failed_ends_progressive_sampling_with_its_own_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = study(monkeypatch, network=0.6)
    job = rung_job(KNN, made.definition, made.definition.sizes[3])
    made.state.results[job.name] = tuple(
        TrialResult(trial=trial, state=TrialState.STOPPED) for trial in job.trials
    )
    assert made.tuning.next_job(KNN) is None
    assert made.tuning.not_tuned(KNN) is None, "the trial itself says why"
