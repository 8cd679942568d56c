"""The table of readers: each passes the conformance suite, and what does not apply is refused from the table."""

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from PIL import Image

import bakeoff
from bakeoff.data.options import ReadingOptions
from bakeoff.data.readers import READERS
from bakeoff.data.readers.base import Reader
from bakeoff.errors import OptionError
from bakeoff.testing.readers import READER_CHECKS, ReaderCase

ROWS = 60
NUMBERS = np.random.default_rng(0).normal(size=(ROWS, 3)).round(3)
WORDS = np.array(["yes", "no"])[np.arange(ROWS) % 2]


def table() -> pl.DataFrame:
    columns = {name: NUMBERS[:, place] for place, name in enumerate("abc")}
    return pl.DataFrame({**columns, "day": np.arange(ROWS), "y": WORDS})


def pictures(folder: Path) -> Path:
    for place in range(24):
        path = folder / "photos" / "ab"[place % 2] / f"{place:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), 10 * place).save(path)
    return folder / "photos"


def series(folder: Path) -> Path:
    lines = ["@classLabel true yes no", "@data"]
    lines += [",".join(map(str, row)) + f":{word}" for row, word in zip(NUMBERS, WORDS, strict=True)]
    (folder / "waves.ts").write_text("\n".join(lines) + "\n")
    return folder / "waves.ts"


class Feature:
    """A feature of a dataset of Hugging Face: an image, or class labels with names."""

    def __init__(self, names: list[str] | None = None) -> None:
        if names:
            self.names = names


class Pictures:
    """What bakeoff asks of a dataset of Hugging Face, over a table of Arrow."""

    def __init__(self, table: pa.Table) -> None:
        self.table, self.num_rows, self.column_names = table, len(table), table.column_names
        kinds = {"image": type("Image", (Feature,), {})(), "label": Feature(["no", "yes"])}
        self.features = {name: kinds[name] for name in self.column_names}

    def select_columns(self, names: list[str]) -> "Pictures":
        return Pictures(self.table.select(names))

    def with_format(self, form: str) -> pa.Table:
        assert form == "arrow"
        return self.table


def hub_pictures(folder: Path) -> Pictures:
    files = [{"bytes": path.read_bytes(), "path": None} for path in sorted(folder.rglob("*.png"))]
    return Pictures(pa.table({"image": files, "label": [place % 2 for place in range(len(files))]}))


@pytest.fixture
def cases(tmp_path: Path, own_cache: Path) -> dict[str, ReaderCase]:
    """A case for each reader, by how it describes its data; the sources of the others are foreign to it."""
    table().write_csv(tmp_path / "sales.csv")
    np.savez(tmp_path / "arrays.npz", x=NUMBERS, y=WORDS)
    csv, npz = tmp_path / "sales.csv", tmp_path / "arrays.npz"
    photos, waves, graphs = pictures(tmp_path), series(tmp_path), tmp_path / "graphs.npz"
    np.savez(graphs, x=NUMBERS[:, :, None], adjacency=np.ones((ROWS, 3, 3)), y=WORDS)
    forecast = {"time": "day", "target": "a", "horizon": 2, "window": 4}
    return {
        "built-in data": ReaderCase(source="iris", foreign=["irises", csv, npz, photos, waves]),
        "a table": ReaderCase(
            source=csv, options={"target": "y"}, new=csv, foreign=["iris", npz, photos, waves]
        ),
        "a forecast": ReaderCase(source=csv, options=forecast, foreign=["iris", npz, photos, waves, NUMBERS]),
        "graphs": ReaderCase(source=graphs, new=graphs, foreign=["iris", csv, npz, photos, waves, {"x": 1}]),
        "arrays": ReaderCase(source=npz, new=npz, foreign=["iris", csv, photos, waves, 3]),
        "a file of series": ReaderCase(source=waves, new=waves, foreign=["iris", csv, npz, photos, NUMBERS]),
        "a dataset of pictures": ReaderCase(
            source=hub_pictures(photos), new=hub_pictures(photos), foreign=["iris", csv, npz, photos, NUMBERS]
        ),
        "a folder of images": ReaderCase(
            source=photos, new=photos, foreign=["iris", csv, npz, waves, NUMBERS]
        ),
    }


@pytest.mark.parametrize("check", READER_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.described)
def test_every_reader_conforms(
    reader: Reader, check: Callable[[Reader, ReaderCase], None], cases: dict[str, ReaderCase]
) -> None:
    check(reader, cases[reader.described])


def with_fault(reader: Reader, check: str) -> Reader:
    """The reader with one fault, which the check of that name must find."""

    def without_encoder(*given: Any, **more: Any) -> Any:
        return replace(reader.read(*given, **more), encoder=None)

    def shifted(*given: Any, **more: Any) -> Any:
        dataset = reader.read(*given, **more)
        return replace(dataset, inputs=dataset.inputs + 1)

    faults: dict[str, dict[str, Any]] = {
        "check_declaration": {"options": reader.options | {"sise"}},
        "check_claims": {"claims": ()},
        "check_options": {"options": reader.options - {"target"}},
        "check_reading": {"read": without_encoder},
        "check_new_data": {"read": shifted},
    }
    return replace(reader, **faults[check])


@pytest.mark.parametrize("check", READER_CHECKS, ids=lambda check: check.__name__)
def test_the_suite_finds_a_broken_reader(
    check: Callable[[Reader, ReaderCase], None], cases: dict[str, ReaderCase]
) -> None:
    reader = next(reader for reader in READERS if reader.described == "a table")
    with pytest.raises((AssertionError, OptionError)):
        check(with_fault(reader, check.__name__), cases["a table"])


def test_every_option_is_taken_by_some_reader() -> None:
    taken = frozenset().union(*(reader.options for reader in READERS))
    assert taken == {field.name for field in fields(ReadingOptions)}


@pytest.mark.parametrize(
    ("what", "options", "sentence"),
    [
        ("a table", {"size": 8}, "it is for datasets of pictures and folders of images. Leave it out."),
        ("a table", {"horizon": 2}, "it is for forecasts. Name the column of times"),
        (
            "arrays",
            {"group": "who"},
            "it is for forecasts and tables. Give the groups as an array called 'gr",
        ),
        (
            "graphs",
            {"kind": "series"},
            "'kind' does not go with graphs: it is for files of series, forecasts,",
        ),
        ("a file of series", {"target": "y"}, "'target' does not go with a file of series"),
        ("a file of series", {"kind": "table"}, "can be read as kind 'series', not 'table'"),
        (
            "a folder of images",
            {"kind": "text"},
            "A folder of images can be read as kind 'image', not 'text'",
        ),
        ("built-in data", {"window": 3}, "'window' does not go with built-in data"),
    ],
)
def test_an_option_that_does_not_apply_is_refused_with_who_takes_it_and_what_to_do(
    what: str, options: dict[str, Any], sentence: str, cases: dict[str, ReaderCase]
) -> None:
    with pytest.raises(OptionError, match=sentence):
        bakeoff.load(cases[what].source, **{**cases[what].options, **options})


def test_an_option_is_refused_before_a_damaged_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "torn.npz").write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(OptionError, match="'window' does not go with arrays"):
        bakeoff.load(tmp_path / "torn.npz", window=3)


def test_an_unknown_keyword_is_refused_with_the_nearest() -> None:
    with pytest.raises(OptionError, match=r"load\(\) has no option 'targt'. Did you mean 'target'\?"):
        bakeoff.load("iris", targt="species")


def test_a_frame_with_its_answers_is_read_as_a_table_or_a_forecast_and_not_as_arrays() -> None:
    frame = table()
    answers = frame["y"].to_numpy()
    assert bakeoff.load((frame.drop("y"), answers)).schema == bakeoff.load(frame, target="y").schema
    pair = (frame.drop("a", "y"), frame["a"].to_numpy())
    assert bakeoff.load(pair, time="day", horizon=2, window=4).schema.target.horizon == 2
