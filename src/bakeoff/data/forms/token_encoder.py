"""What all encoders of text share: a column of a table, tokens padded at the end, and where texts are cut."""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bakeoff.data.encoder import FormEncoder, NewExamples, check_shape
from bakeoff.data.forms.columns import as_words
from bakeoff.data.forms.unicode import composed
from bakeoff.data.schema import Schema, Tokens

#: Texts are cut after the length that this share of the training texts does not exceed ...
LENGTH_SHARE = 0.98
#: ... but after at most this many tokens.
MOST_TOKENS = 256


class TokenEncoder(FormEncoder):
    """Encodes a column of texts as tokens; the base of both kinds of vocabulary.

    Attributes:
        column, target: their names in the table.
        length: tokens after which texts are cut.
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

    def check(self, schema: Schema) -> None:
        check_shape((self.length,), schema)
        known = schema.input.vocabulary_size if isinstance(schema.input, Tokens) else 0
        if self.vocabulary_size > known:
            raise ValueError(f"it knows {self.vocabulary_size} tokens, and the network {known}")

    def read(self, source: Any, schema: Schema) -> NewExamples:
        from bakeoff.data.forms.frame_columns import new_frame, new_targets

        if isinstance(source, list | tuple) and all(isinstance(text, str) for text in source):
            source = pl.DataFrame({self.column: list(source)})
        words = [self.column, self.target] if schema.is_classification else [self.column]
        frame = new_frame(source, [self.column], words=words)
        texts = [composed(text) for text in as_words(frame[self.column]).fill_null("").to_list()]
        tokens, lengths = self.encode(texts)
        return NewExamples(
            inputs=tokens,
            lengths=lengths,
            targets=new_targets(frame, self.target, schema.target),
            names=short_labels(texts),
        )


def kept_length(lengths: Sequence[int]) -> int:
    """Tokens after which texts are cut: `LENGTH_SHARE` of the training texts are no longer; at most `MOST_TOKENS`."""
    return int(np.clip(np.quantile(lengths, LENGTH_SHARE, method="higher"), 1, MOST_TOKENS))


def short_labels(texts: Sequence[str]) -> list[str]:
    """The start of each text, for reports."""
    return [text[:200] for text in texts]
