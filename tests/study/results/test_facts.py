"""Facts of a run: each comes back with its type, under the name and in the form in which earlier runs stored it."""

from pathlib import Path
from typing import Any

import pytest

from bakeoff.messages.statement import because
from bakeoff.study.design.entrants import Profile
from bakeoff.study.design.jobs import Definition
from bakeoff.study.design.states import Omission
from bakeoff.study.results.facts import DEFINITION, PLAN, SOURCE, SPENT_SECONDS, Fact
from bakeoff.study.results.outcome import Skipped
from bakeoff.study.results.store import Store
from bakeoff.study.results.training_plan import TrainingPlan
from bakeoff.study.schedule.retraining_plan import SELECTION, Selection

PROFILE = Profile(entrant="mlp", parameters=9, seconds_per_step=0.1 + 0.2)
STEPS = {"key": "reason.steps", "values": {"steps": 7}}
SKIPPED = Skipped(entrant="gru", what=Omission.TOO_EXPENSIVE, reason=because("steps", steps=7), seconds=3.5)
CASES: tuple[tuple[Fact[Any], Any, Any], ...] = (
    (
        DEFINITION,
        Definition(
            dataset="f", entrants=("mlp",), metric="accuracy", seed=1, budget_seconds=None, sizes=(5, 9)
        ),
        {
            "dataset": "f",
            "entrants": ["mlp"],
            "metric": "accuracy",
            "seed": 1,
            "budget_seconds": None,
            "sizes": [5, 9],
            "seeds": 3,
            "steps": None,
            "protocol": 2,
            "equal": "steps",
            "device": "auto",
        },
    ),
    (
        PLAN,
        TrainingPlan(steps={"mlp": 7}, amount=7.0, capped=(), profiles={"mlp": PROFILE}, skipped=(SKIPPED,)),
        {
            "steps": {"mlp": 7},
            "amount": 7.0,
            "capped": [],
            "profiles": {"mlp": vars(PROFILE) | {"fault": ""}},
            "skipped": [{"entrant": "gru", "what": "too_dear", "reason": STEPS, "seconds": 3.5}],
            "widths": {},
        },
    ),
    (SPENT_SECONDS, 0.1 + 0.2, 0.1 + 0.2),
    (SOURCE, "iris", "iris"),
    (
        SELECTION,
        Selection(seeds=(0, 1), requests=(("mlp", "mirror"),), needed_seconds=2.5),
        {"seeds": [0, 1], "needed_seconds": 2.5, "wishes": [["mlp", "mirror"]]},
    ),
)


@pytest.mark.parametrize(("fact", "value", "stored"), CASES, ids=[fact.name for fact, *_ in CASES])
def test_a_fact_comes_back_as_it_was_written_and_in_the_form_that_earlier_runs_have(
    fact: Fact[Any], value: Any, stored: Any, tmp_path: Path
) -> None:
    assert fact.read(Store(tmp_path)) is None
    fact.write(Store(tmp_path), value)
    assert fact.read(Store(tmp_path)) == value
    assert Store(tmp_path).fact(fact.name) == stored


def test_where_the_data_lie_is_a_text_or_nothing(tmp_path: Path) -> None:
    Store(tmp_path).put_fact("source", ["a", "list"])
    assert SOURCE.read(Store(tmp_path)) is None


def test_a_plan_with_an_unknown_reason_for_leaving_out_is_no_plan() -> None:
    record = PLAN.to_json(CASES[1][1])
    record["skipped"][0] = {**record["skipped"][0], "what": "too_slow"}
    with pytest.raises(ValueError, match="too_slow"):
        TrainingPlan.from_json(record)


def test_a_plan_of_an_earlier_version_keeps_its_reasons_in_their_words() -> None:
    record = CASES[1][2] | {
        "profiles": {"mlp": vars(PROFILE) | {"fault": "no such layer"}},
        "skipped": [{"entrant": "gru", "what": "too_dear", "reason": "of its steps", "seconds": 3.5}],
    }
    plan = TrainingPlan.from_json(record)
    assert str(plan.skipped[0].reason) == "of its steps"
    assert str(plan.profiles["mlp"].fault) == "no such layer"
