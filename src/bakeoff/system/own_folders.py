"""Folders of our own in places that others use too, and the removal of those, and only those, that a killed process
left.

A folder is known by the file `MARK` in it, which names the folder's own inode (a copy is nobody's to remove) and the
running system. Its owner holds an exclusive `flock` on that file, which the kernel frees when the owner ends, by
`kill -9` too, and which holds between containers. The mark is locked before it gets its name, so that nobody sees one
whose owner does not hold it yet. Removed is only a folder of our own user, without a link on the way, whose mark is
right and whose lock can be taken; it is emptied file by file, and a folder within it is left.

Where the system knows no such lock (Windows, some network file systems) nothing is marked, and so nothing is removed
except by its owner. Two systems that share a folder (virtual machines) do not see each other's locks, so each leaves
the folders of the other alone.
"""

import os
import shutil
import stat
import sys
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

MARK = ".made-by-bakeoff"
_FIRST_LINE = "A folder of bakeoff's, which removes it. It holds nothing else."
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_MOST_BYTES = 1000


class OwnFolder:
    """A new folder of which this process is the owner until it is removed or handed over.

    Args:
        parent: where, there already.
        prefix: how its name begins.
    """

    def __init__(self, parent: Path, prefix: str) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        self._lock = _mark(self.path)
        self._is_ours = True

    def hand_over(self, place: Path) -> None:
        """Move it to its place, where it stays.

        Raises:
            OSError: something else is there.
        """
        self.path.rename(place)
        self._is_ours = False
        self._unlock()

    def remove(self) -> None:
        """Remove it with what is in it, unless it was handed over; the mark last, which shows that it is ours."""
        if self._is_ours:
            with suppress(OSError):
                for entry in self.path.iterdir():
                    if entry.name != MARK:
                        entry.unlink()
            shutil.rmtree(self.path, ignore_errors=True)
        self._is_ours = False
        self._unlock()

    def _unlock(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)


def remove_abandoned(parent: Path, prefix: str) -> None:
    """Remove the folders in `parent` whose owner, a process of this user on this system, is gone."""
    with suppress(OSError):
        for entry in list(os.scandir(parent)):
            if entry.name.startswith(prefix):
                remove_if_ours(Path(entry.path))


def remove_if_ours(folder: Path, *, of_any_system: bool = False) -> bool:
    """Remove a folder that was made by `OwnFolder` for this user and that nobody owns. Returns whether it is gone.

    Args:
        folder: the folder; a link to one is left.
        of_any_system: also one that was made before the computer was last started. For what was handed over.
    """
    if fcntl is None:
        return False
    with suppress(OSError), ExitStack() as stack:
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        stack.callback(os.close, opened)
        lock = os.open(MARK, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=opened)
        stack.callback(os.close, lock)
        if _is_ours(opened, lock, of_any_system):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove_opened(folder, opened)
            return True
    return False


def _remove_opened(folder: Path, opened: int) -> None:
    for name in sorted(os.listdir(opened), key=lambda name: name == MARK):
        os.unlink(name, dir_fd=opened)
    if os.path.samestat(os.lstat(folder), os.fstat(opened)):
        os.rmdir(folder)


def _mark(folder: Path) -> int | None:
    """Lock a file in the folder, then rename it to the mark. None where the file system does not allow this."""
    system = _system()
    if fcntl is None or system is None:
        return None
    lock = None
    try:
        unseen = folder / f"{MARK}.unseen"
        lock = os.open(unseen, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(lock, _text(os.stat(folder), system).encode())
        unseen.rename(folder / MARK)
    except OSError:
        with suppress(OSError):
            unseen.unlink()
        if lock is not None:
            os.close(lock)
        return None
    return lock


def _is_ours(folder: int, mark: int, of_any_system: bool) -> bool:
    """Whether folder and mark belong to this user alone, and the mark says what ours would."""
    system, user = _system(), os.geteuid()
    of_folder, of_mark = os.fstat(folder), os.fstat(mark)
    if of_folder.st_uid != user or of_folder.st_mode & 0o022 or of_mark.st_uid != user:
        return False
    if not stat.S_ISREG(of_mark.st_mode) or of_mark.st_nlink != 1 or system is None:
        return False
    found = os.read(mark, _MOST_BYTES).decode(errors="replace")
    wanted = _text(of_folder, system)
    return found.split("\n")[:2] == wanted.split("\n")[:2] if of_any_system else found == wanted


def _text(folder: os.stat_result, system: str) -> str:
    return f"{_FIRST_LINE}\n{folder.st_ino}\n{system}\n"


def _system() -> str | None:
    """What tells one running kernel, whose locks are seen by all its containers, from another; None if nothing does."""
    if sys.platform != "linux":
        return sys.platform
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip() or None
    except (OSError, ValueError):
        return None
