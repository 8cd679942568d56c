"""Good files with bytes changed, lost and repeated: they are read, or refused in a sentence, and nothing else."""

import warnings
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import bakeoff
from bakeoff.data.card import data_card
from bakeoff.data.forms.image_decoder import PixelForm, RefusedPictureError, decode, quiet_pillow, read_header
from bakeoff.errors import BakeoffError

PIECES = [
    b",",
    b'"',
    b"\n",
    b"\x00",
    b":",
    b"?",
    b"inf",
    b"nan",
    b"1e400",
    b"\xff\xfe",
    b"@",
    b"\r",
    b"-",
    b";",
    b"",
]
OPTIONS: dict[str, dict[str, Any]] = {"npy": {"target": "2", "task": "value"}, "ts": {}, "npz": {}, "tsv": {}}


class Good(dict[str, bytes]):
    """The content of a good file of each ending; not shown whole when a test fails."""

    def __repr__(self) -> str:
        return "Good(...)"


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Good:
    """One good file of each format."""
    folder = tmp_path_factory.mktemp("good")
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(
        {
            "a": rng.standard_normal(40),
            "word": rng.choice(["red", "blue, dark", "초록"], 40),
            "day": np.datetime64("2024-01-01") + np.arange(40),
            "y": rng.choice(["n", "p"], 40),
        }
    )
    frame.write_csv(folder / "g.csv")
    frame.write_parquet(folder / "g.parquet")
    frame.write_ndjson(folder / "g.jsonl")
    np.savez(folder / "g.npz", x=rng.standard_normal((40, 3)), y=np.arange(40) % 2)
    np.save(folder / "g.npy", rng.standard_normal((40, 3)))
    rows = ["\t".join([str(n % 2), *(f"{value:.3f}" for value in rng.standard_normal(9))]) for n in range(30)]
    (folder / "g.tsv").write_text("\n".join(rows) + "\n")
    series = [
        ",".join("?" if value > 2 else f"{value:.2f}" for value in rng.standard_normal(6)) for _ in range(30)
    ]
    lines = [f"{one}:{'ab'[place % 2]}" for place, one in enumerate(series)]
    (folder / "g.ts").write_text("@problemName g\n@classLabel true a b\n@data\n" + "\n".join(lines) + "\n")
    for ending in ("png", "jpg", "webp", "gif", "tiff", "bmp"):
        Image.fromarray(rng.integers(0, 256, (9, 7, 3), dtype=np.uint8)).save(folder / f"g.{ending}")
    return Good({file.suffix[1:]: file.read_bytes() for file in folder.iterdir()})


@st.composite
def changes(draw: st.DrawFn) -> list[tuple[str, float, bytes, int]]:
    """What is done to a file: (how, where as a share of its length, with which bytes, how many bytes)."""
    one = st.tuples(
        st.sampled_from(["byte", "piece", "lose", "cut", "repeat"]),
        st.floats(0, 1),
        st.one_of(st.sampled_from(PIECES), st.binary(min_size=1, max_size=2)),
        st.integers(1, 40),
    )
    return draw(st.lists(one, min_size=1, max_size=8))


def damaged(content: bytes, what: list[tuple[str, float, bytes, int]]) -> bytes:
    for how, share, piece, count in what:
        place = int(share * len(content))
        head, tail = content[:place], content[place:]
        content = {
            "byte": head + piece[:1] + tail[1:],
            "piece": head + piece + tail,
            "lose": head + tail[count:],
            "cut": head,
            "repeat": head + tail[:count] + tail,
        }[how]
    return content


@pytest.mark.parametrize("ending", ["csv", "jsonl", "ts", "tsv", "npz", "npy"])
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(what=changes())
def test_a_damaged_file_is_read_or_refused(
    good: Good,
    tmp_path_factory: pytest.TempPathFactory,
    ending: str,
    what: list[tuple[str, float, bytes, int]],
) -> None:
    path = tmp_path_factory.getbasetemp() / f"damaged.{ending}"
    path.write_bytes(damaged(good[ending], what))
    message = ""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            dataset = bakeoff.load(path, **OPTIONS.get(ending, {"target": "y"}))
            data_card(dataset).sentences()
        except BakeoffError as error:
            message = str(error)
    assert "\n" not in message
    if not message:
        assert np.isfinite(dataset.inputs_at(dataset.splits.train)).all()


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "gif", "tiff", "bmp"])
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(what=changes())
def test_a_damaged_picture_is_decoded_or_refused(
    good: Good,
    tmp_path_factory: pytest.TempPathFactory,
    ending: str,
    what: list[tuple[str, float, bytes, int]],
) -> None:
    path = tmp_path_factory.getbasetemp() / f"damaged.{ending}"
    path.write_bytes(damaged(good[ending], what))
    message = ""
    with quiet_pillow():
        try:
            read_header(path)
            shape = decode(path, PixelForm(channels=3, height=4, width=4)).shape
        except RefusedPictureError as refused:
            message = str(refused)
    assert message or shape == (3, 4, 4)
