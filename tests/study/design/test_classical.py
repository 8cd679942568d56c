"""The entrants that are no networks, against scikit-learn's own estimators and against hand calculations."""

import time

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from bakeoff.data.dataset import Dataset
from bakeoff.data.load import load
from bakeoff.data.schema import Forecast, Schema, Series
from bakeoff.data.splits import Splits
from bakeoff.study.design import classical

NEVER = float("inf")


def fit(dataset: Dataset, name: str, setting: float | None) -> classical.ClassicalFit:
    plain = classical.by_name(dataset.schema)[name]
    return plain.fit(dataset, dataset.splits.train, 0, [setting], NEVER)[0]


@pytest.mark.parametrize("k", [1.0, 7.0])
def test_nearest_neighbours_vote_as_in_scikit_learn(k: float) -> None:
    data = load("wine")
    train, test = data.splits.train, data.splits.test
    theirs = KNeighborsClassifier(int(k)).fit(data.inputs_at(train), data.targets_at(train))
    ours = np.exp(fit(data, "knn", k).test)
    np.testing.assert_allclose(
        ours, (theirs.predict_proba(data.inputs_at(test)) * k + 1 / 3) / (k + 1), rtol=1e-5
    )


def test_nearest_neighbours_average_as_in_scikit_learn_for_values() -> None:
    data = load("diabetes")
    train, test = data.splits.train, data.splits.test
    theirs = (
        KNeighborsRegressor(7)
        .fit(data.inputs_at(train), data.targets_at(train))
        .predict(data.inputs_at(test))
    )
    np.testing.assert_allclose(fit(data, "knn", 7.0).test, theirs.reshape(-1, 1), rtol=1e-5)


def test_the_majority_gives_the_training_frequencies() -> None:
    data = load("iris")
    counts = np.bincount(data.targets_at(data.splits.train), minlength=3) + 1
    outputs = fit(data, "majority", None).test
    np.testing.assert_allclose(np.exp(outputs[0]), counts / counts.sum(), rtol=1e-6)
    assert (outputs == outputs[0]).all()


def test_the_mean_is_the_training_mean() -> None:
    data = load("diabetes")
    outputs = fit(data, "mean", None).validation
    np.testing.assert_allclose(outputs, data.targets_at(data.splits.train).mean(), rtol=1e-5)


def test_boosting_learns_what_a_straight_cut_cannot() -> None:
    data = load("xor")
    accuracy = (fit(data, "boosting", 0.1).test.argmax(1) == data.targets_at(data.splits.test)).mean()
    assert accuracy > 0.9


def test_boosting_keeps_classes_that_the_subset_lacks() -> None:
    data = load("iris")
    train = data.splits.train[data.targets_at(data.splits.train) != 2]
    plain = classical.by_name(data.schema)["boosting"]
    outputs = plain.fit(data, train, 0, [0.1], NEVER)[0].test
    assert outputs.shape[1] == 3
    np.testing.assert_allclose(np.exp(outputs).sum(axis=1), 1.0, rtol=1e-5)
    assert (outputs.argmax(1) != 2).all()


@pytest.mark.parametrize("name", ["knn", "boosting"])
def test_a_fit_whose_time_is_over_says_so(name: str) -> None:
    data = load("wine")
    plain = classical.by_name(data.schema)[name]
    with pytest.raises(classical.OutOfTimeError):
        plain.fit(data, data.splits.train, 0, [1.0], time.monotonic() - 1)


def forecast_of(series: np.ndarray, *, season: int, horizon: int) -> Dataset:
    count = len(series)
    everything = np.arange(count)
    return Dataset(
        name="f",
        schema=Schema(
            input=Series(channels=1, length=series.shape[1]), target=Forecast(horizon=horizon, season=season)
        ),
        inputs=series[:, None, :].astype(np.float32),
        targets=np.zeros((count, horizon), np.float32),
        splits=Splits(train=everything, validation=everything, test=everything),
    )


def test_the_naive_forecasts_repeat_the_last_value_and_the_last_season() -> None:
    data = forecast_of(np.array([[1.0, 2, 3, 4, 5, 6]]), season=3, horizon=5)
    assert fit(data, "last_value", None).test.tolist() == [[6, 6, 6, 6, 6]]
    assert fit(data, "seasonal_naive", None).test.tolist() == [[4, 5, 6, 4, 5]]


def test_there_is_no_seasonal_forecast_without_a_season() -> None:
    assert "seasonal_naive" not in classical.by_name(forecast_of(np.ones((3, 4)), season=1, horizon=1).schema)
