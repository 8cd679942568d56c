"""Linear probing on features found once equals training the last layer through the whole network."""

import numpy as np
import pytest
import torch
from torch import nn

from bakeoff.data.dataset import Dataset
from bakeoff.data.load import load
from bakeoff.models import build
from bakeoff.train.single import linear_probe
from bakeoff.train.single.linear_probe import LinearProbe, linear_probe_of
from bakeoff.train.single.placement import Placement
from bakeoff.train.single.recipe import recipe_for
from bakeoff.train.single.trainer import make_training
from bakeoff.train.tensors import Resident, TrainingData
from examples import made_up

CPU = Placement(device=torch.device("cpu"), threads=1)


def _digits() -> Dataset:
    return load("digits", seed=0)


def _series_of_unequal_length() -> Dataset:
    rng = np.random.default_rng(0)
    x, lengths = rng.standard_normal((80, 1, 12)).astype(np.float32), rng.integers(3, 13, 80)
    x[np.arange(12) >= lengths[:, None, None]] = 0
    return load((x, np.arange(80) % 2), kind="series").changed(lengths=lengths)


def _probe(name: str, dataset: Dataset) -> tuple[nn.Module, LinearProbe]:
    module = build(name, dataset.schema, seed=1)
    found = linear_probe_of(module, TrainingData(dataset), CPU)
    assert found is not None
    return module, found


@pytest.mark.parametrize(
    ("name", "make"), [("lenet5", _digits), ("resnet20_cifar", _digits), ("gru", _series_of_unequal_length)]
)
def test_the_layer_on_features_says_what_the_network_says(name: str, make: object) -> None:
    dataset = make()  # type: ignore[operator]
    module, found = _probe(name, dataset)
    data = TrainingData(dataset)
    test = data.test.at(torch.arange(10))
    own = found.data.test.at(torch.arange(10))
    lengths = () if test.lengths is None else (test.lengths,)
    with torch.no_grad():
        assert torch.allclose(found.build(0)(own.inputs), module.eval()(test.inputs, *lengths), atol=1e-6)
        if lengths:  # without them padding would be read: the features hold that they were given
            assert not torch.allclose(found.build(0)(own.inputs), module(test.inputs), atol=1e-3)
    assert torch.equal(own.targets, test.targets)
    assert set(found.with_head(dict(found.build(0).state_dict()))) == set(module.state_dict())


@pytest.mark.parametrize(("name", "kind"), [("mlp", "dense"), ("gin", "dense")])
def test_training_on_features_ends_in_the_weights_of_training_through_the_network(
    name: str, kind: str
) -> None:
    dataset = made_up("graph") if name == "gin" else _digits()
    _, found = _probe(name, dataset)
    recipe = recipe_for(kind, dataset.schema, len(dataset.splits.train), augment=())
    common = {"learning_rate": 1e-2, "seed": 1, "placement": CPU, "schedule": recipe.shared()}

    def trained(make: object, data: TrainingData, mode: str) -> dict[str, torch.Tensor]:
        run = make_training(make, data, recipe, mode=mode, **common)  # type: ignore[arg-type]
        run.advance(12)
        return run.module.state_dict()

    def whole(seed: int) -> nn.Module:
        return build(name, dataset.schema, seed=seed)

    through = trained(whole, TrainingData(dataset), "probe")
    apart = found.with_head(trained(found.build, found.data, "full"))
    everything = trained(whole, TrainingData(dataset), "full")
    assert set(apart) == set(through)
    head = f"{found.name}.weight"
    for path, tensor in through.items():
        assert torch.allclose(apart[path], tensor, atol=1e-5), path
    assert not torch.allclose(everything[head], through[head], atol=1e-3)
    assert not torch.allclose(whole(1).state_dict()[head], through[head])


def test_a_network_that_goes_on_after_its_last_layer_is_not_parted() -> None:
    x = np.random.default_rng(0).standard_normal((60, 3, 14, 14)).astype(np.float32)
    dataset = load((x, np.arange(60) % 2), kind="image")
    module = build("pnet", dataset.schema, seed=0)
    assert linear_probe_of(module, TrainingData(dataset), CPU) is None  # a mean over windows follows


def test_it_is_given_up_where_memory_or_time_are_short(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = _digits()
    assert linear_probe_of(build("lenet5", dataset.schema), TrainingData(dataset), CPU, seconds=0.0) is None
    monkeypatch.setattr(linear_probe, "RESIDENT_BYTES", 1000)
    assert linear_probe_of(build("lenet5", dataset.schema), TrainingData(dataset), CPU) is None


def test_copies_of_the_layer_are_not_watched() -> None:
    _, found = _probe("lenet5", _digits())
    assert isinstance(found.data.train, Resident)
    assert not found.build(0)._forward_hooks
    assert found.build(0) is not found.build(0)
