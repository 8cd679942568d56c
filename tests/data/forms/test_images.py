"""A folder of images: every format, upright, over white, decoded once; what is damaged is skipped and named."""

import errno
import os
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import bakeoff
from bakeoff.data.card import data_card
from bakeoff.data.forms import image_cache
from bakeoff.data.forms.image_decoder import (
    MOST_PIXELS,
    PixelForm,
    RefusedPictureError,
    decode,
    quiet_pillow,
    read_header,
)
from bakeoff.data.forms.image_folders import understood
from bakeoff.data.load import read_new
from bakeoff.errors import BakeoffWarning, DataError
from bakeoff.system.own_folders import OwnFolder, fcntl

pytestmark = pytest.mark.usefixtures("own_cache")


def noise(seed: int, *shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def folder_of(root: Path, count: int = 10, classes: tuple[str, ...] = ("cat", "dog"), size: int = 6) -> Path:
    for place, name in enumerate(classes):
        (root / name).mkdir(parents=True)
        for number in range(count):
            picture = Image.fromarray(noise(1000 * place + number, size, size, 3))
            picture.save(root / name / f"{number:03}.png")
    return root


def one(path: Path, *, channels: int = 3, size: tuple[int, int] = (4, 4)) -> NDArray[np.uint8]:
    with quiet_pillow():
        return decode(path, PixelForm(channels=channels, height=size[0], width=size[1]))


@pytest.mark.parametrize("ending", ["png", "webp", "bmp", "tiff"])
def test_lossless_formats_give_back_the_pixels_that_were_saved(tmp_path: Path, ending: str) -> None:
    pixels = noise(0, 4, 4, 3)
    Image.fromarray(pixels).save(tmp_path / f"a.{ending}", **({"lossless": True} if ending == "webp" else {}))
    np.testing.assert_array_equal(one(tmp_path / f"a.{ending}"), pixels.transpose(2, 0, 1))


def test_jpeg_gives_back_nearly_the_pixels_that_were_saved(tmp_path: Path) -> None:
    pixels = np.full((16, 16, 3), (200, 40, 90), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.jpg", quality=95)
    assert np.abs(one(tmp_path / "a.jpg", size=(16, 16)).astype(int) - pixels.transpose(2, 0, 1)).max() <= 4


def test_transparency_is_laid_over_white_in_every_mode(tmp_path: Path) -> None:
    half = np.zeros((4, 4, 4), np.uint8)
    half[..., 3] = 128
    Image.fromarray(half).save(tmp_path / "rgba.png")
    Image.fromarray(half[..., [0, 3]], mode=None).save(tmp_path / "la.png")
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([10, 20, 30, 250, 0, 0])
    palette.save(tmp_path / "p.png", transparency=0)
    assert set(one(tmp_path / "rgba.png").ravel().tolist()) == {127}
    assert set(one(tmp_path / "la.png", channels=1).ravel().tolist()) == {127}
    assert set(one(tmp_path / "p.png").ravel().tolist()) == {255}


def test_palettes_and_sixteen_bits_become_their_colours(tmp_path: Path) -> None:
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([10, 20, 30, 250, 5, 7])
    palette.save(tmp_path / "p.png")
    assert one(tmp_path / "p.png")[:, 0, 0].tolist() == [250, 5, 7]
    Image.fromarray(np.full((4, 4), 65535, np.uint16)).save(tmp_path / "deep.png")
    assert one(tmp_path / "deep.png", channels=1).min() == 255
    Image.fromarray(np.full((4, 4), 32896, np.uint16)).save(tmp_path / "half.png")
    assert set(one(tmp_path / "half.png", channels=1).ravel().tolist()) == {128}


def test_a_photo_that_was_held_sideways_is_turned_upright(tmp_path: Path) -> None:
    pixels = np.zeros((8, 16, 3), np.uint8)
    pixels[:, :8] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(tmp_path / "turned.png", exif=exif)
    Image.fromarray(pixels).save(tmp_path / "plain.png")
    with quiet_pillow():
        header = read_header(tmp_path / "turned.png")
    assert (header.height, header.width) == (16, 8)
    upright = one(tmp_path / "turned.png", size=(16, 8))
    assert upright[:, :8].min() == 255
    assert upright[:, 8:].max() == 0
    assert one(tmp_path / "plain.png", size=(8, 16))[:, :, :8].min() == 255


def test_grey_folders_have_one_channel_and_one_colour_picture_makes_it_three(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "x" / name).mkdir(parents=True)
        for number in range(6):
            Image.fromarray(noise(number, 5, 5)).save(tmp_path / "x" / name / f"{number}.png")
    assert bakeoff.load(tmp_path / "x").inputs.shape == (12, 1, 5, 5)
    Image.fromarray(noise(9, 5, 5, 3)).save(tmp_path / "x" / "a" / "colour.png")
    assert bakeoff.load(tmp_path / "x").inputs.shape == (13, 3, 5, 5)


def test_pictures_of_any_size_get_the_median_size_that_the_card_states_and_size_sets(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "x")
    Image.fromarray(noise(1, 12, 30, 3)).save(root / "cat" / "wide.png")
    dataset = bakeoff.load(root)
    assert dataset.inputs.shape == (21, 3, 6, 6)
    sentences = [sentence for _, sentence in data_card(dataset).sentences()]
    assert any("6x6 to 12x30" in sentence and "stretched to 6x6" in sentence for sentence in sentences)
    assert bakeoff.load(root, size="4x5").inputs.shape == (21, 3, 4, 5)
    big = folder_of(tmp_path / "big", size=200)
    assert bakeoff.load(big).inputs.shape[2:] == (image_cache.LONGEST_SIDE, image_cache.LONGEST_SIDE)


def test_train_val_and_test_folders_stay_as_they_are(tmp_path: Path) -> None:
    for part, count in (("train", 8), ("val", 3), ("test", 4)):
        folder_of(tmp_path / "x" / part, count)
    dataset = bakeoff.load(tmp_path / "x")
    assert dataset.splits.how == "given"
    labels = np.array([label.split("/")[0] for label in dataset.labels or []])
    for part, indices in (
        ("train", dataset.splits.train),
        ("val", dataset.splits.validation),
        ("test", dataset.splits.test),
    ):
        assert set(labels[indices]) == {part}
        assert len(indices) == (labels == part).sum()


def test_a_class_called_train_is_a_class_where_its_folder_holds_the_images(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "x", classes=("train", "tram"))
    assert set(understood(root).parts) == {"all"}
    assert [finding.kind for finding in understood(root).findings] == ["class_named_as_part"]
    assert bakeoff.load(root).schema.target.names == ("train", "tram")  # type: ignore[union-attr]


def test_class_folders_that_are_numbers_are_sorted_as_numbers(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "x", classes=("10", "9", "1"))
    assert bakeoff.load(root).schema.target.names == ("1", "9", "10")  # type: ignore[union-attr]


def test_damaged_pictures_are_skipped_counted_and_named_with_their_reason(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "x")
    Image.fromarray(noise(0, 80, 80, 3)).save(tmp_path / "whole.jpg")
    whole = (tmp_path / "whole.jpg").read_bytes()
    (root / "cat" / "short.jpg").write_bytes(whole[: len(whole) // 2])
    (root / "dog" / "empty.png").write_bytes(b"")
    (root / "dog" / "words.webp").write_text("not an image")
    dataset = bakeoff.load(root)
    finding = next(finding for finding in dataset.findings if finding.kind == "images_skipped")
    assert finding.severity == "fault"
    assert finding.values["count"] == 3
    for named in (
        "cat/short.jpg (cut short)",
        "dog/empty.png (not an image)",
        "dog/words.webp (not an image)",
    ):
        assert named in finding.values["names"]
    assert len(dataset) == 20
    assert not any("short" in label for label in dataset.labels or [])


def bomb() -> bytes:
    """A PNG of some hundred bytes that claims 60 000 x 60 000 pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    packed = chunk(b"IDAT", zlib.compress(b"\0" * 60_001))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + packed + chunk(b"IEND", b"")


def test_a_decompression_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    assert MOST_PIXELS < 60_000 * 60_000
    (tmp_path / "bomb.png").write_bytes(bomb())
    with pytest.raises(RefusedPictureError, match="60000x60000 pixels"):
        one(tmp_path / "bomb.png")
    root = folder_of(tmp_path / "x")
    (root / "cat" / "bomb.png").write_bytes(bomb())
    dataset = bakeoff.load(root)
    assert "cat/bomb.png (it claims 60000x60000 pixels" in dataset.findings[0].values["names"]


def test_pillows_own_limit_is_as_before_after_reading(tmp_path: Path) -> None:
    before = Image.MAX_IMAGE_PIXELS
    bakeoff.load(folder_of(tmp_path / "x"))
    assert before == Image.MAX_IMAGE_PIXELS


def test_images_are_decoded_once_and_again_only_when_a_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = folder_of(tmp_path / "x")
    first = bakeoff.load(root)
    assert isinstance(first.inputs, np.memmap)
    decoded = []
    monkeypatch.setattr(image_cache, "decode", lambda path, form: decoded.append(path) or decode(path, form))
    assert bakeoff.load(root).fingerprint == first.fingerprint
    assert decoded == []
    Image.fromarray(noise(77, 6, 6, 3)).save(root / "cat" / "000.png")
    os.utime(root / "cat" / "000.png", ns=(1, 1))
    assert bakeoff.load(root).fingerprint != first.fingerprint
    assert len(decoded) == 20


def test_a_damaged_cache_is_made_again(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "x")
    first = bakeoff.load(root).fingerprint
    for file in (tmp_path / "cache").rglob("pixels.bin"):
        file.write_bytes(file.read_bytes()[:-1])
    assert bakeoff.load(root).fingerprint == first


@pytest.mark.parametrize(
    ("number", "sentence"), [(errno.ENOSPC, "The disk is full.*MB"), (errno.EACCES, "may not be written")]
)
def test_a_full_disk_and_a_locked_folder_are_explained_and_leave_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, sentence: str
) -> None:
    def fails(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    root = folder_of(tmp_path / "x")
    monkeypatch.setattr(image_cache.os, "fsync", fails)
    with pytest.raises(DataError, match=sentence):
        bakeoff.load(root)
    assert list((tmp_path / "cache" / "images").iterdir()) == []
    monkeypatch.undo()
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))
    assert len(bakeoff.load(root)) == 20


def test_what_a_killed_run_left_is_removed_and_what_others_keep_there_is_not(tmp_path: Path) -> None:
    images = tmp_path / "cache" / "images"
    images.mkdir(parents=True)
    left, at_work = OwnFolder(images, "unfinished-"), OwnFolder(images, "unfinished-")
    left._unlock()  # as the kernel does for a killed one
    for folder in (left.path, at_work.path, images / "unfinished-novel"):
        folder.mkdir(exist_ok=True)
        (folder / "pixels.bin").write_bytes(b"x")
        os.utime(folder, times=(time.time() - 9 * 86_400,) * 2)
    bakeoff.load(folder_of(tmp_path / "x"))
    assert not left.path.exists() or fcntl is None
    assert at_work.path.exists()
    assert (images / "unfinished-novel" / "pixels.bin").exists()


def test_a_disk_that_takes_no_more_bytes_ends_the_command_with_a_sentence(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "x", 30)
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000));"
        "sys.argv = ['bakeoff', 'data', sys.argv[1]]; from bakeoff.cli.main import main; main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", limited, str(root)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "The disk is full: the decoded images need 0 MB" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert list((tmp_path / "cache" / "images").iterdir()) == []


def test_new_pictures_are_read_as_those_of_training_were(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "x")
    Image.fromarray(noise(1, 12, 30, 3)).save(root / "cat" / "wide.png")
    dataset = bakeoff.load(root)
    assert dataset.encoder is not None
    record = dataset.encoder.to_json()
    again = read_new(record, root, schema=dataset.schema)
    np.testing.assert_array_equal(again.inputs, dataset.inputs)
    np.testing.assert_array_equal(again.targets, dataset.targets)
    single = read_new(record, root / "cat" / "wide.png", schema=dataset.schema)
    np.testing.assert_array_equal(
        single.inputs[0], dataset.inputs[list(dataset.labels or []).index("cat/wide.png")]
    )
    assert single.targets is None
    side_by_side = read_new(record, root / "dog", schema=dataset.schema)
    assert len(side_by_side) == 10
    assert side_by_side.targets is None


def test_new_pictures_of_an_unknown_class_are_read_but_not_scored(tmp_path: Path) -> None:
    dataset = bakeoff.load(folder_of(tmp_path / "x"))
    other = folder_of(tmp_path / "y", classes=("bird", "cat"))
    with pytest.warns(BakeoffWarning, match="never saw the class 'bird'"):
        new = read_new(dataset.encoder.to_json(), other, schema=dataset.schema)  # type: ignore[union-attr]
    assert new.targets is None
    assert len(new) == 20


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda root: None, "is empty: put one sub-folder"),
        (lambda root: (root / "cat").mkdir(), "holds no images"),
        (lambda root: (root / "a.csv").write_text("a"), "holds no images but 'a.csv': name the file"),
        (lambda root: Image.new("L", (3, 3)).save(root / "a.png"), "lie side by side"),
        (
            lambda root: folder_of(root / ".", 12, classes=("cat",)),
            "All 12 examples are of one class, 'cat'",
        ),
        (
            lambda root: (root / "cat").mkdir() or (root / "cat" / "a.png").write_text("x"),
            "Not one of the files",
        ),
    ],
)
def test_folders_that_cannot_be_compared_on_are_refused_in_a_sentence(
    tmp_path: Path, make, sentence: str
) -> None:  # type: ignore[no-untyped-def]
    root = tmp_path / "x"
    root.mkdir()
    make(root)
    with pytest.raises(DataError, match=sentence):
        bakeoff.load(root)


def test_a_class_with_one_image_is_refused_by_name(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "x")
    (root / "fox").mkdir()
    Image.fromarray(noise(5, 6, 6, 3)).save(root / "fox" / "only.png")
    with pytest.raises(DataError, match=r"class 'fox' has one example only"):
        bakeoff.load(root)


def test_a_folder_without_images_beside_the_classes_is_noted(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "x")
    (root / "notes").mkdir()
    dataset = bakeoff.load(root)
    assert [finding.kind for finding in dataset.findings] == ["empty_class_folders"]
    assert dataset.schema.outputs == 2


def deep_folder(root: Path, low: int, high: int) -> Path:
    for place, name in enumerate(("dark", "bright")):
        (root / name).mkdir(parents=True)
        for number in range(20):
            counts = np.random.default_rng(100 * place + number).integers(low, high, (6, 6)) + 3 * place
            Image.fromarray(counts.astype(np.uint16)).save(root / name / f"{number:02}.png")
    return root


def test_sixteen_bits_of_few_counts_are_kept_and_reported(tmp_path: Path) -> None:
    root = deep_folder(tmp_path / "x", 20, 150)
    dataset = bakeoff.load(root)
    saved = np.asarray(Image.open(root / "bright" / "00.png"), np.float32)
    np.testing.assert_array_equal(dataset.inputs[list(dataset.labels or []).index("bright/00.png"), 0], saved)
    values = next(finding.values for finding in dataset.findings if finding.kind == "images_deep")
    assert values["depth"] == 16
    assert (values["low"], values["high"]) == (dataset.inputs.min(), dataset.inputs.max())
    scaled = dataset.inputs_at(dataset.splits.train)
    assert scaled.std() == pytest.approx(1, abs=1e-3)
    assert dataset.encoder is not None
    again = read_new(dataset.encoder.to_json(), root, schema=dataset.schema)
    np.testing.assert_array_equal(again.inputs, dataset.inputs)
    one_file = read_new(dataset.encoder.to_json(), root / "dark" / "03.png", schema=dataset.schema)
    np.testing.assert_array_equal(
        one_file.inputs[0, 0], np.asarray(Image.open(root / "dark" / "03.png"), np.float32)
    )


def test_bytes_among_sixteen_bits_are_as_bright_as_they_look(tmp_path: Path) -> None:
    root = deep_folder(tmp_path / "x", 0, 60_000)
    Image.fromarray(np.full((6, 6), 255, np.uint8)).save(root / "bright" / "white.png")
    dataset = bakeoff.load(root)
    assert set(dataset.inputs[list(dataset.labels or []).index("bright/white.png")].ravel()) == {65535.0}


def test_deep_colours_are_cut_to_bytes_and_counted(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "x")
    (root / "cat" / "deep.png").write_bytes(deep_png(6, 6, colour=2))
    (root / "dog" / "grey.png").write_bytes(deep_png(6, 6, colour=0))
    dataset = bakeoff.load(root)
    assert dataset.inputs.dtype == np.uint8
    values = next(finding.values for finding in dataset.findings if finding.kind == "images_cut_to_bytes")
    assert values == {"count": 2}


def deep_png(height: int, width: int, *, colour: int, claims: tuple[int, int] | None = None) -> bytes:
    """A PNG of 16 bits a sample, black; `claims` is the (height, width) in its header."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    tall, wide = claims or (height, width)
    head = struct.pack(">IIBBBBB", wide, tall, 16, colour, 0, 0, 0)
    row = b"\0" + bytes(width * 2 * (3 if colour == 2 else 1))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(row * height))
        + chunk(b"IEND", b"")
    )


def test_a_deep_picture_is_refused_at_a_quarter_of_the_pixels_by_its_header_alone(tmp_path: Path) -> None:
    (tmp_path / "deep.png").write_bytes(deep_png(2, 2, colour=0, claims=(6000, 6000)))
    with quiet_pillow(), pytest.raises(RefusedPictureError, match="6000x6000 pixels"):
        read_header(tmp_path / "deep.png")
    (tmp_path / "flat.png").write_bytes(deep_png(2, 2, colour=0, claims=(4000, 4000)))
    with quiet_pillow():
        assert read_header(tmp_path / "flat.png").depth == 16


@pytest.mark.parametrize("ending", ["ppm", "jfif", "dib", "gif", "tif", "jp2", "avif", "apng", "pnm"])
def test_every_ending_of_a_format_that_is_read_is_a_picture(tmp_path: Path, ending: str) -> None:
    formats = {"jfif": "JPEG", "pnm": "PPM", "apng": "PNG"}
    root = tmp_path / "x"
    for place, name in enumerate(("cat", "dog")):
        (root / name).mkdir(parents=True)
        for number in range(6):
            picture = Image.fromarray(noise(10 * place + number, 16, 16, 3))
            picture.save(
                root / name / f"{number}.{ending}",
                **({"format": formats[ending]} if ending in formats else {}),
            )
    assert len(bakeoff.load(root)) == 12


@pytest.mark.parametrize("ending", ["gif", "tif", "webp"])
def test_pictures_after_the_first_of_a_file_are_counted(tmp_path: Path, ending: str) -> None:
    for kind in ("cat", "dog"):
        (tmp_path / kind).mkdir()
        for place in range(8):
            pictures = [Image.fromarray(noise(place + shift, 12, 12, 3)) for shift in range(2)]
            rest = pictures[1:] if kind == "cat" else []
            pictures[0].save(tmp_path / kind / f"{place}.{ending}", save_all=True, append_images=rest)
    found = [finding for finding in bakeoff.load(tmp_path).findings if finding.kind == "images_of_frames"]
    assert [finding.values["count"] for finding in found] == [8]
