"""What is removed of what killed processes left, and what is never touched. The owners are real processes."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bakeoff.system import own_folders
from bakeoff.system.own_folders import MARK, OwnFolder, remove_abandoned, remove_if_ours

pytestmark = pytest.mark.skipif(own_folders.fcntl is None, reason="without flock nothing is ever removed")

_OWNER = """
import sys
from pathlib import Path
from bakeoff.system.own_folders import OwnFolder
folder = OwnFolder(Path(sys.argv[1]), "ours-")
(folder.path / "data").write_bytes(b"x" * 10)
print(folder.path, flush=True)
sys.stdin.read()
"""


@contextmanager
def owner(place: Path) -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    """A process that owns a folder in `place`."""
    command = [sys.executable, "-c", _OWNER, str(place)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())
        process.kill()


def abandoned(place: Path) -> Path:
    """A folder whose owner was killed."""
    with owner(place) as (process, folder):
        process.kill()
        process.wait()
    assert (folder / "data").exists(), "there is something to remove"
    return folder


def test_a_folder_stays_while_its_owner_lives_and_goes_after_a_kill(tmp_path: Path) -> None:
    with owner(tmp_path) as (process, folder):
        remove_abandoned(tmp_path, "ours-")
        assert (folder / "data").exists()
        process.kill()
        process.wait()
        remove_abandoned(tmp_path, "theirs-")
        assert folder.exists(), "another prefix"
        remove_abandoned(tmp_path, "ours-")
        assert not folder.exists()


def test_a_folder_without_our_mark_stays_whatever_its_name(tmp_path: Path) -> None:
    for name, mark in (("ours-a", None), ("ours-b", ""), ("ours-c", "A folder of bakeoff's")):
        (tmp_path / name).mkdir(mode=0o700)
        (tmp_path / name / "thesis.txt").write_text("five years")
        if mark is not None:
            (tmp_path / name / MARK).write_text(mark)
    (tmp_path / "ours-file").write_text("a file")
    remove_abandoned(tmp_path, "ours-")
    assert sorted(place.name for place in tmp_path.iterdir()) == ["ours-a", "ours-b", "ours-c", "ours-file"]
    assert len(list(tmp_path.glob("*/thesis.txt"))) == 3


def test_a_copy_and_a_link_stay(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    original = abandoned(tmp_path / "elsewhere")
    shutil.copytree(original, tmp_path / "ours-copy")
    (tmp_path / "ours-link").symlink_to(original)
    remove_abandoned(tmp_path, "ours-")
    assert (tmp_path / "ours-copy" / "data").exists()
    assert (tmp_path / "ours-link" / "data").exists()


def test_a_link_in_a_folder_is_removed_and_not_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "text").write_text("five years")
    folder = abandoned(tmp_path)
    (folder / "link").symlink_to(tmp_path / "thesis")
    (folder / "hard").hardlink_to(tmp_path / "thesis" / "text")
    remove_abandoned(tmp_path, "ours-")
    assert not folder.exists()
    assert (tmp_path / "thesis" / "text").read_text() == "five years"


def test_a_folder_within_one_of_ours_stays(tmp_path: Path) -> None:
    folder = abandoned(tmp_path)
    (folder / "a").mkdir()
    (folder / "a" / "text").write_text("five years")
    remove_abandoned(tmp_path, "ours-")
    assert (folder / "a" / "text").exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: folder.chmod(0o777),
        lambda folder: (folder / MARK).rename(folder / "other") and (folder / MARK).symlink_to("other"),
        lambda folder: (folder / "twice").hardlink_to(folder / MARK),
        lambda folder: (folder / MARK).write_text((folder / MARK).read_text() + "more"),
    ],
    ids=["others may write", "the mark is a link", "the mark has two names", "the mark says more"],
)
def test_in_doubt_a_folder_stays(tmp_path: Path, change: object) -> None:
    folder = abandoned(tmp_path)
    change(folder)  # type: ignore[operator]
    remove_abandoned(tmp_path, "ours-")
    assert (folder / "data").exists()


def test_the_folder_of_another_user_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = abandoned(tmp_path)
    user = os.geteuid()
    monkeypatch.setattr(own_folders.os, "geteuid", lambda: user + 1)
    remove_abandoned(tmp_path, "ours-")
    assert (folder / "data").exists()


def test_another_system_is_left_alone_since_its_locks_are_not_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = abandoned(tmp_path)
    for other in ("a virtual machine", None):
        monkeypatch.setattr(own_folders, "_system", lambda other=other: other)
        remove_abandoned(tmp_path, "ours-")
        assert (folder / "data").exists()
    monkeypatch.setattr(own_folders, "_system", lambda: "after a restart")
    assert remove_if_ours(folder, of_any_system=True), "for what was handed over, and nobody locks"


def test_where_no_lock_can_be_had_nothing_is_marked_and_the_owner_still_removes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object) -> None:
        raise OSError("no locks here")

    left = abandoned(tmp_path)
    monkeypatch.setattr(own_folders.fcntl, "flock", refuses)
    folder = OwnFolder(tmp_path, "ours-")
    assert list(folder.path.iterdir()) == []
    remove_abandoned(tmp_path, "ours-")
    monkeypatch.setattr(own_folders, "fcntl", None)
    windows = OwnFolder(tmp_path, "ours-")
    remove_abandoned(tmp_path, "ours-")
    assert left.exists()
    for mine in (folder, windows):
        (mine.path / "data").touch()
        mine.remove()
        assert not mine.path.exists()


def test_what_is_handed_over_stays_and_is_still_known(tmp_path: Path) -> None:
    folder = OwnFolder(tmp_path, "ours-")
    (folder.path / "data").touch()
    folder.hand_over(tmp_path / "place")
    folder.remove()
    assert (tmp_path / "place" / "data").exists()
    remove_abandoned(tmp_path, "ours-")
    assert remove_if_ours(tmp_path / "place", of_any_system=True)
    assert not (tmp_path / "place").exists()


def test_two_that_sweep_while_others_come_and_go_take_nothing_from_them(tmp_path: Path) -> None:
    sweep = (
        "import sys; from pathlib import Path; from bakeoff.system.own_folders import remove_abandoned\n"
        "while not Path(sys.argv[1], 'stop').exists(): remove_abandoned(Path(sys.argv[1]), 'ours-')"
    )
    sweepers = [subprocess.Popen([sys.executable, "-c", sweep, str(tmp_path)]) for _ in range(2)]
    try:
        for _ in range(300):
            folder = OwnFolder(tmp_path, "ours-")
            (folder.path / "data").write_text("kept")
            assert (folder.path / "data").read_text() == "kept"
            folder.remove()
    finally:
        (tmp_path / "stop").touch()
        assert [sweeper.wait(60) for sweeper in sweepers] == [0, 0]
