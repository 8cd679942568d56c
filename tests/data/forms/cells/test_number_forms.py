"""Numbers in every form that people write: what is written is read back, and what is no number is not."""

from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bakeoff.data.forms.cells.numbers import DIGIT_FORMS, number_form_of, reads_either_way
from bakeoff.data.forms.columns import NumberColumn, column_from_json, column_to_json, learn_column

BLANKS = {" ": [" ", "\u00a0", "\u202f", "\u2009"], "'": ["'", "’"]}
SIGNS = ["-", "−", "–"]
UNITS = [
    ("", ""),
    ("$", ""),
    ("€ ", ""),
    ("US$", ""),
    ("EUR ", ""),
    ("₩", ""),
    ("", " €"),
    ("", "%"),
    ("", " kg"),
    ("", "원"),
]


def as_written(value: Decimal, thousands: str, decimal: str) -> str:
    """The number as a person writes it, by Python's own formatting."""
    text = f"{value:,.2f}" if thousands else f"{value:.2f}"
    return text.replace(",", "T").replace(".", "D").replace("T", thousands).replace("D", decimal)


numbers = st.lists(st.integers(-(10**9), 10**9).map(lambda n: Decimal(n) / 100), min_size=3, max_size=30)


@settings(max_examples=150, deadline=None)
@given(
    values=numbers,
    form=st.sampled_from(DIGIT_FORMS),
    unit=st.sampled_from(UNITS),
    sign=st.sampled_from(SIGNS),
    brackets=st.booleans(),
    data=st.data(),
)
def test_numbers_in_every_form_are_read_back(
    values: list[Decimal],
    form: tuple[str, str],
    unit: tuple[str, str],
    sign: str,
    brackets: bool,
    data: st.DataObject,
) -> None:
    thousands, decimal = form
    thousands = data.draw(st.sampled_from(BLANKS.get(thousands, [thousands])))
    words = []
    for value in values:
        bare = unit[0] + as_written(abs(value), thousands, decimal) + unit[1]
        words.append(bare if value >= 0 else f"({bare})" if brackets else sign + bare)
    column = pl.Series("n", words)
    found = number_form_of(column)
    assert found is not None, words
    assert found.read(column).to_list() == [float(value) for value in values]


@pytest.mark.parametrize(
    ("words", "read"),
    [
        (["1,234", "999", "12"], [1234, 999, 12]),
        (["12,34,567", "1,234"], [1234567, 1234]),
        (["0,123", "0,456"], [0.123, 0.456]),
        (["21,35", "3,5", "4"], [21.35, 3.5, 4]),
        (["1e-3", "2.5E4"], [0.001, 25000]),
        (["5-", "1,234.5-"], [-5, -1234.5]),
        ([".5", "1."], [0.5, 1]),
        (["-$5.00", "$6"], [-5, 6]),
        (["$ (1,234.50)", "($ 3.00)", "$ 12.00"], [-1234.5, -3, 12]),
        (["(1.234,50) €", "12,00 €"], [-1234.5, 12]),
        (["1,234E+02", "5,100E+00"], [123.4, 5.1]),
        (["10 m/s", "12 m/s"], [10, 12]),
        (["36,6°C", "37,2°C"], [36.6, 37.2]),
    ],
)
def test_forms_by_hand(words: list[str], read: list[float]) -> None:
    form = number_form_of(pl.Series(words))
    assert form is not None
    assert form.read(pl.Series(words)).to_list() == read


@pytest.mark.parametrize(
    "words",
    [
        ["C0001", "C0002", "C0003"],
        ["12 kg", "13 g"],
        ["12A", "13B"],
        ["007", "A12", "012", "B07"],
        ["192.168.1.1", "10.0.0.1"],
        ["03.01.2023", "04.01.2023"],
        ["1,23,4", "2,34,5"],
        ["red", "blue"],
        ["", "-", "n/a"],
        ["(5", "6)"],
    ],
)
def test_what_is_no_number_is_not_read_as_one(words: list[str]) -> None:
    assert number_form_of(pl.Series(words)) is None


@pytest.mark.parametrize(
    "word", ["-", "--", "none", "None", "N/A", "n/a", "?", "missing", "결측", "없음", "미상", "#DIV/0!", "."]
)
def test_words_for_missing_are_missing_in_a_column_of_numbers(word: str) -> None:
    column = pl.Series("n", ["1.5", word, word, word, "2.5", word])
    form = number_form_of(column)
    assert form is not None
    assert form.read(column).to_list() == [1.5, None, None, None, 2.5, None]


def test_a_column_of_mostly_numbers_with_one_odd_word_stays_one_of_numbers() -> None:
    words = [str(number) for number in range(60)] + ["n.b.", "<1"] * 15
    assert number_form_of(pl.Series(words)) is not None
    assert number_form_of(pl.Series([*map(str, range(60)), *(f"A{n}" for n in range(30))])) is None


def test_three_digits_after_a_comma_are_read_as_thousands_and_said_to_be_ambiguous() -> None:
    words = pl.Series(["1,234", "5,678"])
    guessed, asked = number_form_of(words), number_form_of(words, decimal="comma")
    assert guessed is not None
    assert asked is not None
    assert guessed.ambiguous == "1234,5"
    assert guessed.read(words).to_list() == [1234, 5678]
    assert asked.read(words).to_list() == [1.234, 5.678]
    assert asked.ambiguous == ""


def test_points_that_group_thousands_beside_small_whole_numbers_are_noticed() -> None:
    written = [f"{number:,}".replace(",", ".") for number in (12, 999, *range(1000, 40000, 1111))]
    assert reads_either_way(pl.Series(written).cast(pl.Float64))
    form = number_form_of(pl.Series(written))
    assert form is not None
    assert form.read(pl.Series(written)).to_list() == [12, 999, *range(1000, 40000, 1111)]
    assert not reads_either_way(pl.Series([0.5, 1.25, 3.0]).append(pl.Series([1234.5])))


def test_new_cells_are_read_by_the_form_of_training_alone() -> None:
    words = pl.Series("n", ["1.234,5", "2,25", "-"] * 4)
    column = learn_column(words, number_form_of(words))
    assert isinstance(column, NumberColumn)
    back = column_from_json(column_to_json(column))
    assert back == column
    assert back.encode(pl.Series("n", ["1.234", "5", "7,5"]))[0].to_list() == [1234, 5, 7.5]
