"""Packed files are unpacked once, inside a folder of our own, within bounds; foreign kinds are told with what to do."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

import bakeoff
from bakeoff.data.forms import packed_files, size_checks
from bakeoff.data.load import read_new
from bakeoff.errors import DataError

pytestmark = pytest.mark.usefixtures("own_cache")

FRAME = pl.DataFrame(
    {"a": np.random.default_rng(0).normal(size=60), "b": ["x", "y", "z"] * 20, "y": ["u", "v"] * 30}
)
CSV = FRAME.write_csv().encode()
PACK = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz", "zip", "tar", "tar.gz", "tgz"])
def test_a_packed_table_is_the_table(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"sales.csv.{ending}"
    if ending == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("sales.csv", CSV)
    elif ending in PACK:
        path.write_bytes(PACK[ending](CSV))
    else:
        (tmp_path / "sales.csv").write_bytes(CSV)
        with tarfile.open(path, "w:gz" if "g" in ending else "w") as tar:
            tar.add(tmp_path / "sales.csv", "sales.csv")
    (tmp_path / "plain.csv").write_bytes(CSV)
    packed, plain = bakeoff.load(path, target="y"), bakeoff.load(tmp_path / "plain.csv", target="y")
    np.testing.assert_array_equal(packed.inputs, plain.inputs)
    assert packed.name == "sales"
    new = read_new(packed.encoder.to_json(), path, schema=packed.schema)  # type: ignore[union-attr]
    np.testing.assert_array_equal(new.inputs, packed.inputs)


def test_an_archive_of_class_folders_is_that_folder(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "pets.zip", "w") as archive:
        for number in range(24):
            out = io.BytesIO()
            Image.new("L", (4, 4), 10 * number).save(out, "PNG")
            archive.writestr(f"pets/{('cat', 'dog')[number % 2]}/{number}.png", out.getvalue())
        archive.writestr("__MACOSX/pets/._cat", b"")
    dataset = bakeoff.load(tmp_path / "pets.zip")
    assert dataset.schema.target.names == ("cat", "dog")  # type: ignore[union-attr]
    assert len(dataset) == 24


@pytest.mark.parametrize(
    "name", ["../evil.csv", "/evil.csv", "a/../../evil.csv", "C:\\evil.csv", "..\\evil.csv"]
)
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_name_that_leads_out_of_the_archive_is_refused_and_written_nowhere(
    tmp_path: Path, kind: str, name: str
) -> None:
    path = tmp_path / f"a.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, CSV)
    else:
        with tarfile.open(path, "w") as tar:
            member = tarfile.TarInfo(name)
            member.size = len(CSV)
            tar.addfile(member, io.BytesIO(CSV))
    with pytest.raises(DataError, match="would be written outside of its folder"):
        bakeoff.load(path, target="y")
    assert not list(tmp_path.rglob("evil*"))


def test_a_link_in_an_archive_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_bytes(CSV)
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        link = tarfile.TarInfo("sales.csv")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path / "secret.csv")
        tar.addfile(link)
    with pytest.raises(DataError, match="holds no files"):
        bakeoff.load(tmp_path / "a.tar", target="y")


@pytest.mark.parametrize("ending", ["gz", "zip"])
def test_a_file_that_grows_enormously_is_refused_and_leaves_nothing(
    tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(size_checks, "LARGE_BYTES", 1 << 20)
    path, zeros = tmp_path / f"bomb.csv.{ending}", b"0" * (1 << 22)
    if ending == "gz":
        path.write_bytes(gzip.compress(zeros))
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("bomb.csv", zeros)
    with pytest.raises(DataError, match="over 200 times its size"):
        bakeoff.load(path, target="y")
    cache = packed_files.cache_folder() / "unpacked"
    assert not cache.exists() or not list(cache.iterdir())


def test_a_full_disk_is_reported_with_the_space_that_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed_files, "_DISK_PART", 1e-12)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(CSV))
    with pytest.raises(DataError, match="free some space, or set BAKEOFF_CACHE"):
        bakeoff.load(tmp_path / "a.csv.gz", target="y")


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz", "zip", "tar", "tar.gz"])
def test_a_damaged_packed_file_is_reported(tmp_path: Path, ending: str) -> None:
    (tmp_path / f"a.csv.{ending}").write_bytes(b"no packed bytes at all")
    with pytest.raises(DataError, match="cannot be unpacked"):
        bakeoff.load(tmp_path / f"a.csv.{ending}", target="y")
    cut = gzip.compress(CSV)[:60]
    (tmp_path / "cut.csv.gz").write_bytes(cut)
    with pytest.raises(DataError, match="cannot be unpacked"):
        bakeoff.load(tmp_path / "cut.csv.gz", target="y")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("scan.nii", b"\0" * 344 + b"n+1\0", "a NIfTI volume, .* nibabel"),
        ("scan.nii.gz", gzip.compress(b"\0" * 344 + b"n+1\0"), "a NIfTI volume, .* nibabel"),
        ("image.dcm", b"\0" * 128 + b"DICM", "a DICOM image, .* pydicom"),
        ("IM0001", b"\0" * 128 + b"DICM", "a DICOM image, .* pydicom"),
        ("data.h5", b"\x89HDF\r\n\x1a\n", "an HDF5 file, .* h5py"),
        ("data.pkl", b"\x80\x04\x95abc", "a pickle"),
    ],
)
def test_files_of_foreign_kinds_are_known_by_their_bytes_with_what_to_do(
    tmp_path: Path, name: str, content: bytes, sentence: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=sentence):
        bakeoff.load(tmp_path / name)


def test_a_folder_of_dicom_images_is_reported(tmp_path: Path) -> None:
    (tmp_path / "x" / "patient").mkdir(parents=True)
    (tmp_path / "x" / "patient" / "IM0").write_bytes(b"\0" * 128 + b"DICM")
    with pytest.raises(DataError, match="'patient/IM0' is a DICOM image"):
        bakeoff.load(tmp_path / "x")


@pytest.mark.parametrize("wrapper", ["", "archive/"])
def test_the_one_table_beside_a_readme_is_meant_and_of_several_the_names_are_reported(
    tmp_path: Path, wrapper: str
) -> None:
    with zipfile.ZipFile(tmp_path / "one.zip", "w") as archive:
        archive.writestr(f"{wrapper}sales.csv", CSV)
        archive.writestr(f"{wrapper}README.md", "sales of a year")
    assert len(bakeoff.load(tmp_path / "one.zip", target="y")) == 60
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr(f"{wrapper}train.csv", CSV)
        archive.writestr(f"{wrapper}test.csv", CSV)
    with pytest.raises(DataError, match=r"several tables \('test.csv', 'train.csv'\): unpack it and name"):
        bakeoff.load(tmp_path / "two.zip", target="y")


def test_korean_names_of_windows_are_read_in_an_archive(tmp_path: Path) -> None:
    class Windows(zipfile.ZipInfo):
        def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802 (zipfile's name)
            return self.filename.encode("cp949"), self.flag_bits

    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for number in range(12):
            out = io.BytesIO()
            Image.new("L", (4, 4), 20 * number).save(out, "PNG")
            archive.writestr(Windows(f"사진/{('고양이', '강아지')[number % 2]}/{number}.png"), out.getvalue())
    assert set(bakeoff.load(tmp_path / "a.zip").schema.target.names) == {"고양이", "강아지"}  # type: ignore[union-attr]
