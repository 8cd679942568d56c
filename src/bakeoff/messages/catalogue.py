"""The message catalogues: a template of the English sentences, a file a topic, and for each language its translations.

`locale/TOPIC.pot` holds the English; `locale/LANGUAGE/LC_MESSAGES/TOPIC.po` the others: files and places of gettext,
which translators' tools open. The context of an entry (`msgctxt`) is the key of the sentence. A language is there when
its folder is; a sentence that it lacks, or that is marked as fuzzy, is said in English.
"""

import gettext
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

SOURCE_LANGUAGE = "en"
_ENGLISH_PLURAL = "nplurals=2; plural=(n != 1);"
#: The figure that decides between forms, unless a comment in the template says `plural: NAME`.
_DECIDING = "count"


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """One sentence in one language, in as many forms as the language has plurals (one, where it does not matter).

    forms: with placeholders of `str.format`.
    deciding: the name of the figure that decides between them.
    form_of: from a whole number to the place of its form.
    """

    forms: tuple[str, ...]
    deciding: str
    form_of: Callable[[int], int]

    def form(self, values: Mapping[str, Any]) -> str:
        """The form for these values. A fraction takes the last form, as most languages say it."""
        if len(self.forms) == 1:
            return self.forms[0]
        figure = str(values[self.deciding]).replace(",", "")
        return self.forms[self.form_of(int(figure)) if figure.isdecimal() else -1]


class Catalogues:
    """All catalogues in a folder; a topic is read when its first sentence is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._read: dict[tuple[str, str], dict[str, Sentence]] = {}

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """English, and every language that has a folder."""
        return (SOURCE_LANGUAGE, *sorted(path.parent.name for path in self.folder.glob("*/LC_MESSAGES")))

    @cached_property
    def topics(self) -> tuple[str, ...]:
        return tuple(sorted(path.stem for path in self.folder.glob("*.pot")))

    def sentence(self, key: str, language: str) -> Sentence:
        """The sentence of this key, in English where the language does not have it.

        Raises:
            KeyError: no topic has the key.
        """
        topic = key.partition(".")[0]
        if topic not in self.topics:  # a key that was stored may be anything, and chooses no file
            raise KeyError(key)
        return self.sentences(topic, language).get(key) or self.sentences(topic, SOURCE_LANGUAGE)[key]

    def sentences(self, topic: str, language: str) -> dict[str, Sentence]:
        """The sentences that a language has of a topic, by key."""
        if (topic, language) not in self._read:
            self._read[topic, language] = self._sentences(topic, language)
        return self._read[topic, language]

    def _sentences(self, topic: str, language: str) -> dict[str, Sentence]:
        if language == SOURCE_LANGUAGE:
            return _sentences_of(self.folder / f"{topic}.pot", is_template=True)
        path = self.folder / language / "LC_MESSAGES" / f"{topic}.po"
        return _sentences_of(path, is_template=False) if path.exists() else {}


def _sentences_of(path: Path, *, is_template: bool) -> dict[str, Sentence]:
    import polib  # here, since most commands end before they say anything

    file = polib.pofile(str(path))
    rule = _ENGLISH_PLURAL if is_template else file.metadata.get("Plural-Forms", _ENGLISH_PLURAL)
    form_of = gettext.c2py(rule.partition("plural=")[2].rstrip("; "))
    found = {}
    for entry in file:
        if is_template:
            forms = (entry.msgid, entry.msgid_plural) if entry.msgid_plural else (entry.msgid,)
        elif entry.translated():
            forms = tuple(entry.msgstr_plural.values()) or (entry.msgstr,)
        else:
            continue
        named = re.search(r"plural: (\w+)", entry.comment)
        found[entry.msgctxt] = Sentence(
            forms=forms, deciding=named[1] if named else _DECIDING, form_of=form_of
        )
    return found
