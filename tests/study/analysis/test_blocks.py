"""Forecast windows overlap: intervals from blocks of time hold the truth about as often as stated, others do not."""

import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import stats

from bakeoff.data.load import load
from bakeoff.study.analysis.resampling import resample
from bakeoff.study.analysis.uncertainty import rank_entrants
from bakeoff.tasks.dependence import dependence_lag
from bakeoff.tasks.forecasting import FEWEST_BLOCKS, MOST_BLOCKS, time_blocks
from bakeoff.tasks.metrics.registry import METRICS
from bakeoff.tasks.registry import task_of

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))
import validity_worlds as worlds

MAE = METRICS["mae"]
WINDOWS, HORIZON, WINDOW = 240, 8, 12
#: The error j steps ahead is a sum of j shocks of variance 1: its mean absolute value is sqrt(2 j / pi).
TRUTH = float(np.sqrt(2 * np.arange(1, HORIZON + 1) / np.pi).mean())


def overlapping_errors(rng: np.random.Generator) -> np.ndarray:
    """[N, horizon]: errors of the last-value forecast of a random walk, in windows that begin one step apart."""
    walk = np.cumsum(rng.normal(size=WINDOWS + HORIZON))
    ahead = np.lib.stride_tricks.sliding_window_view(walk, HORIZON + 1)[:WINDOWS]
    return ahead[:, 1:] - ahead[:, :1]


def coverage(groups: np.ndarray | None, repetitions: int = 150) -> float:
    """How often the 95 % interval of one entrant's mean absolute error holds the truth."""
    held = 0
    for seed in range(repetitions):
        errors = overlapping_errors(np.random.default_rng(seed))
        nothing = np.zeros_like(errors)
        found = rank_entrants({"a": [errors]}, nothing, MAE, groups=groups, replicates=400, seed=seed)
        held += found.scores["a"].low <= TRUTH <= found.scores["a"].high
    return held / repetitions


def test_intervals_from_blocks_hold_the_truth_and_those_from_single_windows_do_not() -> None:
    blocks = time_blocks(np.arange(WINDOWS), horizon=HORIZON, window=WINDOW)
    assert 0.90 <= coverage(blocks) <= 0.99
    assert coverage(None) < 0.75


def test_false_winners_among_equal_forecasts_are_as_rare_as_stated() -> None:
    """Two forecasts whose errors have the same law: each wins in 5 of 100 cases, 10 in all (3 errors more: 19)."""
    blocks = time_blocks(np.arange(WINDOWS), horizon=HORIZON, window=WINDOW)
    false = {"blocks": 0, "single": 0}
    for seed in range(100):
        rng = np.random.default_rng(100 + seed)
        answers = {"a": [overlapping_errors(rng)], "b": [overlapping_errors(rng)]}
        nothing = np.zeros((WINDOWS, HORIZON))
        for name, groups in (("blocks", blocks), ("single", None)):
            false[name] += (
                rank_entrants(answers, nothing, MAE, groups=groups, replicates=400).winner is not None
            )
    assert false["blocks"] <= 19
    assert false["single"] >= 25


def test_blocks_are_as_long_as_window_and_horizon_and_shorter_where_there_would_be_too_few() -> None:
    long = time_blocks(np.arange(400), horizon=10, window=30)
    assert (np.bincount(long) == 400 // MOST_BLOCKS).all(), "few long ones rather than many"
    assert (np.bincount(time_blocks(np.arange(240), horizon=10, window=30)) == 40).all()
    short = time_blocks(np.arange(100), horizon=10, window=30)
    assert len(np.bincount(short)) == FEWEST_BLOCKS
    least = time_blocks(np.arange(60), horizon=20, window=30)
    assert (np.bincount(least) == 20).all(), "never shorter than the horizon"
    assert set(time_blocks(np.arange(6), horizon=20, window=30)) == {0, 1}, "and two there must be"
    assert (time_blocks(np.array([5, 5, 1, 1]), horizon=1, window=1) == [1, 1, 0, 0]).all()


def test_few_groups_are_made_up_for_by_students_t() -> None:
    """One value a group: the interval of the mean is that of the textbook, not the too narrow one of the bootstrap."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=6)
    groups, targets = np.repeat(np.arange(6), 5), np.zeros((30, 1))
    outputs = np.abs(np.repeat(values, 5))[:, None]
    found = rank_entrants({"a": [outputs]}, targets, MAE, groups=groups, replicates=4000).scores["a"]
    # On the logarithm of the error, whose standard error is that of the mean over the mean.
    mean, error = np.abs(values).mean(), stats.sem(np.abs(values))
    known = stats.t.interval(0.95, 5, loc=np.log(mean), scale=error / mean)
    assert np.log([found.low, found.high]) == pytest.approx(known, rel=0.1)
    drawn = resample({"a": [outputs]}, targets, MAE, groups=groups, replicates=4000)
    assert drawn.groups == 6
    assert drawn.examples_only.std() == pytest.approx(stats.sem(np.abs(values)), rel=0.05)


def test_a_single_group_says_nothing_of_how_groups_differ() -> None:
    rng = np.random.default_rng(1)
    outputs, targets = rng.normal(size=(40, 1)), np.zeros((40, 1))
    alone = rank_entrants({"a": [outputs]}, targets, MAE, groups=np.zeros(40)).scores["a"]
    assert alone.high > alone.low
    assert alone == rank_entrants({"a": [outputs]}, targets, MAE).scores["a"]


def test_a_table_with_times_draws_blocks_that_all_its_series_share() -> None:
    frame = pl.DataFrame(
        {
            "day": [*range(120)] * 2,
            "shop": ["a"] * 120 + ["b"] * 120,
            "sold": np.random.default_rng(2).normal(size=240),
        }
    )
    dataset = load(frame, time="day", target="sold", group="shop", horizon=3, window=5)
    labels = task_of(dataset.schema).resampled_together(dataset, dataset.splits.test)
    assert labels is not None
    assert dataset.times is not None
    times = dataset.times[dataset.splits.test]
    for label in np.unique(labels):
        first, last = times[labels == label].min(), times[labels == label].max()
        assert last - first <= 2 * (3 + 5)
        assert not ((times >= first) & (times <= last) & (labels != label)).any()
    iris = load("iris")
    assert task_of(iris.schema).resampled_together(iris, iris.splits.test) is None


def test_blocks_are_as_long_as_errors_are_seen_to_depend() -> None:
    """By hand: shocks that last for q steps are correlated up to lag q - 1; white noise is not at all."""
    rng = np.random.default_rng(5)
    white = rng.normal(size=(1200, 2))
    moving = np.stack([np.convolve(rng.normal(size=1219), np.ones(20))[19:1219] for _ in range(2)], axis=1)
    assert dependence_lag(white) <= 2
    assert 14 <= dependence_lag(moving) <= 120  # correlations of what depends are noisy: rather too long
    free, tied = (
        np.bincount(time_blocks(np.arange(1200), horizon=2, window=10, lag=dependence_lag(one)))
        for one in (white, moving)
    )
    assert (free >= 12).all()
    assert len(free) == 100, (
        "many where nothing depends: the interval is Student's with 99 degrees and not with 7"
    )
    assert (tied >= 4 * 14).all()
    assert len(np.bincount(time_blocks(np.arange(100), horizon=2, window=10, lag=90))) == FEWEST_BLOCKS


def test_a_level_that_is_off_for_a_while_makes_no_winner_of_equal_forecasts() -> None:
    """Persistence 0.95, 240 moments: 7 % over 400 cases, where single windows give 16 to 25 %."""
    won = {"measured": 0, "single": 0}
    for turn in range(60):
        made = worlds.forecasts(np.random.default_rng([turn, 7]), 2, 240, persistence=0.95)
        size = np.stack([np.abs(runs[0]).mean(axis=1) for runs in made.values()], axis=1)
        lag = dependence_lag(np.concatenate([size, size - size.mean(axis=1, keepdims=True)], axis=1))
        for name, groups in (
            ("measured", time_blocks(np.arange(240), horizon=8, window=12, lag=lag)),
            ("single", None),
        ):
            found = rank_entrants(made, np.zeros((240, 8)), MAE, groups=groups, replicates=400)
            won[name] += found.winner is not None
    assert won["measured"] <= 9  # 7 % of 60, and two and a half standard errors
    assert won["single"] >= 20
