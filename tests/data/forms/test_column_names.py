"""A column may have any name: one that Polars takes for a pattern is read, shown and found again as it is."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
import pytest

from bakeoff.data.card import data_card
from bakeoff.data.load import load
from bakeoff.data.schema import Classes
from bakeoff.errors import DataError, listed, printable
from bakeoff.report.words.text import clean
from examples import read_again

PATTERNS = ("^b.*$", "*", "^y$", "^.*$", "^(", "$", "(a)$")
ROWS = 60
Form = Literal["csv", "parquet", "polars", "pandas"]


def _frame(name: str) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    return pl.DataFrame(
        {
            name: [
                f"€ {value:.2f}" if name.endswith("$") else f"{value:.2f}" for value in rng.normal(size=ROWS)
            ],
            "b1": rng.normal(size=ROWS),
            "y": [("red", "blue", "green")[row % 3] for row in range(ROWS)],
            "answer": [("yes", "no")[row % 2] for row in range(ROWS)],
        }
    )


def _source(frame: pl.DataFrame, form: Form, folder: Path) -> Any:
    if form == "csv":
        frame.write_csv(folder / "t.csv")
        return str(folder / "t.csv")
    if form == "parquet":
        frame.write_parquet(folder / "t.parquet")
        return str(folder / "t.parquet")
    return frame if form == "polars" else frame.to_pandas()


@pytest.mark.parametrize("form", ["csv", "parquet", "polars", "pandas"])
@pytest.mark.parametrize("name", PATTERNS)
def test_a_column_with_a_pattern_for_a_name_is_read_as_under_any_other(
    name: str, form: Form, tmp_path: Path
) -> None:
    """The witness is the same table with a plain name."""
    frame = _frame(name)
    renamed = pl.DataFrame([one.alias("plain") if one.name == name else one for one in frame])
    plain = load(_source(renamed, form, tmp_path), target="answer")
    source = _source(frame, form, tmp_path)
    dataset = load(source, target="answer")
    np.testing.assert_array_equal(dataset.inputs, plain.inputs)
    again = read_again(dataset, source)
    np.testing.assert_array_equal(again.inputs, dataset.inputs)


@pytest.mark.parametrize("form", ["csv", "parquet", "polars", "pandas"])
@pytest.mark.parametrize("name", ["^y$", "*", "^b.*$"])
def test_such_a_column_is_the_target_or_a_group_under_the_name_that_it_has(
    name: str, form: Form, tmp_path: Path
) -> None:
    frame = _frame("value").rename({"answer": name})
    source = _source(frame, form, tmp_path)
    dataset = load(source, target=name)
    assert dataset.schema.target == Classes(names=("no", "yes"))
    assert read_again(dataset, source).targets is not None
    grouped = load(_source(_frame("value").rename({"y": name}), form, tmp_path), target="answer", group=name)
    assert grouped.groups is not None


def test_a_forecast_and_a_text_have_such_names(tmp_path: Path) -> None:
    days = pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 6, 1), eager=True)
    series = pl.DataFrame(
        {"^t$": days, "*": np.arange(len(days)) % 7 + 0.5, "^t.*$": np.arange(len(days)) * 1.0}
    )
    dataset = load(series, time="^t$", target="*")
    np.testing.assert_array_equal(read_again(dataset, series).inputs[:3], dataset.inputs[:3])
    words = pl.DataFrame(
        {"^t$": [f"a good long film number {row} of them all" for row in range(40)], "*": ["p", "n"] * 20}
    )
    texts = load(words, target="*", text="^t$")
    np.testing.assert_array_equal(read_again(texts, words).inputs, texts.inputs)


def test_the_name_is_shown_as_it_is() -> None:
    frame = _frame("^b.*$").with_columns(pl.lit(3).alias("^b.*$"))
    dataset = load(frame, target="answer")
    (finding,) = [one for one in dataset.findings if one.kind.startswith("constant")]
    assert "^b.*$" in str(finding.values)
    assert "u2060" not in ascii(printable(str(finding.values)))
    assert (printable("*\u2060"), clean("*\u2060"), listed(["*\u2060"])) == ("*", "*", "'*'")
    assert data_card(dataset) is not None


@pytest.mark.parametrize("form", ["csv", "parquet", "polars", "pandas"])
@pytest.mark.parametrize("names", [("size", "Size"), ("size", " size"), ("size", "size ")])
def test_two_names_that_differ_only_in_blanks_or_case_are_two_columns(
    names: tuple[str, str], form: Form, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    columns = {name: rng.normal(size=ROWS) for name in names}
    frame = pl.DataFrame({**columns, "answer": ["yes", "no"] * (ROWS // 2)})
    source = _source(frame, form, tmp_path)
    dataset = load(source, target="answer")
    assert dataset.schema.input.shape == (2,)
    np.testing.assert_array_equal(read_again(dataset, source).inputs, dataset.inputs)


@pytest.mark.parametrize(
    "values", [[[1, 2]] * ROWS, [bytes([row, 255]) for row in range(ROWS)]], ids=["list", "bytes"]
)
def test_a_group_of_neither_words_nor_numbers_is_refused(values: list[Any], tmp_path: Path) -> None:
    frame = _frame("value").with_columns(pl.Series("parts", values))
    for source in (frame, _source(frame, "parquet", tmp_path)):
        with pytest.raises(DataError, match=r"The column 'parts' holds .* name another column"):
            load(source, target="answer", group="parts")
