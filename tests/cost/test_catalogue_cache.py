"""The cost of the catalogue's networks is counted once, and again when anything that makes it has changed."""

from dataclasses import replace
from pathlib import Path

import pytest
from torch import nn

import bakeoff.cost
from bakeoff import models
from bakeoff.cost import catalogue_cache, cost_of
from bakeoff.cost.catalogue_cache import counted
from bakeoff.data.schema import Classes, Schema, Table

SCHEMA = Schema(input=Table(features=5), target=Classes(names=("a", "b", "c")))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path))
    return tmp_path


def card_and_width(name: str = "mlp", width: int | None = None) -> tuple[models.ModelCard, int | None]:
    return models.card(name), width


def refuse(*_: object) -> None:
    raise AssertionError("it was counted again")


def test_a_networks_cost_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    module = models.build("mlp", SCHEMA, seed=0)
    first = counted(module, *card_and_width(), SCHEMA)
    cost = cost_of(module, (1, 5))
    assert (first.parameters, first.flops, first.training_flops) == (
        cost.parameters,
        cost.flops,
        cost.training_flops,
    )
    monkeypatch.setattr(bakeoff.cost, "cost_of", refuse)
    assert counted(module, *card_and_width(), SCHEMA) == first


def test_another_width_schema_or_source_is_counted_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    counted(models.build("mlp", SCHEMA, seed=0), *card_and_width(), SCHEMA)
    monkeypatch.setattr(bakeoff.cost, "cost_of", refuse)
    wider = replace(SCHEMA, input=Table(features=6))
    for other, schema in (
        (card_and_width(width=7), SCHEMA),
        (card_and_width("linear"), SCHEMA),
        (card_and_width(), wider),
    ):
        with pytest.raises(AssertionError, match="counted again"):
            counted(models.build("mlp", schema, seed=0), *other, schema)
    monkeypatch.setattr(catalogue_cache, "_sources_hash", lambda: "other sources")
    with pytest.raises(AssertionError, match="counted again"):
        counted(models.build("mlp", SCHEMA, seed=0), *card_and_width(), SCHEMA)


def test_a_network_of_ones_own_and_a_spoilt_file_are_counted(cache: Path) -> None:
    own = replace(models.card("mlp"), build=lambda schema, width=None: nn.Linear(5, 3))
    assert counted(nn.Linear(5, 3), own, None, SCHEMA).parameters == 18
    assert not list(cache.rglob("*.json"))
    first = counted(models.build("mlp", SCHEMA, seed=0), *card_and_width(), SCHEMA)
    (kept,) = cache.rglob("*.json")
    kept.write_text("{}")
    assert counted(models.build("mlp", SCHEMA, seed=0), *card_and_width(), SCHEMA) == first
