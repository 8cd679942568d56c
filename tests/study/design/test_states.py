"""States: which follows from which; and the names of jobs, under which earlier runs stored them."""

from bakeoff.study.design.jobs import JobKind, job_name, job_names
from bakeoff.study.design.states import (
    STATE_BY_OMISSION,
    STATE_BY_TRIAL,
    EntrantState,
    Omission,
    TrialState,
)
from bakeoff.study.design.trial import Trial


def test_an_entrant_without_a_score_has_a_state_whatever_it_is_without() -> None:
    parts = {
        Omission.SEEDS,
        Omission.CURVE,
        Omission.LONG_CURVE,
        Omission.CURVE_SEEDS,
        Omission.CANNOT_WIN,
    }
    assert set(STATE_BY_OMISSION) == set(Omission) - parts, "without a part of its curve it has a score"
    assert set(STATE_BY_TRIAL) == {state for state in TrialState if not state.counts} - {
        TrialState.ELIMINATED
    }, "of the learning rates one always ends its training or fails"
    unjudged = {*STATE_BY_OMISSION.values(), *STATE_BY_TRIAL.values()}
    assert unjudged == set(EntrantState) - {EntrantState.FINISHED, EntrantState.PARTIAL}


def test_a_job_has_the_name_that_earlier_runs_gave_it() -> None:
    assert job_name("mlp@20", JobKind.TUNING) == "mlp@20/tuning"
    assert job_name("knn", JobKind.RUNG, examples=125) == "knn/rung-125"
    assert job_name("mlp", JobKind.CURVE) == "mlp/curve"
    assert job_name("mlp", JobKind.CURVE, examples=1000, seed=2) == "mlp/curve-1000-2"


def test_the_names_of_a_job_are_those_of_its_first_trial_and_of_no_other_entrant() -> None:
    names = job_names(Trial(entrant="a/b.py:tuning", setting=0.1, examples=50, seed=1))
    assert names == (
        "a/b.py:tuning/tuning",
        "a/b.py:tuning/rung-50",
        "a/b.py:tuning/curve",
        "a/b.py:tuning/curve-50-1",
    )
    assert "a/tuning" not in names
