"""A stack gives what separate trainings give: the witness is a plain loop with `torch.optim.AdamW`."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from bakeoff.models import build as build_network
from bakeoff.train.data import TrainingData
from bakeoff.train.recipe import Recipe, Replica
from bakeoff.train.stack import fit_stack
from train.plain_training import made_up, outputs_of, train_alone

CASES = [
    (name, kind)
    for name in ("linear", "mlp", "cnn", "rnn", "lstm", "gru", "transformer")
    for kind in ("image", "series", "short series", "tokens", "table")
    if not (kind == "table" and name in ("cnn", "rnn", "lstm", "gru"))
]
REPLICAS = (
    Replica(learning_rate=1e-3, seed=0, examples=100),
    Replica(learning_rate=3e-4, seed=1, examples=41),
    Replica(learning_rate=1e-4, seed=1, examples=100),
    Replica(learning_rate=1e-3, seed=2, examples=17),
)


def network(name: str, schema: object, seed: int) -> nn.Module:
    return build_network(name, schema, seed=seed)


def largest_difference(
    name: str, kind: str, recipe: Recipe, dtype: torch.dtype, *, numbers: bool = False
) -> float:
    """The largest difference of any validation output between the stack and separate training."""
    dataset = made_up(kind, numbers=numbers)
    build = partial(network, name, dataset.schema)
    data = TrainingData(dataset, dtype=dtype)
    from bakeoff.train.network import NetworkStack  # the raw outputs, before float32
    from bakeoff.train.run import StackRun, evaluate

    run = StackRun(build, data, REPLICAS, recipe)
    run.advance(recipe.steps)
    assert isinstance(run.network, NetworkStack)
    _, outputs = evaluate(run.network, data, data.validation)
    worst = 0.0
    for row, replica in enumerate(REPLICAS):
        alone = train_alone(build, dataset, replica, recipe, dtype)
        with torch.no_grad():
            wanted = outputs_of(alone, dataset, dataset.splits.validation, dtype)
        worst = max(worst, float((outputs[row] - wanted).abs().max()))
    return worst


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_a_stack_equals_separate_training_in_float64(name: str, kind: str) -> None:
    recipe = Recipe(steps=100 if kind in ("image", "short series") else 20, batch_size=32, evaluations=1)
    assert largest_difference(name, kind, recipe, torch.float64) < 1e-12
