"""One form of Unicode for all words that are read: composed (NFC), as keyboards write them and macOS's folders do not.

The same letter may be stored as one sign (가) or as its parts (ㄱ + ㅏ); as words they would be two. Here, too, names
of columns become such that Polars takes them for nothing but names.
"""

import unicodedata

import polars as pl

from bakeoff.errors import WORD_JOINER


def composed(word: str) -> str:
    r"""The word in NFC.

    >>> len("\u1100\u1161"), len(composed("\u1100\u1161"))
    (2, 1)
    """
    return word if word.isascii() else unicodedata.normalize("NFC", word)


def column_name(name: str) -> str:
    r"""The name under which a column of this name is found: in NFC, and no pattern.

    Polars takes "*", and what begins with "^" and ends with "$", for all columns that match, wherever it looks for one,
    in methods of a series too. A word joiner at the end, which is not shown, makes it a name again.

    >>> column_name("size"), column_name("^b.*$"), column_name("*")
    ('size', '^b.*$\u2060', '*\u2060')
    """
    name = composed(name)
    return name + WORD_JOINER if name == "*" or (name.startswith("^") and name.endswith("$")) else name


def without_patterns(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame, its columns named by `column_name`; names that would become equal stay."""
    names = [column_name(name) for name in frame.columns]
    if names != frame.columns and len(set(names)) == len(names):
        frame = frame.clone()
        frame.columns = names
    return frame


def composed_frame(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with its words in NFC and its columns named by `column_name`."""
    frame, changed = without_patterns(frame), []
    for column in frame:
        if column.dtype in (pl.Categorical, pl.Enum):
            column = column.cast(pl.String)
        if column.dtype == pl.String and (column.str.len_bytes() != column.str.len_chars()).any():
            words = [None if word is None else composed(word) for word in column.to_list()]
            changed.append(pl.Series(column.name, words, pl.String))
    return frame.with_columns(changed)
