"""Before the first training: a network that takes too long to be timed does not take the time of the others."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from bakeoff.data.dataset import Dataset
from bakeoff.data.load import load
from bakeoff.messages.statement import because
from bakeoff.study import protocol
from bakeoff.study.design.entrants import Entrant, Profile
from bakeoff.study.design.jobs import Definition, training_sizes
from bakeoff.study.protocol import LEARNING_RATES
from bakeoff.study.results.outcome import Skipped
from bakeoff.study.results.training_plan import TrainingPlan
from bakeoff.study.schedule.clock import Clock
from bakeoff.study.schedule.initial_plan import initial_plan
from bakeoff.study.schedule.profiling import profile_networks
from bakeoff.study.schedule.runner import JobRunner
from examples import study_of

pytestmark = pytest.mark.usefixtures("clock")

NETWORKS = tuple(
    Entrant(name=name, kind="network", family=name, settings=LEARNING_RATES) for name in ("quick", "endless")
)
QUICK = Profile(entrant="quick", seconds_per_step=1e-3)


def definition(sizes: tuple[int, ...] = (1000,)) -> Definition:
    names = tuple(network.name for network in NETWORKS)
    return study_of(entrants=names, budget_seconds=60.0, sizes=sizes)


class OneIsEndless:
    """Workers of which one finishes its network `after` so many polls (None: never) and the other never does."""

    workers = 2

    def __init__(self, after: int | None) -> None:
        self.running, self.restarted, self.polls, self._after = 0, False, 0, after

    def share(self, dataset: Dataset) -> None:
        """Nothing: no task is run."""

    def submit(self, task: Any, request: Any, *, payload: Any, deadline: float | None) -> None:
        self.running += 1

    def finished(self, seconds: float) -> Iterator[tuple[str, Any]]:
        time.sleep(0.1)
        self.polls += 1
        if self.polls == self._after:
            self.running -= 1
            yield "quick", QUICK

    def restart(self) -> None:
        self.restarted, self.running = True, 0


def drained(after: int | None, left: float) -> tuple[dict[str, Profile], OneIsEndless]:
    dataset, pool = load("iris"), OneIsEndless(after)
    now = time.monotonic()
    runner = JobRunner(
        dataset=dataset,
        definition=definition(training_sizes(dataset)),
        store=None,  # type: ignore[arg-type]
        executor=pool,  # type: ignore[arg-type]
        judge="loss",
        reproducible=False,
    )
    clock = Clock(started=now, deadline=now + left)
    found = profile_networks(runner, NETWORKS, clock=clock, report=lambda done: None)
    return found, pool


def test_a_network_that_is_timed_for_too_long_is_given_up_and_the_others_go_on() -> None:
    found, pool = drained(after=1, left=20.0)
    assert found == {"quick": QUICK}
    assert pool.restarted
    assert 0.1 * pool.polls == pytest.approx(protocol.PROFILE_PART * 20.0, abs=0.11)


def test_while_nobody_is_timed_the_workers_may_still_be_starting() -> None:
    found, pool = drained(after=150, left=20.0)
    assert protocol.PROFILE_PART * 20.0 < 15.0, "it was late"
    assert found == {"quick": QUICK}, "and was waited for"
    assert pool.polls == 150


def test_the_plan_says_who_was_given_up_and_why() -> None:
    plan = initial_plan(NETWORKS, {"quick": QUICK}, definition(), seconds_left=30.0, workers=2)
    assert set(plan.steps) == {"quick"}
    (skipped,) = plan.skipped
    assert (skipped.entrant, skipped.what) == ("endless", "not_started")
    assert skipped.reason.text("en") == "timing a few of its steps took too long"
    nobody = initial_plan(NETWORKS, {}, definition(), seconds_left=0.0, workers=2)
    assert {entry.reason.text("en") for entry in nobody.skipped} == {"the time was over"}


def test_a_network_that_cannot_be_built_is_left_out_with_its_reason() -> None:
    broken = Profile(entrant="endless", fault=because("words", words="no such layer"))
    plan = initial_plan(
        NETWORKS, {"quick": QUICK, "endless": broken}, definition(), seconds_left=None, workers=2
    )
    assert plan.skipped == (Skipped(entrant="endless", what="fault", reason=broken.fault),)
    assert plan.steps == {"quick": 1200}
    stored = json.loads(json.dumps(plan.to_json()))
    said = {"key": "reason.words", "values": {"words": "no such layer"}}
    assert TrainingPlan.from_json(stored) == plan
    assert stored["skipped"] == [{"entrant": "endless", "what": "fault", "reason": said, "seconds": None}]
