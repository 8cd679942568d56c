"""torch's own encoder layers, poolings and padded steps in a stack: the witness is the plain module, trained alone."""

import pytest
import torch
from torch import Tensor, nn

from bakeoff.models import build as build_network
from bakeoff.train.families import recurrent, transformer, views
from bakeoff.train.kernels import operators
from bakeoff.train.recipe import Recipe, Replica
from bakeoff.train.stacked.run import StackedTraining, evaluate
from bakeoff.train.tensors import TrainingData
from examples import made_up
from train.plain_training import assert_as_alone

REPLICAS = (
    Replica(learning_rate=1e-3, seed=0, examples=60),
    Replica(learning_rate=3e-4, seed=1, examples=41),
)
PRE_NORM = {"norm_first": True, "dropout": 0.0, "batch_first": True}


class Encoder(nn.Module):
    """Steps of a series through torch's layers, one of them inside `nn.TransformerEncoder`, which passes options."""

    def __init__(self, seed: int, **options: object) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.embed = nn.Linear(2, 8)
            self.block = nn.TransformerEncoderLayer(8, 2, 12, **options)
            inner = nn.TransformerEncoderLayer(8, 2, 12, **options)
            self.encoder = nn.TransformerEncoder(inner, 1, enable_nested_tensor=False)
            self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.encoder(self.block(self.embed(x.transpose(1, 2)))).mean(1))


@pytest.mark.parametrize(
    ("options", "by_kernel"),
    [
        (PRE_NORM, True),
        ({**PRE_NORM, "activation": "gelu"}, True),
        ({**PRE_NORM, "norm_first": False}, False),
        ({**PRE_NORM, "bias": False}, False),
    ],
)
def test_an_encoder_layer_in_a_stack_is_the_plain_one(
    options: dict[str, object], by_kernel: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    block = operators.transformer_block
    monkeypatch.setattr(operators, "transformer_block", lambda *a, **k: (calls.append(1), block(*a, **k))[1])
    dataset = made_up("series")

    def build(seed: int) -> nn.Module:
        return Encoder(seed, **options)

    data, recipe = TrainingData(dataset, dtype=torch.float64), Recipe(steps=6, batch_size=32, evaluations=1)
    run = StackedTraining(build, data, REPLICAS, recipe)
    run.advance(recipe.steps)
    _, outputs = evaluate(run.network, data, data.validation)
    assert run.network.strategy == "vmap"
    assert bool(calls) == by_kernel
    assert_as_alone(outputs, REPLICAS, build, dataset, recipe)


@pytest.mark.parametrize("name", ["gru", "transformer"])
def test_steps_that_are_padding_in_every_example_are_not_computed(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = made_up("tokens")  # 10 steps

    def build(seed: int) -> nn.Module:
        return build_network(name, dataset.schema, width=8, seed=seed).double()

    data, module = TrainingData(dataset, dtype=torch.float64), build(0)
    run = StackedTraining(build, data, REPLICAS[:1], Recipe(steps=1))
    run.network.program = None  # operator by operator
    seen = []
    cut = views.without_padding
    for family in (recurrent, transformer):
        monkeypatch.setattr(
            family, "without_padding", lambda *a: (seen.append(cut(*a).shape[-1]), cut(*a))[1]
        )
    tokens, lengths = torch.from_numpy(dataset.inputs_at(range(6))), torch.tensor([2, 1, 4, 3, 4, 2])
    tokens = tokens * (torch.arange(10) < lengths[:, None])
    with torch.no_grad():
        mine = run.network.outputs_of(tokens, lengths)[0]
        torch.testing.assert_close(mine, module(tokens, lengths), atol=1e-12, rtol=0)
        longer = run.network.outputs_of(tokens, lengths + 1)[0]
    assert seen == [4, 5]
    assert not torch.allclose(mine, longer)
