"""Texts cut by a published tokenizer: the tokens that the publisher's own code gives, kept with the network."""

import json
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import bakeoff
from bakeoff.data.forms.tokenizer import PublishedTokenEncoder
from bakeoff.data.load import read_new
from bakeoff.errors import DataError, MissingExtraError, OptionError

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "a",
    "great",
    "dull",
    "film",
    "play",
    "##ing",
    "##s",
    "!",
    "is",
]
TEXTS = [
    "A great film is playing!",
    "a dull film is plays",
    "great great great film films",
    "Dull? naïve film is a",
]


def table() -> pl.DataFrame:
    return pl.DataFrame(
        {"text": [f"{text} {n}" for n in range(30) for text in TEXTS], "label": [1, 0, 1, 0] * 30}
    )


@pytest.fixture
def vocabulary(tmp_path: Path) -> Path:
    (tmp_path / "vocab.txt").write_text("\n".join(WORDS))
    return tmp_path


def test_without_its_package_the_extra_is_named(vocabulary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(MissingExtraError, match=r"needs the package 'tokenizers'.*bakeoff\[hub\]"):
        bakeoff.load(table(), target="label", tokenizer=vocabulary)


def test_it_goes_with_texts_alone(vocabulary: Path) -> None:
    numbers = pl.DataFrame({"x": np.arange(40.0), "label": [0, 1] * 20})
    with pytest.raises(OptionError, match="no column here is free text"):
        bakeoff.load(numbers, target="label", tokenizer=vocabulary)
    with pytest.raises(OptionError, match="'tokenizer' does not go with built-in data"):
        bakeoff.load("digits", tokenizer=vocabulary)


@pytest.mark.peers
def test_the_tokens_are_those_of_the_publishers_code(vocabulary: Path) -> None:
    from transformers import BertTokenizer

    dataset = bakeoff.load(table(), target="label", tokenizer=vocabulary)
    theirs = BertTokenizer(str(vocabulary / "vocab.txt"))
    assert isinstance(dataset.encoder, PublishedTokenEncoder)
    assert dataset.schema.input.vocabulary_size == len(WORDS)
    for text, row, length in zip(table()["text"], dataset.inputs, dataset.lengths, strict=True):
        wanted = theirs(text, truncation=True, max_length=len(row))["input_ids"]
        assert row[:length].tolist() == wanted
        assert not row[length:].any()
    assert dataset.inputs[0][:4].tolist() == [2, 5, 6, 8], "[CLS] a great film"


@pytest.mark.peers
def test_new_texts_need_only_what_was_stored(vocabulary: Path) -> None:
    dataset = bakeoff.load(table(), target="label", tokenizer=vocabulary)
    record = json.loads(json.dumps(dataset.encoder.to_json()))
    (vocabulary / "vocab.txt").unlink()
    new = read_new(record, ["a great film is playing!", ""], schema=dataset.schema)
    assert new.inputs[0][: new.lengths[0]].tolist() == [2, 5, 6, 8, 13, 9, 10, 12, 3]
    assert new.inputs[1][: new.lengths[1]].tolist() == [2, 3]


@pytest.mark.peers
def test_byte_pairs_are_read_as_gpt2_keeps_them(tmp_path: Path) -> None:
    (tmp_path / "vocab.json").write_text(
        json.dumps({"<pad>": 0, "a": 1, "b": 2, "ab": 3, "\u0120": 4, "\u0120ab": 5})
    )
    (tmp_path / "merges.txt").write_text("#version: 0.2\na b\n\u0120 ab\n")
    frame = pl.DataFrame({"text": ["ab ab a b ab"] * 20 + ["b b b b a"] * 20, "label": [0] * 20 + [1] * 20})
    dataset = bakeoff.load(frame, target="label", text="text", tokenizer=tmp_path)
    assert dataset.inputs[0][: dataset.lengths[0]].tolist() == [3, 5, 4, 1, 4, 2, 5]


@pytest.mark.peers
def test_what_is_no_tokenizer_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no tokenizer: give a folder with tokenizer\.json"):
        bakeoff.load(table(), target="label", tokenizer=tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(DataError, match="cannot be read"):
        bakeoff.load(table(), target="label", tokenizer=tmp_path)
