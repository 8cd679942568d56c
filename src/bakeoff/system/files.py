"""Where files are kept, and how they are written: whole or not at all, first under another name, then renamed.

Whoever reads such a file, and whoever kills the program while it writes, finds the old file or the new one, and never
a part of it.
"""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bakeoff.errors import StoreError, printable


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """A place to write to, in the same folder; renamed where the block ends well, removed otherwise.

    Raises:
        StoreError: the file cannot be written.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with atomic_write(Path(folder, "answer.txt")) as unfinished:
    ...         _ = unfinished.write_text("42")
    ...     [found.name for found in Path(folder).iterdir()]
    ['answer.txt']
    """
    unfinished = _beside(path)
    try:
        yield unfinished
        unfinished.replace(path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        if isinstance(error, OSError) and not isinstance(error, StoreError):
            raise _unwritable(path, error) from error
        raise


def cache_folder() -> Path:
    """The folder of caches: `BAKEOFF_CACHE`, else `bakeoff` in the user's cache folder.

    Decoded images, texts in tokens, compiled operators, costs of the catalogue's networks, measurements of the
    machine. It may be removed at any time.
    """
    if chosen := os.environ.get("BAKEOFF_CACHE"):
        return Path(chosen).expanduser()
    home = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(home) if home else Path.home() / ".cache") / "bakeoff"


def check_writable(path: Path | None) -> None:
    """Before a long run: can the file that it is to end in be written at all? None is no file, and can.

    Raises:
        StoreError: it cannot.
    """
    if path is None:
        return
    if path.is_dir():
        raise StoreError(f"'{_shown(path)}' is a folder and cannot be written to: name a file in it.")
    trial = _beside(path)
    try:
        trial.touch()
        trial.unlink()
    except OSError as error:
        raise _unwritable(path, error) from error


def write_text(path: Path, text: str) -> Path:
    """Write a text file in UTF-8 with the lines ended as given, and return its path.

    Raises:
        StoreError: the file cannot be written.
    """
    with atomic_write(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8", newline="\n")
    return path


def write_json(path: Path, record: Any, *, indent: int = 2) -> Path:
    """Write a record as JSON, and return the file's path. No number in it may be infinite or missing (NaN).

    Raises:
        StoreError: the file cannot be written.
    """
    return write_text(path, json.dumps(record, indent=indent, ensure_ascii=False, allow_nan=False) + "\n")


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.unfinished")


def _unwritable(path: Path, error: OSError) -> StoreError:
    reason = error.strerror or str(error)
    return StoreError(
        f"'{_shown(path)}' cannot be written ({reason}): free some space or name another place."
    )


def _shown(path: Path) -> str:
    return printable(str(path), most=500)
