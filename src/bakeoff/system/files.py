"""How files are opened, and atomic writing: under another name first, then renamed.

Whoever reads such a file, or kills the program while it writes, finds the old file or the new one, never a part of it.
"""

import contextlib
import errno
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from bakeoff.errors import BakeoffError, DataError, StoreError, printable


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """A place to write to, in the same folder; renamed where the block ends well, removed otherwise.

    A pipe or a device (`/dev/stdout`) is written into and stays what it is.

    Raises:
        StoreError: the file cannot be written.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with atomic_write(Path(folder, "answer.txt")) as unfinished:
    ...         _ = unfinished.write_text("42")
    ...     [found.name for found in Path(folder).iterdir()]
    ['answer.txt']
    """
    if _is_special(path):
        with _poured(path) as unfinished:
            yield unfinished
        return
    created: Path | None = None
    try:
        created = _create_beside(path)
        yield created
        created.replace(path)
    except BaseException as error:
        if created is not None:
            with contextlib.suppress(OSError):
                created.unlink(missing_ok=True)
        if isinstance(error, OSError) and not isinstance(error, StoreError):
            raise _unwritable(path, error) from error
        raise


def opened(path: str | Path, error: type[BakeoffError] = DataError) -> IO[bytes]:
    """A file that somebody named, open for reading; never waits, as opening a named pipe would.

    Args:
        path: the file.
        error: what is raised where something is there that is neither a file nor a folder.

    Raises:
        BakeoffError: of that class; the message says what is there, and what to give instead.
        OSError: it is not there, is a folder, or may not be read.
    """
    refuse_special(path, error)
    file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115 (it is handed on)
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):  # it was changed in between
        file.close()
        raise error(_no_file(path, "something else than a file", "give a file"))
    return file


def refuse_special(path: str | Path, error: type[BakeoffError] = DataError) -> None:
    """Raises `error` where a pipe, a device or a socket is in the place of a file: to open it could wait for ever.

    Files and folders are let through, and so is what is not there or cannot be looked at: whoever opens it tells.
    """
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return
    for is_one, what, instead in _SPECIAL:
        if is_one(mode):
            raise error(_no_file(path, what, instead))


def check_writable(path: Path | None) -> None:
    """Before a long run: can the file that it is to end in be written at all? None is no file, and can.

    Raises:
        StoreError: it cannot.
    """
    if path is None:
        return
    if path.is_dir():
        raise StoreError(f"'{_shown(path)}' is a folder and cannot be written to: name a file in it.")
    if _is_special(path):
        if not os.access(path, os.W_OK):
            raise _unwritable(path, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))
        return
    try:
        _create_beside(path).unlink()
    except OSError as error:
        raise _unwritable(path, error) from error


def write_text(path: Path, text: str) -> Path:
    """Write a text file in UTF-8 with the lines ended as given, and return its path.

    What is no text (bytes of a file's name that are not UTF-8) is written as JSON would, as `\\udcff`.

    Raises:
        StoreError: the file cannot be written.
    """
    with atomic_write(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
    return path


def write_json(path: Path, record: Any, *, indent: int = 2) -> Path:
    """Write a record as JSON, and return the file's path. No number in it may be infinite or missing (NaN).

    Raises:
        StoreError: the file cannot be written.
    """
    return write_text(path, json.dumps(record, indent=indent, ensure_ascii=False, allow_nan=False) + "\n")


_SPECIAL = (
    (
        stat.S_ISFIFO,
        "a pipe (as 'mkfifo', '<(...)' and '|' make them), which can be read only once and from front to back",
        "save what comes out of it into a file first, and give that file",
    ),
    (stat.S_ISCHR, "a device (such as a terminal)", "give a file"),
    (stat.S_ISBLK, "a device (such as a disk)", "give a file"),
    (stat.S_ISSOCK, "a socket", "save what comes out of it into a file first, and give that file"),
)


def _is_special(path: Path) -> bool:
    """Whether something is there that is neither a file nor a folder, and that no file may be put in place of."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    is_stream = path.is_symlink() and os.path.abspath(path).startswith(
        ("/dev/", "/proc/")
    )  # /dev/stdout > file
    return is_stream or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


@contextlib.contextmanager
def _poured(special: Path) -> Iterator[Path]:
    """A file to write to, whose bytes then go into a pipe or a device; nobody waits for a pipe that nobody reads."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            unfinished = Path(folder, special.name)
            yield unfinished
            descriptor = os.open(special, os.O_WRONLY | os.O_APPEND | getattr(os, "O_NONBLOCK", 0))
            os.set_blocking(descriptor, True)
            with open(descriptor, "wb") as target, unfinished.open("rb") as source:
                shutil.copyfileobj(source, target)
    except StoreError:
        raise
    except OSError as error:
        raise _unwritable(special, error) from error


def _no_file(path: str | Path, what: str, instead: str) -> str:
    return f"'{printable(str(path))}' is not a file but {what}: {instead}."


def _without_waiting(path: str, flags: int) -> int:
    """Opening a pipe waits for whoever writes into it; with this flag it does not. To files it makes no difference."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _create_beside(path: Path) -> Path:
    """A new file in the same folder under a name that nothing there has: what is written over or removed is ours."""
    while True:
        place = path.with_name(f".{path.name}.{os.urandom(4).hex()}.unfinished")
        with contextlib.suppress(FileExistsError):
            os.close(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
            return place


def _unwritable(path: Path, error: OSError) -> StoreError:
    reason = error.strerror or str(error)
    return StoreError(
        f"'{_shown(path)}' cannot be written ({reason}): free some space or name another place."
    )


def _shown(path: Path) -> str:
    return printable(str(path), most=500)
