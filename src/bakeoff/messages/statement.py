"""A `Statement`: what is said, as the key of a sentence and its figures, yet without a language."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bakeoff.messages import say


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A sentence of the verdict: its key in `bakeoff.messages`, and the figures that fill it in."""

    key: str
    values: Mapping[str, Any]

    def text(self) -> str:
        """The sentence in the language in force; a value that is a `Statement` is said first."""
        said = {
            name: value.text() if isinstance(value, Statement) else value
            for name, value in self.values.items()
        }
        return say(self.key, **said)
