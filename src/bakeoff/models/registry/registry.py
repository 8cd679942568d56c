"""One registry: cards by name, from the catalogue's files and from a user's own factory."""

import importlib
from collections.abc import Mapping

from bakeoff.errors import ModelError, suggest
from bakeoff.models.registry.card import BIASES, RECIPES, ModelCard


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
        if card.recipe not in RECIPES:
            raise ModelError(
                f"Unknown recipe '{card.recipe}' on '{card.name}'. {suggest(card.recipe, RECIPES)}"
            )
        self._cards[card.name] = card
        return card

    def has_added(self, name: str) -> bool:
        """Whether a card of this name has been added already; nothing is imported."""
        return name in self._cards

    def _load(self) -> dict[str, ModelCard]:
        if not self._loaded:
            self._loaded = True
            for file in self._files:
                importlib.import_module(f"bakeoff.models.{file}")
            # Some files may have been imported one by one before: their order is the catalogue's all the same.
            self._cards = dict(sorted(self._cards.items(), key=lambda item: self._place(item[1])))
        return self._cards

    def _place(self, card: ModelCard) -> int:
        """Which of the catalogue's files the card comes from; a user's own come last."""
        build = getattr(card.build, "func", card.build)
        file = getattr(build, "__module__", "").removeprefix("bakeoff.models.")
        return self._files.index(file) if file in self._files else len(self._files)

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
