"""Particles as Koreans write them. The phrases are common usage (documentation, news, dictionaries), not made by the rule."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakeoff.messages.korean import PARTICLES, last_syllable, with_particle

#: Each phrase is a value and its particle as they are written; the other half of the pair would be wrong.
PHRASES = {
    "이/가": [
        "신경망이",
        "모델이",
        "데이터가",
        "학습률이",
        "CNN이",
        "RNN이",
        "LSTM이",
        "GRU가",
        "MLP가",
        "BERT가",
        "boosting이",
        "linear가",
        "transformer가",
        "1이",
        "2가",
        "3이",
        "4가",
        "5가",
        "6이",
        "7이",
        "8이",
        "9가",
        "0이",
        "10이",
        "100이",
    ],
    "을/를": [
        "서울을",
        "부산을",
        "제주를",
        "50 %를",
        "95%를",
        "GPT-2를",
        "ResNet을",
        "DenseNet을",
        "VGG16을",
        "model을",
        "table을",
        "file을",
        "design을",
        "Python을",
        "Java를",
        "PyTorch를",
        "Docker를",
        "GitHub을",
        "HTML을",
        "URL을",
        "API를",
        "GPU를",
        "time을",
        "line을",
        "web을",
        "map을",
        "block을",
        "test를",
        "point를",
        "batch를",
        "log를",
        "bit를",
        "group을",
    ],
    "은/는": [
        "서울은",
        "ResNet50은",
        "GPT-4는",
        "고양이는",
        "책은",
        "1,000은",
        "120은",
        "20,000은",
        "3.14는",
        "0.50은",
        "R²은",
        "100,000,000은",
        "1,000,000,000,000는",
        "1e-05는",
    ],
    "과/와": [
        "물과",
        "산과",
        "바다와",
        "iris와",
        "wine과",
        "digits와",
        "MNIST와",
        "사과와",
        "mlp와",
        "gru와",
        "knn과",
        "gin과",
    ],
    "으로/로": [
        "서울로",
        "부산으로",
        "제주로",
        "연필로",
        "손으로",
        "URL로",
        "HTML로",
        "SQL로",
        "PDF로",
        "API로",
        "Python으로",
        "1로",
        "2로",
        "3으로",
        "6으로",
        "7로",
        "8로",
        "0으로",
        "10으로",
        "100으로",
        "만으로",
        "90 %로",
        "UTF-8로",
        "CPU로",
        "RAM으로",
        "model로",
        "UTF-16으로",
        "cp949로",
        "euc-kr로",
    ],
    "이라고/라고": [
        "고양이라고",
        "책이라고",
        "물이라고",
        "3이라고",
        "2라고",
        "CNN이라고",
        "cat이라고",
        "dog라고",
        "setosa라고",
    ],
    "아/야": ["하늘아", "바다야"],
}


@pytest.mark.parametrize(
    ("form", "phrase"), [(form, phrase) for form, some in PHRASES.items() for phrase in some]
)
def test_the_particle_is_the_one_that_koreans_write(form: str, phrase: str) -> None:
    first, second = form.split("/")
    ends = [particle for particle in (first, second) if phrase.endswith(particle)]
    assert any(with_particle(phrase.removesuffix(particle), form) == phrase for particle in ends), [
        with_particle(phrase.removesuffix(particle), form) for particle in ends
    ]


@pytest.mark.parametrize(
    ("value", "form", "written"),
    [
        ("cnn (작은 것)", "이/가", "cnn (작은 것)이"),  # agrees with cnn, what is in brackets is passed over
        ("정확도(95.0 %)", "을/를", "정확도(95.0 %)를"),
        ("물[1]", "은/는", "물[1]은"),
        ("'고양이'", "이/가", "'고양이'가"),
        ("“책”", "을/를", "“책”을"),
        ("3.2포인트(1.0 ~ 5.4)", "을/를", "3.2포인트(1.0 ~ 5.4)를"),
        ("(1, 28, 28)", "을/를", "(1, 28, 28)을"),  # nothing but brackets: what is in them
        ("12.3 ms", "이/가", "12.3 ms가"),
        ("mlp, cnn", "을/를", "mlp, cnn을"),
        ("8x8", "으로/로", "8x8로"),
        ("28x20", "으로/로", "28x20으로"),
    ],
)
def test_brackets_and_quotes_are_passed_over(value: str, form: str, written: str) -> None:
    assert with_particle(value, form) == written


@pytest.mark.parametrize(("value", "form"), [("漢", "이/가"), ("–", "을/를"), ("", "과/와"), ("🎲", "은/는")])
def test_what_nobody_can_read_takes_both(value: str, form: str) -> None:
    first, second = form.split("/")
    assert with_particle(value, form) == f"{value}{first}({second})"
    assert with_particle(value, "으로/로") == f"{value}(으)로"
    assert with_particle(value, "-이라고/라고") == "(이)라고"


def test_a_form_with_a_hyphen_is_the_particle_alone() -> None:
    assert [with_particle(word, "-을/를") for word in ("물", "나무")] == ["을", "를"]


@pytest.mark.parametrize("form", ["가/이", "로/으로", "을/은", "이", ".2f/x"])
def test_what_is_no_pair_of_particles_is_refused(form: str) -> None:
    with pytest.raises(ValueError, match="no pair of particles"):
        with_particle("물", form)


@given(st.integers(0xAC00, 0xD7A3).map(chr))
def test_a_syllable_has_a_final_consonant_where_unicode_takes_it_apart_into_three(syllable: str) -> None:
    import unicodedata

    has_final = len(unicodedata.normalize("NFD", syllable)) == 3
    assert with_particle(syllable, "이/가") == syllable + ("이" if has_final else "가")


@given(st.text(max_size=12), st.sampled_from([*PARTICLES, "으로/로", "이라/라"]))
def test_any_text_takes_a_particle_of_the_pair(value: str, form: str) -> None:
    added = with_particle(value, form).removeprefix(value)
    assert re.sub(r"[()]", "", added) in {*form.split("/"), form.replace("/", ""), form.split("/")[0]}
    assert last_syllable(value) is None or "(" not in added


def _read(number: int) -> str:
    """A whole number as it is read, by the textbook: groups of four digits, 일 left out before 십, 백, 천."""
    digits, units, groups = "영일이삼사오육칠팔구", ["", "십", "백", "천"], ["", "만", "억", "조"]
    text, place = "", 0
    while number:
        number, group = divmod(number, 10_000)
        said = ""
        for power, unit in enumerate(units):
            digit = group // 10**power % 10
            if digit:
                said = (digits[digit] if digit > 1 or power == 0 else "") + unit + said
        text = (said + groups[place] if said else "") + text
        place += 1
    return text or "영"


@given(st.integers(0, 10**16 - 1))
def test_a_number_ends_as_it_is_read_in_full(number: int) -> None:
    assert last_syllable(str(number)) == last_syllable(f"{number:,}") == _read(number)[-1]
