"""A stack over all folds gives what each fold's own training gives."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from bakeoff import models
from bakeoff.data.dataset import Dataset
from bakeoff.data.folds import of_fold, with_folds
from bakeoff.data.load import load
from bakeoff.train.folds import FoldedData
from bakeoff.train.recipe import Recipe, Replica
from bakeoff.train.stacked.fit_stack import fit_stack
from bakeoff.train.tensors import TrainingData
from examples import made_up

RECIPE = Recipe(steps=30, batch_size=20, evaluations=3, judge="errors")


def values() -> Dataset:
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((61, 3)).astype(np.float32)
    return load((inputs, (100 + 7 * inputs[:, 0]).astype(np.float32)), task="value")


@pytest.mark.parametrize("made", [lambda: load("iris"), values])
def test_a_replica_of_a_fold_is_that_of_training_on_this_fold_alone(made: Callable[[], Dataset]) -> None:
    dataset = with_folds(made(), 3, seed=1)
    alone = {fold: TrainingData(of_fold(dataset, fold), dtype=torch.float64) for fold in range(3)}

    def build(seed: int) -> nn.Module:
        return models.build("mlp", dataset.schema, width=8, seed=seed)

    replicas = [
        Replica(learning_rate=1e-2, seed=s, examples=25, fold=fold) for fold in range(3) for s in (0, 1)
    ]
    together = fit_stack(build, FoldedData(alone), replicas, RECIPE, stack_size=6, reproducible=True)
    for replica, one in zip(replicas, together, strict=True):
        assert replica.fold is not None
        (own,) = fit_stack(build, alone[replica.fold], [replica], RECIPE, reproducible=True)
        assert one.validation_outputs is not None
        assert own.validation_outputs is not None
        assert len(one.validation_outputs) == len(dataset.folds[replica.fold].validation)
        np.testing.assert_allclose(one.validation_outputs, own.validation_outputs, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(one.test_outputs, own.test_outputs, rtol=1e-5, atol=1e-5)
        assert one.validation_loss == pytest.approx(own.validation_loss, rel=1e-6)
    first, other = together[0].test_outputs, together[2].test_outputs
    assert first is not None
    assert other is not None
    assert not np.allclose(first[:15], other[:15]), (
        "another fold has other test examples and another training set"
    )


def test_joined_batches_of_graphs_are_the_batch_of_all_graphs() -> None:
    from bakeoff.models.layers.graphs import GraphBatch, joined_batches

    graphs = made_up("graph").graphs
    assert graphs is not None
    kind = made_up("graph").schema.input
    parts = [GraphBatch.of(graphs[rows], kind) for rows in (slice(0, 3), slice(3, 4), slice(4, 9))]
    whole, joined = GraphBatch.of(graphs[:9], kind), joined_batches(parts)
    for one, other in zip(whole.tensors, joined.tensors, strict=True):
        torch.testing.assert_close(one, other)
    assert joined.batch_size == 9
