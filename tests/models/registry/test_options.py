"""An option that a network does not have is reported, with those that it has."""

import pytest

from bakeoff import models
from bakeoff.data.schema import Classes, Image, Schema, Series, Table
from bakeoff.errors import OptionError
from bakeoff.models.registry.card import ModelCard

IMAGE = Schema(input=Image(channels=1, height=32, width=32), target=Classes(names=("a", "b")))
SERIES = Schema(input=Series(channels=1, length=30), target=Classes(names=("a", "b")))


def test_an_unknown_option_is_refused_with_the_nearest_that_there_is() -> None:
    with pytest.raises(OptionError, match=r"'resnet18' has no option 'smal'\. Did you mean 'small'"):
        models.build("resnet18", IMAGE, smal=True)
    assert models.build("resnet18", IMAGE, small=True) is not None


@pytest.mark.parametrize("name", ["inceptiontime", "tcn", "transformer_encoder", "fcn", "mlp"])
def test_an_option_that_no_network_has_is_refused_and_the_width_is_no_option(name: str) -> None:
    with pytest.raises(OptionError, match=f"'{name}' has no option 'colour'") as refused:
        models.build(name, SERIES, colour="red")
    assert "width" not in str(refused.value)


def test_a_network_without_options_says_so() -> None:
    with pytest.raises(OptionError, match=r"'linear' has no option 'depth'\. It has none\."):
        models.build("linear", SERIES, depth=3)


def test_a_type_error_inside_a_network_is_not_taken_for_a_wrong_option() -> None:
    def build(schema: Schema, width: int | None = None, depth: int = 1) -> None:
        raise TypeError("depth of what?")

    card = ModelCard(name="odd", family="user", year=0, paper="", summary="", biases=(), build=build)
    with pytest.raises(TypeError, match="depth of what"):
        models.build(card, Schema(input=Table(features=2), target=Classes(names=("a", "b"))), depth=2)
