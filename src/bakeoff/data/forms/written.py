"""Words as a file has them: how a new value is found among the words that training knew.

A new table may hold the codes 007 and 012 alone, or True and False without the Maybe of training: read on its own, its
column is one of numbers or truth values. What the column was in training decides, and these are its words again.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import polars as pl

TRUTH = {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0}
#: Words that people write into a column of truth values where they do not know, beside the ones of every table.
UNKNOWN_TRUTH = frozenset({"unknown", "missing", "none", "na", "n/a", "nan", "null", "-", "?", ""})


def same_words(known: Iterable[str]) -> Mapping[str, str]:
    """Value -> the one known word that is written differently and means it (the number 7 -> 007, true -> True)."""
    spelled: dict[str, list[str]] = defaultdict(list)
    for word in known:
        spelled[value_of(word)].append(word)
    return {value: words[0] for value, words in spelled.items() if len(words) == 1}


def value_of(word: str) -> str:
    """What a word means where it is a number or a truth value, else the word."""
    if word.casefold() in ("true", "false"):
        return word.casefold()
    try:
        return repr(float(word))
    except ValueError:
        return word


def as_known_words(words: pl.Series, known: Iterable[str]) -> pl.Series:
    """Words of a frame's values, which come without their spelling (7, true), as `known` spells them (007, True)."""
    kept = set(known)
    spelled = same_words(kept)
    found = words.unique().drop_nulls().to_list()
    changes = {
        word: spelled[value_of(word)] for word in found if word not in kept and value_of(word) in spelled
    }
    return words.replace(changes) if changes else words
