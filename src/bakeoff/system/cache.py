"""The user's cache: what can be made again, as a record in JSON or a folder of files, under a key of all it depends on.

A folder is written under another name and renamed when it is complete, so that a killed run leaves no half of one. What
is found is checked by whoever reads it, and made anew where it is damaged. Only what this program made for this user is
ever removed (`bakeoff.system.own_folders`). Code is not kept here but where nobody else can write
(`bakeoff.train.kernels.compilation`).
"""

import json
import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from bakeoff.errors import StoreError
from bakeoff.system.files import write_text
from bakeoff.system.own_folders import OwnFolder, remove_abandoned, remove_if_ours

Found = TypeVar("Found")

_UNFINISHED = "unfinished-"
_DAY_SECONDS = 86_400
#: The name of a folder that `store_folder` made: a key.
_KEY = re.compile("[0-9a-f]{32}")


def cache_folder() -> Path:
    """The folder of caches: `BAKEOFF_CACHE`, else `bakeoff` where this system has the user's caches.

    Decoded images, texts in tokens, compiled operators, costs of the catalogue's networks, measurements of the
    machine. It may be removed at any time.
    """
    if chosen := os.environ.get("BAKEOFF_CACHE"):
        return Path(chosen).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("bakeoff", appauthor=False, opinion=False)


def read_record(path: Path, read: Callable[[Any], Found | None]) -> Found | None:
    """What `read` makes of the JSON in this file; None where there is none or it is no such record."""
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        return read(json.loads(path.read_text(encoding="utf-8")))
    return None


def store_record(path: Path, record: Any) -> None:
    """Write a record as JSON; where that cannot be done, it is made again the next time, and nothing else."""
    with suppress(OSError, StoreError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(record))


def store_folder(
    place: Path,
    write: Callable[[Path], None],
    is_complete: Callable[[Path], bool],
    *,
    most_old: int | None = None,
) -> None:
    """Write a folder under another name and rename it to `place`; what killed runs left there is removed.

    One that another run has finished meanwhile stays; a damaged one is replaced.

    Args:
        place: a key in a folder of caches of one kind.
        write: writes the files into a new folder.
        is_complete: whether a folder is there and undamaged.
        most_old: of the folders beside it that were not used within a day, how many stay; None: all of them.

    Raises:
        OSError: it cannot be written. Nothing is left.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    remove_abandoned(place.parent, _UNFINISHED)
    if most_old is not None:
        _remove_oldest(place.parent, most_old)
    unfinished = OwnFolder(place.parent, _UNFINISHED)
    try:
        write(unfinished.path)
        if place.exists() and not is_complete(place):
            remove_if_ours(place, of_any_system=True)
        try:
            unfinished.hand_over(place)
        except OSError:
            if not is_complete(place):
                raise
    finally:
        unfinished.remove()


def _remove_oldest(parent: Path, most: int) -> None:
    old = []
    for entry in parent.iterdir():
        with suppress(OSError):
            used = entry.stat().st_mtime
            if time.time() - used > _DAY_SECONDS and _KEY.fullmatch(entry.name):
                old.append((used, entry))
    for _, entry in sorted(old)[: max(0, len(old) - most)]:
        remove_if_ours(entry, of_any_system=True)
