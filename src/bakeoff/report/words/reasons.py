"""Translates the recorded reasons of trials and plans into the language in force.

They are recorded in English, like an error's message. Those with a sentence in the catalogue are translated; others,
which come from an exception, are shown as they are.
"""

import re
from functools import cache

from bakeoff.messages import all_sentences, say
from bakeoff.report.words.text import clean

_PREFIX = "report.reason."


def reason_text(reason: str) -> str:
    """The reason, without a full stop at its end.

    >>> reason_text("the time was over."), reason_text("division by zero")
    ('the time was over', 'division by zero')
    """
    plain = clean(reason).rstrip(".")
    for key, pattern in _patterns().items():
        found = pattern.fullmatch(plain)
        if found:
            return say(key, **found.groupdict())
    return plain


def is_known(reason: str) -> bool:
    """Whether the catalogue has a sentence for the reason."""
    return any(pattern.fullmatch(clean(reason).rstrip(".")) for pattern in _patterns().values())


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    """Key -> pattern of its English sentence, with a named group for each figure."""
    english = {key: pair[0] for key, pair in all_sentences().items() if key.startswith(_PREFIX)}
    return {
        key: re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+?)", re.escape(text)))
        for key, text in english.items()
    }
