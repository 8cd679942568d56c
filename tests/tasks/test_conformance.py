"""The suite of all tasks holds for those of the package, and fails for a task that breaks it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from bakeoff.data.schema import Classes, Forecast, Schema, Series, Table, Value
from bakeoff.tasks.classification import Classification
from bakeoff.tasks.metrics.registry import METRICS
from bakeoff.tasks.registry import task_of
from bakeoff.testing import TASK_CHECKS, task_sample
from bakeoff.testing.tasks import check_answers, check_errors, check_loss, check_metrics, check_outputs

SCHEMAS = {
    "classes": Schema(input=Table(features=3), target=Classes(names=("a", "b", "c"))),
    "two classes": Schema(input=Table(features=3), target=Classes(names=("no", "yes"))),
    "value": Schema(input=Table(features=3), target=Value()),
    "values": Schema(input=Table(features=3), target=Value(size=3)),
    "forecast": Schema(input=Series(channels=1, length=9), target=Forecast(horizon=4, season=3)),
}


@pytest.mark.parametrize("check", TASK_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", SCHEMAS)
def test_every_task_passes_the_suite(name: str, check: Any) -> None:
    check(task_sample(SCHEMAS[name]))


class Broken(Classification):
    def training_loss(self, *, label_smoothing: float = 0.0) -> Any:
        return lambda raw, targets: (raw**2).sum(dim=1)

    def in_unit_of_data(self, raw: torch.Tensor, scaling: Any) -> torch.Tensor:
        return raw - raw.mean(dim=0)

    def decode(self, outputs: Any) -> Any:
        return outputs.argmax(axis=1)[:-1]

    def default_metric(self, context: Any = None) -> Any:
        return METRICS["rmse"]

    def errors(self, outputs: Any, targets: Any) -> Any:
        return np.zeros((len(targets), 2))


class BeyondAll(Classification):
    def plain_scores(self, outputs: Any, targets: Any) -> Any:
        return np.full(len(targets), 100.0)


def test_plain_scores_are_right_answers_or_absolute_errors_in_the_unit_of_the_data() -> None:
    letters, value = (
        Schema(input=Table(features=1), target=kind) for kind in (Classes(names=("a", "b")), Value())
    )
    found = task_of(letters).plain_scores(np.log([[0.9, 0.1], [0.6, 0.4]]), np.array([0, 1]))
    assert found.tolist() == [1.0, 0.0]
    assert task_of(letters).classes_of(np.array([0, 1])).tolist() == [0, 1]
    found = task_of(value).plain_scores(np.array([[2.0], [5.0]], np.float32), np.array([[1.5], [8.0]]))
    assert found.tolist() == [0.5, 3.0]
    assert task_of(value).classes_of(np.array([[1.5]])) is None


def test_a_task_whose_shares_are_percentages_is_named() -> None:
    sample = task_sample(SCHEMAS["classes"])
    with pytest.raises(AssertionError, match="a share of right answers is above 1"):
        check_errors(replace(sample, task=BeyondAll(schema=sample.task.schema)))


@pytest.mark.parametrize(
    ("check", "said"),
    [
        (check_loss, "must be one number"),
        (check_outputs, "depends on the other rows"),
        (check_answers, "11 answers are decoded from the outputs of 12 units"),
        (check_metrics, "the default metric 'rmse' does not apply"),
        (check_errors, "errors have the shape"),
    ],
)
def test_a_task_that_breaks_the_contract_is_named(check: Any, said: str) -> None:
    sample = task_sample(SCHEMAS["classes"])
    with pytest.raises(AssertionError, match=said):
        check(replace(sample, task=Broken(schema=SCHEMAS["classes"])))
