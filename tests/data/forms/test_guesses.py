"""What is guessed of the axes and answers of arrays is told, with what changes it."""

import json
from typing import Any

import numpy as np
import polars as pl
import pytest

from bakeoff.data.findings import findings_of
from bakeoff.data.load import load, read_new
from bakeoff.data.schema import Classes, Image, Series, Value
from bakeoff.errors import DataError

RNG = np.random.default_rng(0)
PLAIN = RNG.normal(size=(300, 3))


def told(dataset: Any) -> set[str]:
    return {finding.kind for finding in findings_of(dataset) if finding.severity == "warning"}


def test_one_hot_answers_are_classes_and_are_reported() -> None:
    codes = np.arange(300) % 3
    dataset = load((PLAIN, np.eye(3)[codes]))
    assert dataset.schema.target == Classes(names=("0", "1", "2"))
    np.testing.assert_array_equal(dataset.targets, codes)
    assert "target_one_hot" in told(dataset)
    record = json.loads(json.dumps(dataset.encoder.to_json()))  # type: ignore[union-attr]
    new = read_new(record, {"x": PLAIN[:9], "y": np.eye(3)[codes[:9]]}, schema=dataset.schema)
    np.testing.assert_array_equal(new.targets, codes[:9])


def test_one_hot_answers_are_numbers_where_the_user_says_so() -> None:
    dataset = load((PLAIN, np.eye(3)[np.arange(300) % 3]), task="value")
    assert dataset.schema.target == Value(size=3)
    assert "target_one_hot" not in told(dataset)


def test_several_labels_a_row_are_not_one_hot() -> None:
    answers = np.eye(3)[np.arange(300) % 3]
    answers[0] = 1
    assert load((PLAIN, answers)).schema.target == Value(size=3)


@pytest.mark.parametrize("as_frame", [False, True])
def test_class_numbers_from_1_are_reported_unless_the_user_says_what_they_are(as_frame: bool) -> None:
    letters = np.arange(300) % 26 + 1
    source = pl.DataFrame({"x": PLAIN[:, 0], "letter": letters}) if as_frame else (PLAIN, letters)
    options: dict[str, Any] = {"target": "letter"} if as_frame else {}
    assert "target_may_be_classes" in told(load(source, **options))
    assert "target_may_be_classes" not in told(load(source, task="value", **options))
    assert load(source, task="classes", **options).schema.outputs == 26


def test_measured_numbers_are_not_taken_for_class_numbers() -> None:
    assert "target_may_be_classes" not in told(load((PLAIN, RNG.normal(size=300))))


@pytest.mark.parametrize("kind", [np.float32, np.uint16])
def test_squares_of_numbers_read_as_series_are_reported_with_the_option_that_makes_them_pictures(
    kind: Any,
) -> None:
    pictures, answers = RNG.integers(0, 999, (60, 28, 28)).astype(kind), np.arange(60) % 2
    dataset = load((pictures, answers))
    assert dataset.schema.input == Series(channels=28, length=28)
    assert "axes_series" in told(dataset)
    asked = load((pictures, answers), kind="image")
    assert asked.schema.input == Image(channels=1, height=28, width=28)
    assert "axes_series" not in told(asked)


def test_steps_before_channels_are_reported_and_plain_series_are_not() -> None:
    answers = np.arange(60) % 2
    assert "axes_series" in told(load((RNG.normal(size=(60, 50, 3)), answers)))
    assert "axes_series" not in told(load((RNG.normal(size=(60, 3, 50)), answers)))


@pytest.mark.parametrize("shape", [(13, 28, 28), (28, 28, 13), (13, 20, 28), (20, 28, 13)])
def test_bands_are_channels_wherever_they_stand_and_are_reported(shape: tuple[int, ...]) -> None:
    pictures = RNG.integers(0, 255, (60, *shape)).astype(np.uint8)
    dataset = load((pictures, np.arange(60) % 2))
    assert isinstance(dataset.schema.input, Image)
    assert dataset.schema.input.channels == 13
    assert "axes_bands" in told(dataset)


@pytest.mark.parametrize("name", ["", "Unnamed: 0", "__index_level_0__"])
def test_the_index_of_a_shuffled_frame_is_left_out_and_named_as_a_saved_row_number(name: str) -> None:
    order = RNG.permutation(180)
    frame = pl.DataFrame(
        {name: order, "x": RNG.normal(size=180), "y": [f"k{place // 60}" for place in order]}
    )
    dataset = load(frame, target="y")
    assert dataset.schema.input.shape == (1,)
    kinds = {finding.kind for finding in findings_of(dataset)}
    assert "left_out_saved_index" in kinds
    assert "gives_target_away" not in kinds


def test_a_column_of_counts_without_a_name_stays() -> None:
    frame = pl.DataFrame({"": RNG.integers(0, 50, 180), "x": RNG.normal(size=180), "y": ["a", "b", "c"] * 60})
    assert load(frame, target="y").schema.input.shape == (2,)


def test_words_that_are_put_together_are_counted() -> None:
    levels = [f"w{place % 100}" for place in range(1000)]
    frame = pl.DataFrame({"level": levels, "x": RNG.normal(size=1000), "y": ["a", "b"] * 500})
    lumped = [finding for finding in load(frame, target="y").findings if finding.kind == "levels_lumped"]
    assert [
        (finding.values["kept"], finding.values["count"], finding.values["of"]) for finding in lumped
    ] == [(32, 68, 100)]
    assert lumped[0].severity == "warning"
    few = frame.with_columns(pl.Series("level", [f"w{place % 30}" for place in range(1000)]))
    assert not [finding for finding in load(few, target="y").findings if finding.kind == "levels_lumped"]


def test_several_labels_a_row_are_reported() -> None:
    assert "target_multi_label" in told(load((PLAIN, RNG.integers(0, 2, (300, 4)))))
    assert "target_multi_label" not in told(load((PLAIN, RNG.integers(0, 3, (300, 4)))))


def test_classes_that_capitals_and_blanks_alone_tell_apart_are_reported() -> None:
    answers = np.array(["yes", "Yes", "no", "maybe"])[np.arange(300) % 4]
    found = [finding for finding in findings_of(load((PLAIN, answers))) if finding.kind == "classes_alike"]
    assert [finding.values["count"] for finding in found] == [2]
    assert "'maybe'" not in found[0].values["names"]


@pytest.mark.parametrize("count", [1, 2])
def test_groups_that_are_too_few_to_divide_are_named_as_the_reason(count: int) -> None:
    with pytest.raises(DataError, match=f"The groups have only {count} different values?, and training"):
        load({"x": PLAIN, "y": np.arange(300) % 2, "groups": np.arange(300) % count})


def test_inputs_that_are_one_number_are_refused_in_a_sentence() -> None:
    with pytest.raises(DataError, match="single number and no array: give one example a row"):
        load((np.float64(3), np.arange(20)))
