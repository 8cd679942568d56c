"""Every sentence that a person reads after a run that went well, in English and Korean, in one place.

A topic is a file here with one dictionary, `SENTENCES = {key: (English, Korean)}`; the keys start with the topic's
name. Placeholders are those of `str.format`. The language is that of `set_language`, else of the environment
variable `BAKEOFF_LANG`, else of `LANG` (Korean where it starts with "ko"), else English.
"""

import importlib
import os
import string
from collections.abc import Mapping
from functools import cache
from typing import Any

LANGUAGES = ("en", "ko")
_TOPICS = ("data", "study", "verdict", "report", "why", "models", "cost", "fit", "reason")

_chosen: str | None = None


def set_language(language: str | None) -> None:
    """Choose "en" or "ko" for this process; None goes back to the environment's choice."""
    global _chosen
    assert language is None or language in LANGUAGES, language
    _chosen = language


def language() -> str:
    """The language in force."""
    if _chosen:
        return _chosen
    wish = os.environ.get("BAKEOFF_LANG") or os.environ.get("LANG", "")
    return "ko" if wish.lower().startswith("ko") else "en"


def say(key: str, **values: Any) -> str:
    """The sentence of this key in the language in force, its placeholders filled in.

    Raises:
        KeyError: no topic has the key (an error of this program: a test walks all keys).
    """
    return say_in(None, key, values)


def say_in(wanted: str | None, key: str, values: Mapping[str, Any]) -> str:
    """The sentence of this key in "en" or "ko", by default in the language in force, its placeholders filled in."""
    topic = key.partition(".")[0]
    english, korean = _sentences(topic)[key]
    return _FORMATTER.format(korean if (wanted or language()) == "ko" else english, **values)


class _Formatter(string.Formatter):
    """`str.format`, with a space before the percent sign of a figure, as everywhere else here."""

    def format_field(self, value: Any, format_spec: str) -> str:
        text = str(super().format_field(value, format_spec))
        return f"{text[:-1]} %" if format_spec.endswith("%") else text


_FORMATTER = _Formatter()


@cache
def _sentences(topic: str) -> dict[str, tuple[str, str]]:
    sentences: dict[str, tuple[str, str]] = importlib.import_module(f"bakeoff.messages.{topic}").SENTENCES
    return sentences


def all_sentences() -> dict[str, tuple[str, str]]:
    """Every key with its English and Korean sentence (for tests and translators)."""
    return {key: pair for topic in _TOPICS for key, pair in _sentences(topic).items()}
