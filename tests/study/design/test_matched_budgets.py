"""What is made equal among networks: that it is, that the time holds it, that a run goes on only with the same."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from bakeoff import models
from bakeoff.data.load import load
from bakeoff.errors import OptionError
from bakeoff.report.content.matched_budgets import equal_sentences, given_rows
from bakeoff.study.comparison.compare import compare
from bakeoff.study.comparison.settings import ComparisonSettings
from bakeoff.study.design.entrants import Profile, choose_entrants
from bakeoff.study.design.jobs import tuning_work
from bakeoff.study.design.matched_budgets import (
    LONGEST_RATIO,
    allocate_steps,
    check_equal,
    equal_widths,
    nearest_width,
)
from bakeoff.study.protocol import BATCH_EXAMPLES, SHORTEST_TRAINING_STEPS, TUNING_PART
from bakeoff.study.results.comparison import Comparison
from bakeoff.study.results.store import Store, find_run
from bakeoff.study.workers.executor import Executor
from examples import study_of

PROFILES = (
    Profile(entrant="small", parameters=100, training_flops=1_000, seconds_per_step=1e-4),
    Profile(entrant="middle", parameters=1_000, training_flops=3_000, seconds_per_step=5e-4),
    Profile(entrant="large", parameters=9_000, training_flops=9_500, seconds_per_step=2e-4),
)


def shared(equal: str, *, left: float | None = None, wanted: int = 1000, profiles=PROFILES):  # type: ignore[no-untyped-def]
    return allocate_steps(profiles, equal=equal, examples=500, wanted=wanted, seconds_left=left, workers=2)


def spread(amounts: list[float]) -> float:
    """The largest over the smallest."""
    return max(amounts) / min(amounts)


def test_equal_flops_are_equal_within_one_step_and_equal_steps_are_not_equal_flops() -> None:
    flops, steps = shared("flops").steps, shared("steps").steps
    assert spread([flops[p.entrant] * BATCH_EXAMPLES * p.training_flops for p in PROFILES]) < 1.01
    assert spread([steps[p.entrant] * BATCH_EXAMPLES * p.training_flops for p in PROFILES]) > 9
    assert set(steps.values()) == {1000}
    assert flops["middle"] == 1000, "the network in the middle has the usual steps"


def test_equal_seconds_are_equal_and_equal_flops_are_not_equal_seconds() -> None:
    seconds, flops = shared("seconds").steps, shared("flops").steps
    assert spread([seconds[p.entrant] * p.seconds_per_step for p in PROFILES]) < 1.01
    assert spread([flops[p.entrant] * p.seconds_per_step for p in PROFILES]) > 2


@pytest.mark.parametrize(("equal", "left"), [("steps", 2.0), ("flops", 2.1), ("seconds", 1.0)])
def test_under_a_clock_tuning_fills_its_part_of_the_time_and_no_more(equal: str, left: float) -> None:
    found = shared(equal, left=left)
    each = [tuning_work(found.steps[p.entrant]) * p.seconds_per_step for p in PROFILES]
    assert 0.97 * TUNING_PART * left < max(sum(each) / 2, *each) <= TUNING_PART * left * (1 + 1e-9)
    assert not found.dropped
    roomy = shared(equal, left=1e6)
    assert roomy.steps == shared(equal).steps, "with time enough nothing is lowered"


def test_the_most_expensive_network_is_dropped_where_its_steps_would_be_too_few() -> None:
    expensive = Profile(entrant="expensive", training_flops=10, seconds_per_step=10.0)
    found = shared("steps", left=40.0, profiles=(expensive, *PROFILES))
    assert [profile.entrant for profile in found.dropped] == ["expensive"]
    assert set(found.steps) == {p.entrant for p in PROFILES}
    assert min(found.steps.values()) >= SHORTEST_TRAINING_STEPS


@pytest.mark.parametrize(("seconds_per_step", "leaves"), [(0.05, True), (5e-4, False)])
def test_a_network_that_takes_the_time_of_all_others_is_dropped(
    seconds_per_step: float, leaves: bool
) -> None:
    """60 000 examples are 600 steps an epoch; only 150 of the expensive one fit, which would limit all others."""
    expensive = Profile(entrant="expensive", training_flops=10, seconds_per_step=seconds_per_step)
    found = allocate_steps(
        (expensive, *PROFILES), equal="steps", examples=60_000, wanted=6000, seconds_left=60.0, workers=2
    )
    assert ("expensive" in [profile.entrant for profile in found.dropped]) == leaves
    assert min(found.steps.values()) >= 600
    alone = allocate_steps(
        (expensive, PROFILES[0]), equal="steps", examples=60_000, wanted=6000, seconds_left=60.0, workers=2
    )
    assert not alone.dropped, "of two networks none is sent away: then there would be no comparison"


def test_a_network_that_would_need_far_too_many_steps_gets_less_and_is_named() -> None:
    tiny = Profile(entrant="tiny", training_flops=10, seconds_per_step=1e-4)
    found = shared("flops", profiles=(tiny, *PROFILES))
    assert found.capped == ("tiny",)
    assert found.steps["tiny"] == LONGEST_RATIO * 1000
    assert not shared("flops").capped


@pytest.mark.parametrize("wanted", [1, 7, 98, 1000, 31_007])
def test_the_nearest_width_is_that_of_trying_all(wanted: int) -> None:
    def count(width: int) -> int:
        return 3 * width * width + 11 * width + 5

    tried = min(range(1, 400), key=lambda width: max(count(width) / wanted, wanted / count(width)))
    assert nearest_width(count, wanted) == tried


def test_equal_parameters_are_equal_and_default_widths_are_not() -> None:
    schema = load("mnist1d").schema
    entrants = [e for e in choose_entrants(schema, ["*", "mlp@7"]) if e.kind == "network"]
    found = equal_widths(schema, entrants)
    assert "linear" not in found.widths, "it has no width"
    assert "mlp@7" not in found.widths, "the user chose it"

    def parameters(name: str, width: int | None) -> int:
        return sum(p.numel() for p in models.build(name, schema, width=width).parameters())

    names = ["mlp", "cnn", "rnn", "lstm", "gru", "transformer"]
    assert spread([parameters(name, found.widths.get(name)) for name in names]) < 1.05
    assert spread([parameters(name, None) for name in names]) > 3


@pytest.mark.parametrize(
    ("equal", "has_clock", "steps", "match"),
    [
        ("flop", True, None, "Did you mean 'flops'"),
        ("seconds", False, None, "--budget"),
        ("seconds", True, 100, "leave --steps out"),
    ],
)
def test_what_cannot_be_made_equal_is_refused(
    equal: str, has_clock: bool, steps: int | None, match: str
) -> None:
    with pytest.raises(OptionError, match=match):
        check_equal(equal, has_clock=has_clock, steps=steps)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("equal")


def comparison(equal: str, networks: list[str], out: Path, workers: Executor) -> Comparison:
    return compare(
        "iris",
        ComparisonSettings(models=networks, equal=equal, budget_seconds=None, steps=30, seeds=1, out=out),
        pool=workers,
    )


def test_a_comparison_of_equal_flops_trains_each_network_for_as_many(runs: Path, workers: Executor) -> None:
    found = comparison("flops", ["linear", "mlp@20", "mlp@40"], runs, workers)
    narrow, wide = found.entrant("mlp@20"), found.entrant("mlp@40")
    assert narrow.steps is not None
    assert wide.steps is not None
    counted = [step_flops(20), step_flops(40)]
    assert spread([narrow.steps * counted[0], wide.steps * counted[1]]) < 1.25 < spread(counted)
    trained = {r.trial.steps for r in Store(found.folder).jobs()["mlp@20/tuning"]}
    assert trained == {narrow.steps}, "and so they were trained"
    assert found.entrant("linear").capped
    assert "Less for linear" in " ".join(equal_sentences(found))
    assert found.to_json()["equal"] == "flops"


def step_flops(width: int) -> int:
    """Of one example, forward and backward, as torch counts its matrix products."""
    schema = load("iris").schema
    module = models.build("mlp", schema, width=width)
    with FlopCounterMode(display=False) as counter:
        module(torch.zeros(1, 4)).sum().backward()
    return counter.get_total_flops()


def test_a_comparison_of_equal_parameters_hands_over_the_width_that_it_found(
    runs: Path, workers: Executor
) -> None:
    found = comparison("parameters", ["mlp@40", "transformer"], runs, workers)
    sizes = [float(found.entrant(name).parameters or 0) for name in ("mlp@40", "transformer")]
    assert spread(sizes) < 1.1
    assert [row.parameters for row in given_rows(found)]
    assert found.champion is not None
    np.testing.assert_allclose(
        np.log(found.champion.predict_proba(found.dataset.inputs[found.test_indices])),
        found.test_outputs[found.champion.entrant],
        atol=1e-4,
    )
    again = comparison("parameters", ["mlp@40", "transformer"], runs, workers)
    assert again.folder == found.folder, "and a continued run has the same widths"
    assert [float(again.entrant(name).parameters or 0) for name in ("mlp@40", "transformer")] == sizes


def test_a_run_is_continued_only_where_the_same_is_equal(tmp_path: Path) -> None:
    def definition(**changes: str) -> dict[str, object]:
        return study_of(**changes).to_json()

    Store(tmp_path / "d").put_fact("definition", definition(equal="flops"))
    assert find_run(tmp_path, "d", definition(equal="flops")).name == "d"
    assert find_run(tmp_path, "d", definition(equal="parameters")).name == "d-2"
    assert find_run(tmp_path, "d", definition()).name == "d-2"
