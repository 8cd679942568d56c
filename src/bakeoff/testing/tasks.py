"""The conformance suite of tasks: what every `Task` must do, yours too.

    import pytest
    from bakeoff.testing import TASK_CHECKS, TaskSample

    @pytest.mark.parametrize("check", TASK_CHECKS, ids=lambda check: check.__name__)
    def test_my_task(check):
        check(TaskSample(task=..., outputs=..., targets=..., raw=..., raw_targets=...))

A check returns nothing, or raises `AssertionError` with a sentence that says what is wrong. The checks:

    check_loss            a finite scalar, with a gradient for the raw outputs
    check_outputs         the rows of what a network gives are turned into outputs independently of each other
    check_answers         one decoded answer a unit, each with a headline and a text, and columns of that length
    check_errors          one finite error and plain score a unit, none negative; the worst come first and lie within
    check_metrics         the default metric, and that of new data, are among those that apply; a name finds it
    check_resampling      a score under weights is the score of the examples repeated as often, of every metric
    check_baselines       at least one, with names of their own
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from bakeoff.data.schema import Schema
from bakeoff.tasks.base import Task
from bakeoff.tasks.metrics.metric import NO_CONTEXT, MetricContext
from bakeoff.tasks.outputs import Outputs, OutputsLike
from bakeoff.tasks.registry import task_of
from bakeoff.tasks.target_scaling import TargetScaling

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Scores under weights are sums in another order.
_RELATIVE = 1e-9


@dataclass(frozen=True, kw_only=True, eq=False)
class TaskSample:
    """A task with a little of everything that goes through it.

    Attributes:
        outputs, targets: of the same N units, at least two, and not all answered right.
        raw, raw_targets: of one batch, as `training_loss` takes them.
        scaling: of the targets, where they are standardised.
        context: under which the task's metrics are computed.
    """

    task: Task
    outputs: OutputsLike
    targets: OutputsLike
    raw: Tensor
    raw_targets: Tensor
    scaling: TargetScaling | None = None
    context: MetricContext = NO_CONTEXT


def task_sample(schema: Schema, *, units: int = 12, seed: int = 0) -> TaskSample:
    """A sample for classes, or for numbers: random answers to random targets."""
    task, rng = task_of(schema), np.random.default_rng(seed)
    raw = torch.from_numpy(rng.normal(size=(units, schema.outputs)))
    context, scaling = MetricContext(seasonal_scale=2.0), None
    if task.class_names:
        targets: NDArray[np.generic] = np.arange(units) % schema.outputs
        raw_targets = torch.from_numpy(np.asarray(targets))
    else:
        targets = rng.normal(size=(units, schema.outputs)).astype(np.float32) * 3 + 10
        scaling = TargetScaling.learn(targets)
        raw_targets = scaling.apply(torch.from_numpy(targets))
    outputs = task.in_unit_of_data(raw, scaling).float().numpy()
    return TaskSample(
        task=task,
        outputs=outputs,
        targets=targets,
        raw=raw,
        raw_targets=raw_targets,
        scaling=scaling,
        context=context,
    )


def check_loss(sample: TaskSample) -> None:
    raw = sample.raw.clone().requires_grad_()
    for smoothing in (0.0, 0.1) if sample.task.takes_label_smoothing else (0.0,):
        loss = sample.task.training_loss(label_smoothing=smoothing)(raw, sample.raw_targets)
        assert loss.shape == (), f"the loss has the shape {tuple(loss.shape)}, and must be one number"
        assert torch.isfinite(loss), f"the loss is {loss.item()}"
        (slope,) = torch.autograd.grad(loss, raw)
        assert slope.abs().sum() > 0, "the loss does not depend on the outputs"


def check_outputs(sample: TaskSample) -> None:
    whole = sample.task.in_unit_of_data(sample.raw, sample.scaling)
    first = sample.task.in_unit_of_data(sample.raw[:1], sample.scaling)
    assert torch.equal(whole[:1], first), "an output depends on the other rows of its batch"


def check_answers(sample: TaskSample) -> None:
    task, count = sample.task, len(sample.targets)
    answers = Outputs.of(task.decode(sample.outputs))
    assert len(answers) == count, f"{len(answers)} answers are decoded from the outputs of {count} units"
    for index in range(count):
        assert task.headline(answers.of_example(index)) is not None, f"answer {index} has no headline"
        assert task.text(answers.of_example(index)), f"answer {index} has no text"
    alone = task.columns(sample.outputs, None)
    known = task.columns(sample.outputs, sample.targets)
    assert set(alone) < set(known), "the table of predictions has no column for the truth"
    for heading, column in known.items():
        assert len(column) == count, f"the column '{heading}' has {len(column)} rows for {count} units"


def check_errors(sample: TaskSample) -> None:
    task, count = sample.task, len(sample.targets)
    errors = task.errors(sample.outputs, sample.targets)
    assert errors.shape == (count,), f"errors have the shape {errors.shape}, and there are {count} units"
    assert np.isfinite(errors).all(), "an error is not finite"
    assert (errors >= 0).all(), "an error is negative"
    scores = task.plain_scores(sample.outputs, sample.targets)
    assert scores.shape == (count,), (
        f"plain scores have the shape {scores.shape}, and there are {count} units"
    )
    assert np.isfinite(scores).all(), "a plain score is not finite"
    assert (scores >= 0).all(), "a plain score is negative"
    assert not task.scores_are_shares or (scores <= 1).all(), "a share of right answers is above 1"
    assert np.isfinite(task.mean_loss(sample.outputs, sample.targets)), "the mean loss is not finite"
    worst = task.worst(sample.outputs, sample.targets, most=3)
    assert len(worst) <= 3, f"{len(worst)} mistakes come back where 3 were asked for"
    assert all(0 <= one.place < count for one in worst), "a mistake lies outside the units"
    sure = [one.confidence for one in worst]
    assert sure == sorted(sure, reverse=True), "the worst mistakes do not come first"


def check_metrics(sample: TaskSample) -> None:
    task, context = sample.task, sample.context
    names = [metric.name for metric in task.metrics(context)]
    default = task.default_metric(context)
    assert default.name in names, f"the default metric '{default.name}' does not apply"
    assert task.metric_named(None, context) is default, "another metric decides where none is named"
    bare = [metric.name for metric in task.metrics()]
    assert task.default_metric().name in bare, (
        "the default metric needs the training data, and they are unknown"
    )
    assert task.metric_of_new_data.name in bare, "the metric of new data needs the training data"
    if task.tie_breaker is not None:
        assert task.tie_breaker.name in bare, f"the tie-breaker '{task.tie_breaker.name}' does not apply"


def check_resampling(sample: TaskSample) -> None:
    outputs, targets = Outputs.of(sample.outputs), Outputs.of(sample.targets)
    count = len(targets)
    times = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count))
    drawn = np.repeat(np.arange(count), times)
    for metric in sample.task.metrics(sample.context):
        weighted = metric.resampled(outputs, targets, times[None].astype(np.float64), sample.context)[0]
        repeated = metric.score(outputs.at(drawn), targets.at(drawn), sample.context)
        assert np.isclose(weighted, repeated, rtol=_RELATIVE, atol=_RELATIVE), (
            f"'{metric.name}' is {weighted} under weights, and {repeated} of the repeated examples"
        )


def check_baselines(sample: TaskSample) -> None:
    names = [baseline.name for baseline in sample.task.baselines()]
    assert names, "there is no trivial answer to beat"
    assert len(set(names)) == len(names), f"two baselines have one name: {names}"


#: All checks of a task.
TASK_CHECKS: tuple[Callable[[TaskSample], None], ...] = (
    check_loss,
    check_outputs,
    check_answers,
    check_errors,
    check_metrics,
    check_resampling,
    check_baselines,
)
