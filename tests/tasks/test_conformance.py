"""The suite of all tasks holds for those of the package, and fails for a task that breaks it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from bakeoff.data.schema import Classes, Forecast, Schema, Series, Table, Value
from bakeoff.tasks.classification import Classification
from bakeoff.tasks.metrics.registry import METRICS
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
