"""Tasks of the worker processes for `why`: train an entrant on changed data, and test trained networks on it."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Dataset, training_order
from bakeoff.data.interventions.catalogue import intervention
from bakeoff.data.schema import Schema
from bakeoff.messages.statement import Statement, because
from bakeoff.study.design import classical
from bakeoff.study.design.entrants import Entrant
from bakeoff.study.design.states import TrialState
from bakeoff.study.design.trial import Trial
from bakeoff.study.workers.executor import SharedDataset, TaskContext
from bakeoff.study.workers.training import set_up_torch, train_stack

if TYPE_CHECKING:
    from torch import Tensor, nn

#: Examples that go through a network at once when it is tested on changed data.
ROWS = 250
#: Training examples that are changed with the test examples, since some changes learn statistics from them.
TRAINING_ROWS = 2000

#: Test outputs of one seed, [N, outputs].
Outputs = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class ChangedTrial:
    """The trainings of one entrant on one form of the data, with all seeds. The names of the fields are hashed.

    Attributes:
        entrant: what is trained.
        change: name of the intervention; None for the unchanged data.
        setting: its learning rate (or other tuned number), chosen on the unchanged data.
        seeds: of subset, order and initial weights; the same for every change, so that score drops are paired.
        steps: optimiser steps; 0 for entrants without steps.
        test_on: names of interventions on whose test data it is tested as well.
        seed: of the interventions that are the same for all seeds.
        judge: of the evaluations (see `bakeoff.train.recipe.Recipe`).
    """

    entrant: Entrant
    change: str | None
    setting: float | None
    seeds: tuple[int, ...]
    steps: int
    seed: int
    test_on: tuple[str, ...] = ()
    judge: str = "loss"


@dataclass(frozen=True, kw_only=True, eq=False)
class ChangedTrialResult:
    """The result of a `ChangedTrial`.

    Attributes:
        trial: what was trained.
        outputs: test outputs [N, outputs] of each seed, in order; () where it failed.
        tested: the same on changed test data, by intervention.
        seconds: of all seeds together.
        failure: why there are no outputs, else None.
    """

    trial: ChangedTrial
    outputs: tuple[Outputs, ...] = ()
    tested: Mapping[str, tuple[Outputs, ...]] = field(default_factory=dict)
    seconds: float = 0.0
    failure: Statement | None = None


@dataclass(frozen=True, kw_only=True)
class ChangedTrialRequest:
    """For `train_changed`.

    Attributes:
        dataset, trial: what is trained; the dataset is the unchanged one.
        reproducible: choose the stack's width by a rule and not by a timing.
    """

    dataset: SharedDataset
    trial: ChangedTrial
    reproducible: bool


@dataclass(frozen=True, kw_only=True)
class ChangedTestRequest:
    """For `test_trained`.

    Attributes:
        dataset: the unchanged one.
        trial: which network, and which interventions.
        weights: files, one for each seed of `trial`.
    """

    dataset: SharedDataset
    trial: ChangedTrial
    weights: tuple[str, ...]


@lru_cache(maxsize=2)
def _changed(shared: SharedDataset, change: str | None, seed: int) -> Dataset:
    dataset = shared.open()
    return dataset if change is None else intervention(change, dataset.schema)(dataset, seed=seed)


def train_changed(request: ChangedTrialRequest, context: TaskContext) -> ChangedTrialResult:
    """Train an entrant on changed data; a training that is not finished at the deadline has failed ("stopped")."""
    trial = request.trial
    if context.deadline is not None and time.monotonic() > context.deadline:
        return ChangedTrialResult(trial=trial, failure=because("state.stopped"))
    parts = []
    for part in _by_draw(trial, request.dataset.schema):
        dataset = _changed(request.dataset, part.change, part.seed)
        if part.entrant.kind == "network":
            parts.append(_train_network(dataset, part, request.reproducible, context))
        else:
            parts.append(_fit_classical(dataset, part, context.deadline))
        if parts[-1].failure:
            return ChangedTrialResult(trial=trial, failure=parts[-1].failure)
    return ChangedTrialResult(
        trial=trial,
        outputs=tuple(run for part in parts for run in part.outputs),
        tested=parts[0].tested,
        seconds=sum(part.seconds for part in parts),
    )


def _by_draw(trial: ChangedTrial, schema: Schema) -> list[ChangedTrial]:
    """The parts of a training that see the same changed data.

    A change with randomness for each example is drawn again for every seed, so that the variance over seeds includes
    that of the draw: one part a seed. Any other change is the same for all seeds, which are trained as one stack.
    """
    if trial.change is None or not intervention(trial.change, schema).drawn:
        return [trial]
    return [replace(trial, seeds=(seed,), seed=seed) for seed in trial.seeds]


def _fit_classical(dataset: Dataset, trial: ChangedTrial, deadline: float | None) -> ChangedTrialResult:
    plain = classical.by_name(dataset.schema)[trial.entrant.name]
    until = float("inf") if deadline is None else deadline
    outputs = []
    try:
        for seed in trial.seeds:
            order = training_order(dataset, seed=seed)
            outputs.append(plain.fit(dataset, order, seed, [trial.setting], until)[0].test)
    except classical.OutOfTimeError:
        return ChangedTrialResult(trial=trial, failure=because("state.stopped"))
    return ChangedTrialResult(trial=trial, outputs=tuple(outputs))


def _train_network(
    dataset: Dataset, trial: ChangedTrial, reproducible: bool, context: TaskContext
) -> ChangedTrialResult:
    from bakeoff.train.tensors import TrainingData

    set_up_torch()
    trials = [
        Trial(
            entrant=trial.entrant.name,
            setting=trial.setting,
            examples=len(dataset.splits.train),
            seed=seed,
            steps=trial.steps,
            width=trial.entrant.width,
        )
        for seed in trial.seeds
    ]
    data = TrainingData(dataset, device=trial.entrant.device)
    trained = train_stack(trial.entrant, data, trials, context, judge=trial.judge, reproducible=reproducible)
    counting = [one for one in trained if TrialState(one.state).counts and one.test_outputs is not None]
    if len(counting) < len(trained):
        states = sorted(one.state for one in trained if not TrialState(one.state).counts)
        return ChangedTrialResult(
            trial=trial, failure=because(f"state.{states[0] if states else TrialState.FAILED}")
        )
    weights = [one.weights for one in counting]
    tested = _tested(dataset, trial.entrant, weights, trial, context.deadline)
    return ChangedTrialResult(
        trial=trial,
        outputs=tuple(one.test_outputs for one in counting if one.test_outputs is not None),
        tested=tested,
        seconds=sum(one.seconds for one in counting),
    )


def test_trained(request: ChangedTestRequest, context: TaskContext) -> dict[str, tuple[Outputs, ...]]:
    """Outputs [N, outputs] of trained networks on the changed test data of `test_on`, by intervention, one a seed.

    Interventions for which there is no time are left out.
    """
    from safetensors.torch import load_file

    loaded = [load_file(path) for path in request.weights]
    trial = request.trial
    return _tested(request.dataset.open(), trial.entrant, loaded, trial, context.deadline)


def _tested(
    dataset: Dataset,
    entrant: Entrant,
    weights: Sequence[Mapping[str, "Tensor"]],
    trial: ChangedTrial,
    deadline: float | None,
) -> dict[str, tuple[Outputs, ...]]:
    import torch

    from bakeoff import models
    from bakeoff.tasks.registry import task_of

    torch.set_num_threads(1)
    assert entrant.card is not None
    module = models.build(entrant.card, dataset.schema, width=entrant.width, seed=0)
    from bakeoff.tasks.target_scaling import as_stored

    task = task_of(dataset.schema)
    scaling = task.target_scaling(dataset)

    def in_unit_of_data(raw: "Tensor") -> "Tensor":
        return as_stored(task.in_unit_of_data(raw.double(), scaling), scaling)

    small, found = _for_testing(dataset), {}
    for name in trial.test_on:
        if deadline is not None and time.monotonic() > deadline:
            break
        change = intervention(name, dataset.schema)
        changed, runs = change(small, seed=trial.seed), []
        if change.kind == "shuffle_labels" or changed.schema != dataset.schema:
            continue
        for seed, one in zip(trial.seeds, weights, strict=True):
            changed = change(small, seed=seed) if change.drawn else changed
            runs.append(_test(module, one, changed, small, in_unit_of_data, deadline))
        finished = tuple(run for run in runs if run is not None)
        if len(finished) == len(runs):
            found[name] = finished
    return found


def _for_testing(dataset: Dataset) -> Dataset:
    """The full test split, and of the training split only the examples that the statistics of a change need."""
    splits = dataset.splits
    train = np.sort(splits.train)[:TRAINING_ROWS]
    rows = np.concatenate([train, splits.test])
    places = np.arange(len(rows))
    return dataset.changed(
        inputs=np.asarray(dataset.inputs[rows]),
        targets=np.asarray(dataset.targets[rows]),
        lengths=None if dataset.lengths is None else np.asarray(dataset.lengths[rows]),
        groups=None,
        labels=None,
        splits=replace(splits, train=places[: len(train)], validation=places[:0], test=places[len(train) :]),
    )


def _test(
    module: "nn.Module",
    weights: Mapping[str, "Tensor"],
    changed: Dataset,
    dataset: Dataset,
    in_unit_of_data: "Callable[[Tensor], Tensor]",
    deadline: float | None,
) -> Outputs | None:
    """Outputs of a network trained on `dataset` on the changed test examples, scaled as in its training.

    None where the time is over before all of them are computed.
    """
    import torch

    from bakeoff.models import takes_lengths

    module.load_state_dict(dict(weights))
    module.eval()
    seen = changed.changed(scaling=dataset.scaling)
    parts: Sequence[NDArray[np.int64]] = np.array_split(
        seen.splits.test, max(1, -(-len(seen.splits.test) // ROWS))
    )
    outputs = []
    with torch.no_grad():
        for part in parts:
            if deadline is not None and time.monotonic() > deadline:
                return None
            inputs, lengths = torch.from_numpy(seen.inputs_at(part)), seen.lengths_at(part)
            extra = (
                ()
                if lengths is None or not takes_lengths(module)
                else (torch.from_numpy(np.asarray(lengths)),)
            )
            outputs.append(in_unit_of_data(module(inputs, *extra)))
    return torch.cat(outputs).numpy()
