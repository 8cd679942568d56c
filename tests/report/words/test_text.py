"""Numbers and other people's words, as they are written."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from bakeoff.messages import set_language
from bakeoff.report.words.text import amount, bound, clean, duration, shorten, significant, wrapped


@settings(deadline=None)
@given(st.text())
def test_no_control_or_direction_character_is_left_in_cleaned_text(text: str) -> None:
    import unicodedata

    cleaned = clean(text)
    categories = {unicodedata.category(character) for character in cleaned} - {"Cn"}
    assert not categories & {"Cc", "Zl", "Zp", "Cs"}
    assert "\u202e" not in cleaned
    assert "\x1b" not in cleaned


def test_names_in_other_scripts_stay_as_they_are() -> None:
    assert clean("고양이 naïve 猫 می\u200cخواهم") == "고양이 naïve 猫 می\u200cخواهم"


@settings(deadline=None)
@given(st.text(), st.integers(1, 30))
def test_shortened_text_fits_its_cells(text: str, width: int) -> None:
    assert cell_len(shorten(text, width)) <= width


@settings(deadline=None)
@given(st.floats(1e-4, 1e8))
def test_significant_digits_agree_with_the_format_of_python(value: float) -> None:
    assert float(significant(value).replace(",", "")) == pytest.approx(float(f"{value:.3g}"))


@settings(deadline=None)
@given(st.floats(1, 1e15))
def test_an_amount_read_back_is_the_amount_to_three_digits(value: float) -> None:
    number, _, prefix = amount(value).partition(" ")
    scale = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15}[prefix]
    assert float(number.replace(",", "")) * scale == pytest.approx(value, rel=0.006)
    assert float(number.replace(",", "")) < 1000


def test_what_is_not_finite_is_written_as_a_sign() -> None:
    assert (amount(math.nan), significant(math.inf), duration(math.nan)) == ("–", "∞", "–")


def test_lengths_of_time_are_in_the_language_in_force() -> None:
    set_language("ko")
    try:
        assert duration(83) == "1분 23초"
    finally:
        set_language(None)


@settings(deadline=None)
@given(st.text(alphabet="ab 가", max_size=60), st.integers(4, 20))
def test_wrapped_lines_fit_and_lose_nothing(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert all(cell_len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_a_number_is_never_parted_from_its_percent_sign() -> None:
    assert not any(line.startswith("%") for line in wrapped(bound("it is 98.9 % of all"), 11))
    assert any(line.startswith("%") for line in wrapped("it is 98.9 % of all", 11))
