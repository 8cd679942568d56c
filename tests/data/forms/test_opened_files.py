"""The file that was named is the one that is read, and nothing waits for what is no file."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

import bakeoff
from bakeoff.cost.hardware.accelerator import load_accelerator
from bakeoff.data.forms.image_decoder import PixelForm, RefusedPictureError, decode, quiet_pillow, read_header
from bakeoff.data.forms.images import load_images
from bakeoff.data.forms.series import load_series
from bakeoff.data.forms.table_file import read_table_file
from bakeoff.data.forms.tokenizer import open_tokenizer
from bakeoff.data.load import read_new
from bakeoff.errors import BakeoffError, CostError, DataError, ModelError, StoreError
from bakeoff.inference.predictor import RECORD_FILE, WEIGHTS_FILE, Predictor
from bakeoff.inference.training_hashes import TRAINING_HASHES_FILE, is_training_example
from bakeoff.models.weights.read import read_tensors
from bakeoff.study.results.store import Store
from bakeoff.system.files import write_json
from bakeoff.train.single.checkpoint import load_checkpoint

WRITERS: dict[str, Callable[[pl.DataFrame, Path], object]] = {
    "csv": lambda frame, path: frame.write_csv(path),
    "tsv": lambda frame, path: frame.write_csv(path, separator="\t"),
    "txt": lambda frame, path: frame.write_csv(path, separator=";"),
    "jsonl": lambda frame, path: frame.write_ndjson(path),
    "ndjson": lambda frame, path: frame.write_ndjson(path),
    "parquet": lambda frame, path: frame.write_parquet(path),
    "pq": lambda frame, path: frame.write_parquet(path),
}


def _table(start: int) -> pl.DataFrame:
    return pl.DataFrame({"x": range(start, start + 40), "y": ["n", "p"] * 20})


@pytest.mark.parametrize("ending", WRITERS)
@pytest.mark.parametrize(
    ("asked", "beside"),
    [
        ("sales[12]", "sales1"),
        ("top?", "top1"),
        ("all*", "all-of-them"),
        ("run[1]/t", "run1/t"),
        ("r*n/t", "ran/t"),
        ("**/t", "deep/t"),
        ("{a,b}", "a"),
        ("[!x]", "y"),
        ("alone[1]", None),
    ],
)
def test_signs_of_a_pattern_in_a_name_are_a_part_of_the_name(
    tmp_path: Path, ending: str, asked: str, beside: str | None
) -> None:
    for name, start in ((beside, 0), (asked, 1000)):
        if name is not None:
            path = tmp_path / f"{name}.{ending}"
            path.parent.mkdir(exist_ok=True)
            WRITERS[ending](_table(start), path)
    frame, _ = read_table_file(tmp_path / f"{asked}.{ending}")
    assert frame["x"].to_list() == list(range(1000, 1040))


def test_new_data_are_read_by_their_own_name_too(tmp_path: Path) -> None:
    _table(0).write_csv(tmp_path / "new1.csv")
    _table(1000).write_csv(tmp_path / "new[12].csv")
    dataset = bakeoff.load(tmp_path / "new1.csv", target="y")
    new = read_new(dataset.encoder.to_json(), tmp_path / "new[12].csv", schema=dataset.schema)
    assert new.inputs.min() > dataset.inputs.max()


@pytest.mark.parametrize(("count", "late"), [(3000, 2000), (150, 120)])
def test_every_line_of_json_lines_counts_for_the_columns_types(tmp_path: Path, count: int, late: int) -> None:
    """Polars looks at the first 100 lines of an opened file alone, and then cuts 2.5 down to 2."""
    lines = [
        {"x": row + (0.5 if row >= late else 0)} | ({"z": 1} if row >= late else {}) for row in range(count)
    ]
    for row in lines[:late]:
        row["x"] = int(row["x"])
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    frame, _ = read_table_file(tmp_path / "a.jsonl")
    assert frame["x"][-1] == count - 0.5
    assert frame["z"].null_count() == late


POSTSCRIPT = (
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n0 0 8 8 rectfill\nshowpage\n%%EOF\n"
)


def test_a_postscript_program_that_is_named_like_a_picture_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[object] = []
    from PIL import EpsImagePlugin

    monkeypatch.setattr(EpsImagePlugin, "has_ghostscript", lambda: True)
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *given, **more: started.append(given))
    (tmp_path / "a.png").write_bytes(POSTSCRIPT)
    with quiet_pillow():
        for read in (read_header, lambda path: decode(path, PixelForm(channels=1, height=8, width=8))):
            with pytest.raises(RefusedPictureError, match="not an image"):
                read(tmp_path / "a.png")
    assert not started


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "MPO"])
def test_a_picture_is_known_by_its_bytes_and_not_by_its_ending(tmp_path: Path, form: str) -> None:
    bytes_of = BytesIO()
    Image.new("RGB", (8, 6), (250, 0, 0)).save(bytes_of, format=form)
    (tmp_path / "a.png").write_bytes(bytes_of.getvalue())
    with quiet_pillow():
        assert read_header(tmp_path / "a.png").width == 8
        assert decode(tmp_path / "a.png", PixelForm(channels=3, height=6, width=8))[0].mean() > 240


@pytest.fixture
def pipe(tmp_path: Path) -> Callable[[str], Path]:
    """Makes a named pipe that nobody ever writes into."""

    def make(name: str) -> Path:
        os.mkfifo(tmp_path / name)
        return tmp_path / name

    return make


ENDINGS = ["csv", "tsv", "txt", "parquet", "jsonl", "npz", "npy", "ts", "png", "unknown"]
IS_A_PIPE = r"is not a file but a pipe .*: save what comes out of it into a file first, and give that file\.$"


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_named_pipe_is_refused_and_not_waited_for(pipe: Callable[[str], Path], ending: str) -> None:
    path = pipe(f"a.{ending}")
    with pytest.raises(DataError, match=IS_A_PIPE):
        bakeoff.load(path, target="y" if ending in ("csv", "tsv", "txt", "parquet", "jsonl") else None)
    with pytest.raises(DataError, match=IS_A_PIPE):
        read_table_file(path)


def test_a_pipe_as_new_data_is_refused(pipe: Callable[[str], Path]) -> None:
    iris = bakeoff.load("iris")
    with pytest.raises(DataError, match=IS_A_PIPE):
        read_new(iris.encoder.to_json(), pipe("new.csv"), schema=iris.schema)


READERS: dict[str, tuple[str, Callable[[Path], object], type[BakeoffError]]] = {
    "weights": ("a.safetensors", read_tensors, ModelError),
    "weights of PyTorch": ("a.pt", read_tensors, ModelError),
    "weights of NumPy": ("a.npz", read_tensors, ModelError),
    "a tokenizer": ("tokenizer.json", open_tokenizer, DataError),
    "an accelerator": ("a.toml", lambda path: load_accelerator(str(path)), CostError),
    "a checkpoint": ("checkpoint.safetensors", load_checkpoint, StoreError),
    "a champion's record": (RECORD_FILE, lambda path: Predictor.load(path.parent), StoreError),
    "a champion's weights": (WEIGHTS_FILE, lambda path: Predictor.load(path.parent), StoreError),
    "a run": ("study.sqlite", lambda path: Store(path.parent), StoreError),
    "series": ("a_TRAIN.ts", load_series, DataError),
}


@pytest.mark.parametrize("what", READERS)
def test_a_pipe_is_refused_wherever_a_file_is_read(pipe: Callable[[str], Path], what: str) -> None:
    name, read, error = READERS[what]
    with pytest.raises(error, match=IS_A_PIPE):
        read(pipe(name))


def test_a_pipe_in_the_place_of_the_hashes_of_seen_examples_is_not_waited_for(
    pipe: Callable[[str], Path],
) -> None:
    assert is_training_example(pipe(TRAINING_HASHES_FILE).parent, np.zeros((2, 3))) is None


def test_a_pipe_for_the_answers_beside_an_array_is_refused(
    pipe: Callable[[str], Path], tmp_path: Path
) -> None:
    np.save(tmp_path / "x.npy", np.zeros((20, 3)))
    pipe("y.npy")
    with pytest.raises(DataError, match=IS_A_PIPE):
        bakeoff.load(tmp_path / "x.npy")


@pytest.mark.usefixtures("own_cache")
def test_a_pipe_among_pictures_is_left_out_and_reported(tmp_path: Path, pipe: Callable[[str], Path]) -> None:
    for place in range(24):
        path = tmp_path / "photos" / "ab"[place % 2] / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), 10 * place).save(path)
    pipe("photos/a/pipe.png")
    dataset = load_images(tmp_path / "photos")
    skipped = [finding.values for finding in dataset.findings if finding.kind == "images_skipped"]
    assert skipped == [{"count": 1, "names": "a/pipe.png (not a file but a pipe or a device)"}]


def test_a_device_and_a_socket_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'/dev/zero' is not a file but a device .*: give a file\.$"):
        bakeoff.load("/dev/zero", target="y")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s.csv"))
        with pytest.raises(DataError, match=r"is not a file but a socket"):
            bakeoff.load(tmp_path / "s.csv", target="y")


def test_what_comes_through_a_pipe_of_the_shell_is_refused_at_the_command_line() -> None:
    command = [sys.executable, "-m", "bakeoff", "data", "/dev/stdin", "--target", "y"]
    done = subprocess.run(command, input="x,y\n1,2\n", capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "'/dev/stdin' is not a file but a pipe" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_no_file_is_written_into_and_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "out.json")
    with pytest.raises(StoreError, match="cannot be written"):  # nobody reads it
        write_json(tmp_path / "out.json", {"a": 1})
    reading = os.open(tmp_path / "out.json", os.O_RDONLY | os.O_NONBLOCK)
    write_json(tmp_path / "out.json", {"a": 1})
    assert json.loads(os.read(reading, 1000)) == {"a": 1}
    os.close(reading)
    assert (tmp_path / "out.json").is_fifo()
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]


def test_the_standard_output_is_a_place_to_write_to(tmp_path: Path) -> None:
    program = (
        "import pathlib\nfrom bakeoff.system.files import *\nprint('before', flush=True)\n"
        "path = pathlib.Path('/proc/self/fd/1')\ncheck_writable(path)\nwrite_json(path, [1], indent=0)"
    )
    with (tmp_path / "out").open("wb") as out:
        subprocess.run([sys.executable, "-c", program], stdout=out, check=True, timeout=60)
    assert (tmp_path / "out").read_text().split() == ["before", "[", "1", "]"]
