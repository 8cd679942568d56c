"""An independent witness: one network trained by itself with `torch.optim.AdamW`, the way a tutorial does it."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from bakeoff.data.dataset import Dataset, training_order
from bakeoff.models.layers.graphs import GraphBatch, network_inputs
from bakeoff.models.layers.views import arguments
from bakeoff.train.recipe import Recipe, Replica


def batch_positions(*, examples: int, batch_size: int, seed: int) -> Iterator[np.ndarray]:
    """Positions in a training set of this size, one array a step; every epoch is a new permutation."""
    rng = np.random.default_rng((seed, 0xBA7C4))  # as the package draws them
    while True:
        order = rng.permutation(examples)
        for start in range(0, examples, batch_size):
            yield order[start : start + batch_size]


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
