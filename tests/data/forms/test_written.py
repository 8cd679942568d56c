"""A new table's cells are read as what their column was in training, whatever they look like on their own."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bakeoff.data.load import load
from bakeoff.data.schema import Classes
from bakeoff.errors import DataError
from examples import read_again


def written(path: Path, header: str, rows: list[str]) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("known", "kept"),
    [
        (["007", "012", "A12", "B07"], ["007", "012"]),
        (["True", "False", "Maybe"], ["True", "False"]),
        (["true", "FALSE", "maybe"], ["true", "FALSE"]),
        (["1.0", "2.50", "x"], ["1.0", "2.50"]),
        (["2023-01-05", "soon", "later"], ["2023-01-05"]),
    ],
)
def test_a_category_of_training_stays_words_where_new_cells_look_like_something_else(
    tmp_path: Path, known: list[str], kept: list[str]
) -> None:
    rows = [f"{word},{'ab'[place % 2]}" for _ in range(20) for place, word in enumerate(known)]
    dataset = load(written(tmp_path / "t.csv", "code,y", rows), target="y")
    old = {row.split(",")[0]: dataset.inputs[place] for place, row in enumerate(rows)}
    new = read_again(dataset, written(tmp_path / "new.csv", " code ,y", [f"{word},a" for word in kept]))
    for place, word in enumerate(kept):
        np.testing.assert_array_equal(new.inputs[place], old[word])


def test_a_frame_that_lost_the_spelling_is_read_as_the_words_of_training(tmp_path: Path) -> None:
    rows = [
        f"{word},{'ab'[place % 2]}" for _ in range(20) for place, word in enumerate(["007", "A12", "True"])
    ]
    dataset = load(written(tmp_path / "t.csv", "code,y", rows), target="y")
    np.testing.assert_array_equal(
        read_again(dataset, pl.DataFrame({"code": [7]})).inputs[0], dataset.inputs[0]
    )
    np.testing.assert_array_equal(
        read_again(dataset, pl.DataFrame({"code": [True]})).inputs[0], dataset.inputs[2]
    )


def test_a_truth_value_knows_unknown_as_missing_and_names_the_row_of_any_other_word(tmp_path: Path) -> None:
    rows = [f"{word},{place}.5" for place, word in enumerate(["true", "false"] * 30)]
    dataset = load(written(tmp_path / "t.csv", "paid,y", rows), target="y", task="value")
    new = read_again(dataset, written(tmp_path / "new.csv", "paid", ["True", "unknown", "FALSE", "1"]))
    assert new.inputs[[0, 2, 3], 0].tolist() == [1, 0, 1]
    assert new.inputs[1, 0] == read_again(dataset, pl.DataFrame({"paid": [None]})).inputs[0, 0]
    with pytest.raises(DataError, match="row 2 of the new data has 'perhaps'"):
        read_again(dataset, written(tmp_path / "new.csv", "paid", ["True", "perhaps"]))


@pytest.mark.parametrize("labels", [["007", "012"], ["true", "false"], ["TRUE", "FALSE"], ["1", "2"]])
def test_labels_come_back_as_they_were_written(tmp_path: Path, labels: list[str]) -> None:
    rows = [f"{place}.5,{labels[place % 2]}" for place in range(60)]
    dataset = load(written(tmp_path / "t.csv", "x,y", rows), target="y")
    assert isinstance(dataset.schema.target, Classes)
    assert set(dataset.schema.target.names) == set(labels)
    np.testing.assert_array_equal(read_again(dataset, tmp_path / "t.csv").targets, dataset.targets)
    frame = pl.read_csv(tmp_path / "t.csv")
    np.testing.assert_array_equal(read_again(dataset, frame).targets, dataset.targets)


def test_a_label_of_numbers_alone_in_new_data_is_the_class_that_training_read_as_words(
    tmp_path: Path,
) -> None:
    rows = [f"{place}.5,{['01', 'A'][place % 2]}" for place in range(60)]
    dataset = load(written(tmp_path / "t.csv", "x,y", rows), target="y")
    new = read_again(dataset, written(tmp_path / "new.csv", "x,y", ["1.5,01", "2.5,01"]))
    assert new.targets is not None
    assert new.targets.tolist() == [dataset.targets[0]] * 2
