"""A letter is the same whether a file stores it as one sign (NFC) or as its parts (NFD)."""

import unicodedata
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from PIL import Image as Picture

from bakeoff.data.load import load
from bakeoff.data.schema import Classes
from examples import read_again

Form = Literal["NFC", "NFD"]
WORDS = ("아주", "좋은", "물건", "정말", "나쁜", "배송", "느린", "빠른")


def in_form(form: Form, path: Path, text: str) -> Path:
    path.write_text(unicodedata.normalize(form, text), encoding="utf-8")
    return path


def reviews(count: int = 60) -> str:
    rng = np.random.default_rng(0)
    rows = [f"{' '.join(rng.choice(WORDS, 9))} 후기 {place},{'네니'[place % 2]}" for place in range(count)]
    return "\n".join(["글,마음", *rows]) + "\n"


def rows_of_cities(count: int = 60) -> str:
    return (
        "\n".join(["도시,답", *(f"{WORDS[place % 5]},{'네니'[place % 2]}" for place in range(count))]) + "\n"
    )


@pytest.mark.parametrize("text", [reviews(), rows_of_cities()], ids=["texts", "categories"])
@pytest.mark.parametrize(("trained", "new"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_decomposed_words_columns_and_labels_are_the_composed_ones(
    tmp_path: Path, text: str, trained: Form, new: Form
) -> None:
    target = unicodedata.normalize("NFD", text.splitlines()[0].split(",")[1])
    dataset = load(in_form(trained, tmp_path / "old.csv", text), target=target)
    examples = read_again(dataset, in_form(new, tmp_path / "new.csv", text))
    np.testing.assert_array_equal(examples.inputs, dataset.inputs)
    np.testing.assert_array_equal(examples.targets, dataset.targets)
    assert isinstance(dataset.schema.target, Classes)
    assert dataset.schema.target.names == ("네", "니")


def test_texts_in_a_list_are_composed(tmp_path: Path) -> None:
    dataset = load(in_form("NFC", tmp_path / "old.csv", reviews()), target="마음")
    texts = [line.split(",")[0] for line in reviews().splitlines()[1:]]
    examples = read_again(dataset, [unicodedata.normalize("NFD", text) for text in texts])
    np.testing.assert_array_equal(examples.inputs, dataset.inputs)


def test_a_class_folder_in_two_forms_is_one_class(tmp_path: Path) -> None:
    forms: tuple[Form, ...] = ("NFC", "NFD")
    for place, form in enumerate(forms):
        for name in ("강아지", "고양이"):
            folder = tmp_path / unicodedata.normalize(form, name)
            folder.mkdir(exist_ok=True)
            for number in range(6):
                Picture.new("L", (8, 8), 10 * number + place).save(folder / f"{form}{number}.png")
    dataset = load(tmp_path)
    assert isinstance(dataset.schema.target, Classes)
    assert dataset.schema.target.names == ("강아지", "고양이")
    assert np.bincount(dataset.targets).tolist() == [12, 12]


def test_labels_of_arrays_are_composed() -> None:
    labels = np.array(["네", unicodedata.normalize("NFD", "네"), "니"] * 10)
    dataset = load((np.random.default_rng(0).normal(size=(30, 3)), labels))
    assert isinstance(dataset.schema.target, Classes)
    assert dataset.schema.target.names == ("네", "니")
