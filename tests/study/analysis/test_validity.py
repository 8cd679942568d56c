"""The key figures of `scripts/bench validity`, in seconds: each is measured with its full repetitions there."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from bakeoff.study.analysis.intervals import score_interval
from bakeoff.study.analysis.planning import what_would_decide
from bakeoff.study.analysis.probability import best_probabilities
from bakeoff.study.analysis.resampling import resample
from bakeoff.study.analysis.uncertainty import _level_at
from bakeoff.tasks.metrics.registry import METRICS

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))
import validity_curves as curves
import validity_worlds as worlds
from validity import stand


def test_probabilities_of_entrants_that_are_alike_are_about_equal_and_true_where_they_are_said():
    """Four entrants, true scores spread by a tenth to ten standard errors: in each bin as many are best as said."""
    rng = np.random.default_rng(0)
    said, true = [], []
    for _ in range(500):
        truth = rng.standard_normal(4) * np.exp(rng.uniform(np.log(0.2), np.log(10)))
        scores = truth + rng.standard_normal(4)
        said += list(best_probabilities(scores, np.eye(4), rng, draws=400))
        true += list(np.arange(4) == truth.argmax())
    said, true = np.array(said), np.array(true)
    for low, high in ((0.0, 0.1), (0.1, 0.3), (0.3, 0.5), (0.5, 0.75), (0.75, 1.01)):
        inside = (said >= low) & (said < high)
        # 5 points, and two standard errors of the measurement.
        allowed = 0.05 + 2 * np.sqrt(0.25 / inside.sum())
        assert abs(said[inside].mean() - true[inside].mean()) < allowed, (
            low,
            said[inside].mean(),
            true[inside].mean(),
        )
    # The share of replicates in which an entrant comes first would say far more of the lucky one among equals.
    bold = np.mean(
        [
            (rng.standard_normal((400, 8)) + (one := rng.standard_normal(8))).argmax(axis=1) == one.argmax()
            for _ in range(50)
        ]
    )
    calm = np.mean(
        [best_probabilities(rng.standard_normal(8), np.eye(8), rng, draws=400).max() for _ in range(50)]
    )
    assert bold > 0.35
    assert calm < bold - 0.06


def test_the_level_of_a_test_after_a_choice_by_validation_keeps_the_error():
    """Two equal entrants, whose lucky seeds are lucky on both splits: a winner in 5 of 100."""
    from scipy import special

    rng = np.random.default_rng(1)
    for correlation in (0.0, 0.4, 0.8, 1.0):
        shared = rng.standard_normal(200_000) * np.sqrt(correlation)
        seen, tested = (shared + rng.standard_normal(200_000) * np.sqrt(1 - correlation) for _ in range(2))
        critical = special.ndtri(_level_at(correlation, 0.95))
        won = np.where(seen > 0, tested, -tested) > critical
        assert won.mean() == pytest.approx(0.05, abs=0.003), correlation


@pytest.mark.parametrize(("tail", "least"), [("normal", 0.90), ("laplace", 0.87)])
def test_intervals_of_an_rmse_hold_the_truth_on_thirty_examples(tail, least):
    """Percentiles of the replicates hold 87 % (normal) and 83 % (Laplace)."""
    metric, held = METRICS["rmse"], 0
    for turn in range(150):
        world = worlds.errors(
            np.random.default_rng([turn, 9]), [1.0], 30, seeds=1, seed_spread=0.0, tail=tail
        )
        drawn = resample(world.entrants, world.targets, metric, deterministic=["e0"], replicates=400)
        low, high = score_interval(drawn, 0, metric, 0.95)
        held += low <= 1.0 <= high
    assert held / 150 >= least


def test_what_would_decide_decides_in_four_of_five_cases():
    """A gap of two points, error one point on 400 examples: the number that is named shows it with 80 %."""
    found = what_would_decide(
        "a", "b", gap=0.02, margin=0.01, example_variance=1e-4, seed_variance=0.0, examples=400, seeds=3
    )
    error = 0.01 * np.sqrt(400 / found.examples)
    shown = np.random.default_rng(2).normal(0.02, error, 20_000) > 1.645 * error
    assert shown.mean() == pytest.approx(0.8, abs=0.01)
    assert found.smallest == pytest.approx(2.486 * 0.01, rel=1e-3)
    seeds = what_would_decide(
        "a", "b", gap=0.01, margin=0.01, example_variance=1e-5, seed_variance=1e-4, examples=400, seeds=3
    )
    assert seeds.seeds > 3
    open_end = what_would_decide(
        "a", "b", gap=1e-6, margin=1e-6, example_variance=1e-4, seed_variance=0.0, examples=400, seeds=3
    )
    assert open_end.examples is None


def test_forecasts_hold_on_real_curves_and_help_is_seldom_promised_on_plateaus():
    """One case in 30: wanted are 75 to 85 %, at most 10 % false, 60 % said where true by twice the margin."""
    records = json.loads(curves.RESULTS.read_text())
    chosen = [case for case in curves.cases(records) if not case.jumps and 4 in case.later][::30]
    judged = [curves.judge(case, curves.fit(case)) for case in chosen]
    spoken = [one for one in judged if one.withheld is None]
    assert 0.70 <= np.mean([one.held[4] for one in spoken]) <= 0.92
    gains = [one.case.gain(4) / curves.MARGIN[one.case.metric] for one in judged]
    said = [one.helps.get(4, False) for one in judged]
    assert np.mean([helps for helps, gain in zip(said, gains, strict=True) if gain < 0.5]) <= 0.15
    assert np.mean([helps for helps, gain in zip(said, gains, strict=True) if gain >= 2]) >= 0.5


@pytest.mark.parametrize(("accuracy", "before"), [(0.9, 0.83), (0.98, 0.68)])
def test_intervals_of_balanced_accuracy_hold_the_truth_where_a_class_is_rare(accuracy, before):
    """100 examples, 8 of the rare class; `before`: what a plain bootstrap holds, which takes no misses for none."""
    held = []
    for turn in range(60):
        world = worlds.shares(
            np.random.default_rng([turn, 77]), [accuracy] * 2, 100, seed_spread=0.005, rare=0.08
        )
        scores = stand(world, metric="balanced_accuracy").scores
        held += [one.low <= accuracy <= one.high for one in scores.values()]
    assert np.mean(held) >= 0.93 > before
