"""Every sentence that a person reads after a run that went well, in every language, in one place.

The sentences stand in catalogues beside this file (`locale`, see `bakeoff.messages.catalogue`); a key begins with its
topic's name. Placeholders are those of `str.format`, and three more: a figure in percent has a space before its sign,
`{name:이/가}` takes the Korean particle that fits (`bakeoff.messages.korean`), and `{number:[3] thousand[6] million}`
writes a large number in the language's own units. The language is that of `set_language`, else of the environment
variable `BAKEOFF_LANG`, else of `LANG`, else English.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bakeoff.messages.catalogue import SOURCE_LANGUAGE, Catalogues
from bakeoff.messages.placeholders import fill_in

CATALOGUES = Catalogues(Path(__file__).parent / "locale")
LANGUAGES = CATALOGUES.languages

_chosen: str | None = None


def set_language(language: str | None) -> None:
    """Choose one of `LANGUAGES` for this process; None goes back to the environment's choice."""
    global _chosen
    assert language is None or language in LANGUAGES, language
    _chosen = language


def language() -> str:
    """The language in force."""
    return _chosen or language_of(os.environ.get("BAKEOFF_LANG") or os.environ.get("LANG", ""), LANGUAGES)


def language_of(locale: str, languages: tuple[str, ...]) -> str:
    """The language that suits a name such as "ko_KR.UTF-8" best, English if none does.

    >>> language_of("ko_KR.UTF-8", ("en", "ko")), language_of("C", ("en", "ko"))
    ('ko', 'en')
    """
    name = locale.partition(".")[0].replace("-", "_").lower()
    known = {one.lower(): one for one in languages}
    return known.get(name) or known.get(name.partition("_")[0]) or SOURCE_LANGUAGE


def say(key: str, **values: Any) -> str:
    """The sentence of this key in the language in force, its placeholders filled in.

    Raises:
        KeyError: no topic has the key (an error of this program: a test walks all keys).
    """
    return say_in(None, key, values)


def say_in(wanted: str | None, key: str, values: Mapping[str, Any]) -> str:
    """The sentence of this key in one of `LANGUAGES`, by default the one in force, its placeholders filled in."""
    return fill_in(CATALOGUES.sentence(key, wanted or language()).form(values), values)


def say_if_known(key: str, otherwise: str) -> str:
    """The sentence of this key, or other words where there is none: a network of somebody's own has none here."""
    is_known = key in CATALOGUES.sentences(key.partition(".")[0], SOURCE_LANGUAGE)
    return say(key) if is_known else otherwise


def all_sentences(language: str = SOURCE_LANGUAGE) -> dict[str, tuple[str, ...]]:
    """Every key that a language has, with its forms: one, or one a plural (for tests and translators)."""
    return {
        key: sentence.forms
        for topic in CATALOGUES.topics
        for key, sentence in CATALOGUES.sentences(topic, language).items()
    }
