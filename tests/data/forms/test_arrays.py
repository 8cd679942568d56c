"""Arrays from Python and from files: what their axes mean, their parts, and never a pickle."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

import bakeoff
from bakeoff.data.forms.targets import read_target
from bakeoff.data.options import parse_size
from bakeoff.data.schema import Classes, Image, Schema, Series, Table, Tokens, Value
from bakeoff.errors import DataError, OptionError
from examples import read_again

LABELS = np.arange(40) % 4


def numbers(*shape: int, dtype: Any = np.float32) -> Any:
    return (np.random.default_rng(0).standard_normal(shape) * 40 + 100).clip(0, 255).astype(dtype)


@pytest.mark.parametrize(
    ("array", "options", "expected"),
    [
        (numbers(40, 7), {}, Table(features=7)),
        (numbers(40, 7), {"kind": "series"}, Series(channels=1, length=7)),
        (numbers(40, 7, dtype=np.int64), {"kind": "text"}, Tokens(vocabulary_size=0, length=7)),
        (numbers(40, 3, 7), {}, Series(channels=3, length=7)),
        (numbers(40, 5, 7, dtype=np.uint8), {}, Image(channels=1, height=5, width=7)),
        (numbers(40, 5, 7), {"kind": "image"}, Image(channels=1, height=5, width=7)),
        (numbers(40, 3, 5, 7, dtype=np.uint8), {}, Image(channels=3, height=5, width=7)),
        (numbers(40, 5, 7, 3, dtype=np.uint8), {}, Image(channels=3, height=5, width=7)),
        (numbers(40, 1, 8, 8), {}, Image(channels=1, height=8, width=8)),
        (numbers(40, 8, 8, 1), {}, Image(channels=1, height=8, width=8)),
        (numbers(40, 7) > 100, {}, Table(features=7)),
    ],
)
def test_the_axes_mean_what_the_guide_says(array: Any, options: dict[str, str], expected: Any) -> None:
    dataset = bakeoff.load((array, LABELS), **options)
    if isinstance(expected, Tokens):
        expected = Tokens(vocabulary_size=int(array.max()) + 1, length=7)
    assert dataset.schema == Schema(input=expected, target=Classes(names=("0", "1", "2", "3")))
    assert dataset.inputs.shape == (40, *expected.shape)
    new = read_again(dataset, (array, LABELS))
    np.testing.assert_array_equal(new.inputs, dataset.inputs)
    np.testing.assert_array_equal(new.targets, dataset.targets)


def test_channels_last_are_the_same_pixels_in_another_order() -> None:
    array = numbers(40, 5, 7, 3, dtype=np.uint8)
    dataset = bakeoff.load((array, LABELS))
    assert dataset.inputs.dtype == np.uint8
    np.testing.assert_array_equal(dataset.inputs[3, 2], array[3, :, :, 2])


def test_tensors_lists_and_dictionaries_are_the_same_as_arrays() -> None:
    array = numbers(40, 7)
    expected = bakeoff.load((array, LABELS))
    sources: list[Any] = [
        (torch.from_numpy(array).requires_grad_(), torch.from_numpy(LABELS)),
        {"x": array, "y": LABELS},
        {"X": torch.from_numpy(array), "labels": LABELS.tolist()},
        (array.tolist(), LABELS.tolist()),
    ]
    for source in sources:
        dataset = bakeoff.load(source)
        np.testing.assert_allclose(dataset.inputs, expected.inputs)
        np.testing.assert_array_equal(dataset.targets, expected.targets)


def test_an_npz_with_a_test_part_keeps_it(tmp_path: Path) -> None:
    x, y = numbers(60, 6, 6, dtype=np.uint8), np.arange(60) % 3
    np.savez(tmp_path / "m.npz", x_train=x[:45], y_train=y[:45], x_test=x[45:], y_test=y[45:])
    dataset = bakeoff.load(tmp_path / "m.npz")
    np.testing.assert_array_equal(dataset.splits.test, np.arange(45, 60))
    np.testing.assert_array_equal(dataset.inputs[:, 0], x)
    assert dataset.name == "m"
    np.testing.assert_array_equal(read_again(dataset, tmp_path / "m.npz").targets, dataset.targets)
    with_validation = {"x": x[:30], "y": y[:30], "X_val": x[30:45], "y_val": y[30:45]}
    np.savez(
        tmp_path / "v.npz",
        **{f"train_{key}" if len(key) == 1 else key: v for key, v in with_validation.items()},
    )
    np.testing.assert_array_equal(bakeoff.load(tmp_path / "v.npz").splits.validation, np.arange(30, 45))


def test_an_npy_file_is_memory_mapped_and_finds_its_answers(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", numbers(40, 6, 6, dtype=np.uint8))
    np.save(tmp_path / "y.npy", LABELS)
    for source in (tmp_path / "x.npy", tmp_path):
        dataset = bakeoff.load(source)
        assert isinstance(dataset.inputs, np.memmap)
        np.testing.assert_array_equal(dataset.targets, LABELS)
    np.save(tmp_path / "one.npy", np.column_stack([numbers(40, 3), LABELS]))
    dataset = bakeoff.load(tmp_path / "one.npy", target="3")
    assert dataset.schema == Schema(input=Table(features=3), target=Classes(names=("0", "1", "2", "3")))


class Bomb:
    """Unpickling it would leave a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("ending", ["npz", "npy"])
def test_a_file_that_could_run_code_is_refused_and_runs_none(tmp_path: Path, ending: str) -> None:
    trap = tmp_path / "ran"
    array = np.array([Bomb(trap)] * 12, dtype=object)
    path = tmp_path / f"bad.{ending}"
    np.savez(path, x=array, y=array) if ending == "npz" else np.save(path, array)
    with pytest.raises(DataError, match="never unpickles"):
        bakeoff.load(path)
    assert not trap.exists()
    np.load(path, allow_pickle=True)["x"] if ending == "npz" else np.load(path, allow_pickle=True)
    assert trap.exists()


def test_a_bare_pickle_is_no_array_file(tmp_path: Path) -> None:
    trap = tmp_path / "ran"
    (tmp_path / "bad.npy").write_bytes(pickle.dumps(Bomb(trap)))
    with pytest.raises(DataError, match=r"never unpickles|damaged"):
        bakeoff.load(tmp_path / "bad.npy")
    assert not trap.exists()


@pytest.mark.parametrize(
    ("source", "options", "sentence"),
    [
        ((numbers(40, 3), LABELS[:39]), {}, "There are 40 inputs and 39 targets"),
        ((numbers(40, 3), np.zeros(40, int)), {}, "All 40 examples are of one class"),
        ((np.full((40, 3), np.inf), LABELS), {}, "Example 1 holds inf"),
        ((np.full((40, 3), np.nan), LABELS), {}, "No column is left"),
        ((np.full((40, 1, 3), np.nan), LABELS), {}, "without a single value"),
        ((np.full((40, 1, 3, 3), np.nan), LABELS), {}, "Example 1 holds nan"),
        ((np.full((40, 3), 1e300), LABELS), {}, "Example 1 holds 1e\\+300"),
        ((np.array([["a", "b"]] * 40), LABELS), {}, "Inputs must be numbers"),
        ((numbers(40, 3) * 1j, LABELS), {}, "Complex numbers"),
        ((numbers(40), LABELS), {}, "mean nothing here"),
        ((numbers(40, 0), LABELS), {}, "an axis of size 0"),
        ((numbers(0, 3), LABELS[:0]), {}, "not one example"),
        (([[[1], [2]], [3]], [0, 1]), {}, "different lengths"),
        ({"a": numbers(40, 3), "b": LABELS}, {}, "Arrays named 'x' and 'y'"),
        (numbers(40, 3), {}, "has no targets"),
        (numbers(40, 3), {"target": "9"}, "'9' is none of them"),
        ((numbers(40, 3), np.linspace(0, 1, 40)), {"task": "classes"}, "one example only"),
        ((numbers(40, 3), np.array([None] * 40)), {}, "missing values"),
        ((numbers(40, 3), numbers(40, 2, 2)), {}, "one axis or two"),
        ((-numbers(40, 3, dtype=np.int64), LABELS), {"kind": "text"}, "Tokens must be whole numbers"),
        ((numbers(9, 3), LABELS[:9]), {}, "There are 9 examples in all"),
    ],
)
def test_arrays_that_cannot_be_compared_on_are_refused(
    source: Any, options: dict[str, str], sentence: str
) -> None:
    with pytest.raises(DataError, match=sentence):
        bakeoff.load(source, **options)


def test_new_arrays_of_another_shape_are_refused() -> None:
    dataset = bakeoff.load("digits")
    with pytest.raises(DataError, match=r"shape \(1, 8, 8\), and these have \(1, 9, 9\)"):
        read_again(dataset, np.zeros((3, 9, 9), np.uint8))
    single = read_again(dataset, dataset.inputs[5])
    np.testing.assert_array_equal(single.inputs[0], dataset.inputs[5])


def test_gaps_in_a_table_of_numbers_are_imputed_with_a_flag() -> None:
    array = numbers(60, 3)
    array[::5, 1] = np.nan
    labels = np.arange(60) % 3
    dataset = bakeoff.load((array, labels))
    assert dataset.schema.input == Table(features=4)
    median = np.nanmedian(array[dataset.splits.train, 1])
    np.testing.assert_array_equal(dataset.inputs[:, 1], np.where(np.isnan(array[:, 1]), median, array[:, 1]))
    np.testing.assert_array_equal(dataset.inputs[:, 2], np.isnan(array[:, 1]))
    np.testing.assert_array_equal(read_again(dataset, array).inputs, dataset.inputs)


def test_gaps_in_series_are_bridged_and_at_the_end_they_pad() -> None:
    array = numbers(40, 2, 6)
    array[3, 0, 2] = np.nan
    array[7, :, 4:] = np.nan
    dataset = bakeoff.load((array, LABELS))
    assert dataset.lengths is not None
    assert (dataset.lengths[7], dataset.lengths[3]) == (4, 6)
    np.testing.assert_allclose(dataset.inputs[3, 0, 2], (array[3, 0, 1] + array[3, 0, 3]) / 2, rtol=1e-6)
    new = read_again(dataset, (array, LABELS))
    np.testing.assert_array_equal(new.inputs, dataset.inputs)
    np.testing.assert_array_equal(new.lengths, dataset.lengths)
    np.testing.assert_array_equal(new.targets, dataset.targets)
    single = read_again(dataset, array[7])
    np.testing.assert_array_equal(single.inputs[0], dataset.inputs[7])


def test_a_list_of_series_of_different_lengths_is_padded() -> None:
    examples = [numbers(2, 3 + place % 4) for place in range(40)]
    dataset = bakeoff.load((examples, LABELS))
    assert dataset.schema.input == Series(channels=2, length=6)
    assert dataset.lengths is not None
    np.testing.assert_array_equal(dataset.lengths, [3 + place % 4 for place in range(40)])
    np.testing.assert_array_equal(dataset.inputs[5, :, :4], examples[5])
    flat = bakeoff.load(([example[0] for example in examples], LABELS))
    assert flat.schema.input == Series(channels=1, length=6)


def test_damaged_archives_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "m.npz", x=numbers(40, 3), y=LABELS)
    whole = (tmp_path / "m.npz").read_bytes()
    (tmp_path / "m.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="damaged or not a NumPy file"):
        bakeoff.load(tmp_path / "m.npz")
    (tmp_path / "n.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(DataError, match="damaged or not a NumPy file"):
        bakeoff.load(tmp_path / "n.npy")


def test_what_is_no_data_at_all_is_refused() -> None:
    with pytest.raises(OptionError, match="type int is not taken"):
        bakeoff.load(3)
    with pytest.raises(OptionError, match="kind cannot be 'picture'"):
        bakeoff.load("digits", kind="picture")


@pytest.mark.parametrize(
    ("size", "expected"), [(32, (32, 32)), ("32", (32, 32)), ("8x9", (8, 9)), ((3, 4), (3, 4))]
)
def test_sizes_are_height_and_width(size: Any, expected: tuple[int, int]) -> None:
    assert parse_size(size) == expected


@pytest.mark.parametrize("size", [0, "x", "3x4x5", "1e3", -4, 4000, (1, 2, 3), 2.5j])
def test_other_sizes_are_refused(size: Any) -> None:
    with pytest.raises(OptionError, match="size must be"):
        parse_size(size)


@given(st.lists(st.integers(0, 3), min_size=12, max_size=60).filter(lambda labels: len(set(labels)) > 1))
def test_codes_name_the_class_that_was_given(labels: list[int]) -> None:
    counts = np.bincount(labels)
    if (counts == 1).any():
        with pytest.raises(DataError, match="one example only"):
            read_target(np.array(labels))
        return
    for given_labels in (np.array(labels), np.array(labels, np.float32), np.array(labels).astype(str)):
        codes, target = read_target(given_labels)
        assert isinstance(target, Classes)
        assert [target.names[code] for code in codes] == [str(label) for label in labels]


@settings(deadline=None)
@given(arrays_of.arrays(np.float64, (20, 2), elements=st.floats(-1e30, 1e30, allow_nan=False)))
def test_real_numbers_are_values_as_they_are(values: Any) -> None:
    values[0], values[1] = 0.5, 1.25
    targets, target = read_target(values)
    assert target == Value(size=2)
    np.testing.assert_array_equal(targets, values.astype(np.float32))
