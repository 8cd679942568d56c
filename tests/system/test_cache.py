"""What can be made again is kept once, whole, in one folder; and nothing of others is ever removed from it."""

import os
import sys
from pathlib import Path

import pytest

from bakeoff.system import cache, own_folders
from bakeoff.system.cache import cache_folder, read_record, store_folder, store_record

needs_flock = pytest.mark.skipif(own_folders.fcntl is None, reason="without flock nothing is ever removed")


def write(text: str):  # type: ignore[no-untyped-def]
    return lambda folder: (folder / "content").write_text(text)


def is_complete(folder: Path) -> bool:
    return (folder / "content").is_file() and (folder / "content").read_text() != "damaged"


def test_the_folder_is_the_one_that_the_user_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("BAKEOFF_CACHE", "~/other")
    assert cache_folder() == tmp_path / "other"


@pytest.mark.skipif(sys.platform != "linux", reason="each system has a folder of its own for caches")
def test_else_the_folder_is_where_the_system_has_its_caches(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("BAKEOFF_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "bakeoff"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "bakeoff"


def test_a_record_comes_back_and_what_is_no_such_record_does_not(tmp_path: Path) -> None:
    place = tmp_path / "kind" / "key.json"
    assert read_record(place, dict) is None
    store_record(place, {"flops": 3})
    assert read_record(place, lambda record: record["flops"]) == 3
    for damaged in ("", "{", "[]", "{}", "[1, 2", "\xff"):
        place.write_text(damaged, encoding="latin-1")
        assert read_record(place, lambda record: record["flops"]) is None


def test_a_record_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store_record(tmp_path / "file" / "key.json", {})
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_folder_appears_when_it_is_complete_and_a_failure_leaves_nothing(tmp_path: Path) -> None:
    def fails(folder: Path) -> None:
        (folder / "content").write_text("half")
        assert not place.exists()
        raise OSError("the disk is full")

    place = tmp_path / "kind" / ("a" * 32)
    with pytest.raises(OSError, match="full"):
        store_folder(place, fails, is_complete)
    assert list(place.parent.iterdir()) == []
    store_folder(place, write("whole"), is_complete)
    assert (place / "content").read_text() == "whole"


def test_a_folder_of_a_faster_program_stays(tmp_path: Path) -> None:
    place = tmp_path / ("a" * 32)
    store_folder(place, write("first"), is_complete)
    store_folder(place, write("second"), is_complete)
    assert (place / "content").read_text() == "first"
    assert list(tmp_path.iterdir()) == [place]


@needs_flock
def test_a_damaged_folder_is_replaced(tmp_path: Path) -> None:
    place = tmp_path / ("a" * 32)
    store_folder(place, write("damaged"), is_complete)
    store_folder(place, write("whole"), is_complete)
    assert (place / "content").read_text() == "whole"


def test_a_damaged_folder_that_is_not_ours_stays(tmp_path: Path) -> None:
    place = tmp_path / ("a" * 32)
    place.mkdir()
    (place / "content").write_text("damaged")
    with pytest.raises(OSError, match=r"not empty|exists"):
        store_folder(place, write("whole"), is_complete)
    assert (place / "content").read_text() == "damaged"
    assert list(tmp_path.iterdir()) == [place]


@needs_flock
def test_only_the_newest_of_old_folders_stay_and_all_that_others_keep_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`BAKEOFF_CACHE` may be a folder of the user's own, with `texts` in it."""
    now = 1_000_000_000
    for name, days in (("a" * 32, 9), ("b" * 32, 5), ("c" * 32, 3), ("e" * 32, 0)):
        own_folders.OwnFolder(tmp_path, "unfinished-").hand_over(tmp_path / name)
        os.utime(tmp_path / name, (now - days * 86_400,) * 2)
    for name in ("novel", "unfinished-novel", "d" * 32):
        (tmp_path / name).mkdir()
        (tmp_path / name / "chapter.txt").write_text("It was")
        os.utime(tmp_path / name, (now - 99 * 86_400,) * 2)
    monkeypatch.setattr(cache.time, "time", lambda: float(now))
    store_folder(tmp_path / ("f" * 32), write("new"), is_complete, most_old=2)
    left = ["b" * 32, "c" * 32, "d" * 32, "e" * 32, "f" * 32, "novel", "unfinished-novel"]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == left
