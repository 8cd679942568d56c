"""Files are written whole or not at all."""

import os
from pathlib import Path

import pytest

from bakeoff.errors import StoreError
from bakeoff.system.files import atomic_write, check_writable, write_json, write_text


def test_a_file_appears_when_it_is_whole_and_not_before(tmp_path: Path) -> None:
    path = tmp_path / "answer.txt"
    path.write_text("old")
    with atomic_write(path) as unfinished:
        unfinished.write_text("new")
        assert path.read_text() == "old"
        assert unfinished.parent == tmp_path, "a rename works within one file system only"
    assert path.read_text() == "new"
    assert [place.name for place in tmp_path.iterdir()] == ["answer.txt"]


def _write_half(path: Path, error: type[BaseException]) -> None:
    with atomic_write(path) as unfinished:
        unfinished.write_text("half")
        raise error


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_what_breaks_off_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = write_text(tmp_path / "answer.txt", "old")
    with pytest.raises(error):
        _write_half(path, error)
    assert path.read_text() == "old"
    assert [place.name for place in tmp_path.iterdir()] == ["answer.txt"]


def test_a_record_that_json_does_not_know_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "record.json", {"loss": float("nan")})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("place", ["no/such/folder/a.json", "file/a.json"])
def test_a_place_that_cannot_be_written_is_refused_before_and_after(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("")
    for write in (check_writable, lambda path: write_text(path, "text")):
        with pytest.raises(StoreError, match=r"a\.json' cannot be written \(.+\): free some space or name"):
            write(tmp_path / place)


def test_a_folder_in_the_place_of_a_file_is_refused_before_a_long_run(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"is a folder.*name a file in it"):
        check_writable(tmp_path)


def test_a_check_leaves_no_trace(tmp_path: Path) -> None:
    old = write_text(tmp_path / "a.json", "kept")
    check_writable(old)
    check_writable(tmp_path / "b.json")
    check_writable(None)
    assert old.read_text() == "kept"
    assert [place.name for place in tmp_path.iterdir()] == ["a.json"]


def test_a_file_that_lies_beside_under_any_such_name_is_neither_written_to_nor_removed(
    tmp_path: Path,
) -> None:
    beside = (
        tmp_path / f".a.json.{os.getpid()}.unfinished"
    )  # that of a container with the same number, or a link
    beside.write_text("another's")
    write_text(tmp_path / "a.json", "text")
    check_writable(tmp_path / "a.json")
    assert beside.read_text() == "another's"


def test_two_that_write_the_same_file_do_not_meet_before_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with atomic_write(path) as first, atomic_write(path) as second:
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first", "its block ended last"


def test_a_file_has_the_rights_that_new_files_have(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    assert write_text(tmp_path / "a", "").stat().st_mode == (tmp_path / "plain").stat().st_mode
