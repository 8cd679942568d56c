"""What all encoders of text share: a column of a table, tokens padded at the end, and where texts are cut."""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bakeoff.data.encoder import FormEncoder, NewData
from bakeoff.data.readers.columns import as_words
from bakeoff.data.schema import Schema

#: Texts are cut after this many tokens, or after the length that this share of the training texts keeps to.
MOST_TOKENS, LENGTH_SHARE = 256, 0.98


class TokenEncoder(FormEncoder):
    """A column of texts to tokens, by whatever vocabulary.

    Attributes:
        column, target: their names in the table.
        length: of the longest text that is kept whole, in tokens.
    """

    column: str
    target: str
    length: int

    @property
    @abstractmethod
    def vocabulary_size(self) -> int:
        """How many different tokens there are."""

    @abstractmethod
    def encode(self, texts: Iterable[str]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Tokens int32 [N, T], padded with 0 at the end, and how many of them are real, int64 [N] (at least 1)."""

    def read(self, source: Any, schema: Schema) -> NewData:
        from bakeoff.data.readers.frame_columns import new_frame, new_targets

        if isinstance(source, list | tuple) and all(isinstance(text, str) for text in source):
            source = pl.DataFrame({self.column: list(source)})
        frame = new_frame(source, [self.column])
        texts = as_words(frame[self.column]).fill_null("").to_list()
        tokens, lengths = self.encode(texts)
        return NewData(
            inputs=tokens,
            lengths=lengths,
            targets=new_targets(frame, self.target, schema.target),
            names=short_labels(texts),
        )


def kept_length(lengths: Sequence[int]) -> int:
    """Texts are cut after so many tokens: what `LENGTH_SHARE` of the training texts keep to, at most `MOST_TOKENS`."""
    return int(np.clip(np.quantile(lengths, LENGTH_SHARE, method="higher"), 1, MOST_TOKENS))


def short_labels(texts: Sequence[str]) -> list[str]:
    """The start of each text, for reports."""
    return [text[:200] for text in texts]
