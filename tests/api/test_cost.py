"""What a network costs, from Python."""

import pytest

from bakeoff import models
from bakeoff.api.cost import cost
from bakeoff.cost import cost_of
from bakeoff.errors import CostError


def test_a_shape_may_be_text_or_numbers_and_the_cost_is_that_of_the_network() -> None:
    typed, given = cost("lenet5", input="1x28x28", classes=7), cost("lenet5", input=(1, 28, 28), classes=7)
    assert typed.shape == given.shape == (1, 1, 28, 28)
    assert typed.cost.to_json() == given.cost.to_json()
    assert cost("lenet5", classes=8).cost.parameters > cost("lenet5", classes=7).cost.parameters


def test_a_card_stands_for_its_name() -> None:
    assert cost(models.card("mlp"), input=(12,)).cost.parameters == cost("mlp", input="12").cost.parameters


def test_a_batch_costs_its_multiple_and_equals_cost_of() -> None:
    card = models.card("mlp")
    one, four = cost("mlp", batch=1), cost("mlp", batch=4)
    assert four.cost.flops == 4 * one.cost.flops
    assert one.cost.flops == cost_of(models.build(card, card.example), (1, *card.example.input.shape)).flops


def test_a_bound_is_there_where_a_machine_was_named() -> None:
    assert cost("mlp").bound is None
    assert "bound" not in cost("mlp").to_json()
    found = cost("mlp", machine="h100")
    assert found.bound is not None
    assert found.to_json()["bound"]["machine"] == found.bound.machine


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"input": "3xlarge"}, r"--input is '3xlarge': it must be of the form 3x224x224"),
        ({"input": (1, 2, 3, 4)}, "--input has 4 sizes"),
        ({"batch": 0}, "--batch is 0"),
        ({"classes": 0}, "--classes is 0"),
        ({"vocabulary": 0}, "--vocabulary is 0"),
    ],
)
def test_what_cannot_be_costed_is_refused(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(CostError, match=sentence):
        cost("mlp", **options)  # type: ignore[arg-type]


def test_a_network_of_ones_own_needs_a_shape() -> None:
    with pytest.raises(CostError, match="A network of your own needs --input"):
        cost("torch.nn:Identity")
