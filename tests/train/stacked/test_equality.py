"""A stack gives what separate trainings give: the witness is a plain loop with `torch.optim.AdamW`."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from bakeoff.models import build as build_network
from bakeoff.models import catalogue
from bakeoff.train.recipe import Recipe, Replica
from bakeoff.train.stacked import run as run_file
from bakeoff.train.stacked.fit_stack import fit_stack
from bakeoff.train.stacked.run import StackedTraining, evaluate
from bakeoff.train.tensors import TrainingData
from examples import made_up
from train.plain_training import outputs_of, train_alone

KINDS = {
    kind: made_up(kind).schema for kind in ("image", "series", "short series", "tokens", "table", "graph")
}
#: Every scalable family of the catalogue on all that it takes.
CASES = [
    (card.name, kind)
    for card in catalogue().values()
    for kind, schema in KINDS.items()
    if card.scalable and card.takes(schema)
]
REPLICAS = (
    Replica(learning_rate=1e-3, seed=0, examples=100),
    Replica(learning_rate=3e-4, seed=1, examples=41),
    Replica(learning_rate=1e-4, seed=1, examples=100),
    Replica(learning_rate=1e-3, seed=2, examples=17),
)


def network(name: str, schema: object, seed: int) -> nn.Module:
    width = {"linear": None, "mlp": 20, "cnn": 6}.get(name, 8)
    return build_network(name, schema, width=width, seed=seed)


def largest_difference(
    name: str, kind: str, recipe: Recipe, dtype: torch.dtype, *, numbers: bool = False
) -> float:
    """The largest difference of any validation output between the stack and separate training."""
    dataset = made_up(kind, numbers=numbers)
    build = partial(network, name, dataset.schema)
    data = TrainingData(dataset, dtype=dtype)
    run = StackedTraining(build, data, REPLICAS, recipe)
    run.advance(recipe.steps)
    assert run.network.strategy == "rules"
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
    recipe = Recipe(steps=100 if kind == "short series" else 12, batch_size=32, evaluations=1)
    assert largest_difference(name, kind, recipe, torch.float64) < 1e-12


@pytest.mark.parametrize(("name", "kind"), [case for case in CASES if case[1] == "image"])
def test_a_stack_equals_separate_training_in_float32_to_rounding(name: str, kind: str) -> None:
    recipe = Recipe(steps=20, batch_size=32, evaluations=1)
    assert largest_difference(name, kind, recipe, torch.float32) < 1e-4


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *[("linear", "table"), ("mlp", "image"), ("cnn", "image"), ("cnn", "series")],
        *[("transformer", "image"), ("transformer", "series"), ("transformer", "table")],
    ],
)
def test_a_chain_of_layers_equals_separate_training_through_autograd_too(
    name: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_file, "compile_program", lambda *_: None)
    recipe = Recipe(steps=12, batch_size=32, evaluations=1)
    assert largest_difference(name, kind, recipe, torch.float64) < 1e-12


def test_numbers_as_targets_are_standardised_in_a_stack_as_alone() -> None:
    recipe = Recipe(steps=20, batch_size=32, evaluations=1)
    assert largest_difference("mlp", "table", recipe, torch.float64, numbers=True) < 1e-12


def test_another_order_of_the_batches_is_detected() -> None:
    """The case that must differ: the same start and steps, but each batch of the witness one step later."""
    dataset = made_up("image")
    build = partial(network, "mlp", dataset.schema)
    data, recipe = TrainingData(dataset, dtype=torch.float64), Recipe(steps=20, batch_size=32, evaluations=1)
    run = StackedTraining(build, data, REPLICAS[:1], recipe)
    run.batches.next()
    run.advance(recipe.steps)
    _, outputs = evaluate(run.network, data, data.validation)
    alone = train_alone(build, dataset, REPLICAS[0], recipe, torch.float64)
    with torch.no_grad():
        wanted = outputs_of(alone, dataset, dataset.splits.validation, torch.float64)
    assert float((outputs[0] - wanted).abs().max()) > 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("name", ["linear", "mlp", "cnn", "rnn", "lstm", "gru", "transformer"])
def test_a_full_run_ends_at_the_same_distribution_of_losses(name: str) -> None:
    assert_same_distribution(name, steps=200)


def test_a_full_run_of_the_linear_family_ends_at_the_same_distribution_of_losses() -> None:
    assert_same_distribution("linear", steps=60)


def assert_same_distribution(name: str, *, steps: int) -> None:
    """Mean losses of stacked and separate float32 trainings, of different seeds, within four standard errors."""
    dataset = made_up("series", examples=240)
    build = partial(network, name, dataset.schema)
    recipe = Recipe(steps=steps, batch_size=32, evaluations=1)
    rows = dataset.splits.test
    stacked = [Replica(learning_rate=1e-3, seed=seed, examples=120) for seed in range(12)]
    losses = [
        -float(np.mean(trained.test_outputs[np.arange(len(rows)), dataset.targets[rows]]))
        for trained in fit_stack(build, TrainingData(dataset), stacked, recipe, stack_size=12)
    ]
    alone = []
    for seed in range(100, 112):
        replica = Replica(learning_rate=1e-3, seed=seed, examples=120)
        module = train_alone(build, dataset, replica, recipe, torch.float32)
        with torch.no_grad():
            outputs = outputs_of(module, dataset, rows, torch.float32)
        alone.append(float(nn.functional.cross_entropy(outputs, torch.from_numpy(dataset.targets[rows]))))
    error = np.sqrt((np.var(losses, ddof=1) + np.var(alone, ddof=1)) / 12)
    assert abs(np.mean(losses) - np.mean(alone)) < 4 * error
