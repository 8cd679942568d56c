"""What a placeholder may ask for."""

import pytest

from bakeoff.messages.placeholders import fill_in, in_units


def test_a_percentage_has_a_space_before_its_sign() -> None:
    assert fill_in("{share:.1%} and {plain:.2f}", {"share": 0.125, "plain": 2}) == "12.5 % and 2.00"


def test_a_particle_may_stand_apart_from_its_value() -> None:
    sentence = "{loss}({low} ~ {high}){loss:-을/를} 잃고 {name:이/가} 남습니다"
    values = {"loss": "3포인트", "low": 1, "high": 5, "name": "cnn"}
    assert fill_in(sentence, values) == "3포인트(1 ~ 5)를 잃고 cnn이 남습니다"


def test_braces_in_a_value_are_left_as_they_are() -> None:
    assert fill_in("{words}", {"words": "no {such} layer"}) == "no {such} layer"


@pytest.mark.parametrize(
    ("number", "english", "korean"),
    [  # counted by hand
        (12, "12", "12"),
        (999, "999", "999"),
        (9_990, "9.99 thousand", "9,990"),
        (493_000, "493 thousand", "49.3만"),
        (999_999, "1 million", "100만"),
        (12_340_000, "12.3 million", "1,230만"),
        (2.5e9, "2.5 billion", "25억"),
        (4.1e12, "4.1 trillion", "4.1조"),
        (7e16, "70,000 trillion", "70,000조"),
    ],
)
def test_large_numbers_are_counted_as_the_language_does(number: float, english: str, korean: str) -> None:
    assert in_units(number, "[3] thousand[6] million[9] billion[12] trillion") == english
    assert in_units(number, "[4]만[8]억[12]조") == korean
