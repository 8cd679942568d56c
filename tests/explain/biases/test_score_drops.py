"""Losses and their intervals against hand calculations, SciPy, and simulated truth."""

import numpy as np
import pytest
from scipy import stats

from bakeoff.explain.biases.score_drops import Pair, score_drops, with_claims
from bakeoff.tasks.metrics.registry import METRICS

ACCURACY = METRICS["accuracy"]


def hits(right):
    """Outputs for targets of zeros that are right where `right` is True."""
    return np.log(np.where(np.asarray(right)[:, None], [[0.9, 0.1]], [[0.1, 0.9]]))


def pair(before, after):
    targets = np.zeros(len(before[0]), dtype=np.int64)
    return Pair(
        before=[hits(r) for r in before],
        after=[hits(r) for r in after],
        targets=targets,
        targets_after=targets,
    )


def simulated(rng, examples, before, after, seeds=3, spread=0.02):
    """Trainings with true accuracies around `before` and `after`."""

    def runs(accuracy):
        return [rng.random(examples) < accuracy + rng.normal() * spread for _ in range(seeds)]

    return pair(runs(before), runs(after))


def test_a_loss_is_the_difference_of_the_means_and_its_interval_that_of_a_paired_test():
    rng = np.random.default_rng(0)
    right = rng.random(400) < 0.9
    worse = right & (rng.random(400) < 0.8)
    found = score_drops([pair([right] * 2, [worse] * 2)], ACCURACY)[0]
    differences = right.astype(float) - worse
    assert found.loss == pytest.approx(differences.mean())
    witness = stats.ttest_1samp(differences, 0).confidence_interval()
    assert found.low == pytest.approx(witness.low, abs=2e-3)
    assert found.high == pytest.approx(witness.high, abs=2e-3)
    assert found.low <= witness.low  # the pseudo-example makes it a little wider
    assert found.p_value < 1e-6


def test_an_error_that_grows_is_a_loss_as_well():
    rng = np.random.default_rng(1)
    targets = rng.normal(size=(200, 1))
    near, far = targets + 0.1, targets + rng.normal(size=(200, 1))
    found = score_drops(
        [Pair(before=[near] * 2, after=[far] * 2, targets=targets, targets_after=targets)], METRICS["rmse"]
    )[0]
    assert found.loss == pytest.approx(METRICS["rmse"].score(far, targets) - 0.1)
    assert found.low > 0


def test_nothing_changed_is_no_loss_and_never_a_finding():
    right = np.arange(100) % 10 > 0
    found = score_drops([pair([right] * 3, [right] * 3)], ACCURACY)[0]
    assert found.loss == 0.0
    assert found.p_value == 1.0
    assert found.low < 0 < found.high


def test_the_spread_of_seeds_widens_the_interval():
    right = np.ones(300, dtype=bool)
    steady = [np.arange(300) >= 30] * 3
    shaky = [np.arange(300) >= count for count in (0, 30, 60)]
    wide, narrow = (score_drops([pair([right] * 3, after)], ACCURACY)[0] for after in (shaky, steady))
    assert wide.loss == pytest.approx(narrow.loss)
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_intervals_hold_the_true_loss_as_often_as_stated():
    held = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        rows = [simulated(rng, 200, 0.85, 0.85 - loss) for loss in (0.0, 0.05, 0.2)]
        held += [
            f.low <= truth <= f.high
            for f, truth in zip(score_drops(rows, ACCURACY), (0.0, 0.05, 0.2), strict=True)
        ]
    assert np.mean(held) >= 0.90


def test_a_table_without_any_true_loss_seldom_shows_one_and_a_great_loss_is_always_found():
    alarms = found = 0
    for seed in range(60):
        rng = np.random.default_rng(500 + seed)
        rows = [simulated(rng, 200, 0.8, 0.8) for _ in range(19)] + [simulated(rng, 200, 0.8, 0.55)]
        claims = with_claims([loss.p_value for loss in score_drops(rows, ACCURACY)])
        alarms += any(claims[:-1])
        found += claims[-1]
    assert alarms <= 7  # 3 expected at 5 %
    assert found == 60


def test_holms_procedure_is_that_of_the_textbook_and_stricter_than_none():
    p_values = [0.01, 0.04, 0.03, 0.005]
    assert with_claims(p_values) == [True, False, False, True]
    assert with_claims([0.04] * 5) == [False] * 5
    assert with_claims([]) == []
