"""The built-in data are what their makers say they are."""

import random

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris

import bakeoff
from bakeoff.data.builtin import BUILTINS, load_builtin
from bakeoff.data.schema import Classes, Image, Series, Table, Value


def test_digits_are_scikit_learns_pixels_as_bytes() -> None:
    dataset = bakeoff.load("digits")
    bunch = load_digits()
    assert dataset.schema.input == Image(channels=1, height=8, width=8)
    assert dataset.inputs.dtype == np.uint8
    np.testing.assert_array_equal(dataset.inputs[:, 0], bunch.images)
    np.testing.assert_array_equal(dataset.targets, bunch.target)


def test_mnist1d_keeps_its_own_test_part_and_the_global_generators_as_they_were() -> None:
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    expected = random.random(), np.random.random()  # noqa: NPY002
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    dataset = load_builtin("mnist1d")
    assert (random.random(), np.random.random()) == expected  # noqa: NPY002
    assert dataset.schema.input == Series(channels=1, length=40)
    np.testing.assert_array_equal(dataset.splits.test, np.arange(4000, 5000))
    assert len(dataset.splits.train) + len(dataset.splits.validation) == 4000
    everywhere = np.concatenate([dataset.splits.train, dataset.splits.validation, dataset.splits.test])
    np.testing.assert_array_equal(np.sort(everywhere), np.arange(5000))


def test_iris_becomes_its_four_columns_with_the_species_as_classes() -> None:
    dataset = bakeoff.load("iris")
    bunch = load_iris()
    assert dataset.schema.input == Table(features=4)
    assert dataset.schema.target == Classes(names=("setosa", "versicolor", "virginica"))
    np.testing.assert_allclose(dataset.inputs, bunch.data, rtol=1e-6)
    np.testing.assert_array_equal(dataset.targets, bunch.target)


def test_diabetes_is_a_real_number_to_predict() -> None:
    dataset = bakeoff.load("diabetes")
    assert dataset.schema.target == Value(size=1)
    assert dataset.targets.shape == (442, 1)
    assert (dataset.targets.min(), dataset.targets.max()) == (25.0, 346.0)


@pytest.mark.parametrize("name", [name for name in BUILTINS if name != "mnist1d"])
def test_built_in_data_are_the_same_again_and_their_splits_share_nothing(name: str) -> None:
    dataset = bakeoff.load(name)
    assert dataset.fingerprint == bakeoff.load(name).fingerprint
    assert dataset.fingerprint != bakeoff.load(name, seed=1).fingerprint
    parts = [dataset.splits.train, dataset.splits.validation, dataset.splits.test]
    assert sum(map(len, parts)) == len(np.unique(np.concatenate(parts))) == len(dataset)
    scaled = dataset.inputs_at(dataset.splits.train)
    assert np.isfinite(scaled).all()
    assert np.abs(scaled.mean()) < 1e-3


@pytest.mark.parametrize("name", ["xor", "spirals", "circles"])
def test_the_generated_tables_are_not_separable_by_a_straight_line_but_by_their_neighbours(
    name: str,
) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    dataset = bakeoff.load(name)
    train, test = dataset.splits.train, dataset.splits.test
    x, y = dataset.inputs, dataset.targets
    assert LogisticRegression().fit(x[train], y[train]).score(x[test], y[test]) < 0.75
    assert KNeighborsClassifier().fit(x[train], y[train]).score(x[test], y[test]) > 0.95


def test_options_of_other_data_are_refused_for_built_in_names() -> None:
    with pytest.raises(bakeoff.BakeoffError, match=r"'target' does not go with built-in data"):
        bakeoff.load("digits", target="x")
