"""How many replicas make a stack."""

import pytest
from torch import Tensor, nn

from bakeoff.models import build as build_network
from bakeoff.train.kernels import native
from bakeoff.train.recipe import Recipe, Replica
from bakeoff.train.stacked import stack_size as width_file
from bakeoff.train.stacked.stack_size import (
    activation_bytes,
    choose_stack_size,
    couples_examples,
    largest_stack,
    seconds_per_step,
)
from bakeoff.train.tensors import TrainingData
from examples import made_up

TABLE = made_up("table")
RECIPE = Recipe(steps=10**6, batch_size=50)
REPLICAS = [Replica(learning_rate=1e-3, seed=seed, examples=80) for seed in range(10)]


def mlp(seed: int) -> nn.Module:
    return build_network("mlp", TABLE.schema, width=8, seed=seed)


def test_activation_bytes_are_those_of_a_hand_count() -> None:
    module = nn.Sequential(nn.Linear(6, 10), nn.ReLU(), nn.Linear(10, 3))
    per_example = 6 + 10 + 10 + 3 + 3  # the input, three layers, and the whole network's output once more
    assert activation_bytes(module, TrainingData(TABLE), 50) == 4 * 50 * per_example


def test_the_memory_limit_holds_the_width_down() -> None:
    data = TrainingData(TABLE)
    each = 5 * 4 * sum(p.numel() for p in mlp(0).parameters()) + 2 * activation_bytes(mlp(0), data, 50)
    for fits in (1, 3, 7):
        assert largest_stack(mlp, data, RECIPE, limit_bytes=each * fits + each // 2, replicas=10) == fits
    assert largest_stack(mlp, data, RECIPE, limit_bytes=10, replicas=10) == 1
    assert largest_stack(mlp, data, RECIPE, limit_bytes=2**40, replicas=10) == 10


def test_the_width_with_the_shortest_time_a_replica_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    data = TrainingData(TABLE)
    monkeypatch.setattr(width_file, "compile_program", lambda *_: None)
    for best, wanted in ((4, 4), (10, 10), (1, 1)):  # 10 replicas in stacks of at most 4 are 4, 3 and 3

        def took(build: object, data: object, width: int, *_: object, best: int = best) -> list[float]:
            return [1e9, width * (1.0 if width == best else 2.0)]

        monkeypatch.setattr(width_file, "_step_times", took)
        found = choose_stack_size(mlp, data, REPLICAS, RECIPE, limit_bytes=2**30, reproducible=False)
        assert found == wanted


def test_a_chain_of_layers_is_as_wide_as_memory_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    if not native.available():
        pytest.skip(f"no compiled operators here: {native.describe()}")
    monkeypatch.setattr(width_file, "_step_times", None)  # no timing is asked for
    data = TrainingData(TABLE)
    assert choose_stack_size(mlp, data, REPLICAS, RECIPE, limit_bytes=2**30, reproducible=False) == 10
    assert choose_stack_size(mlp, data, REPLICAS, RECIPE, limit_bytes=10, reproducible=False) == 1


def test_a_step_takes_the_median_of_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    data = TrainingData(TABLE)
    assert seconds_per_step(mlp, data, 1) > 0
    monkeypatch.setattr(width_file, "_step_times", lambda *_: [0.5, 0.2, 0.9])
    assert seconds_per_step(mlp, data, 1) == 0.5


def test_of_a_long_step_one_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    data = TrainingData(TABLE)
    assert len(width_file._step_times(mlp, data, 2, 100, 4)) == 4, "after warming up"
    monkeypatch.setattr(width_file, "LONG_STEP_SECONDS", 0.0)
    assert len(width_file._step_times(mlp, data, 2, 100, 4)) == 1
    assert seconds_per_step(mlp, data, 2) > 0


class Centred(nn.Module):
    """Subtracts the mean of the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x - x.mean(0))


def test_networks_whose_examples_depend_on_each_other_are_found_out() -> None:
    data = TrainingData(TABLE)
    normed = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Linear(8, 3))
    dropped = nn.Sequential(nn.Linear(6, 8), nn.Dropout(0.5), nn.Linear(8, 3))
    assert [couples_examples(module, data) for module in (normed, Centred(), dropped, mlp(0))] == [
        True,
        True,
        False,
        False,
    ]
