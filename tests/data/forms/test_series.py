"""`.ts` and UCR files: many channels, unequal lengths, gaps, pairs, and what is damaged."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import bakeoff
from bakeoff.data.forms.series import bridge_gaps, series_files_of
from bakeoff.data.forms.ts_file import read_series_file
from bakeoff.data.load import read_new
from bakeoff.data.schema import Classes, Series, Value
from bakeoff.errors import DataError
from examples import read_again

HEADER = "# by hand\n@problemName Hand\n@timeStamps false\n@missing true\n@univariate false\n@classLabel true a b\n"


def ts_text(examples: Sequence[NDArray[Any]], labels: Sequence[str], header: str = HEADER) -> str:
    """Examples [C, T] in the format of the UEA archive, NaN as "?"."""
    lines = []
    for example, label in zip(examples, labels, strict=True):
        channels = [",".join("?" if np.isnan(v) else repr(float(v)) for v in channel) for channel in example]
        lines.append(":".join([*channels, label]))
    return header + "@data\n" + "\n".join(lines) + "\n"


def examples_of(
    count: int, *, channels: int = 2, lengths: Sequence[int] = (7,), seed: int = 0
) -> list[NDArray[Any]]:
    rng = np.random.default_rng(seed)
    return [
        rng.standard_normal((channels, lengths[n % len(lengths)])).astype(np.float32) for n in range(count)
    ]


def test_channels_of_equal_length_come_as_they_are_written(tmp_path: Path) -> None:
    examples, labels = examples_of(20), list("ab" * 10)
    (tmp_path / "Hand.ts").write_text(ts_text(examples, labels))
    dataset = bakeoff.load(tmp_path / "Hand.ts")
    assert dataset.schema.input == Series(channels=2, length=7)
    assert dataset.schema.target == Classes(names=("a", "b"))
    assert dataset.lengths is None
    np.testing.assert_array_equal(dataset.inputs, np.stack(examples))
    np.testing.assert_array_equal(dataset.targets, [0, 1] * 10)


def test_unequal_lengths_are_padded_with_zeros_and_the_true_ones_stored(tmp_path: Path) -> None:
    examples, labels = examples_of(20, lengths=(3, 9, 5)), list("ab" * 10)
    (tmp_path / "Hand.ts").write_text(ts_text(examples, labels))
    dataset = bakeoff.load(tmp_path / "Hand.ts")
    assert dataset.lengths is not None
    np.testing.assert_array_equal(dataset.lengths, [example.shape[1] for example in examples])
    scaled = dataset.inputs_at(np.arange(20))
    for place, example in enumerate(examples):
        np.testing.assert_array_equal(dataset.inputs[place, :, : example.shape[1]], example)
        assert np.abs(scaled[place, :, example.shape[1] :]).max(initial=0.0) == 0.0


def test_gaps_are_bridged_straight_and_flat_at_the_ends(tmp_path: Path) -> None:
    nan = np.nan
    filled, length = bridge_gaps(
        np.array([[nan, 1, nan, 3, 4], [1, 1, 1, nan, 5]], np.float32), 0, fills=(0, 0)
    )
    np.testing.assert_allclose(filled, [[1, 1, 2, 3, 4], [1, 1, 1, 3, 5]])
    assert length == 5
    filled, length = bridge_gaps(np.array([[1, 2, nan], [1, nan, nan]], np.float32), 0, fills=(0, 0))
    np.testing.assert_allclose(filled, [[1, 2], [1, 1]])
    assert length == 2


def test_a_pair_is_read_by_either_file_and_by_its_folder_and_its_test_part_stays(tmp_path: Path) -> None:
    folder = tmp_path / "Hand"
    folder.mkdir()
    train, test = examples_of(20), examples_of(8, seed=1)
    (folder / "Hand_TRAIN.ts").write_text(ts_text(train, list("ab" * 10)))
    (folder / "Hand_TEST.ts").write_text(ts_text(test, list("ab" * 4)))
    fingerprints = set()
    for source in (folder, folder / "Hand_TRAIN.ts", folder / "Hand_TEST.ts"):
        dataset = bakeoff.load(source)
        fingerprints.add(dataset.fingerprint)
        assert dataset.name == "Hand"
        np.testing.assert_array_equal(dataset.splits.test, np.arange(20, 28))
        np.testing.assert_array_equal(dataset.inputs[20:], np.stack(test))
    assert len(fingerprints) == 1
    new = read_again(dataset, folder / "Hand_TEST.ts")
    np.testing.assert_array_equal(new.inputs, dataset.inputs[20:])
    np.testing.assert_array_equal(new.targets, dataset.targets[20:])


@pytest.mark.parametrize("separator", ["\t", ",", "  "])
@pytest.mark.parametrize("ending", [".tsv", ".txt"])
def test_ucr_files_have_the_class_first(tmp_path: Path, separator: str, ending: str) -> None:
    for part, count in (("TRAIN", 20), ("TEST", 10)):
        rows = [
            separator.join([f"{1 + n % 2}.0000000e+00", *(f"{n + step / 8}" for step in range(9))])
            for n in range(count)
        ]
        (tmp_path / f"Gun_{part}{ending}").write_text("\n".join(rows) + "\n")
    dataset = bakeoff.load(tmp_path / f"Gun_TRAIN{ending}")
    assert dataset.schema == bakeoff.load(tmp_path).schema
    assert dataset.schema.input == Series(channels=1, length=9)
    assert dataset.schema.target == Classes(names=("1", "2"))
    np.testing.assert_allclose(dataset.inputs[3, 0], 3 + np.arange(9) / 8)
    np.testing.assert_array_equal(dataset.splits.test, np.arange(20, 30))


def test_a_ucr_file_is_known_by_its_numbers_and_a_table_by_its_target(tmp_path: Path) -> None:
    rows = ["\t".join([str(n % 2), *(str(n * step / 7) for step in range(12))]) for n in range(30)]
    (tmp_path / "plain.tsv").write_text("\n".join(rows) + "\n")
    assert isinstance(bakeoff.load(tmp_path / "plain.tsv").schema.input, Series)
    assert not isinstance(bakeoff.load(tmp_path / "plain.tsv", target="column_1").schema.input, Series)


def test_nan_at_the_end_of_a_ucr_line_is_padding(tmp_path: Path) -> None:
    rows = [
        "\t".join([str(n % 2), "1", "2", "3", *(["NaN"] * 3 if n % 3 else ["4", "5", "6"])])
        for n in range(30)
    ]
    (tmp_path / "Var_TRAIN.tsv").write_text("\n".join(rows) + "\n")
    dataset = bakeoff.load(tmp_path / "Var_TRAIN.tsv")
    assert dataset.lengths is not None
    assert sorted(set(dataset.lengths.tolist())) == [3, 6]


def test_classes_that_are_numbers_are_sorted_as_numbers(tmp_path: Path) -> None:
    header = HEADER.replace("true a b", "true 10 9 -1")
    (tmp_path / "N.ts").write_text(ts_text(examples_of(21), ["10", "9", "-1"] * 7, header))
    dataset = bakeoff.load(tmp_path / "N.ts")
    assert dataset.schema.target == Classes(names=("-1", "9", "10"))
    np.testing.assert_array_equal(dataset.targets, [2, 1, 0] * 7)


def test_headers_that_are_not_known_and_other_spellings_of_a_number_do_no_harm(tmp_path: Path) -> None:
    header = HEADER.replace("true a b", "true 1.0 2") + "@surprise yes\n"
    (tmp_path / "N.ts").write_text(ts_text(examples_of(20), ["1", "2.0"] * 10, header))
    (tmp_path / "M.ts").write_text(
        ts_text(examples_of(20), ["nan", "inf"] * 10, HEADER.replace("true a b", "true nan inf"))
    )
    assert bakeoff.load(tmp_path / "M.ts").schema.outputs == 2
    dataset = bakeoff.load(tmp_path / "N.ts")
    assert dataset.schema.target == Classes(names=("1", "2"))


def test_timestamps_and_regression_targets_are_read(tmp_path: Path) -> None:
    lines = [
        f"(2024-01-01 00:00:00,{n}.5),(2024-01-01 01:00:00,?),(2024-01-01 02:00:00,3):{n / 4}"
        for n in range(20)
    ]
    header = "@problemName T\n@timeStamps true\n@univariate true\n@targetlabel true\n@data\n"
    (tmp_path / "T.ts").write_text(header + "\n".join(lines))
    dataset = bakeoff.load(tmp_path / "T.ts")
    assert dataset.schema.target == Value(size=1)
    np.testing.assert_allclose(dataset.inputs[4, 0], [4.5, 3.75, 3.0])
    np.testing.assert_allclose(dataset.targets[:, 0], np.arange(20) / 4)


def test_new_series_longer_than_any_in_training_are_cut_and_shorter_ones_padded(tmp_path: Path) -> None:
    (tmp_path / "A.ts").write_text(ts_text(examples_of(20, lengths=(5, 6)), list("ab" * 10)))
    dataset = bakeoff.load(tmp_path / "A.ts")
    new_examples = examples_of(4, lengths=(2, 9), seed=3)
    (tmp_path / "B.ts").write_text(ts_text(new_examples, list("abab")))
    new = read_again(dataset, tmp_path / "B.ts")
    assert new.inputs.shape == (4, 2, 6)
    assert new.lengths.tolist() == [2, 6, 2, 6]
    np.testing.assert_array_equal(new.inputs[1], new_examples[1][:, :6])
    (tmp_path / "C.ts").write_text(ts_text(examples_of(4, channels=3), list("abab")))
    with pytest.raises(DataError, match="has 3 channels where 2 are needed"):
        read_again(dataset, tmp_path / "C.ts")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty"),
        ("@problemName x\n@classLabel true a b\n", "no line '@data'"),
        ("1,2,3:a\n", "comes before '@data'"),
        ("@\n1,2,3:a\n", "comes before '@data'"),
        ("@classLabel true a b\n@data\n1,2:a\n1,x:b\n", "Line 4 .* no number"),
        ("@classLabel true a b\n@data\n1,2:a\n1,2:c\n", "class 'c', which its header does not list"),
        ("@classLabel true a b\n@data\n1,2:a\n1:2:b\n", "has 2 channels where the first has 1"),
        ("@classLabel true a b\n@data\n", "no series after"),
        ("@classLabel false\n@data\n1,2,3\n", "has no class"),
        ("@classLabel true a b\n@data\n" + "1,inf:a\n2,1:b\n" * 8, "infinite value"),
        ("@classLabel true a b\n@data\n" + "?,?:a\n2,1:b\n" * 8, "without a single value"),
        (
            "@classLabel true a b\n@data\n" + "2,1:b\n" * 12,
            "All 12 examples are of one class, 'b'",
        ),
        ("@classLabel true a b\n@data\n" + "2,1:b\n" * 12 + "1,2:a\n", "one example only"),
    ],
)
def test_damaged_files_are_refused_in_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "bad.ts").write_text(text)
    with pytest.raises(DataError, match=sentence):
        bakeoff.load(tmp_path / "bad.ts")


def test_a_folder_of_several_pairs_asks_for_one_unless_one_has_the_folders_name(tmp_path: Path) -> None:
    folder = tmp_path / "Two"
    folder.mkdir()
    for stem in ("Two", "Other"):
        for part in ("TRAIN", "TEST"):
            (folder / f"{stem}_{part}.ts").write_text(ts_text(examples_of(12), list("ab" * 6)))
    assert bakeoff.load(folder).name == "Two"
    folder.rename(tmp_path / "Neither")
    with pytest.raises(DataError, match="holds 2 pairs of series"):
        bakeoff.load(tmp_path / "Neither")


values = st.one_of(st.just(float("nan")), st.floats(-1e6, 1e6, width=32))


@settings(max_examples=50, deadline=None)
@given(data=st.data(), channels=st.integers(1, 3), count=st.integers(1, 4))
def test_what_is_written_as_ts_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, channels: int, count: int
) -> None:
    examples = []
    for _ in range(count):
        length = data.draw(st.integers(1, 6))
        rows = data.draw(
            st.lists(st.lists(values, min_size=length, max_size=length), min_size=channels, max_size=channels)
        )
        examples.append(np.array(rows, np.float32))
    path = tmp_path_factory.mktemp("ts") / "x.ts"
    path.write_text(ts_text(examples, ["a"] * count))
    read = read_series_file(path)
    assert read.answers == ("a",) * count
    for got, expected in zip(read.examples, examples, strict=True):
        np.testing.assert_array_equal(got, expected)


def test_a_lonely_part_is_divided_like_any_file(tmp_path: Path) -> None:
    (tmp_path / "Hand_TRAIN.ts").write_text(ts_text(examples_of(20), list("ab" * 10)))
    assert set(series_files_of(tmp_path / "Hand_TRAIN.ts")) == {"all"}
    assert bakeoff.load(tmp_path / "Hand_TRAIN.ts").splits.how == "stratified"


def test_the_oldest_ucr_files_have_no_ending(tmp_path: Path) -> None:
    for part in ("TRAIN", "TEST"):
        rows = [",".join([str(1 + n % 2), *(f"{n + step / 8}" for step in range(9))]) for n in range(20)]
        (tmp_path / f"Gun_Point_{part}").write_text("\n".join(rows) + "\n")
    dataset = bakeoff.load(tmp_path / "Gun_Point_TRAIN")
    assert dataset.name == "Gun_Point"
    assert len(dataset.splits.test) == 20


def test_a_channel_without_values_or_with_one_value_is_left_out_and_named(tmp_path: Path) -> None:
    waves = np.random.default_rng(0).normal(size=(40, 4, 12)).astype(np.float32)
    whole = bakeoff.load((np.delete(waves, (1, 3), axis=1), np.arange(40) % 2))
    waves[:, 1], waves[:, 3] = np.nan, 7.0
    dataset = bakeoff.load((waves, np.arange(40) % 2))
    np.testing.assert_array_equal(dataset.inputs, whole.inputs)
    finding = next(finding for finding in dataset.findings if finding.kind == "dead_channels")
    assert finding.values == {"count": 2, "of": 4, "names": "'2', '4'"}
    assert dataset.encoder is not None
    again = read_new(json.loads(json.dumps(dataset.encoder.to_json())), waves, schema=dataset.schema)
    np.testing.assert_array_equal(again.inputs, dataset.inputs)


def test_a_channel_that_one_series_lacks_is_filled_with_its_mean_of_training() -> None:
    waves = np.random.default_rng(0).normal(5, 1, size=(40, 2, 12)).astype(np.float32)
    waves[7, 1] = np.nan
    dataset = bakeoff.load((waves, np.arange(40) % 2))
    train = [place for place in dataset.splits.train if place != 7]
    np.testing.assert_allclose(dataset.inputs[7, 1], waves[train, 1].mean(dtype=np.float64), rtol=1e-6)
    values = next(f.values for f in dataset.findings if f.kind == "channels_without_values")
    assert values == {"count": 1, "worst": 2, "most": 1}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("(2024-01-01 10:00:00,3.5),(2024-01-01 11:00:00,4):(0,1),(1,2):yes", [[3.5, 4], [1, 2]]),
        ("(0,1):yes", [[1]]),
    ],
)
def test_values_with_times_are_split_outside_of_their_brackets(
    tmp_path: Path, line: str, expected: list[list[float]]
) -> None:
    (tmp_path / "a.ts").write_text(f"@timeStamps true\n@classLabel true yes no\n@data\n{line}\n")
    np.testing.assert_array_equal(read_series_file(tmp_path / "a.ts").examples[0], expected)


def test_many_classes_and_unclosed_brackets_take_time_in_proportion(tmp_path: Path) -> None:
    """Ten times as much takes ten times as long, not a hundred times: counted in comparisons, not in seconds."""
    counted = 0

    class Word(str):
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            nonlocal counted
            counted += 1
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    names = [f"c{place}" for place in range(3000)]
    lines = [f"{place},1:{name}" for place, name in enumerate(names)]
    (tmp_path / "a.ts").write_text("\n".join([f"@classLabel true {' '.join(names)}", "@data", *lines]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bakeoff.data.forms.ts_file.plain_label", Word)
        assert len(read_series_file(tmp_path / "a.ts").examples) == 3000
    assert counted < 10 * len(names)
    (tmp_path / "b.ts").write_text("@timeStamps true\n@classLabel true a\n@data\n" + "(:" * 300_000 + "\n")
    with pytest.raises(DataError):
        read_series_file(tmp_path / "b.ts")
