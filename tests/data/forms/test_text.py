"""Free text becomes tokens by a vocabulary that the training rows taught."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bakeoff
from bakeoff.data.forms.text import PADDING, UNKNOWN, TextEncoder, is_free_text, learn_text, split_words
from bakeoff.data.schema import Table, Tokens
from bakeoff.errors import DataError
from examples import read_again


def reviews(count: int = 80, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    words = np.array(
        [
            "the",
            "film",
            "was",
            "good",
            "bad",
            "long",
            "short",
            "and",
            "actors",
            "played",
            "very",
            "well",
            "not",
            "at",
            "all",
        ]
    )
    texts = [" ".join(rng.choice(words, rng.integers(5, 12))) + "." for _ in range(count)]
    return pl.DataFrame(
        {"review": texts, "stars": rng.integers(1, 6, count), "label": rng.choice(["neg", "pos"], count)}
    )


def encoder_of(dataset: Any) -> TextEncoder:
    assert isinstance(dataset.encoder, TextEncoder)
    return dataset.encoder


def test_a_column_of_sentences_makes_a_table_a_text_task() -> None:
    dataset = bakeoff.load(reviews(), target="label")
    assert isinstance(dataset.schema.input, Tokens)
    assert dataset.lengths is not None
    encoder = encoder_of(dataset)
    for place in (0, 30, 79):
        numbers = dataset.inputs[place, : dataset.lengths[place]]
        words = [encoder.words[number - 2] for number in numbers]
        assert words == split_words(reviews()["review"][place])[: encoder.length]
        assert (dataset.inputs[place, dataset.lengths[place] :] == PADDING).all()
    finding = next(finding for finding in dataset.findings if finding.kind == "text_only")
    assert finding.values == {"column": "review", "others": "'stars'", "count": 1}


def test_the_person_may_ask_for_the_table_instead() -> None:
    dataset = bakeoff.load(reviews(), target="label", kind="table")
    assert dataset.schema.input == Table(features=1)


def test_the_vocabulary_comes_from_the_training_rows_alone() -> None:
    frame = reviews()
    dataset = bakeoff.load(frame, target="label")
    held = np.setdiff1d(np.arange(80), dataset.splits.train).tolist()
    changed = frame.with_row_index("i").with_columns(
        pl.when(pl.col("i").is_in(held))
        .then(pl.lit("zebra zebra zebra quagga quagga"))
        .otherwise(pl.col("review"))
        .alias("review")
    )
    other = bakeoff.load(changed.drop("i"), target="label", text="review")
    assert encoder_of(other).words == encoder_of(dataset).words
    assert set(other.inputs[held].ravel().tolist()) == {PADDING, UNKNOWN}


def test_korean_and_chinese_fall_back_to_pairs_of_signs() -> None:
    assert split_words("영화가 좋았다") == ["영화", "화가", "좋았", "았다"]
    assert split_words("我喜欢Tea!") == ["我喜", "喜欢", "tea", "!"]
    good = [f"이 영화는 정말 재미있었어요 또 보고 싶어요 {n}" for n in range(30)]
    bad = [f"이 영화는 너무 지루했어요 시간이 아까워요 {n}" for n in range(30)]
    frame = pl.DataFrame({"감상": good + bad, "평가": ["긍정"] * 30 + ["부정"] * 30})
    dataset = bakeoff.load(frame, target="평가")
    assert isinstance(dataset.schema.input, Tokens)
    assert {"재미", "지루"} <= set(encoder_of(dataset).words)


def test_short_categories_numbers_and_names_are_no_text() -> None:
    rng = np.random.default_rng(0)
    assert is_free_text(reviews()["review"])
    assert not is_free_text(
        pl.Series(rng.choice(["red wine from the south", "white wine from the north"], 100))
    )
    assert not is_free_text(pl.Series([f"person {n}" for n in range(100)]))
    assert not is_free_text(pl.Series([f"{n}.5" for n in range(100)]))


def test_new_texts_are_read_the_same_from_a_file_and_from_a_list(tmp_path: Path) -> None:
    dataset = bakeoff.load(reviews(), target="label")
    reviews().write_csv(tmp_path / "new.csv")
    new = read_again(dataset, tmp_path / "new.csv")
    np.testing.assert_array_equal(new.inputs, dataset.inputs)
    np.testing.assert_array_equal(new.lengths, dataset.lengths)
    np.testing.assert_array_equal(new.targets, dataset.targets)
    listed = read_again(dataset, reviews()["review"].to_list())
    np.testing.assert_array_equal(listed.inputs, dataset.inputs)
    assert listed.targets is None
    empty = read_again(dataset, ["", "qwertz"])
    assert empty.inputs[:, 0].tolist() == [UNKNOWN, UNKNOWN]
    assert empty.lengths.tolist() == [1, 1]


def test_texts_without_a_common_word_are_refused() -> None:
    with pytest.raises(DataError, match="No word of the text column occurs in two"):
        learn_text(["one two", "three four"], column="a", target="b")


@given(st.text(max_size=60))
def test_splitting_loses_no_letter_and_makes_no_blank(text: str) -> None:
    tokens = split_words(text)
    assert all(token and not token.isspace() for token in tokens)
    kept = {sign for token in tokens for sign in token}
    assert kept == {sign for sign in text.lower() if not sign.isspace()}


@given(st.lists(st.text(max_size=30), min_size=1, max_size=5))
def test_any_text_is_encoded_within_the_vocabulary(texts: list[str]) -> None:
    encoder = learn_text(["a b c d e f 가나다라", "a b c d e f 가나다라"], column="t", target="y")
    tokens, lengths = encoder.encode(texts)
    assert tokens.shape == (len(texts), encoder.length)
    assert tokens.min() >= 0
    assert tokens.max() < encoder.vocabulary_size
    assert (lengths >= 1).all()
    assert (tokens[np.arange(len(texts)), lengths - 1] != PADDING).all()
