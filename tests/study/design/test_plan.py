"""What is planned: entrants, sizes, steps under a clock, and which trials of a curve are affordable."""

import pytest

from bakeoff.data.load import load
from bakeoff.data.schema import Classes, Forecast, Schema, Series, Table
from bakeoff.errors import ModelError, OptionError
from bakeoff.study import protocol
from bakeoff.study.design import jobs
from bakeoff.study.design.entrants import Entrant, choose_entrants
from bakeoff.study.design.jobs import Definition, TrialRequest
from bakeoff.study.design.states import Omission
from bakeoff.study.design.trial import Trial
from bakeoff.study.schedule.priorities import select_affordable, split_among_workers, trial_requests
from examples import study_of

TABLE = Schema(input=Table(features=3), target=Classes(names=("a", "b")))
NETWORK = Entrant(name="mlp", kind="network", family="mlp", settings=protocol.LEARNING_RATES)


def definition(**changes: object) -> Definition:
    return study_of(**{"seed": 5, "budget_seconds": 60.0, **changes})


def test_baselines_and_classical_entrants_always_take_part() -> None:
    names = [entrant.name for entrant in choose_entrants(TABLE, ["mlp"])]
    assert names == ["majority", "knn", "boosting", "mlp"]


def test_without_a_list_every_scalable_family_that_takes_the_data_enters() -> None:
    entrants = {entrant.name for entrant in choose_entrants(TABLE, None)}
    assert {"linear", "mlp", "transformer"} <= entrants
    assert "cnn" not in entrants, "a table has no neighbourhood"


def test_a_star_adds_to_the_scalable_families_and_a_width_makes_an_entrant_of_its_own() -> None:
    entrants = {entrant.name: entrant for entrant in choose_entrants(TABLE, ["*", "mlp@7"])}
    assert entrants["mlp@7"].width == 7
    assert entrants["mlp"].width is None


def test_a_forecast_has_the_naive_forecasts_as_baselines() -> None:
    forecast = Schema(input=Series(channels=1, length=20), target=Forecast(horizon=2, season=12))
    names = [entrant.name for entrant in choose_entrants(forecast, ["linear"])]
    assert names[:2] == ["last_value", "seasonal_naive"]


@pytest.mark.parametrize(
    ("models", "error", "match"),
    [
        (["mlpp"], ModelError, "Did you mean 'mlp'"),
        (["mlp", "mlp"], OptionError, "twice"),
        (["mlp@wide"], OptionError, "whole number"),
        (["nowhere:factory"], ModelError, "cannot be imported"),
    ],
)
def test_a_request_that_cannot_be_met_is_refused(
    models: list[str], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        choose_entrants(TABLE, models)


def test_sizes_are_geometric_up_to_all_of_the_data() -> None:
    assert jobs.training_sizes(load("digits")) == (71, 143, 287, 575, 1150)


def test_sizes_too_small_for_the_classes_are_left_out() -> None:
    sizes = jobs.training_sizes(load("iris"))
    assert min(sizes) >= 10
    assert len(sizes) < 5


def test_tuning_costs_less_than_its_trainings_because_the_worst_rates_leave_on_the_way() -> None:
    assert jobs.tuning_work(100) == 100 * (0.25 * 4 + 0.25 * 3 + 0.5 * 2)


def test_the_tuning_job_tries_every_setting_once_at_full_size() -> None:
    job = jobs.tuning_job(NETWORK, definition(), steps=70)
    assert [trial.setting for trial in job.trials] == list(protocol.LEARNING_RATES)
    assert {(trial.examples, trial.seed, trial.steps) for trial in job.trials} == {(400, 5, 70)}


def test_the_requests_cover_all_sizes_and_seeds_but_the_one_that_was_tuned() -> None:
    points = [request.point for request in trial_requests(NETWORK, definition(), still_in_race=True)]
    everything = {(size, seed) for size in (25, 50, 100, 200, 400) for seed in (5, 6, 7)}
    assert sorted(points) == sorted(everything - {(400, 5)})


def test_a_contender_gets_its_seeds_before_a_hopeless_entrant_gets_its_curve() -> None:
    still_in_race = trial_requests(NETWORK, definition(), still_in_race=True)
    eliminated = trial_requests(
        Entrant(name="rnn", kind="network", family="rnn", settings=()), definition(), still_in_race=False
    )
    affordable, refused = select_affordable([*eliminated, *still_in_race], {"mlp": 1.0, "rnn": 1.0}, 6.0, 1)
    assert {request.entrant for request in affordable} == {"mlp"}
    assert {request.entrant for request in refused} >= {"rnn"}


def test_what_is_selected_never_exceeds_the_time_that_is_left() -> None:
    wanted = [
        TrialRequest(entrant=name, what=Omission.CURVE, rank=0, examples=size, seed=0)
        for name in "abcdef"
        for size in (10, 20)
    ]
    affordable, refused = select_affordable(wanted, dict.fromkeys("abcdef", 1.0), 6.0, 2)
    assert len(affordable) / 2 <= 6.0 * protocol.PLANNED_PART
    assert len(affordable) == 10, "and it is used: five on each worker"
    assert [request.entrant for request in refused] == ["f", "f"]


def test_a_training_that_no_worker_has_time_for_is_refused_and_a_shorter_one_takes_its_place() -> None:
    wanted = [
        TrialRequest(entrant=name, what=Omission.SEEDS, rank=0, examples=10, seed=seed)
        for name in "ab"
        for seed in (1, 2)
    ]
    affordable, refused = select_affordable(wanted, {"a": 9.0, "b": 2.0}, 10.0, 2)
    assert [request.entrant for request in affordable] == ["b", "b"]
    assert [request.entrant for request in refused] == ["a", "a"]


def test_the_points_of_one_contender_are_dealt_out_over_the_workers() -> None:
    wanted = list(trial_requests(NETWORK, definition(), still_in_race=True))
    seconds = {"mlp": 5.0}
    assert split_among_workers(wanted, seconds, 2) == {"mlp": 2}
    given = {"mlp": NETWORK}, {"mlp": {None: 0.1}}, {"mlp": 70}
    first, second = jobs.curve_jobs(wanted, *given, {"mlp": 2})
    points = [{(trial.examples, trial.seed) for trial in job.trials} for job in (first, second)]
    assert points[0] | points[1] == {request.point for request in wanted}
    assert not points[0] & points[1]
    assert len(points[0]) == len(points[1]) == 7
    assert first.name != second.name
    (whole,) = jobs.curve_jobs(wanted, *given, None)
    assert len(whole.trials) == len(wanted), "without a clock nothing is split among workers"


def test_entrants_stay_whole_where_there_are_enough_of_them_and_where_the_work_is_small() -> None:
    wanted = [
        TrialRequest(entrant=name, what=Omission.CURVE, rank=0, examples=10, seed=seed)
        for name in "abc"
        for seed in range(4)
    ]
    assert set(split_among_workers(wanted, {"a": 4.0, "b": 2.0, "c": 2.0}, 2).values()) == {1}
    assert split_among_workers(wanted, {"a": 9.0, "b": 1.0, "c": 1.0}, 2) == {"a": 2, "b": 1, "c": 1}
    assert set(split_among_workers(wanted, dict.fromkeys("abc", 0.01), 2).values()) == {1}


def test_three_equal_entrants_on_two_workers_are_dealt_out_so_that_nobody_waits() -> None:
    wanted = [
        TrialRequest(entrant=name, what=Omission.CURVE, rank=0, examples=10, seed=seed)
        for name in "abc"
        for seed in range(4)
    ]
    parts = split_among_workers(wanted, dict.fromkeys("abc", 2.0), 2)
    assert sorted(parts.values()) == [1, 1, 2], "12 s each, where two whole ones on one worker would take 16"


def test_without_a_clock_everything_is_selected() -> None:
    wanted = [TrialRequest(entrant="a", what=Omission.CURVE, rank=0, examples=10, seed=0)]
    assert select_affordable(wanted, {"a": 1e9}, None, 1) == (wanted, [])


def test_a_trials_key_changes_with_everything_it_depends_on() -> None:
    trial = Trial(entrant="mlp", setting=0.1, examples=10, seed=0, steps=5)
    other = Trial(entrant="mlp", setting=0.1, examples=10, seed=1, steps=5)
    assert trial.key("data") == Trial(**vars(trial)).key("data")
    assert len({trial.key("data"), other.key("data"), trial.key("other data")}) == 3
