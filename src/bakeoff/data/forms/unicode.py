"""One form of Unicode for all words that are read: composed (NFC), as keyboards write them and macOS's folders do not.

The same letter may be stored as one sign (가) or as its parts (ㄱ + ㅏ); as words they would be two.
"""

import unicodedata

import polars as pl


def composed(word: str) -> str:
    r"""The word in NFC.

    >>> len("\u1100\u1161"), len(composed("\u1100\u1161"))
    (2, 1)
    """
    return word if word.isascii() else unicodedata.normalize("NFC", word)


def composed_frame(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with its words and the names of its columns in NFC; names that would become equal stay."""
    changed = []
    for column in frame:
        if column.dtype in (pl.Categorical, pl.Enum):
            column = column.cast(pl.String)
        if column.dtype == pl.String and (column.str.len_bytes() != column.str.len_chars()).any():
            words = [None if word is None else composed(word) for word in column.to_list()]
            changed.append(pl.Series(column.name, words, pl.String))
    frame = frame.with_columns(changed)
    names = [composed(name) for name in frame.columns]
    if names != frame.columns and len(set(names)) == len(names):
        frame = frame.rename(dict(zip(frame.columns, names, strict=True)))
    return frame
