"""Folders and files that nobody else can write: what code is loaded from has to be one of them.

A folder is private if it is ours, nobody else may write into it, and every folder above it is ours or root's and
cannot be written by others either. A folder that all may write, such as `/tmp`, is good enough *above* a private one
if it is sticky: nobody can then remove or rename what is another's. Everything is judged on what was opened, and never
by a name that could meanwhile stand for something else. Only POSIX systems can tell; elsewhere nothing is private.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path

_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
_FILE = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_ROOT = 0


def is_private(folder: Path) -> bool:
    """Whether the folder is private; one that is not there yet: whether it would be if `make_private` made it."""
    try:
        os.close(_open_folder(folder, missing_is_fine=True))
    except OSError:
        return False
    return True


def make_private(folder: Path) -> None:
    """Make the folder and what is missing above it, for ourselves alone, where they are not there.

    Raises:
        PermissionError: it is there and not private.
        OSError: it cannot be made.
    """
    missing = [part for part in (folder, *folder.parents) if not part.exists()]
    for part in reversed(missing):
        with suppress(FileExistsError):
            part.mkdir(mode=0o700)
    os.close(_open_folder(folder))


def open_private(path: Path) -> int | None:
    """A descriptor of a file of our own that nobody else can write, in a private folder; None where there is none."""
    try:
        folder = _open_folder(path.parent)
    except OSError:
        return None
    try:
        return open_in(folder, path.name)
    except OSError:
        return None
    finally:
        os.close(folder)


def open_own_folder(folder: Path) -> int:
    """A descriptor of a folder that we have just made for ourselves alone (`mkdtemp`), wherever it lies.

    Raises:
        PermissionError: something else is in its place by now.
    """
    descriptor = os.open(folder, _FOLDER)
    if not _is_ours(os.fstat(descriptor)):
        os.close(descriptor)
        raise PermissionError(f"'{folder}' is not ours alone")
    return descriptor


def open_in(folder: int, name: str) -> int:
    """A descriptor of a file in an opened folder.

    Raises:
        PermissionError: it is not a file of our own, or others may write it.
        OSError: it is not there.
    """
    descriptor = os.open(name, _FILE, dir_fd=folder)
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode) and _is_ours(status):
        return descriptor
    os.close(descriptor)
    raise PermissionError(f"'{name}' is not a file of our own that nobody else can write")


def _open_folder(folder: Path, *, missing_is_fine: bool = False) -> int:
    """A descriptor of a private folder; where it may be missing, of the last folder on the way that is there."""
    if not hasattr(os, "geteuid"):
        raise PermissionError("this system does not tell whose a folder is")
    way = Path(os.path.realpath(folder))
    descriptor = os.open(way.anchor, _FOLDER)
    try:
        _check_on_the_way(descriptor)
        for depth, part in enumerate(way.parts[1:], 1):
            try:
                below = os.open(part, _FOLDER, dir_fd=descriptor)
            except FileNotFoundError:
                if missing_is_fine and os.access(Path(*way.parts[:depth]), os.W_OK):
                    return descriptor
                raise
            os.close(descriptor)
            descriptor = below
            _check_on_the_way(descriptor)
        if not _is_ours(os.fstat(descriptor)):
            raise PermissionError(f"'{folder}' is not ours alone")
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _check_on_the_way(descriptor: int) -> None:
    """Raises `PermissionError` where somebody besides us and root could put another folder into this one's entries."""
    status = os.fstat(descriptor)
    others = status.st_mode & _OTHERS_WRITE and not status.st_mode & stat.S_ISVTX
    if status.st_uid not in (_ROOT, os.geteuid()) or others:
        raise PermissionError("a folder on the way belongs to somebody else, or others may write into it")


def _is_ours(status: os.stat_result) -> bool:
    return status.st_uid == os.geteuid() and not status.st_mode & _OTHERS_WRITE
