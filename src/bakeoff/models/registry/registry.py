"""One registry: cards by name, from the catalogue's files and from a user's own factory."""

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from bakeoff.data.schema import Schema
from bakeoff.errors import ModelError, suggest
from bakeoff.models.registry.card import BIASES, ModelCard


class Registry(Mapping[str, ModelCard]):
    """Cards by name. A name twice is an error; an unknown name suggests the nearest ones.

    The files of the catalogue are imported when a name is first asked for.
    """

    def __init__(self, files: tuple[str, ...]) -> None:
        self._files = files
        self._cards: dict[str, ModelCard] = {}
        self._loaded = False

    def add(self, card: ModelCard) -> ModelCard:
        if card.name in self._cards:
            raise ModelError(f"There is a network called '{card.name}' already: choose another name.")
        unknown = set(card.biases) - set(BIASES)
        if unknown:
            raise ModelError(f"Unknown bias {sorted(unknown)} on '{card.name}': known are {sorted(BIASES)}.")
        self._cards[card.name] = card
        return card

    def _load(self) -> dict[str, ModelCard]:
        if not self._loaded:
            self._loaded = True
            for file in self._files:
                importlib.import_module(f"bakeoff.models.{file}")
        return self._cards

    def __getitem__(self, name: str) -> ModelCard:
        cards = self._load()
        if name not in cards:
            raise ModelError(
                f"There is no network called '{name}'. {suggest(name, cards)} `bakeoff models` lists them."
            )
        return cards[name]

    def __contains__(self, name: object) -> bool:
        return name in self._load()

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(self._load())

    def __len__(self) -> int:
        return len(self._load())


def card_from_factory(reference: str) -> ModelCard:
    """The card of a user's own network, named `package.module:factory`.

    The factory is called with the schema if it takes an argument, else with none, and returns an `nn.Module`.

    Raises:
        ModelError: the reference has no colon, cannot be imported, or is not callable.
    """
    module_name, _, attribute = reference.partition(":")
    if not attribute:
        raise ModelError(f"'{reference}' is not of the form package.module:factory.")
    try:
        factory = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise ModelError(
            f"'{reference}' cannot be imported ({error}): is its folder this one, or on PYTHONPATH?"
        ) from error
    if not callable(factory):
        raise ModelError(
            f"'{reference}' is a {type(factory).__name__}, not a function that returns an nn.Module."
        )
    return ModelCard(
        name=reference,
        family="user",
        year=0,
        paper="",
        summary="A network of the user's own.",
        biases=(),
        build=_FactoryBuild(factory=factory, reference=reference),
    )


@dataclass(frozen=True)
class _FactoryBuild:
    factory: Callable[..., Any]
    reference: str

    def __call__(self, schema: Schema, width: int | None = None, **options: Any) -> nn.Module:
        takes_schema = any(
            p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.default is p.empty
            for p in inspect.signature(self.factory).parameters.values()
        )
        try:
            module = self.factory(schema, **options) if takes_schema else self.factory(**options)
        except Exception as error:
            raise ModelError(
                f"The factory '{self.reference}' failed with {type(error).__name__}: {error}"
            ) from error
        if not isinstance(module, nn.Module):
            raise ModelError(
                f"The factory '{self.reference}' returned a {type(module).__name__}, not an nn.Module."
            )
        return module
