"""Curves that are started before every entrant is tuned: whose, how much of them, and when not."""

import time

import numpy as np
import pytest

from bakeoff.data.load import load
from bakeoff.study.design.entrants import Entrant, Profile
from bakeoff.study.design.jobs import tuning_job
from bakeoff.study.design.matched_budgets import StepAllocation
from bakeoff.study.design.states import TrialState
from bakeoff.study.design.trial import TrialResult
from bakeoff.study.protocol import LEARNING_RATES
from bakeoff.study.schedule.clock import Clock
from bakeoff.study.schedule.scheduler import Study
from examples import study_of

pytestmark = pytest.mark.usefixtures("clock")

SECONDS = {"cheap": 0.05, "expensive": 5.0}


def study(left: float | None, weak: str = "") -> Study:
    """Two networks on iris that are tuned already; `weak` is always wrong, the other always right."""
    dataset = load("iris")
    names = tuple(SECONDS)
    entrants = tuple(
        Entrant(name=name, kind="network", family=name, settings=LEARNING_RATES) for name in names
    )
    definition = study_of(dataset, entrants=names, budget_seconds=left)
    now = time.monotonic()
    clock = Clock(started=now, deadline=None if left is None else now + left)
    made = Study(
        dataset=dataset,
        entrants=entrants,
        definition=definition,
        store=None,  # type: ignore[arg-type]
        clock=clock,
        executor=None,  # type: ignore[arg-type]
    )
    made.state.profiles = {name: Profile(entrant=name) for name in names}
    made.state.allocation = StepAllocation(steps=dict.fromkeys(names, 100), amount=100)
    truth = dataset.targets_at(dataset.splits.validation)
    for entrant in entrants:
        said = (truth + (entrant.name == weak)) % 3
        outputs = np.log(np.eye(3, dtype=np.float32)[said] + 0.01)
        made.state.results[f"{entrant.name}/tuning"] = tuple(
            TrialResult(
                trial=trial,
                state=TrialState.FINISHED,
                steps_done=100,
                seconds=SECONDS[entrant.name],
                validation_outputs=outputs,
                test_outputs=outputs,
            )
            for trial in tuning_job(entrant, definition, 100).trials
        )
    return made


def test_while_there_is_more_to_tune_only_a_cheap_curve_is_started() -> None:
    found = study(60.0)
    job = found.curves.early(idle=False)
    assert job is not None
    assert job.entrant == "cheap"
    assert len({trial.examples for trial in job.trials}) > 2, "a curve, and not only more seeds at full size"
    assert found.curves.early(idle=False) is None, (
        "5 s a training are not cheap, and the cheap one had its turn"
    )


@pytest.mark.parametrize("weak", ["cheap", "expensive"])
def test_a_worker_that_would_wait_gets_curves_of_those_that_may_win_first(weak: str) -> None:
    found = study(200.0, weak)
    jobs = list(iter(lambda: found.curves.early(idle=True), None))
    strong = "expensive" if weak == "cheap" else "cheap"
    assert [job.entrant for job in jobs[:2]] == [strong, weak]
    assert len(jobs[0].trials) > 10, "most of it at once"
    trained = [(trial.entrant, trial.examples, trial.seed) for job in jobs for trial in job.trials]
    assert len(set(trained)) == len(trained) == 2 * (len(found.definition.sizes) * found.definition.seeds - 1)


def test_nothing_is_started_early_that_does_not_fit() -> None:
    assert study(0.05).curves.early(idle=True) is None
    late = study(10.0, "expensive")
    late.curves.early(idle=True)
    assert late.curves.early(idle=True) is None, "no request of the expensive one fits a tenth of ten seconds"


def test_without_a_clock_whoever_waits_gets_all_of_a_curve_and_nothing_is_cut() -> None:
    found = study(None)
    assert found.curves.early(idle=False) is None, "the order of jobs may not depend on a timing"
    job = found.curves.early(idle=True)
    assert job is not None
    assert len(job.trials) == len(found.definition.sizes) * found.definition.seeds - 1


@pytest.mark.parametrize(("left", "seconds"), [(60.0, 15.0), (8.0, 3.0), (2.0, 2.0)])
def test_neighbours_have_a_quarter_of_the_time_and_at_least_what_loading_takes(
    left: float, seconds: float
) -> None:
    found = study(left)
    knn = Entrant(name="knn", kind="classical", family="classical", settings=(1.0, 3.0))
    assert found.tuning.seconds_for(knn) == pytest.approx(seconds, abs=0.2)
    assert found.tuning.seconds_for(found.entrants[0]) is None, "only the clock ends a network"
    assert study(None).tuning.seconds_for(knn) is None
