"""A `Statement`: what is said, as the key of a sentence and its figures, yet without a language."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bakeoff.messages import say_in


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A sentence of a verdict, or a reason: its key in `bakeoff.messages`, and the figures that fill it in."""

    key: str
    values: Mapping[str, Any]

    def text(self, language: str | None = None) -> str:
        """The sentence, by default in the language in force; a value that is a `Statement`, or a tuple of them, "
        "likewise."""
        return say_in(
            language, self.key, {name: _said(value, language) for name, value in self.values.items()}
        )

    def __str__(self) -> str:
        return self.text()


def _said(value: Any, language: str | None) -> Any:
    if isinstance(value, tuple):
        return ", ".join(str(_said(one, language)) for one in value)
    return value.text(language) if isinstance(value, Statement) else value


def because(name: str, **values: Any) -> Statement:
    """The reason with this name among the sentences `reason.NAME`, and its figures.

    >>> because("steps", steps=150).text("en")
    '150 steps at each learning rate do not fit the budget'
    """
    return Statement(key=f"reason.{name}", values=values)


def reason_of(error: BaseException) -> Statement:
    """The reason that an exception carries as its argument, else its own words (the type's name where it has "
    "none)."""
    if error.args and isinstance(error.args[0], Statement):
        return error.args[0]
    return because("words", words=str(error) or type(error).__name__)


def failure_of(error: BaseException) -> Statement:
    """The reason that an exception of unknown origin gives: its type and its words."""
    carried = error.args and isinstance(error.args[0], Statement)
    return because("error", type=type(error).__name__, words=error.args[0] if carried else str(error))


def reason_text(said: Statement | None, language: str | None = None) -> str:
    """The reason in the language in force, as records for people and programs hold it; "" without one."""
    return "" if said is None else said.text(language)


def to_stored(said: Statement | None) -> dict[str, Any] | str:
    """The form in which a run stores a reason: its key and values; "" without one."""
    if said is None:
        return ""
    values = {
        name: to_stored(value) if isinstance(value, Statement) else value
        for name, value in said.values.items()
    }
    return {"key": said.key, "values": values}


def from_stored(record: Mapping[str, Any] | str | None) -> Statement | None:
    """The reason from what a run has stored; an English sentence of an earlier version is taken as it is.

    Raises:
        LookupError, TypeError, ValueError, AttributeError: it is none that can be said.
    """
    if not record:
        return None
    if isinstance(record, str):
        return because("words", words=record)
    values = {
        name: from_stored(value) if isinstance(value, Mapping) else value
        for name, value in record["values"].items()
    }
    said = Statement(key=record["key"], values=values)
    said.text()  # which no sentence of another version, nor one with other figures, survives
    return said
