"""Intervals, candidates and winners against simulated truth, SciPy and hand calculations."""

import numpy as np
import pytest
from scipy import stats

from bakeoff.study.analysis.resampling import draw_weights, resample, seed_variances
from bakeoff.study.analysis.uncertainty import rank_entrants, wilson
from bakeoff.tasks.metrics.registry import METRICS

ACCURACY = METRICS["accuracy"]


def answers(rng, targets, accuracy, runs=3, seed_spread=0.0):
    """Outputs of `runs` trainings that are each right with a chance of their own around `accuracy`."""
    found = []
    for _ in range(runs):
        right = rng.random(len(targets)) < accuracy + rng.normal() * seed_spread
        found.append(np.log(np.eye(2)[np.where(right, targets, 1 - targets)] * 0.8 + 0.1))
    return found


def test_a_clear_winner_is_named_and_the_rest_are_ordered():
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 2, 1000)
    found = rank_entrants(
        {
            "base": answers(rng, targets, 0.5, runs=1),
            "b": answers(rng, targets, 0.8),
            "a": answers(rng, targets, 0.95),
        },
        targets,
        ACCURACY,
        baselines=["base"],
    )
    assert (found.winner, found.candidates, found.baseline) == ("a", ("a",), "base")
    assert found.above_baseline == ("a", "b")
    assert found.probability_best["a"] > 0.99
    assert sum(found.probability_best.values()) == pytest.approx(1.0)
    gap = found.difference("b", "a")
    assert gap.high < 0 and gap.low < gap.estimate < gap.high  # noqa: PT018
    assert found.difference("a", "b").estimate == -gap.estimate


def test_equal_outputs_are_an_exact_tie_and_share_the_probability():
    rng = np.random.default_rng(1)
    targets = rng.integers(0, 2, 300)
    same = answers(rng, targets, 0.9)
    found = rank_entrants(
        {"a": same, "worse": answers(rng, targets, 0.6), "b": [run.copy() for run in same]}, targets, ACCURACY
    )
    assert found.winner is None
    assert found.candidates == ("a", "b")
    assert found.probability_best["a"] == pytest.approx(found.probability_best["b"], abs=1e-12)
    assert found.difference("a", "b").low == found.difference("a", "b").high == 0.0


def test_one_entrant_alone_is_its_own_winner_and_one_seed_will_do():
    rng = np.random.default_rng(2)
    targets = rng.integers(0, 2, 50)
    found = rank_entrants({"a": answers(rng, targets, 0.9, runs=1)}, targets, ACCURACY)
    assert (found.winner, found.seeds) == ("a", 1)


def test_errors_are_better_when_smaller():
    rng = np.random.default_rng(3)
    targets = rng.normal(size=(400, 1))
    entrants = {
        name: [targets + rng.normal(size=(400, 1)) * s for _ in range(3)]
        for name, s in (("far", 2.0), ("near", 0.5))
    }
    found = rank_entrants(entrants, targets, METRICS["rmse"])
    assert found.winner == "near"
    assert 0.45 < found.scores["near"].low < 0.5 < found.scores["near"].high < 0.58


def test_equal_entrants_seldom_have_a_winner_and_noise_never_beats_the_baseline():
    """Eight equal entrants on labels of noise: at most 5 in 100 false winners, 1 in 100 above the baseline."""
    winners = above = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        targets = rng.integers(0, 2, 200)
        entrants = {f"e{index}": answers(rng, targets, 0.5, seed_spread=0.01) for index in range(7)}
        entrants["base"] = [np.log(np.tile([0.6, 0.4], (200, 1)))]
        found = rank_entrants(entrants, targets, ACCURACY, baselines=["base"], replicates=1000, seed=seed)
        winners += found.winner is not None
        above += bool(found.above_baseline)
    assert winners <= 3
    assert above <= 2


def test_the_true_best_is_among_the_candidates_as_often_as_stated():
    kept = told_apart = 0
    for seed in range(60):
        rng = np.random.default_rng(1000 + seed)
        targets = rng.integers(0, 2, 200)
        entrants = {
            f"e{index}": answers(rng, targets, accuracy, seed_spread=0.02)
            for index, accuracy in enumerate((0.7, 0.7, 0.74, 0.72, 0.5))
        }
        found = rank_entrants(entrants, targets, ACCURACY, replicates=1000, seed=seed)
        kept += "e2" in found.candidates
        told_apart += "e4" not in found.candidates
    assert kept >= 55
    assert told_apart == 60


def test_intervals_hold_the_expected_score_of_a_training_as_often_as_stated():
    """The truth is the expected accuracy over examples and seeds; half the spread comes from the seeds."""
    held = {"accuracy": 0, "log_loss": 0}
    repetitions = 120
    for seed in range(repetitions):
        rng = np.random.default_rng(2000 + seed)
        targets = rng.integers(0, 2, 150)
        drawn = answers(rng, targets, 0.8, seed_spread=0.04)
        for name in held:
            score = rank_entrants({"a": drawn}, targets, METRICS[name], replicates=1000).scores["a"]
            truth = 0.8 if name == "accuracy" else -(0.8 * np.log(0.9) + 0.2 * np.log(0.1))
            held[name] += score.low <= truth <= score.high
    assert min(held.values()) >= 0.88 * repetitions


def test_a_handful_of_misses_is_no_proof():
    """30 right against 26 of 30: McNemar's exact one-sided test gives 1/16, so that both may be the best."""
    targets = np.zeros(30, dtype=np.int64)
    right = np.log(np.tile([0.9, 0.1], (30, 1)))
    for misses, candidates in ((4, 2), (8, 1)):
        wrong = right.copy()
        wrong[:misses] = wrong[:misses, ::-1]
        p_value = stats.binomtest(misses, misses, 0.5, alternative="greater").pvalue
        assert (p_value < 0.05) == (candidates == 1)
        assert len(rank_entrants({"a": [right], "b": [wrong]}, targets, ACCURACY).candidates) == candidates


def test_wilsons_interval_is_scipys():
    witness = stats.binomtest(90, 100).proportion_ci(method="wilson")
    assert wilson(0.9, 0.9 * 0.1 / 100, 100) == pytest.approx((witness.low, witness.high))
    perfect = stats.binomtest(100, 100).proportion_ci(method="wilson")
    assert wilson(1.0, 0.0, 100) == pytest.approx((perfect.low, perfect.high))
    assert wilson(0.9, 0.9 * 0.1 / 400, 400)[0] > witness.low


def test_weights_are_a_bootstrap_of_examples_or_of_whole_groups():
    rng = np.random.default_rng(4)
    weights = draw_weights(2000, 50, rng)
    assert weights.shape == (2000, 50)
    assert (weights.sum(axis=1) == 50).all()
    assert weights.var() == pytest.approx(1 - 1 / 50, rel=0.03)
    groups = np.array([0, 0, 1, 1, 2, 2])
    grouped = draw_weights(100, 6, rng, groups)
    assert (grouped[:, ::2] == grouped[:, 1::2]).all()
    assert grouped.std() > 0


def test_examples_that_belong_together_widen_the_interval():
    rng = np.random.default_rng(5)
    patient = rng.random(40) < 0.7
    targets = np.zeros(400, dtype=np.int64)
    groups = np.repeat(np.arange(40), 10)
    outputs = np.log(np.where(patient[groups][:, None], [[0.9, 0.1]], [[0.1, 0.9]]))
    alone = rank_entrants({"a": [outputs]}, targets, ACCURACY).scores["a"]
    together = rank_entrants({"a": [outputs]}, targets, ACCURACY, groups=groups).scores["a"]
    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_the_spread_of_few_seeds_is_moderated_by_that_of_the_others():
    calm, wild = np.array([0.5, 0.5001, 0.4999]), np.array([0.4, 0.5, 0.6])
    per_seed = [calm, wild, np.array([0.5]), np.array([0.7])]
    examples = np.full(4, 1e-3)
    variance, degrees = seed_variances(per_seed, examples, unknown=[False, False, True, False])
    spread = [np.var(calm, ddof=1), np.var(wild, ddof=1)]
    # Pooled is the median on the log scale; a chi-squared variable of two degrees has the median 2 ln 2.
    pooled = np.sqrt(np.prod(spread)) / np.log(2)
    assert variance[0] == pytest.approx((3 * pooled + 2 * spread[0]) / 5 / 3)
    assert variance[1] == pytest.approx((3 * pooled + 2 * spread[1]) / 5 / 3)
    assert variance[2] == pytest.approx((3 * pooled + np.mean(spread) * 2) / 5)
    assert variance[3] == 0.0
    assert degrees[0] == degrees[1] == 5


def test_an_entrant_that_spreads_in_every_respect_says_nothing_of_the_others():
    calm, wild = np.array([0.98, 0.981, 0.979]), np.array([0.4, 0.5, 0.6])
    examples = np.array([1e-6, 1e-2])
    with_wild, _ = seed_variances([calm, wild], examples, unknown=[False, False])
    assert with_wild[0] < 3 * np.var(calm, ddof=1) / 3
    assert with_wild[1] > 1000 * with_wild[0]


def test_what_the_errors_of_a_seed_explain_is_not_counted_again_as_spread_of_seeds():
    """Seeds that only err on other examples: the error of their mean is sqrt(p (1 - p) / 3 N), counted once."""
    rng = np.random.default_rng(11)
    targets = rng.integers(0, 2, 400)
    errors, twice = [], []
    for seed in range(40):
        entrants = {f"e{index}": answers(rng, targets, 0.8) for index in range(8)}
        drawn = resample(entrants, targets, ACCURACY, replicates=400, seed=seed)
        errors += [drawn.variances(0, 1)[0] + drawn.seed_variance[0] + drawn.seed_variance[1]]
        gross = [
            np.var([ACCURACY.score(run, targets) for run in entrants[name]], ddof=1) for name in ("e0", "e1")
        ]
        twice += [drawn.variances(0, 1)[0] + sum(gross) / 3]
    true = 2 * 0.16 / 400 / 3
    assert np.mean(errors) == pytest.approx(true, rel=0.35)
    assert np.mean(errors) > true * 0.97
    assert np.mean(twice) > 1.7 * true


def test_a_single_seed_is_unknown_and_not_zero_unless_it_can_be_borrowed():
    rng = np.random.default_rng(12)
    targets = rng.integers(0, 2, 300)
    one = {"a": answers(rng, targets, 0.9, runs=1), "b": answers(rng, targets, 0.9, runs=1)}
    assert rank_entrants(one, targets, ACCURACY).seeds_unknown
    assert not rank_entrants(one, targets, ACCURACY, deterministic=["a", "b"]).seeds_unknown
    sizes = {name: [[0.80, 0.84, 0.82], [0.86, 0.90]] for name in one}
    lent = rank_entrants(one, targets, ACCURACY, elsewhere=sizes)
    assert (lent.seeds_unknown, lent.seeds_borrowed) == (False, ("a", "b"))
    drawn = resample(one, targets, ACCURACY, elsewhere=sizes)
    assert drawn.seed_variance[0] == pytest.approx((2 * 0.0004 + 0.0008) / 3)
    plain = rank_entrants(one, targets, ACCURACY).scores["a"]
    assert lent.scores["a"].high - lent.scores["a"].low > 1.3 * (plain.high - plain.low)


def test_validation_puts_forward_and_test_tells_who_stands_above():
    rng = np.random.default_rng(13)
    targets = rng.integers(0, 2, 400)
    entrants = {"knn": answers(rng, targets, 0.9), "cnn": answers(rng, targets, 0.89)}
    entrants["bad"] = answers(rng, targets, 0.5)
    scores = {
        name: np.mean([ACCURACY.score(run, targets) for run in runs]) for name, runs in entrants.items()
    }
    top = max(scores, key=scores.get)
    other = "cnn" if top == "knn" else "knn"
    found = rank_entrants(entrants, targets, ACCURACY, validation={top: 0.90, other: 0.91, "bad": 0.5})
    assert (found.leader, found.top, found.winner) == (other, top, None)
    assert set(found.candidates) == {"knn", "cnn"}
    # Chosen on validation or not, who is ahead of all beyond doubt wins.
    clear = {"knn": answers(rng, targets, 0.99), "cnn": answers(rng, targets, 0.8)}
    assert rank_entrants(clear, targets, ACCURACY, validation={"knn": 0.8, "cnn": 0.9}).winner == "knn"


def test_equal_shares_are_within_the_margin_only_where_the_examples_can_hold_it():
    """Never a difference in N examples still allows one of 2.7 / N (Wilson), so a point takes some 270 examples."""
    bounds = {}
    for examples in (40, 200, 400):
        targets = np.zeros(examples, dtype=np.int64)
        right = decided(np.arange(examples) > 2, targets, 0.9)
        found = rank_entrants(
            {"a": right, "b": decided(np.arange(examples) > 2, targets, 0.8)},
            targets,
            ACCURACY,
            deterministic=["a", "b"],
        )
        bounds[examples] = found.loses_at_most["b"]
        assert found.practically_equal == (("b",) if examples == 400 else ())
    assert bounds[40] > 2.5 / 40
    assert 2.6 / 400 < bounds[400] < 0.01


def test_replicates_do_not_depend_on_who_else_takes_part_and_repeat_by_seed():
    rng = np.random.default_rng(6)
    targets = rng.integers(0, 2, 100)
    a, b = answers(rng, targets, 0.9), answers(rng, targets, 0.7)
    first = resample({"a": a, "b": b}, targets, ACCURACY, seed=7)
    again = resample({"a": a, "b": b}, targets, ACCURACY, seed=7)
    other = resample({"a": a, "b": b}, targets, ACCURACY, seed=8)
    assert np.array_equal(first.replicates, again.replicates)
    assert not np.array_equal(first.replicates, other.replicates)
    alone = resample({"a": a}, targets, ACCURACY, seed=7)
    assert alone.examples_only[0] == pytest.approx(first.examples_only[0])


def decided(right, targets, confidence):
    """Outputs that are right where `right` says so, with so much of the probability on the class that is chosen."""
    chosen = np.where(right, targets, 1 - targets)
    return [np.log(np.eye(2)[chosen] * (2 * confidence - 1) + (1 - confidence))]


def alike(targets):
    """Three that always say class 0, each with a little other probabilities."""
    says_zero = targets == 0
    return {
        name: decided(says_zero, targets, confidence)
        for name, confidence in (("majority", 0.50001), ("linear", 0.51), ("boosting", 0.52))
    }


def test_entrants_that_decide_alike_do_not_hide_a_perfect_one():
    targets = np.arange(400) % 2
    entrants = alike(targets) | {"lstm": decided(targets >= 0, targets, 0.9)}
    found = rank_entrants(entrants, targets, ACCURACY, baselines=["majority"], deterministic=["boosting"])
    assert (found.winner, found.above_baseline) == ("lstm", ("lstm",))
    # Without the perfect one there is nothing to be shown.
    none = rank_entrants(
        alike(targets), targets, ACCURACY, baselines=["majority"], deterministic=["boosting"]
    )
    assert (none.winner, none.above_baseline) == (None, ())
    assert set(none.candidates) == {"majority", "linear", "boosting"}


def test_a_ring_that_linear_and_majority_miss_alike_is_won_by_those_that_see_it():
    rng = np.random.default_rng(5)
    targets = (rng.random(360) < 0.1).astype(int)
    miss = np.ones(360, bool)
    miss[7] = False
    knn = miss.copy()
    knn[[20, 51, 90]] = False
    entrants = {
        "majority": decided(targets == 0, targets, 0.9),
        "linear": decided(targets == 0, targets, 0.8),
        "boosting": decided(miss, targets, 0.9),
        "mlp": decided(miss, targets, 0.95),
        "knn": decided(knn, targets, 0.9),
    }
    found = rank_entrants(
        entrants, targets, ACCURACY, baselines=["majority"], deterministic=["boosting", "knn"]
    )
    assert set(found.above_baseline) == {"boosting", "mlp", "knn"}
    assert found.winner is None
    assert "linear" not in found.candidates
    assert "majority" not in found.candidates


def test_on_xor_those_that_are_always_right_leave_the_linear_ones_behind():
    rng = np.random.default_rng(6)
    targets = rng.integers(0, 2, 200)
    partly = rng.random(200) < 0.77
    entrants = {
        "majority": decided(targets == 0, targets, 0.6),
        "perceptron": decided(partly, targets, 0.7),
        "linear": decided(partly, targets, 0.8),
        "knn": decided(targets >= 0, targets, 0.9),
        "boosting": decided(targets >= 0, targets, 0.95),
        "mlp": decided(targets >= 0, targets, 0.99),
    }
    found = rank_entrants(
        entrants, targets, ACCURACY, baselines=["majority"], deterministic=["knn", "boosting"]
    )
    assert set(found.candidates) == {"knn", "boosting", "mlp"}


@pytest.mark.parametrize("seed", range(5))
def test_an_entrant_equal_to_another_or_worse_everywhere_changes_nobody_elses_verdict(seed):
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, 2, 400)
    entrants = {"majority": decided(targets == 0, targets, 0.6)} | {
        name: decided(rng.random(400) < accuracy, targets, 0.8)
        for name, accuracy in (("a", 0.97), ("b", 0.85), ("c", 0.7))
    }
    right_c = np.argmax(entrants["c"][0], axis=1) == targets
    worse = right_c.copy()
    worse[np.flatnonzero(right_c)[:150]] = False
    extra = {"equal": decided(right_c, targets, 0.55), "worse": decided(worse, targets, 0.9)}
    plain = rank_entrants(entrants, targets, ACCURACY, baselines=["majority"])
    more = rank_entrants(entrants | extra, targets, ACCURACY, baselines=["majority"])
    assert more.winner == plain.winner == "a"
    assert more.candidates == plain.candidates
    assert [name for name in more.above_baseline if name in entrants] == list(plain.above_baseline)
    # It can fail: what is truly as good as the best is named beside it.
    right_a = np.argmax(entrants["a"][0], axis=1) == targets
    rival = rank_entrants(
        entrants | {"rival": decided(right_a, targets, 0.7)}, targets, ACCURACY, baselines=["majority"]
    )
    assert set(rival.candidates) == {"a", "rival"}


def test_a_network_trained_once_beside_others_with_several_seeds_is_not_all_that_is_known_of_seeds():
    """Their seeds may differ by no more than the examples explain: that is a spread of 0, and it is borrowed."""
    rng = np.random.default_rng(11)
    targets = rng.integers(0, 2, 300)
    several = {name: answers(rng, targets, 0.9) for name in ("a", "b", "c")}
    beside = rank_entrants(several | {"once": answers(rng, targets, 0.9, runs=1)}, targets, ACCURACY)
    assert (beside.seeds_unknown, beside.seeds_borrowed) == (False, ("once",))
    alone = {name: runs[:1] for name, runs in several.items()}
    assert rank_entrants(alone, targets, ACCURACY).seeds_unknown
