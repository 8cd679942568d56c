"""What a worker process does for `why`: train an entrant on changed data, and test trained ones on it."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Dataset, training_order
from bakeoff.data.interventions import intervention
from bakeoff.study import classical
from bakeoff.study.plan import BATCH, EVALUATIONS, PATIENCE, Entrant
from bakeoff.study.pool import SharedDataset, report_progress

if TYPE_CHECKING:
    from torch import Tensor, nn

    from bakeoff.train.data import TrainingData

#: Examples that go through a network at once when it is tested on changed data.
ROWS = 250

Outputs = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Training:
    """One entrant on one form of the data, with all its seeds.

    Attributes:
        change: name of the intervention; None for the data as they are.
        setting: its learning rate (or other tuned number), chosen on the data as they are.
        seeds: of subset, order and initial weights; the same for every change, so that losses are paired.
        steps: optimiser steps; 0 where there are none.
        test_on: interventions whose test data it is also tested on, as it is.
        seed: of the interventions.
    """

    entrant: Entrant
    change: str | None
    setting: float | None
    seeds: tuple[int, ...]
    steps: int
    seed: int
    test_on: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingOutputs:
    """What came of it: test outputs of every seed that counts, [N, outputs] each, in the order of the seeds.

    `tested` has the outputs on the changed test data, by intervention. `fault` says why there is nothing.
    """

    training: Training
    outputs: tuple[Outputs, ...] = ()
    tested: Mapping[str, tuple[Outputs, ...]] = field(default_factory=dict)
    validation_loss: float | None = None
    seconds: float = 0.0
    fault: str = ""


@lru_cache(maxsize=2)
def _changed(shared: SharedDataset, change: str | None, seed: int) -> Dataset:
    dataset = shared.open()
    return dataset if change is None else intervention(change, dataset.schema)(dataset, seed=seed)


def train_changed(
    shared: SharedDataset,
    training: Training,
    deadline: float | None,
    reproducible: bool,
    board_path: str,
    slot: int,
) -> TrainingOutputs:
    """Train an entrant on changed data; who is not finished at the deadline does not count."""
    started = time.monotonic()
    tell = report_progress(board_path, slot)
    if deadline is not None and started > deadline:
        return TrainingOutputs(training=training, fault="stopped")
    dataset = _changed(shared, training.change, training.seed)
    if training.entrant.kind == "network":
        return _train_network(shared, dataset, training, deadline, reproducible, tell)
    return _fit_classical(dataset, training, deadline)


def _fit_classical(dataset: Dataset, training: Training, deadline: float | None) -> TrainingOutputs:
    plain = classical.by_name(dataset.schema)[training.entrant.name]
    until = float("inf") if deadline is None else deadline
    outputs = []
    try:
        for seed in training.seeds:
            order = training_order(dataset, seed=seed)
            outputs.append(plain.fit(dataset, order, seed, [training.setting], until)[0].test)
    except classical.OutOfTimeError:
        return TrainingOutputs(training=training, fault="stopped")
    return TrainingOutputs(training=training, outputs=tuple(outputs))


def _train_network(
    shared: SharedDataset,
    dataset: Dataset,
    training: Training,
    deadline: float | None,
    reproducible: bool,
    tell: Any,
) -> TrainingOutputs:
    import torch

    from bakeoff import models
    from bakeoff.train.data import TrainingData
    from bakeoff.train.recipe import Recipe, Replica
    from bakeoff.train.stack import fit_stack

    torch.set_num_threads(1)
    card, width = training.entrant.card, training.entrant.width
    assert card is not None
    data = TrainingData(dataset)
    recipe = Recipe(
        steps=training.steps, batch_size=BATCH, schedule="cosine", evaluations=EVALUATIONS, patience=PATIENCE
    )
    replicas = [
        Replica(learning_rate=float(training.setting or 0), seed=seed, examples=len(dataset.splits.train))
        for seed in training.seeds
    ]
    trained = fit_stack(
        lambda seed: models.build(card, dataset.schema, width=width, seed=seed),
        data,
        replicas,
        recipe,
        deadline=deadline,
        progress=lambda done, total, alive: tell(done, total),
        reproducible=reproducible,
    )
    counting = [one for one in trained if one.state in ("finished", "early") and one.test_outputs is not None]
    if len(counting) < len(trained):
        states = {one.state for one in trained} - {"finished", "early"}
        return TrainingOutputs(training=training, fault=sorted(states)[0] if states else "failed")
    module = models.build(card, dataset.schema, width=width, seed=0)
    tested = {
        name: tuple(
            _test(module, one.weights, data, _changed(shared, name, training.seed)) for one in counting
        )
        for name in training.test_on
        if intervention(name, dataset.schema).kind != "shuffle_labels"
        and (deadline is None or time.monotonic() < deadline)
        and _changed(shared, name, training.seed).schema == dataset.schema
    }
    return TrainingOutputs(
        training=training,
        outputs=tuple(one.test_outputs for one in counting if one.test_outputs is not None),
        tested=tested,
        validation_loss=float(np.mean([one.validation_loss for one in counting])),
        seconds=sum(one.seconds for one in counting),
    )


def _test(
    module: "nn.Module", weights: Mapping[str, "Tensor"], data: "TrainingData", changed: Dataset
) -> Outputs:
    """Outputs of a network, trained on `data`, on the changed test examples, scaled as in its training."""
    import torch

    from bakeoff.models import takes_lengths

    module.load_state_dict(dict(weights))
    module.eval()
    seen = changed.changed(scaling=data.dataset.scaling)
    parts: Sequence[NDArray[np.int64]] = np.array_split(
        seen.splits.test, max(1, -(-len(seen.splits.test) // ROWS))
    )
    outputs = []
    with torch.no_grad():
        for part in parts:
            inputs, lengths = torch.from_numpy(seen.inputs_at(part)), seen.lengths_at(part)
            extra = (
                ()
                if lengths is None or not takes_lengths(module)
                else (torch.from_numpy(np.asarray(lengths)),)
            )
            outputs.append(data.in_unit_of_data(module(inputs, *extra).double()).float())
    return torch.cat(outputs).numpy()
