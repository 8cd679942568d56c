"""The scalable families of the catalogue and their two rules: each has both, or says which it lacks and why."""

from typing import Any

import pytest
import torch
from torch import nn

from bakeoff.models import build, catalogue
from bakeoff.models.registry.card import ModelCard
from bakeoff.testing.networks import schemas_of
from bakeoff.train.families import registry
from bakeoff.train.families.registry import compile_program, family_rules, stack_networks
from bakeoff.train.families.rules import Missing
from bakeoff.train.kernels import native
from bakeoff.train.tensors import TrainingData
from examples import made_up

SCALABLE = [card for card in catalogue().values() if card.scalable]


def networks_of(card: ModelCard) -> dict[type[nn.Module], nn.Module]:
    """A network of each class that the family builds for the inputs that it takes."""
    made = [build(card, schema, width=8, seed=0) for schema in schemas_of(card)]
    return {type(module): module for module in made}


@pytest.mark.parametrize("card", SCALABLE, ids=lambda card: card.name)
def test_every_scalable_family_has_both_rules_or_says_why_not(card: ModelCard) -> None:
    for kind in networks_of(card):
        rules = family_rules().get(kind)
        assert rules is not None, f"{kind.__name__} has no rules in train/families"
        for rule in (rules.stacked, rules.compiled):
            assert callable(rule) or (isinstance(rule, Missing) and len(rule.reason.split()) > 4)


@pytest.mark.parametrize("card", SCALABLE, ids=lambda card: card.name)
def test_the_rules_of_a_network_stand_in_the_file_of_the_same_name(card: ModelCard) -> None:
    files = {file.__name__.rpartition(".")[2]: file for file in registry.FAMILIES}
    for kind in networks_of(card):
        name = kind.__module__.rpartition(".")[2]
        assert name in files, f"train/families/{name}.py is not in FAMILIES of train/families/registry.py"
        assert kind in files[name].RULES


@pytest.mark.skipif(not native.available(), reason=f"no compiled operators here: {native.describe()}")
@pytest.mark.parametrize(
    ("name", "data", "compiled"),
    [
        ("linear", "series", True),
        ("linear", "tokens", False),
        ("mlp", "image", True),
        ("cnn", "image", True),
        ("cnn", "series", True),
        ("gru", "series", False),
        ("transformer", "series", True),
        ("gin", "graph", False),
    ],
)
def test_what_is_declared_is_what_happens(name: str, data: str, compiled: bool) -> None:
    """The compiled rule is used where there is one, and the stacked one where there is not."""
    dataset = made_up(data)
    module = build(name, dataset.schema, width=8, seed=0)
    stack = stack_networks([module], [0])
    assert stack.strategy == "rules"
    assert (compile_program(stack, TrainingData(dataset)) is not None) is compiled
    assert isinstance(family_rules()[type(module)].compiled, Missing) is not compiled


def test_a_class_with_rules_in_two_files_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "FAMILIES", (*registry.FAMILIES, registry.mlp))
    with pytest.raises(AssertionError, match=r"families\.mlp has a rule for a class that has one"):
        family_rules.__wrapped__()


def test_a_stack_without_the_rule_of_a_class_is_evaluated_by_vmap_with_the_same_outputs() -> None:
    from bakeoff.train.replicas.module import NetworkStack

    dataset = made_up("series")
    modules = [build("mlp", dataset.schema, width=8, seed=seed) for seed in (0, 1)]
    inputs = torch.from_numpy(dataset.inputs_at(range(5))).float()

    def outputs(stack: Any) -> torch.Tensor:
        return stack.outputs_of(inputs).detach()

    plain, known = NetworkStack(modules, [0, 1], rules={}), stack_networks(modules, [0, 1])
    assert (plain.strategy, known.strategy) == ("vmap", "rules")
    torch.testing.assert_close(outputs(plain), outputs(known), atol=1e-6, rtol=1e-5)
    assert not torch.allclose(outputs(plain)[0], outputs(plain)[1], atol=1e-3)
