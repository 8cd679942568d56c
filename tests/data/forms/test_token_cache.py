"""Tokens that are kept: found again, only for the very same texts, and never in the way."""

import errno
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bakeoff.data.dataset import Dataset
from bakeoff.data.forms import text as text_file
from bakeoff.data.forms import token_cache
from bakeoff.data.load import load
from bakeoff.system import own_folders

WORDS = ("good", "bad", "film", "plot", "actor", "영화가", "dull", "great")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path))
    monkeypatch.setattr(token_cache, "LEAST_SIGNS", 1)
    return tmp_path / "texts"


def reviews() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(WORDS, size=rng.integers(5, 9))) + f" {place}" for place in range(60)]
    return pl.DataFrame({"review": texts, "label": ["yes", "no"] * 30})


def read(frame: pl.DataFrame, **options: object) -> Dataset:
    return load(frame, target="label", **options)


def nobody_cuts(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(text: str) -> list[str]:
        raise AssertionError(f"cut again: {text}")

    monkeypatch.setattr(text_file, "split_words", refuse)


def same(one: Dataset, other: Dataset) -> None:
    assert one.fingerprint == other.fingerprint
    assert one.encoder == other.encoder
    np.testing.assert_array_equal(one.inputs, other.inputs)
    np.testing.assert_array_equal(one.lengths, other.lengths)


def test_the_same_texts_are_cut_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = read(reviews())
    (place,) = folder.iterdir()
    assert sorted(path.name for path in place.iterdir()) == sorted(
        [own_folders.MARK, "encoder.json", "lengths.npy", "tokens.npy"]
    )
    nobody_cuts(monkeypatch)
    again = read(reviews())
    same(first, again)
    assert isinstance(again.inputs, np.memmap)
    changed = reviews().with_columns(pl.col("review").str.replace("dull", "dulL"))
    for frame, options in (
        (changed, {}),
        (reviews(), {"seed": 1}),
        (reviews().rename({"review": "text"}), {}),
    ):
        with pytest.raises(AssertionError, match="cut again"):
            read(frame, **options)


def test_short_texts_are_not_cached(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_cache, "LEAST_SIGNS", 10_000)
    read(reviews())
    assert not folder.exists()


def spoil(place: Path, how: str) -> None:
    tokens = np.load(place / "tokens.npy")
    if how == "cut short":
        os.truncate(place / "tokens.npy", 200)
    elif how == "a token that no word has":
        np.save(place / "tokens.npy", tokens + 1000)
    elif how == "a length of nothing":
        np.save(place / "lengths.npy", np.zeros(len(tokens), np.int64))
    elif how == "objects":
        np.save(place / "tokens.npy", tokens.astype(object), allow_pickle=True)
    elif how == "another record":
        (place / "encoder.json").write_text("[1, 2")
    else:
        (place / "lengths.npy").unlink()


@pytest.mark.parametrize(
    "how",
    [
        "cut short",
        "a token that no word has",
        "a length of nothing",
        "objects",
        "another record",
        "a file less",
    ],
)
def test_a_damaged_cache_is_made_anew(folder: Path, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = read(reviews())
    (place,) = folder.iterdir()
    spoil(place, how)
    same(first, read(reviews()))
    assert [entry.name for entry in folder.iterdir()] == [place.name]
    nobody_cuts(monkeypatch)
    same(first, read(reviews()))


def test_a_full_disk_costs_time_and_nothing_else(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    first = read(reviews())
    (place,) = folder.iterdir()
    (place / "tokens.npy").unlink()
    with monkeypatch.context() as patch:
        patch.setattr(np, "save", full)
        same(first, read(reviews()))
        assert not [entry for entry in folder.iterdir() if entry.name.startswith("unfinished")]
    folder.parent.joinpath("file").touch()
    monkeypatch.setenv("BAKEOFF_CACHE", str(folder.parent / "file"))  # a folder that cannot be made
    same(first, read(reviews()))
