"""Texts cut by a published network's own tokenizer, without which its weights are of no use.

A pre-trained network (BERT, GPT-2 ...) expects its publisher's token ids. The table of them lies beside the weights:
`tokenizer.json`, or in older form `vocab.txt` (BERT) or `vocab.json` and `merges.txt` (GPT-2). They are read, and
texts are cut, by the package `tokenizers` (`pip install 'bakeoff[hub]'`); the full table is part of the encoder's
record, so that a trained network predicts without the publisher's files.

    bakeoff.load("reviews.csv", target="label", tokenizer="bert-base-uncased/")
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.forms.token_encoder import TokenEncoder, kept_length
from bakeoff.errors import BakeoffError, DataError, printable
from bakeoff.system.extras import package
from bakeoff.system.files import refuse_special

#: What a folder may hold, best first: the names of one form's files.
FORMS = (("tokenizer.json",), ("vocab.txt",), ("vocab.json", "merges.txt"))


@dataclass(frozen=True, kw_only=True)
class PublishedTokenEncoder(TokenEncoder):
    """A published tokenizer as one JSON text (the form of `tokenizer.json`)."""

    kind: ClassVar[str] = "tokenizer"
    column: str
    target: str
    length: int
    tokenizer: str = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, **{name: getattr(self, name) for name in _FIELDS}}

    @cached_property
    def _cutter(self) -> Any:
        try:
            cutter = package("tokenizers", "hub").Tokenizer.from_str(self.tokenizer)
        except BakeoffError:
            raise
        except Exception as error:  # the package has no class of its own for a text that is no tokenizer
            raise ValueError(f"its tokenizer cannot be read: {error}") from error
        cutter.no_padding()
        cutter.enable_truncation(max_length=self.length)
        return cutter

    @property
    def vocabulary_size(self) -> int:
        return int(self._cutter.get_vocab_size())

    def encode(self, texts: Iterable[str]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        rows = [found.ids for found in self._cutter.encode_batch(list(texts))]
        tokens = np.zeros((len(rows), self.length), np.int32)
        for place, row in enumerate(rows):
            tokens[place, : len(row)] = row
        return tokens, np.array([max(len(row), 1) for row in rows], np.int64)


_FIELDS = ("column", "target", "length", "tokenizer")


def has_tokenizer(place: str | Path) -> bool:
    """Whether this folder holds a tokenizer's files."""
    folder = Path(place)
    return any(all((folder / name).is_file() for name in names) for names in FORMS)


def published_encoder(
    cutter: Any, texts: Sequence[str], *, column: str, target: str
) -> PublishedTokenEncoder:
    """The encoder of a published tokenizer; texts are cut after a length that follows from the training texts.

    Args:
        cutter: the tokenizer, from `open_tokenizer`.
        texts: of the training examples.
        column, target: of the table.
    """
    cutter.no_padding()
    cutter.no_truncation()
    lengths = [len(found.ids) for found in cutter.encode_batch(list(texts))]
    return PublishedTokenEncoder(
        column=column, target=target, length=kept_length(lengths), tokenizer=cutter.to_str()
    )


def open_tokenizer(source: str | Path) -> Any:
    """A published tokenizer, as the package `tokenizers` knows it.

    Args:
        source: a folder that holds the tokenizer's files, one of these files, or a Hugging Face id.

    Raises:
        DataError: there is no such tokenizer, or its files are damaged.
        MissingExtraError: the package `tokenizers` is not installed.
    """
    place = Path(source).expanduser()
    refuse_special(place)
    tokenizers = package("tokenizers", "hub")
    folder = place.parent if place.is_file() else place
    try:
        if place.is_file() and place.suffix == ".json" and place.name != "vocab.json":
            return tokenizers.Tokenizer.from_file(str(place))
        if not folder.is_dir():
            return tokenizers.Tokenizer.from_pretrained(str(source))
        if (folder / "tokenizer.json").is_file():
            return tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        if (folder / "vocab.txt").is_file():
            lower = _settings(folder).get("do_lower_case", True)
            return tokenizers.BertWordPieceTokenizer(str(folder / "vocab.txt"), lowercase=lower)
        if has_tokenizer(folder):
            return tokenizers.ByteLevelBPETokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"))
    except Exception as error:  # the package's errors derive from Exception alone
        raise DataError(
            f"The tokenizer '{printable(str(source))}' cannot be read ({printable(str(error))}): give a folder with "
            "tokenizer.json or vocab.txt."
        ) from error
    raise DataError(
        f"'{printable(str(source))}' holds no tokenizer: give a folder with "
        f"{', or '.join(' and '.join(names) for names in FORMS)}."
    )


def _settings(folder: Path) -> dict[str, Any]:
    path = folder / "tokenizer_config.json"
    found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found if isinstance(found, dict) else {}
