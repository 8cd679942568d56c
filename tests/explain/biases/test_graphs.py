"""Planted graphs: rewiring takes the graph network's lead where it matters who is linked, and only there."""

from functools import partial

import numpy as np
import pytest

import bakeoff
from bakeoff import models
from bakeoff.api.why import why
from bakeoff.data.assembly import with_scaling
from bakeoff.data.dataset import Dataset
from bakeoff.data.interventions.catalogue import intervention
from bakeoff.data.splits import Splits
from bakeoff.train.recipe import Recipe, Replica
from bakeoff.train.stacked.fit_stack import fit_stack
from bakeoff.train.tensors import TrainingData


def small(name: str) -> Dataset:
    """300 graphs to learn from, 60 to choose by and 400 to judge on."""
    whole = bakeoff.load(f"planted:{name}")
    rows = np.arange(760)
    splits = Splits(train=rows[:300], validation=rows[300:360], test=rows[360:])
    return with_scaling(whole.subset(rows, splits))


def accuracy(dataset: Dataset, change: str | None) -> float:
    """Of one short training of the graph network."""
    if change is not None:
        dataset = intervention(change, dataset.schema)(dataset, seed=0)
    build = partial(models.build, "gin", dataset.schema, width=16)
    recipe = Recipe(steps=100, batch_size=50, schedule="cosine", evaluations=4)
    replicas = [Replica(learning_rate=3e-3, seed=0, examples=300)]
    (trained,) = fit_stack(lambda seed: build(seed=seed), TrainingData(dataset), replicas, recipe)
    assert trained.test_outputs is not None
    return float((trained.test_outputs.argmax(axis=1) == dataset.targets[dataset.splits.test]).mean())


def test_rewiring_takes_the_lead_where_it_matters_who_is_linked_and_nothing_where_it_does_not() -> None:
    homophily, hubs = small("homophily"), small("hubs")
    assert accuracy(homophily, None) > 0.95
    assert accuracy(homophily, "rewire") < 0.6
    assert accuracy(hubs, "rewire") > 0.85


@pytest.mark.slow
def test_why_says_which_assumptions_the_planted_graphs_live_from() -> None:
    found = why(
        bakeoff.load("planted:homophily"), ["mlp@32", "gin@16"], None, steps=100, seeds=2, sizes=False
    )
    assert set(found.matters()) == {"links", "edges", "node_features"}
    found = why(bakeoff.load("planted:hubs"), ["mlp@32", "gin@16"], None, steps=200, seeds=2, sizes=False)
    assert set(found.matters()) == {"edges"}
