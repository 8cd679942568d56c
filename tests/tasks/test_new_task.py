"""A kind of target that the package does not know, labels one a step: a task and a metric are all that it needs."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from bakeoff.data.schema import Schema, Series
from bakeoff.errors import DataError
from bakeoff.study.analysis.uncertainty import rank_entrants
from bakeoff.study.design.states import TrialState
from bakeoff.study.design.trial import Trial, TrialResult
from bakeoff.study.results.store import Store
from bakeoff.study.schedule.racing import survivors
from bakeoff.tasks import registry as tasks
from bakeoff.tasks.base import Mistake, Task
from bakeoff.tasks.baselines import Baseline, BaselineAnswers
from bakeoff.tasks.metrics import registry as metrics
from bakeoff.tasks.metrics.metric import NO_CONTEXT, MeanMetric
from bakeoff.tasks.outputs import Outputs
from bakeoff.testing import TASK_CHECKS, TaskSample

#: The target of a step that is padding.
PADDING = -100


@dataclass(frozen=True, kw_only=True)
class StepLabels:
    """One of K classes a step; targets are ragged, int64."""

    names: tuple[str, ...]

    @property
    def size(self) -> int:
        return len(self.names)


SCHEMA = Schema(input=Series(channels=1, length=9), target=StepLabels(names=("rest", "walk", "run")))


class StepsRight(MeanMetric):
    """The share of a series' steps that are labelled right, a mean over the series."""

    def _each(self, outputs, targets, context):
        outputs, targets = Outputs.of(outputs), Outputs.of(targets)
        right = (outputs.values.argmax(axis=1) == targets.values).astype(np.float64)
        return np.bincount(targets.owners, right, len(targets)) / np.diff(targets.offsets)


METRIC = StepsRight(name="steps_right", higher_is_better=True, percent=True, best=1.0, targets=(StepLabels,))


class Labelling(Task):
    kind = "step_labels"
    has_probabilities = True

    @property
    def class_names(self):
        return self.schema.target.names

    def training_loss(self, *, label_smoothing=0.0):
        return lambda raw, targets: F.cross_entropy(
            raw.flatten(0, 1), targets.flatten(), ignore_index=PADDING
        )

    def target_scaling(self, dataset):
        return None

    def in_unit_of_data(self, raw, scaling):
        return raw.log_softmax(dim=-1)

    def decode(self, outputs):
        outputs = Outputs.of(outputs)
        return Outputs(outputs.values.argmax(axis=1), outputs.offsets)

    def headline(self, answer):
        return self.class_names[int(answer[0])]

    def text(self, answer):
        return " ".join(self.class_names[int(code)] for code in answer)

    def columns(self, outputs, targets):
        found = {"predicted": self._texts(self.decode(outputs))}
        return found if targets is None else found | {"true": self._texts(targets)}

    def _texts(self, answers):
        return [self.text(answers.of_example(index)) for index in range(len(answers))]

    def default_metric(self, context=NO_CONTEXT):
        return METRIC

    @property
    def metric_of_new_data(self):
        return METRIC

    def errors(self, outputs, targets):
        return 1.0 - METRIC.per_example(outputs, targets)

    def plain_scores(self, outputs, targets):
        return METRIC.per_example(outputs, targets)

    def mean_loss(self, outputs, targets):
        return float(-outputs.values[np.arange(len(targets.values)), targets.values].mean())

    def worst(self, outputs, targets, *, most):
        errors, answers = self.errors(outputs, targets), self.decode(outputs)
        places = [int(i) for i in np.argsort(-errors, kind="stable")[:most] if errors[i] > 0]
        pairs = [(i, targets.of_example(i), answers.of_example(i), float(errors[i])) for i in places]
        return tuple(Mistake(place=i, truth=t, answer=a, confidence=e) for i, t, a, e in pairs)

    def baselines(self):
        return (Baseline(name="commonest_step", answer=lambda *_: BaselineAnswers([], 0)),)

    def combine(self, neighbours):
        raise AssertionError("no classical entrant answers ragged targets")


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(tasks, "_TASKS", dict(tasks._TASKS))
    tasks.register(StepLabels, Labelling)
    metrics.register(METRIC)
    yield
    del metrics.METRICS[METRIC.name]


def ragged_targets(rng: np.random.Generator, series: int) -> Outputs:
    lengths = rng.integers(2, 9, size=series)
    return Outputs(rng.integers(0, 3, lengths.sum()), np.concatenate([[0], np.cumsum(lengths)]))


def answers_to(targets: Outputs, share_right: float, rng: np.random.Generator) -> Outputs:
    """Log-probabilities whose most probable class is right in about this share of the steps."""
    right = rng.random(len(targets.values)) < share_right
    chosen = np.where(right, targets.values, (targets.values + 1) % 3)
    logits = np.eye(3)[chosen] * 2 + rng.normal(scale=0.1, size=(len(chosen), 3))
    return Outputs(
        (logits - np.log(np.exp(logits).sum(1, keepdims=True))).astype(np.float32), targets.offsets
    )


@pytest.mark.parametrize("check", TASK_CHECKS, ids=lambda check: check.__name__)
def test_a_task_of_ragged_labels_passes_the_suite_of_all_tasks(check: Any) -> None:
    rng = np.random.default_rng(0)
    targets = ragged_targets(rng, 12)
    padded = torch.tensor([[0, 1, 2, PADDING], [2, 2, 0, 1]])
    raw = torch.from_numpy(rng.normal(size=(2, 4, 3)))
    task, outputs = tasks.task_of(SCHEMA), answers_to(targets, 0.6, rng)
    check(TaskSample(task=task, outputs=outputs, targets=targets, raw=raw, raw_targets=padded))


def test_ragged_answers_are_ranked_and_raced_with_whole_series_drawn() -> None:
    rng = np.random.default_rng(1)
    targets = ragged_targets(rng, 60)
    good, bad = (answers_to(targets, share, rng) for share in (0.95, 0.5))
    by_hand = np.mean(
        [(good.of_example(i).argmax(1) == targets.of_example(i)).mean() for i in range(len(targets))]
    )
    ranking = rank_entrants({"good": [good], "twin": [good], "bad": [bad]}, targets, METRIC)
    assert ranking.scores["good"].score == pytest.approx(by_hand)
    assert ranking.scores["good"].low > ranking.scores["bad"].high
    assert set(ranking.candidates) == {"good", "twin"}
    # The error of the score comes from 60 series, not from their several hundred steps.
    each = METRIC.per_example(bad, targets)
    half = (ranking.scores["bad"].high - ranking.scores["bad"].low) / 2
    assert half == pytest.approx(1.96 * each.std() / math.sqrt(60), rel=0.25)
    task = tasks.task_of(SCHEMA)
    raced = {name: task.errors(given, targets) for name, given in (("good", good), ("bad", bad))}
    assert survivors(raced) == {"good"}


def test_ragged_outputs_are_stored_and_come_back(tmp_path: Any) -> None:
    rng = np.random.default_rng(2)
    outputs = answers_to(ragged_targets(rng, 5), 0.5, rng)
    trial = Trial(entrant="rnn", setting=0.01, examples=10, seed=0)
    store = Store(tmp_path / "run")
    done = TrialResult(
        trial=trial, state=TrialState.FINISHED, validation_outputs=outputs, test_outputs=outputs
    )
    store.put_job("rnn/tuning", [done], "context")
    (found,) = Store(tmp_path / "run").jobs()["rnn/tuning"]
    assert found.test_outputs is not None
    assert found.test_outputs.equals(outputs)
    assert not found.test_outputs.equals(Outputs(outputs.values))


def test_a_kind_of_target_has_one_task_and_without_one_it_is_refused() -> None:
    with pytest.raises(ValueError, match="'StepLabels' has a task already: Labelling"):
        tasks.register(StepLabels, Labelling)
    with pytest.raises(ValueError, match="a metric called 'steps_right' already"):
        metrics.register(METRIC)
    del tasks._TASKS[StepLabels]
    with pytest.raises(
        DataError, match="no task for targets of the kind 'StepLabels'; there is one for Classes"
    ):
        tasks.task_of(SCHEMA)
