"""Scores by class or group against SciPy's intervals and tests, with few examples that decide nothing."""

import json
import math

import numpy as np
import pytest
from scipy import stats

from bakeoff.messages import set_language
from bakeoff.study.analysis.needs_data import interval, needs_data

pytestmark = pytest.mark.usefixtures("english")


def hits(*parts):
    """Scores and labels of parts given as (hits, tested)."""
    scores = np.concatenate([np.r_[np.ones(right), np.zeros(tested - right)] for right, tested in parts])
    return scores, np.repeat(np.arange(len(parts)), [tested for _, tested in parts])


def test_intervals_of_shares_and_errors_are_scipys():
    scores, _ = hits((7, 11))
    theirs = stats.binomtest(7, 11).proportion_ci(method="wilson")
    assert interval(scores, shares=True) == pytest.approx((theirs.low, theirs.high))
    errors = np.array([1.0, 2.0, 4.0, 3.0])
    theirs = stats.ttest_1samp(errors, 0).confidence_interval()
    assert interval(errors, shares=False) == pytest.approx((theirs.low, theirs.high))


def test_a_class_that_is_much_worse_on_enough_examples_needs_data_most():
    found = needs_data(
        *hits((95, 100), (93, 100), (12, 30)),
        entrant="cnn",
        names=("a", "b", "c"),
        trained={0: 80, 1: 75, 2: 9},
    )
    assert found.worst == "c"
    assert found.parts[0].trained == 9
    assert found.rest == pytest.approx(188 / 200)
    said = found.statement().text()
    assert said.startswith("c needs data most: cnn has 40.0 % there")
    assert "9 training examples" in said


def test_a_small_class_with_the_lowest_score_is_not_accused_and_what_would_show_it_is_said():
    found = needs_data(*hits((95, 100), (93, 100), (6, 8)), entrant="cnn", names=("a", "b", "c"))
    assert found.worst is None
    assert found.parts[0].name == "c"
    assert found.would_show > 8
    assert "undecided" in found.statement().text()


def test_equal_classes_are_accused_in_at_most_one_run_in_twenty_and_true_differences_are_found():
    rng = np.random.default_rng(0)
    parts = np.repeat(np.arange(6), 40)
    accused = [needs_data(rng.random(240) < 0.9, parts, entrant="x").worst is not None for _ in range(400)]
    assert np.mean(accused) <= 0.06
    chance = np.where(parts == 3, 0.6, 0.9)
    found = [needs_data(rng.random(240) < chance, parts, entrant="x").worst == "3" for _ in range(200)]
    assert np.mean(found) >= 0.8


def test_the_test_of_a_share_is_fishers():
    scores, parts = hits((60, 64), (9, 14))
    theirs = stats.fisher_exact([[9, 5], [60, 4]], alternative="less").pvalue
    assert (needs_data(scores, parts, entrant="x").worst == "1") == (theirs < 0.025)
    assert needs_data(scores, parts, entrant="x", level=1 - 2.2 * theirs).worst == "1"
    assert needs_data(scores, parts, entrant="x", level=1 - 1.8 * theirs).worst is None


def test_errors_are_worst_where_they_are_large_and_one_example_says_nothing_of_its_group():
    rng = np.random.default_rng(1)
    errors = np.r_[rng.exponential(1.0, 200), rng.exponential(3.0, 60), 50.0]
    groups = np.array(["here"] * 200 + ["there"] * 60 + ["once"])
    found = needs_data(errors, groups, entrant="gru", shares=False)
    assert found.worst == "there"
    once = next(part for part in found.parts if part.name == "once")
    assert (once.low, once.high) == (0.0, math.inf)


def test_a_class_without_test_examples_is_listed_last_with_nothing_known():
    found = needs_data(
        *hits((50, 60), (55, 60)), entrant="cnn", names=("a", "b", "c"), trained={0: 9, 1: 9, 2: 3}
    )
    assert found.parts[-1].name == "c"
    assert (found.parts[-1].score, found.parts[-1].low, found.parts[-1].high) == (None, 0.0, 1.0)
    assert needs_data(*hits((5, 6)), entrant="cnn").statement() is None


def test_the_record_is_plain_json_and_speaks_korean():
    found = needs_data(*hits((95, 100), (12, 30)), entrant="cnn")
    record = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert record["sentence"].startswith("1 needs data most")
    set_language("ko")
    assert "데이터가 가장 필요한 것은" in found.statement().text()
