"""A program: the default families forwards and in small stacks, every signature held against what is really passed.

It needs a process of its own, since the checks are put into the modules while they are imported.
"""

import importlib
import pkgutil

import torch
from jaxtyping import TypeCheckError, install_import_hook

CHECKED = (
    "bakeoff.models.scalable",
    "bakeoff.models.layers",
    "bakeoff.train.stacked",
    "bakeoff.train.replicas",
    "bakeoff.train.families",
)


def import_checked() -> None:
    with install_import_hook(list(CHECKED), "beartype.beartype"):
        for package in CHECKED:
            for module in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
                importlib.import_module(module.name)


def wrong_shapes_are_seen() -> None:
    """Otherwise all that follows would prove nothing."""
    from bakeoff.models.layers.views import is_real

    try:
        is_real(torch.ones(2, 2, dtype=torch.int64), 3)
    except TypeCheckError:
        return
    raise AssertionError("a wrong shape went through")


def forwards() -> None:
    from bakeoff.models import catalogue
    from bakeoff.testing.networks import check_forward, schemas_of

    for card in catalogue().values():
        for schema in schemas_of(card) if card.scalable else ():
            check_forward(card, schema)


def stacks() -> None:
    from bakeoff.models import build
    from bakeoff.train.recipe import Recipe, Replica
    from bakeoff.train.stacked.run import StackedTraining, evaluate
    from bakeoff.train.tensors import TrainingData
    from examples import made_up

    replicas = [Replica(learning_rate=1e-3, seed=seed, examples=100 - 50 * seed) for seed in (0, 1)]
    for name, kind in (("mlp", "image"), ("gru", "series"), ("transformer", "tokens"), ("gin", "graph")):
        dataset = made_up(kind)
        data = TrainingData(dataset)

        def network(seed: int, name: str = name, schema: object = dataset.schema) -> torch.nn.Module:
            return build(name, schema, width=8, seed=seed)

        run = StackedTraining(network, data, replicas, Recipe(steps=2, batch_size=16, evaluations=1))
        run.advance(2)
        evaluate(run.network, data, data.validation)
        assert run.network.strategy == "rules", name


if __name__ == "__main__":
    for step in (import_checked, wrong_shapes_are_seen, forwards, stacks):
        step()
        print(step.__name__)
