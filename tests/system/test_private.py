"""What code is loaded from is a folder that nobody else can write."""

import os
from pathlib import Path

import pytest

from bakeoff.system.private import is_private, make_private, open_private

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
SOMEBODY = 54321


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A private folder three levels below the test's own."""
    place = tmp_path / "way" / "to" / "folder"
    place.mkdir(parents=True, mode=0o700)
    (place / "file").write_text("ours")
    (place / "file").chmod(0o600)
    return place


def _content(path: Path) -> bytes | None:
    found = open_private(path)
    if found is None:
        return None
    with open(found, "rb") as file:
        return file.read()


def test_a_file_of_ours_in_a_folder_of_ours_is_opened(folder: Path) -> None:
    assert is_private(folder)
    assert _content(folder / "file") == b"ours"
    assert _content(folder / "another") is None


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
@pytest.mark.parametrize("level", [0, 1, 2])
def test_nothing_is_private_where_others_may_write_the_folder_or_one_above_it(
    folder: Path, level: int, mode: int
) -> None:
    (folder, *folder.parents)[level].chmod(mode)
    assert not is_private(folder)
    assert not is_private(folder / "not there yet")
    assert _content(folder / "file") is None
    with pytest.raises(PermissionError):
        make_private(folder / "new")


def test_a_sticky_folder_is_good_enough_above_a_private_one_and_not_itself(folder: Path) -> None:
    folder.parent.chmod(0o1777)
    assert is_private(folder)
    assert is_private(folder.parent / "not there yet")
    assert not is_private(folder.parent)
    assert _content(folder / "file") == b"ours"


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_not_opened(folder: Path, mode: int) -> None:
    (folder / "file").chmod(mode)
    assert is_private(folder)
    assert _content(folder / "file") is None


@needs_root
@pytest.mark.parametrize("place", [".", "..", "file"])
def test_nothing_of_somebody_else_is_opened(folder: Path, place: str) -> None:
    os.chown(folder / place, SOMEBODY, SOMEBODY)
    assert _content(folder / "file") is None


@needs_root
def test_a_sticky_folder_of_somebody_else_is_not_good_enough(folder: Path) -> None:
    folder.parent.chmod(0o1777)
    os.chown(folder.parent, SOMEBODY, SOMEBODY)
    assert not is_private(folder)


def test_a_linked_folder_is_judged_by_where_it_leads_and_a_linked_file_is_not_opened(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(folder)
    assert _content(tmp_path / "link" / "file") == b"ours"
    (folder / "linked").symlink_to(folder / "file")
    assert _content(folder / "linked") is None
    folder.chmod(0o777)
    assert not is_private(tmp_path / "link")


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pipe", 0o600)
    assert _content(folder / "pipe") is None


def test_folders_are_made_for_ourselves_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o000)
    try:
        make_private(tmp_path / "a" / "b")
    finally:
        os.umask(before)
    assert [place.stat().st_mode & 0o777 for place in (tmp_path / "a", tmp_path / "a" / "b")] == [0o700] * 2
