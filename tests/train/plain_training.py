"""An independent witness: one network trained by itself with `torch.optim.AdamW`, the way a tutorial does it."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from bakeoff.data.assembly import with_scaling
from bakeoff.data.dataset import Dataset, training_order
from bakeoff.data.forms.graphs import graphs_of_dense
from bakeoff.data.scaling import Scaling
from bakeoff.data.schema import Classes, Graph, Image, Schema, Series, Table, Tokens, Value
from bakeoff.data.splits import Splits
from bakeoff.models.layers.graphs import GraphBatch, network_inputs
from bakeoff.models.layers.views import arguments
from bakeoff.train.batches import batch_positions
from bakeoff.train.recipe import Recipe, Replica


def train_alone(
    build: Callable[[int], nn.Module], dataset: Dataset, replica: Replica, recipe: Recipe, dtype: torch.dtype
) -> nn.Module:
    """The network after all steps."""
    module = build(replica.seed).to(dtype).train()
    optimiser = torch.optim.AdamW(
        module.parameters(), lr=replica.learning_rate, weight_decay=recipe.weight_decay
    )
    subset = training_order(dataset, seed=replica.seed)[: replica.examples]
    stream = batch_positions(examples=len(subset), batch_size=recipe.batch_size, seed=replica.seed)
    train = dataset.targets[dataset.splits.train].astype(np.float64)
    for step in range(recipe.steps):
        rows = subset[next(stream)]
        outputs = outputs_of(module, dataset, rows, dtype)
        if dataset.schema.is_classification:
            loss = F.cross_entropy(outputs, torch.from_numpy(dataset.targets_at(rows)))
        else:
            wanted = (dataset.targets_at(rows).astype(np.float64) - train.mean(0)) / train.std(0)
            loss = F.mse_loss(outputs, torch.from_numpy(wanted).to(dtype))
        optimiser.zero_grad()
        loss.backward()
        if recipe.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(module.parameters(), recipe.clip_norm)
        for group in optimiser.param_groups:
            group["lr"] = replica.learning_rate * recipe.rate(step)
        optimiser.step()
    return module.eval()


def outputs_of(module: nn.Module, dataset: Dataset, rows: np.ndarray, dtype: torch.dtype) -> torch.Tensor:
    """Logits, or standardised values, of these examples."""
    inputs = network_inputs(dataset.inputs_at(rows), dataset.schema.input)
    if isinstance(inputs, GraphBatch):
        inputs = inputs.each(lambda part: part.to(dtype) if part.is_floating_point() else part)
    elif inputs.is_floating_point():
        inputs = inputs.to(dtype)
    lengths = dataset.lengths_at(rows)
    return module(*arguments(module, inputs, None if lengths is None else torch.from_numpy(lengths)))


def assert_as_alone(
    outputs: torch.Tensor,
    replicas: Sequence[Replica],
    build: Callable[[int], nn.Module],
    dataset: Dataset,
    recipe: Recipe,
) -> None:
    """Validation outputs [R, N, K] of a stack in float64 are those of each replica trained alone, and of no other."""
    for row, replica in enumerate(replicas):
        alone = train_alone(build, dataset, replica, recipe, torch.float64)
        with torch.no_grad():
            wanted = outputs_of(alone, dataset, dataset.splits.validation, torch.float64)
        torch.testing.assert_close(outputs[row], wanted, atol=1e-12, rtol=0)
        assert not torch.allclose(outputs[row - 1], wanted, atol=1e-6)


def made_up(kind: str, *, examples: int = 160, seed: int = 0, numbers: bool = False) -> Dataset:
    """A small dataset with a pattern; kinds are "image", "series", "short series", "tokens", "graph" and "table"."""
    rng = np.random.default_rng(seed)
    labels = np.arange(examples) % 3
    lengths = None
    if kind == "image":
        shape = Image(channels=1, height=8, width=8)
        inputs = rng.integers(0, 120, (examples, 1, 8, 8)).astype(np.uint8)
        inputs[np.arange(examples), 0, 2 * labels + 1] += 100
    elif kind in ("series", "short series"):
        shape = Series(channels=2, length=12)
        inputs = rng.normal(size=(examples, 2, 12)).astype(np.float32)
        inputs[:, 0] += np.sin(np.arange(12) * (1 + labels[:, None]))
        if kind == "short series":
            lengths = rng.integers(5, 13, examples)
            inputs *= (np.arange(12) < lengths[:, None])[:, None]
    elif kind == "tokens":
        shape = Tokens(vocabulary_size=30, length=10)
        lengths = rng.integers(4, 11, examples)
        inputs = (rng.integers(1, 10, (examples, 10)) + 9 * labels[:, None]).astype(np.int32)
        inputs *= np.arange(10) < lengths[:, None]
    elif kind == "graph":
        shape = Graph(nodes=7, features=2)
        lengths = rng.integers(4, 8, examples)
        real = np.arange(7) < lengths[:, None]
        edges = np.triu(rng.random((examples, 7, 7)) < 0.2 + 0.2 * labels[:, None, None], 1)
        edges = (edges | edges.transpose(0, 2, 1)) & real[:, None] & real[:, :, None]
        numbers_of_nodes = rng.normal(size=(examples, 2, 7)) * real[:, None]
        dense = np.concatenate([numbers_of_nodes, edges], axis=1).astype(np.float32)
        inputs = graphs_of_dense(dense, shape, lengths)
    else:
        shape = Table(features=6)
        inputs = (rng.normal(size=(examples, 6)) + labels[:, None]).astype(np.float32)
    targets = labels.astype(np.int64)
    if numbers:
        targets = (100.0 + 20.0 * labels[:, None] + rng.normal(size=(examples, 2))).astype(np.float32)
    cut, rest = examples * 5 // 8, examples * 13 // 16
    splits = Splits(train=np.arange(cut), validation=np.arange(cut, rest), test=np.arange(rest, examples))
    target = Value(size=2) if numbers else Classes(names=("a", "b", "c"))
    return with_scaling(
        Dataset(
            name=kind.replace(" ", "-"),
            schema=Schema(input=shape, target=target),
            inputs=inputs,
            targets=targets,
            splits=splits,
            lengths=lengths,
        )
    )


__all__ = ["Scaling", "made_up", "outputs_of", "train_alone"]
