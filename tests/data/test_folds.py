"""Folds: every example is tested once, by what has not seen it."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bakeoff.data.dataset import Dataset
from bakeoff.data.folds import fold_labels, fold_training_size, for_all_examples, of_fold, pooled, with_folds
from bakeoff.data.load import load
from bakeoff.data.schema import Classes, Forecast, Schema, Series, Table, Value
from bakeoff.data.splits import Splits, make_folds
from bakeoff.errors import DataError

TABLE = Table(features=2)


def schema_of(targets: np.ndarray) -> Schema:
    if targets.dtype.kind == "i":
        return Schema(input=TABLE, target=Classes(names=tuple(map(str, range(int(targets.max()) + 1)))))
    return Schema(input=TABLE, target=Value(size=1))


def divided(folds: tuple[Splits, ...], count: int) -> None:
    """Each example is in one test part, and in one part of every fold."""
    tested = np.concatenate([fold.test for fold in folds])
    assert sorted(tested) == list(range(count))
    for fold in folds:
        parts = np.concatenate([fold.train, fold.validation, fold.test])
        assert len(np.unique(parts)) == len(parts)


@settings(deadline=None, max_examples=60)
@given(
    count=st.integers(2, 8),
    labels=st.lists(st.integers(0, 4), min_size=24, max_size=120),
    numbers=st.booleans(),
    seed=st.integers(0, 50),
)
def test_every_example_is_tested_exactly_once_and_never_trained_on_where_it_is(
    count: int, labels: list[int], numbers: bool, seed: int
) -> None:
    targets = np.array(labels, np.float32)[:, None] if numbers else np.array(labels, np.int64)
    folds = make_folds(schema_of(targets), targets, count=count, seed=seed)
    divided(folds, len(labels))
    sizes = [len(fold.test) for fold in folds]
    assert max(sizes) - min(sizes) <= 1
    again = make_folds(schema_of(targets), targets, count=count, seed=seed)
    assert all(np.array_equal(a.train, b.train) for a, b in zip(folds, again, strict=True))


def test_each_fold_has_the_classes_in_the_proportions_of_all() -> None:
    targets = np.repeat([0, 1, 2], [60, 30, 10]).astype(np.int64)
    for fold in make_folds(schema_of(targets), targets, count=5):
        assert np.abs(np.bincount(targets[fold.test], minlength=3) - [12, 6, 2]).max() <= 1


@settings(deadline=None, max_examples=40)
@given(groups=st.lists(st.integers(0, 30), min_size=60, max_size=120), count=st.integers(2, 4))
def test_groups_are_undivided(groups: list[int], count: int) -> None:
    labels, targets = np.array(groups), np.zeros((len(groups), 1), np.float32)
    if len(np.unique(labels)) < 2 * count:
        with pytest.raises(DataError, match=r"groups; .* folds need at least"):
            make_folds(schema_of(targets), targets, count=count, groups=labels)
        return
    assume(np.bincount(labels).max() <= len(labels) / (2 * count))
    folds = make_folds(schema_of(targets), targets, count=count, groups=labels)
    divided(folds, len(groups))
    for fold in folds:
        parts = [set(labels[part]) for part in (fold.train, fold.validation, fold.test)]
        assert sum(map(len, parts)) == len(set(groups))


def test_a_group_that_fills_a_fold_and_leaves_nothing_for_validation_is_refused() -> None:
    groups, targets = np.array([0] * 57 + [1, 2, 3]), np.zeros((60, 1), np.float32)
    with pytest.raises(DataError, match="would have an empty part: give a smaller --cv, or --cv no"):
        make_folds(schema_of(targets), targets, count=2, groups=groups)


def test_exact_copies_stay_on_one_side() -> None:
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((60, 2)).astype(np.float32)
    inputs[40:] = inputs[:20]
    dataset = with_folds(load((inputs, np.arange(60) % 2)), 5, seed=0)
    for fold in dataset.folds:
        parts = [{inputs[row].tobytes() for row in part} for part in (fold.train, fold.validation, fold.test)]
        assert not parts[0] & parts[1]
        assert not (parts[0] | parts[1]) & parts[2]


def test_too_few_examples_for_the_folds_are_told_with_the_option() -> None:
    targets = np.arange(12, dtype=np.int64) % 2
    with pytest.raises(
        DataError, match="12 examples; 10 folds need at least 20: give a smaller --cv, or --cv no"
    ):
        make_folds(schema_of(targets), targets, count=10)


def test_rolling_origins_forecast_later_blocks_from_what_was_known_before() -> None:
    times, horizon = np.arange(200.0), 6
    schema = Schema(input=Series(channels=1, length=12), target=Forecast(horizon=horizon, season=1))
    folds = make_folds(schema, np.zeros((200, horizon), np.float32), count=4, times=times, horizon=horizon)
    tested = np.concatenate([fold.test for fold in folds])
    assert list(tested) == list(range(120, 200))
    for fold in folds:
        assert times[fold.train].max() + horizon <= times[fold.validation].min()
        assert times[fold.validation].max() + horizon <= times[fold.test].min()
        assert fold.train[0] == fold.train.max(), "the latest first, so that a prefix is the recent past"


@pytest.fixture(scope="module")
def iris() -> Dataset:
    return with_folds(load("iris"), 5, seed=0)


def test_the_scaling_of_a_fold_is_that_of_its_training_part(iris: Dataset) -> None:
    scalings = []
    for number, fold in enumerate(iris.folds):
        own = of_fold(iris, number)
        assert own.scaling is not None
        np.testing.assert_allclose(own.scaling.mean, iris.inputs[fold.train].mean(axis=0), rtol=1e-5)
        scalings.append(own.scaling.mean)
    assert not np.allclose(scalings[0], scalings[1])
    assert of_fold(iris, None) is iris


def test_all_folds_together_test_every_example_in_the_order_of_their_labels(iris: Dataset) -> None:
    whole, labels = pooled(iris, range(5)), fold_labels(iris, range(5))
    for number, fold in enumerate(iris.folds):
        assert np.array_equal(whole.splits.test[labels == number], fold.test)
    assert fold_training_size(iris) == min(len(fold.train) for fold in iris.folds)


def test_folds_change_the_fingerprint_and_their_absence_does_not(iris: Dataset) -> None:
    plain = load("iris")
    assert iris.fingerprint != plain.fingerprint
    assert with_folds(plain, 5, seed=0).fingerprint == iris.fingerprint
    assert with_folds(plain, 4, seed=0).fingerprint != iris.fingerprint


def test_the_network_that_is_handed_over_leaves_nothing_out(iris: Dataset) -> None:
    splits = for_all_examples(iris).splits
    assert sorted(np.concatenate([splits.train, splits.validation])) == list(range(150))
