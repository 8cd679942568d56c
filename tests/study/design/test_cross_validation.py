"""How many folds a comparison may have: by the user's wish, the data and the budget."""

import numpy as np
import pytest

from bakeoff.data.load import load
from bakeoff.study import protocol
from bakeoff.study.design.cross_validation import choose_folds
from bakeoff.study.design.entrants import Profile
from bakeoff.study.design.jobs import Definition
from bakeoff.study.schedule.initial_plan import initial_plan


def table(count: int) -> tuple[np.ndarray, np.ndarray]:
    return np.random.default_rng(0).standard_normal((count, 2)).astype(np.float32), np.arange(count) % 2


@pytest.mark.parametrize(
    ("count", "cv", "has_clock", "counts", "reason"),
    [
        (200, "auto", True, (10, 5, 3), "affordable"),
        (200, "auto", False, (5,), "affordable"),
        (14, "auto", True, (5, 3), "affordable"),
        (501, "auto", True, (), "large"),
        (501, 4, True, (4,), "asked"),
        (200, "no", True, (), "off"),
    ],
)
def test_the_wish_and_the_size_of_the_data_decide(
    count: int, cv: str | int, has_clock: bool, counts: tuple[int, ...], reason: str
) -> None:
    found = choose_folds(load(table(count)), cv, seed=0, has_clock=has_clock)
    assert (found.counts, found.reason) == (counts, reason)


def definition(cv: tuple[int, ...], budget_seconds: float | None = 60.0) -> Definition:
    return Definition(
        dataset="x",
        entrants=("mlp",),
        metric="accuracy",
        seed=0,
        budget_seconds=budget_seconds,
        sizes=(50, 100),
        cv=cv,
    )


def folds_of(cv: tuple[int, ...], seconds_per_step: float, left: float | None) -> int:
    profile = Profile(entrant="mlp", seconds_per_step=seconds_per_step)
    return initial_plan((), {"mlp": profile}, definition(cv), seconds_left=left, workers=1).folds


def test_as_many_folds_are_made_as_leave_every_network_all_its_steps() -> None:
    """A tuning of 1000 steps at 1 ms takes 2.75 s in each fold; it may take half of the time."""
    assert protocol.FEWEST_USUAL_STEPS == 1000
    assert protocol.FOLDS_PART == 0.5
    assert folds_of((10, 5, 3), 1e-3, 56.0) == 10
    assert folds_of((10, 5, 3), 1e-3, 54.0) == 5
    assert folds_of((10, 5, 3), 1e-3, 27.0) == 3
    assert folds_of((10, 5, 3), 1e-3, 16.0) == 0
    assert folds_of((5,), 1e-3, 16.0) == 5, "what was asked for is done"
    assert folds_of((5,), 1.0, None) == 5


def test_a_definition_without_folds_is_stored_as_before_and_one_with_them_comes_back() -> None:
    assert not {"cv", "folds"} & set(definition(()).to_json())
    assert Definition.from_json(definition((5, 3)).to_json()) == definition((5, 3))
