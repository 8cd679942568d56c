"""Transformers as chains that the compiled code trains a few examples at a time, and own forwards that are traced."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bakeoff.data.assembly import with_scaling
from bakeoff.data.dataset import Dataset
from bakeoff.data.schema import Image, Schema
from bakeoff.models import build as build_network
from bakeoff.models.scalable.transformer import Block
from bakeoff.train.families.registry import compile_program, stack_networks
from bakeoff.train.fused.tracing import agrees
from bakeoff.train.kernels import chain as chain_file
from bakeoff.train.kernels import native
from bakeoff.train.kernels.chain import Program
from bakeoff.train.recipe import Recipe, Replica
from bakeoff.train.replicas.module import NetworkStack
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
)
SERIES = made_up("series")


class Encoder(nn.Module):
    """A Transformer as people write it, from the catalogue's blocks or from torch's."""

    def __init__(self, layer: nn.Module, width: int, outputs: int) -> None:
        super().__init__()
        self.channels = 2
        self.embed = nn.Linear(2, width)
        self.positions = nn.Parameter(torch.randn(12, width) * 0.1)
        self.blocks = nn.ModuleList([layer])
        self.last = nn.LayerNorm(width)
        self.hidden, self.head = nn.Linear(width, 5), nn.Linear(5, outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = x.transpose(1, 2).reshape(x.shape[0], -1, self.channels)
        x = self.positions + self.embed(x)
        for block in self.blocks:
            x = block(x)
        return self.head(F.relu(self.hidden(self.last(x).mean(dim=1))))


def torchs_layer() -> nn.Module:
    return nn.TransformerEncoderLayer(16, 2, 24, 0.0, batch_first=True, norm_first=True)


def stack_of(module: nn.Module) -> NetworkStack:
    return stack_networks([module], [0], dtype=next(module.parameters()).dtype)


@pytest.mark.parametrize("own", [lambda: Block(12, 3), torchs_layer], ids=["catalogue", "torch"])
@pytest.mark.parametrize(("cache_bytes", "numbers"), [(10**6, False), (60_000, True), (1, False)])
def test_a_traced_transformer_equals_a_plain_loop(
    own, cache_bytes: int, numbers: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain_file, "CACHE_BYTES", cache_bytes)
    monkeypatch.setattr(chain_file, "FEWEST_ROWS", 1)
    dataset = made_up("series", numbers=numbers)

    def build(seed: int) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            layer = own()
            return Encoder(layer, layer.norm1.normalized_shape[0], dataset.schema.outputs)

    data = TrainingData(dataset, dtype=torch.float64)
    recipe = Recipe(steps=12, batch_size=32, evaluations=1, clip_norm=0.5)
    run = StackedTraining(build, data, REPLICAS, recipe)
    assert run.network.program is not None
    microbatch = run.network.program.microbatch(32, 8)
    assert microbatch in {10**6: (32,), 60_000: range(2, 16), 1: (1,)}[cache_bytes]
    run.advance(recipe.steps)
    _, outputs = evaluate(run.network, data, data.validation)
    assert_as_alone(outputs, REPLICAS, build, dataset, recipe)


def wide_image() -> Dataset:
    """Images of 9x9, which patches of 2x2 cover only with zeros at two edges."""
    small = made_up("image")
    inputs = np.random.default_rng(0).integers(0, 200, (len(small.inputs), 1, 9, 9)).astype(np.uint8)
    schema = Schema(input=Image(channels=1, height=9, width=9), target=small.schema.target)
    return with_scaling(replace(small, inputs=inputs, schema=schema))


@pytest.mark.parametrize(
    "dataset", [wide_image(), SERIES, made_up("table")], ids=["image", "series", "table"]
)
def test_the_catalogues_transformer_is_a_chain_for_every_input_without_lengths(dataset: Dataset) -> None:
    data = TrainingData(dataset, dtype=torch.float64)
    module = build_network("transformer", dataset.schema, width=8, seed=0).double()
    network = stack_networks([module], [0], dtype=torch.float64)
    program = compile_program(network, data)
    assert program is not None
    assert agrees(program, network, data)
    wrong = [replace(op, sizes=(op.sizes[0] // 2, op.sizes[1])) for op in program.ops if op.kind == "mean"]
    ops = tuple(wrong[0] if op.kind == "mean" else op for op in program.ops)
    assert not agrees(Program(ops=ops, names=program.names), network, data)


@pytest.mark.parametrize("kind", ["tokens", "short series"])
@pytest.mark.parametrize(("cache_bytes", "numbers"), [(10**6, False), (20_000, True), (1, False)])
def test_a_transformer_with_lengths_is_a_chain_and_equals_a_plain_loop(
    kind: str, cache_bytes: int, numbers: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Padding is no key and no part of the mean; what lies beyond the longest of a few examples is left out."""
    monkeypatch.setattr(chain_file, "CACHE_BYTES", cache_bytes)
    monkeypatch.setattr(chain_file, "FEWEST_ROWS", 1)
    dataset = made_up(kind, numbers=numbers)
    assert dataset.lengths is not None
    assert len(set(dataset.lengths)) > 3

    def build(seed: int) -> nn.Module:
        return build_network("transformer", dataset.schema, width=8, seed=seed)

    recipe = Recipe(steps=12, batch_size=32, evaluations=1, clip_norm=0.5)
    run = StackedTraining(build, TrainingData(dataset, dtype=torch.float64), REPLICAS, recipe)
    assert run.network.program is not None
    assert run.network.program.positions == dataset.inputs.shape[-1]
    run.advance(recipe.steps)
    _, outputs = evaluate(run.network, run.data, run.data.validation)
    assert_as_alone(outputs, REPLICAS, build, dataset, recipe)


@pytest.mark.parametrize("kind", ["tokens", "short series"])
def test_what_lies_beyond_a_length_makes_no_difference_and_what_lies_before_does(kind: str) -> None:
    dataset = made_up(kind)
    data = TrainingData(dataset, dtype=torch.float64)
    network = stack_of(build_network("transformer", dataset.schema, width=8, seed=0).double())
    program = compile_program(network, data)
    inputs, _, lengths, _ = data.train.at(torch.arange(20))
    assert lengths is not None
    lengths = lengths.clamp(max=inputs.shape[-1] - 2)
    by_operators = network.outputs_of(inputs, lengths)
    network.program = program
    before = network.outputs_of(inputs, lengths)
    torch.testing.assert_close(before, by_operators.detach(), atol=1e-12, rtol=0)
    beyond, within = inputs.clone(), inputs.clone()
    beyond[..., -1] = 3
    within[..., 0] = 3 - within[..., 0].clamp(max=2)
    assert torch.equal(network.outputs_of(beyond, lengths), before)
    assert not torch.allclose(network.outputs_of(within, lengths), before)


@pytest.mark.parametrize("word", [-1, 30])
def test_a_word_without_a_vector_is_an_error_and_nothing_is_read(word: int) -> None:
    dataset = made_up("tokens")
    network = stack_of(build_network("transformer", dataset.schema, width=8, seed=0).double())
    network.program = compile_program(network, TrainingData(dataset, dtype=torch.float64))
    tokens = torch.from_numpy(dataset.inputs_at(range(3)))
    tokens[1, 2] = word
    with pytest.raises(IndexError, match=f"30 words.*{word}"):
        network.outputs_of(tokens, torch.tensor([4, 4, 4]))


def test_positions_that_are_padding_in_every_example_are_not_computed() -> None:
    dataset = made_up("tokens")
    module = build_network("transformer", dataset.schema, width=8, seed=0).double()
    network = stack_networks([module], [0], dtype=torch.float64)
    network.program = compile_program(network, TrainingData(dataset, dtype=torch.float64))
    tokens, lengths = torch.from_numpy(dataset.inputs_at(range(6))), torch.tensor([2, 1, 4, 3, 4, 2])
    before = network.outputs_of(tokens, lengths)
    with torch.no_grad():
        network.tensors["positions"][:, 4:] = torch.nan
    assert torch.equal(network.outputs_of(tokens, lengths), before)
    assert network.outputs_of(tokens, lengths + 1).isnan().any(), "and those that are not, are"


class Forward(nn.Module):
    """A layer and a forward of one's own."""

    def __init__(self, forward) -> None:
        super().__init__()
        self.layer, self.again = nn.Linear(24, 24), nn.Linear(24, 3)
        self.own = forward

    def forward(self, x: Tensor) -> Tensor:
        return self.own(self, x)


@pytest.mark.parametrize(
    "forward",
    [
        lambda self, x: self.again(self.layer(x.flatten(1)).relu()),
        lambda self, x: self.again(torch.flatten(x, 1).view(x.size(0), 24)),
        lambda self, x: self.again(x.reshape(x.shape[0], x.shape[1] * x.shape[2])),
    ],
)
def test_an_own_forward_that_is_a_chain_is_found(forward) -> None:
    assert compile_program(stack_of(Forward(forward)), TrainingData(SERIES)) is not None


@pytest.mark.parametrize(
    "forward",
    [
        lambda self, x: self.again(x.flatten(1) + self.layer(x.flatten(1))),  # the input is used twice
        lambda self, x: self.again(2 * x.flatten(1)),
        lambda self, x: self.again(x.flatten(1).relu()),  # no layer to take the ReLU along
        lambda self, x: self.again(self.layer(x.flatten(1)).relu()).relu()[:, :3] + 1,
        lambda self, x: self.again(x.flatten(1) if self.training else x.flip(2).flatten(1)),
        lambda self, x: self.again(x.flatten(1)) if x.sum() > 0 else self.again(-x.flatten(1)),
        lambda self, x: self.again(F.dropout(x.flatten(1), 0.5, self.training)),
        lambda self, x: self.again(self.layer(self.layer(x.flatten(1)))),
        lambda self, x: self.again(x.flip(2).flatten(1)),
    ],
)
def test_another_forward_is_no_chain(forward) -> None:
    assert compile_program(stack_of(Forward(forward)), TrainingData(SERIES)) is None


def test_a_block_of_another_form_is_no_chain() -> None:
    later = nn.TransformerEncoderLayer(16, 2, 24, 0.0, batch_first=True)
    dropped = nn.TransformerEncoderLayer(16, 2, 24, 0.1, batch_first=True, norm_first=True)
    for layer, known in ((torchs_layer(), True), (later, False), (dropped, False)):
        program = compile_program(stack_of(Encoder(layer, 16, 3)), TrainingData(SERIES))
        assert (program is not None) is known
