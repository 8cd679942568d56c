"""Chains of layers that the compiled code trains in one call: which networks are one, and what comes out."""

import pytest
import torch
from torch import Tensor, nn

from bakeoff.data.dataset import Dataset
from bakeoff.models import build as build_network
from bakeoff.train.families.registry import compile_program, stack_networks
from bakeoff.train.kernels import native
from bakeoff.train.recipe import Recipe, Replica
from bakeoff.train.replicas.module import NetworkStack
from bakeoff.train.stacked import run as run_file
from bakeoff.train.stacked.run import StackedTraining, evaluate
from bakeoff.train.tensors import TrainingData
from examples import made_up
from train.plain_training import assert_as_alone

pytestmark = pytest.mark.skipif(
    not native.available(), reason=f"no compiled operators here: {native.describe()}"
)
REPLICAS = (
    Replica(learning_rate=1e-3, seed=0, examples=100),
    Replica(learning_rate=3e-3, seed=1, examples=41),
    Replica(learning_rate=1e-4, seed=1, examples=17),
)


def grid(outputs: int = 3) -> nn.Module:
    """Convolutions with a stride, without a bias and without ReLU, a pooling that leaves a row out, and two layers."""
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(3),
        nn.Conv2d(4, 5, 2, stride=(1, 2), padding=(1, 0), bias=False),
        nn.Identity(),
        nn.Flatten(),
        nn.Linear(15, 7),
        nn.ReLU(),
        nn.Dropout(0.0),
        nn.Linear(7, outputs, bias=False),
    )


def line(outputs: int = 3) -> nn.Module:
    stages = (nn.Conv1d(2, 4, 5, stride=2, padding=2), nn.ReLU(), nn.Conv1d(4, 3, 3), nn.ReLU())
    return nn.Sequential(*stages, nn.Flatten(), nn.Linear(12, outputs))


def flat(outputs: int = 3) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(24, 9), nn.ReLU(), nn.Linear(9, outputs))


def stack_of(module: nn.Module, dataset: Dataset) -> NetworkStack:
    return stack_networks([module], [0])


@pytest.mark.parametrize(("make", "kind"), [(grid, "image"), (line, "series"), (flat, "series")])
@pytest.mark.parametrize("numbers", [False, True])
@pytest.mark.parametrize("clip_norm", [None, 0.5])
def test_an_own_chain_equals_a_plain_loop(make, kind: str, numbers: bool, clip_norm: float | None) -> None:
    dataset = made_up(kind, numbers=numbers)

    def build(seed: int) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return make(dataset.schema.outputs)

    data = TrainingData(dataset, dtype=torch.float64)
    recipe = Recipe(steps=25, batch_size=32, evaluations=1, clip_norm=clip_norm, schedule="cosine")
    run = StackedTraining(build, data, REPLICAS, recipe)
    assert run.network.program is not None
    run.advance(recipe.steps)
    _, outputs = evaluate(run.network, data, data.validation)
    assert_as_alone(outputs, REPLICAS, build, dataset, recipe)


class Doubled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(24, 3)

    def forward(self, x: Tensor) -> Tensor:
        return 2 * self.layer(x.flatten(1))


def test_what_the_compiled_code_does_not_know_is_no_chain() -> None:
    series, image, short = made_up("series"), made_up("image"), made_up("short series")
    tied = nn.Linear(24, 24)
    hooked = flat()
    hooked[1].register_forward_hook(lambda module, inputs, output: output)
    frozen = flat()
    frozen[1].weight.requires_grad_(False)
    for module in (
        Doubled(),
        nn.Sequential(nn.Flatten(), nn.Linear(24, 8), nn.GELU(), nn.Linear(8, 3)),
        nn.Sequential(nn.Flatten(), nn.Linear(24, 8), nn.BatchNorm1d(8), nn.Linear(8, 3)),
        nn.Sequential(nn.Flatten(), nn.Linear(24, 8), nn.Dropout(0.5), nn.Linear(8, 3)),
        nn.Sequential(nn.Flatten(), tied, tied, nn.Linear(24, 3)),
        nn.Sequential(nn.Linear(12, 3), nn.Flatten()),
        nn.Sequential(nn.Conv1d(2, 4, 3, groups=2), nn.Flatten(), nn.Linear(40, 3)),
        hooked,
        frozen,
    ):
        assert compile_program(stack_of(module, series), TrainingData(series)) is None
    assert compile_program(stack_of(flat(), series), TrainingData(series)) is not None
    assert compile_program(stack_of(flat(), short), TrainingData(short)) is not None  # it reads no lengths
    reads_lengths = build_network("mlp", short.schema, width=4, seed=0)
    assert compile_program(stack_of(reads_lengths, short), TrainingData(short)) is None
    overlapping = nn.Sequential(nn.MaxPool2d(3, stride=1), nn.Flatten(), nn.Linear(36, 3))
    assert compile_program(stack_of(overlapping, image), TrainingData(image)) is None


def test_a_deadline_holds_between_two_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = made_up("table")
    data = TrainingData(dataset)
    run = StackedTraining(
        lambda seed: build_network("mlp", dataset.schema, width=4, seed=seed),
        data,
        REPLICAS,
        Recipe(steps=100, batch_size=16, evaluations=1),
    )
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 0.04
        return now

    monkeypatch.setattr(run_file.time, "monotonic", clock)
    run.advance(100, deadline=1.0)
    assert not run.rows
    assert {trained.state for found in run.results.values() for trained in found} == {"stopped"}
    assert 1 < run.steps_done < 30
