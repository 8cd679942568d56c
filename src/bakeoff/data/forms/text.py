"""Free text as tokens: int32 [N, T], by a vocabulary learned from the training rows.

Words are runs of letters and digits, in lower case; each other character is a word of its own. Scripts that do not
separate words by spaces, or attach endings to them (Korean, Japanese, Chinese, Thai), are cut into character bigrams,
which need no dictionary and share stems. 0 is padding, 1 an unknown word.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bakeoff.data.assembly import make_dataset
from bakeoff.data.dataset import Dataset, Finding
from bakeoff.data.forms.cells.reading import Form, mostly_digits
from bakeoff.data.forms.columns import as_words, first_of_each
from bakeoff.data.forms.token_cache import cut_once
from bakeoff.data.forms.token_encoder import MOST_TOKENS, TokenEncoder, kept_length, short_labels
from bakeoff.data.schema import Schema, Tokens
from bakeoff.data.splits import make_splits
from bakeoff.errors import DataError, listed, printable

#: The most words of a vocabulary.
MOST_WORDS = 20_000
#: Training texts that a word of the vocabulary occurs in at least.
LEAST_TEXTS = 2
#: Token ids.
PADDING, UNKNOWN = 0, 1
_UNSPACED = "\u0e00-\u0eff\u1100-\u11ff\u3040-\u30ff\u3130-\u318f\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_WORD = re.compile(rf"[{_UNSPACED}]+|(?:(?![{_UNSPACED}])\w)+|[^\w\s]")
_IS_UNSPACED = re.compile(rf"[{_UNSPACED}]")
#: Finds the same words in texts without these scripts, 2.5 times as fast.
_SPACED_WORD = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True, kw_only=True)
class TextEncoder(TokenEncoder):
    """A vocabulary learned from training texts; the word of token 2 + i is `words[i]`.

    `unit` says what a word is: "words", or "characters" where the texts are single words.
    """

    kind: ClassVar[str] = "text"
    column: str
    target: str
    words: tuple[str, ...]
    length: int
    unit: str = "words"

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "column": self.column,
            "target": self.target,
            "words": list(self.words),
            "length": self.length,
            "unit": self.unit,
        }

    @property
    def vocabulary_size(self) -> int:
        return len(self.words) + 2

    def encode(self, texts: Iterable[str]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        number = {word: place + 2 for place, word in enumerate(self.words)}
        split = splitter(self.unit)
        rows = [[number.get(word, UNKNOWN) for word in split(text)[: self.length]] for text in texts]
        tokens = np.zeros((len(rows), self.length), np.int32)
        for place, row in enumerate(rows):
            tokens[place, : len(row)] = row
            if not row:
                tokens[place, 0] = UNKNOWN
        return tokens, np.array([max(len(row), 1) for row in rows], np.int64)


def split_words(text: str) -> list[str]:
    """The tokens of a text.

    >>> split_words("It's 3 o'clock!")
    ['it', "'", 's', '3', 'o', "'", 'clock', '!']
    >>> split_words("정말 좋아요 ok")
    ['정말', '좋아', '아요', 'ok']
    """
    text = text.lower()
    if text.isascii() or not _IS_UNSPACED.search(text):
        return _SPACED_WORD.findall(text)
    tokens: list[str] = []
    for word in _WORD.findall(text):
        if _IS_UNSPACED.match(word) and len(word) > 2:
            tokens.extend(word[place : place + 2] for place in range(len(word) - 1))
        else:
            tokens.append(word)
    return tokens


def split_characters(text: str) -> list[str]:
    """The letters and signs of a text, in lower case: for names and other single words.

    >>> split_characters("Kim Ö")
    ['k', 'i', 'm', ' ', 'ö']
    """
    return list(text.lower().strip())


def splitter(unit: str) -> Callable[[str], list[str]]:
    """How texts are cut that are made of this unit, "words" or "characters"."""
    return split_characters if unit == "characters" else split_words


def is_free_text(column: pl.Series) -> bool:
    """Whether a column of strings holds sentences.

    These are mostly distinct, with at least four words (or 12 characters of a script without spaces) on average. A
    column with up to 20 distinct values, or of numbers or dates, is no free text.
    """
    filled = column.drop_nulls()
    if len(filled) == 0 or filled.n_unique() <= 20 or filled.n_unique() < 0.3 * len(filled):
        return False
    spaced, signs = _mean_length(filled)
    return spaced >= 4 or signs >= 12


def _mean_length(column: pl.Series) -> tuple[float, float]:
    """Words between spaces of a text on average, and characters of scripts without spaces."""
    sample = column.drop_nulls().head(1000).to_list()
    spaced = float(np.mean([len(text.split()) for text in sample]))
    return spaced, float(np.mean([sum(map(len, _UNSPACED_RUNS.findall(text))) for text in sample]))


_UNSPACED_RUNS = re.compile(rf"[{_UNSPACED}]+")


def text_columns(frame: pl.DataFrame) -> list[str]:
    """The columns of free text, the longest first (see `is_free_text`)."""
    free = [
        column for column in frame.columns if frame[column].dtype == pl.String and is_free_text(frame[column])
    ]
    lengths = {column: frame[column].str.len_chars().mean() or 0.0 for column in free}
    return sorted(free, key=lambda column: -float(str(lengths[column])))


def are_sentences(column: pl.Series) -> bool:
    """Whether these texts are longer than names are: six words (or 20 characters of a script without spaces)."""
    spaced, signs = _mean_length(column)
    return spaced >= 6 or signs >= 20


def word_columns(frame: pl.DataFrame, forms: Mapping[str, Form]) -> list[str]:
    """The columns of words that are no codes and have no form (of numbers, of dates), free text or not."""
    words = [column for column in frame if column.dtype == pl.String]
    return [column.name for column in words if column.name not in forms and not mostly_digits(column)]


def unit_of(column: pl.Series) -> str:
    """ "characters" where a text is a word or two and most are different (names), else "words"."""
    filled = column.drop_nulls()
    is_short = len(filled) > 0 and float(np.mean([len(text.split()) for text in filled.head(1000)])) < 4
    is_distinct = filled.n_unique() > 20 and 2 * filled.n_unique() > len(filled)
    return "characters" if is_short and is_distinct and not is_free_text(filled) else "words"


def learn_text(texts: Sequence[str], *, column: str, target: str, unit: str = "words") -> TextEncoder:
    """The vocabulary and the length of training texts.

    Args:
        unit: of which the texts are made, "words" or "characters".

    Raises:
        DataError: there is no word that occurs in two texts.
    """
    split = splitter(unit)
    seen: Counter[str] = Counter()
    lengths = []
    for text in texts:
        words = split(text)
        lengths.append(len(words))
        seen.update(set(words))
    frequent = sorted((-count, word) for word, count in seen.items() if count >= LEAST_TEXTS)[:MOST_WORDS]
    if not frequent:
        raise DataError(
            "No word of the text column occurs in two training texts: there is nothing to learn from."
        )
    known = tuple(word for _, word in frequent)
    return TextEncoder(column=column, target=target, words=known, length=kept_length(lengths), unit=unit)


def build_text(
    frame: pl.DataFrame,
    answers: pl.Series,
    *,
    columns: Sequence[str],
    name: str,
    target: str,
    task: str | None,
    groups: NDArray[Any] | None,
    seed: int,
    source: str,
    findings: Sequence[Finding],
    tokenizer: str | Path | None = None,
) -> Dataset:
    """A dataset of tokens from the first of `columns`; a finding names the other columns.

    `tokenizer` is a published one (see the module `tokenizer`); without it the vocabulary is learned.
    """
    from bakeoff.data.forms.frame_columns import column_target

    column = columns[0]
    targets, schema_target = column_target(answers, task=task)
    splits = make_splits(
        Schema(input=Tokens(vocabulary_size=2, length=1), target=schema_target),
        targets,
        seed=seed,
        groups=groups,
        originals=first_of_each(as_words(frame[column]).fill_null("").to_frame()),
    )
    texts = as_words(frame[column]).fill_null("").to_list()
    unit = unit_of(as_words(frame[column])) if tokenizer is None else "words"
    cutting = {"column": column, "target": target}
    learn: Callable[[list[str]], TokenEncoder]
    read: Callable[[dict[str, Any]], TokenEncoder]
    if tokenizer is None:
        form, read = unit, TextEncoder.from_json
        learn = partial(learn_text, **cutting, unit=unit)
    else:
        from bakeoff.data.forms.tokenizer import PublishedTokenEncoder, open_tokenizer, published_encoder

        cutter = open_tokenizer(tokenizer)
        form, read = cutter.to_str(), PublishedTokenEncoder.from_json
        learn = partial(published_encoder, cutter, **cutting)
    encoder, tokens, lengths = cut_once(
        texts,
        np.sort(splits.train),
        form=f"{MOST_WORDS} {MOST_TOKENS} {cutting} {form}",
        learn=learn,
        read=read,
    )
    all_findings = list(findings)
    others = [other for other in frame.columns if other not in (column, target)]
    if others:
        all_findings.append(
            Finding(
                kind="text_only",
                severity="note",
                values={"column": printable(column), "others": listed(others), "count": len(others)},
            )
        )
    if unit == "characters":
        values = {"column": printable(column)}
        all_findings.append(Finding(kind="text_by_characters", severity="note", values=values))
    empty = sum(not text.strip() for text in texts)
    if empty:
        all_findings.append(Finding(kind="empty_texts", severity="warning", values={"count": empty}))
    return make_dataset(
        name=name,
        input=Tokens(vocabulary_size=encoder.vocabulary_size, length=encoder.length),
        target=schema_target,
        inputs=tokens,
        targets=targets,
        lengths=lengths,
        encoder=encoder,
        splits=splits,
        groups=groups,
        labels=short_labels(texts),
        source=source,
        findings=all_findings,
    )
