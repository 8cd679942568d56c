"""Scores against scikit-learn's, plain and under weights, which must equal repeating the examples."""

import numpy as np
import pytest
from sklearn import metrics as reference

from bakeoff.data.schema import Classes, Forecast, Schema, Series, Table, Value
from bakeoff.errors import OptionError
from bakeoff.tasks.metrics.registry import METRICS, MetricContext
from bakeoff.tasks.registry import task_of

TABLE = Table(features=3)


def classes(count):
    return Schema(input=TABLE, target=Classes(names=tuple(f"c{index}" for index in range(count))))


def log_probabilities(rng, examples, count, decimals=2):
    """Coarse ones, so that there are ties."""
    scores = rng.normal(size=(examples, count)).round(decimals)
    return scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))


def classification_reference(name, outputs, targets):
    predicted, ranked = outputs.argmax(axis=1), outputs[:, 1] - outputs[:, 0]
    return {
        "accuracy": lambda: reference.accuracy_score(targets, predicted),
        "balanced_accuracy": lambda: reference.balanced_accuracy_score(targets, predicted),
        "log_loss": lambda: reference.log_loss(targets, np.exp(outputs), labels=range(outputs.shape[1])),
        "macro_f1": lambda: reference.f1_score(targets, predicted, average="macro", zero_division=0),
        "auroc": lambda: reference.roc_auc_score(targets, ranked),
        "auprc": lambda: reference.average_precision_score(targets, ranked),
    }[name]()


@pytest.mark.parametrize("name", ["accuracy", "balanced_accuracy", "log_loss", "macro_f1", "auroc", "auprc"])
def test_a_score_of_classes_and_all_its_replicates_equal_those_of_scikit_learn(name):
    rng = np.random.default_rng(0)
    for count in (2,) if METRICS[name].binary else (2, 5):
        outputs = log_probabilities(rng, 80, count, decimals=1)
        targets = rng.integers(0, count, 80)
        expected = classification_reference(name, outputs, targets)
        assert METRICS[name].score(outputs, targets) == pytest.approx(expected, rel=1e-9)
        weights = rng.multinomial(80, np.full(80, 1 / 80), size=20).astype(float)
        replicates = METRICS[name].resampled(outputs, targets, weights)
        repeated = [np.repeat(np.arange(80), row.astype(int)) for row in weights]
        witness = [classification_reference(name, outputs[rows], targets[rows]) for rows in repeated]
        assert replicates == pytest.approx(witness, rel=1e-9)
        assert replicates.std() > 0


@pytest.mark.parametrize("size", [1, 3])
def test_scores_of_values_and_all_their_replicates_equal_those_of_scikit_learn(size):
    rng = np.random.default_rng(1)
    targets = rng.normal(size=(60, size)) * 3 + 100
    outputs = targets + rng.normal(size=(60, size))
    weights = rng.multinomial(60, np.full(60, 1 / 60), size=10).astype(float)
    rows = [np.repeat(np.arange(60), row.astype(int)) for row in weights]
    for name, score in {
        "rmse": lambda y, p: reference.mean_squared_error(y, p) ** 0.5,
        "mae": reference.mean_absolute_error,
        "r2": reference.r2_score,
    }.items():
        assert METRICS[name].score(outputs, targets) == pytest.approx(score(targets, outputs), rel=1e-9)
        witness = [score(targets[chosen], outputs[chosen]) for chosen in rows]
        assert METRICS[name].resampled(outputs, targets, weights) == pytest.approx(witness, rel=1e-7)


def test_mase_is_the_error_in_units_of_the_seasonal_naive_forecast():
    targets, outputs = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([[2.0, 2.0], [3.0, 2.0]])
    assert METRICS["mase"].score(outputs, targets, MetricContext(seasonal_scale=2.0)) == pytest.approx(0.5)
    schema = Schema(input=Series(channels=1, length=9), target=Forecast(horizon=2))
    assert task_of(schema).default_metric(MetricContext(seasonal_scale=2.0)).name == "mase"
    assert task_of(schema).default_metric().name == "rmse"


def test_the_mean_of_what_each_example_scores_is_the_score():
    rng = np.random.default_rng(2)
    outputs, targets = log_probabilities(rng, 50, 3), rng.integers(0, 3, 50)
    for name in ("accuracy", "log_loss"):
        assert METRICS[name].per_example(outputs, targets).mean() == pytest.approx(
            METRICS[name].score(outputs, targets)
        )
    assert METRICS["macro_f1"].per_example(outputs, targets) is None


def test_a_probability_of_zero_costs_much_but_is_not_infinite():
    outputs = np.array([[0.0, -np.inf], [0.0, -np.inf]])
    assert 10 < METRICS["log_loss"].score(outputs, np.array([0, 1])) < 40


def test_a_constant_target_has_no_explained_variance_and_a_perfect_answer_has_all():
    constant = np.full((10, 1), 5.0)
    assert METRICS["r2"].score(constant + 1, constant) == 0.0
    assert METRICS["r2"].score(constant, constant) == 1.0


def test_each_kind_of_target_has_its_metrics_and_its_default():
    names = {metric.name for metric in task_of(classes(2)).metrics()}
    assert names == {"accuracy", "balanced_accuracy", "log_loss", "macro_f1", "auroc", "auprc"}
    assert "auroc" not in {metric.name for metric in task_of(classes(3)).metrics()}
    numbers = Schema(input=TABLE, target=Value())
    assert {metric.name for metric in task_of(numbers).metrics()} == {"rmse", "mae", "r2"}
    defaults = [task_of(schema).default_metric().name for schema in (classes(2), numbers)]
    assert defaults == ["accuracy", "rmse"]
    assert set(task_of(numbers).scores(np.zeros((4, 1)), np.ones((4, 1)))) == {"rmse", "mae", "r2"}


def test_an_unknown_or_unfit_metric_is_an_error_that_names_others():
    with pytest.raises(OptionError, match="Did you mean 'accuracy'"):
        task_of(classes(3)).metric_named("acuracy")
    with pytest.raises(OptionError, match="'auroc' cannot score these targets; choose one of accuracy"):
        task_of(classes(3)).metric_named("auroc")
    assert task_of(classes(3)).metric_named(None).name == "accuracy"


def test_fewer_errors_are_preferred_and_of_equally_many_the_lower_log_loss():
    targets = np.array([0, 1, 1, 0])

    def answers(*probabilities_of_one):
        ones = np.array(probabilities_of_one)
        return np.log(np.stack([1 - ones, ones], axis=1))

    sure, unsure = answers(0.1, 0.9, 0.9, 0.6), answers(0.4, 0.6, 0.6, 0.6)
    all_right = answers(0.49, 0.51, 0.51, 0.49)
    assert METRICS["log_loss"].score(sure, targets) < METRICS["log_loss"].score(all_right, targets)
    task = task_of(classes(2))
    ordered = sorted(
        [all_right, unsure, sure], key=lambda outputs: task.preference(METRICS["accuracy"], outputs, targets)
    )
    assert ordered[0] is unsure
    assert ordered[1] is sure
    assert ordered[2] is all_right


def test_the_smaller_error_of_values_is_preferred():
    targets = np.array([[1.0], [2.0]])
    near, far = targets + 0.1, targets + 1.0
    task = task_of(Schema(input=TABLE, target=Value()))
    for metric in (METRICS["rmse"], METRICS["r2"]):
        assert task.preference(metric, near, targets) > task.preference(metric, far, targets)
