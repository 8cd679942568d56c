"""Particles as Koreans write them. The phrases are common usage (manuals, news, dictionaries), not made by the rule."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakeoff.messages.korean import PARTICLES, last_syllable, with_particle

#: Each phrase is a value and its particle as they are written. The other half of the pair would be wrong.
PHRASES = {
    "이/가": [
        "신경망|이", "모델|이", "데이터|가", "학습률|이", "CNN|이", "RNN|이", "LSTM|이", "GRU|가", "MLP|가",
        "BERT|가", "boosting|이", "linear|가", "transformer|가", "ar|이", "inceptiontime|이",
        "ensemble|이", "perceptron|이", "vit_b_16|이", "mlp_ucr|이", "resnet1d|가", "llama|가", "bilstm|이",
        "1|이", "2|가", "3|이", "4|가", "5|가",
        "6|이", "7|이", "8|이", "9|가", "0|이", "10|이", "100|이",
    ],
    "을/를": [
        "서울|을", "부산|을", "제주|를", "50 %|를", "95%|를", "GPT-2|를", "ResNet|을", "DenseNet|을",
        "VGG16|을", "model|을", "table|을", "file|을", "design|을", "Python|을", "Java|를",
        "PyTorch|를", "Docker|를", "GitHub|을", "HTML|을", "URL|을", "API|를", "GPU|를", "time|을",
        "line|을", "web|을", "map|을", "block|을", "test|를", "point|를", "batch|를", "log|를",
        "bit|를", "group|을",
    ],
    "은/는": [
        "서울|은", "ResNet50|은", "GPT-4|는", "고양이|는", "책|은", "1,000|은", "120|은", "20,000|은",
        "3.14|는", "0.50|은", "R²|은", "100,000,000|은", "1,000,000,000,000|는", "1e-05|는",
    ],
    "과/와": [
        "물|과", "산|과", "바다|와", "iris|와", "wine|과", "digits|와", "MNIST|와", "사과|와", "mlp|와",
        "gru|와", "knn|과", "gin|과",
    ],
    "으로/로": [
        "서울|로", "부산|으로", "제주|로", "연필|로", "손|으로", "URL|로", "HTML|로", "SQL|로", "PDF|로", "API|로",
        "Python|으로", "1|로", "2|로", "3|으로", "6|으로", "7|로", "8|로", "0|으로", "10|으로", "100|으로",
        "만|으로", "90 %|로", "UTF-8|로", "CPU|로", "RAM|으로", "model|로", "UTF-16|으로", "cp949|로",
        "euc-kr|로",
    ],
    "이라고/라고": [
        "고양이|라고", "책|이라고", "물|이라고", "3|이라고", "2|라고", "CNN|이라고", "cat|이라고", "dog|라고",
        "setosa|라고",
    ],
    "아/야": [
        "하늘|아", "바다|야",
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("form", "phrase"), [(form, phrase) for form, some in PHRASES.items() for phrase in some]
)
def test_the_particle_is_the_one_that_koreans_write(form: str, phrase: str) -> None:
    value, particle = phrase.split("|")
    assert particle in form.split("/")
    assert with_particle(value, form) == value + particle


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
