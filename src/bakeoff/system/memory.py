"""Memory: the limit for all workers together, one worker's share of it, and how much a process holds.

The limit is a part of the memory that is available on the machine, or in the container around this process, when the
workers start; `BAKEOFF_MEMORY_GB` sets another one. Imports nothing heavy.
"""

import functools
import math
import os
from contextlib import suppress
from pathlib import Path

#: Part of the available memory that all workers together may hold.
PART = 0.8
#: The environment variable with a worker's share, in bytes.
SHARE = "BAKEOFF_WORKER_BYTES"
#: The environment variable with the user's own limit for all workers together, in GB of 1e9 bytes.
OWN_LIMIT = "BAKEOFF_MEMORY_GB"
#: The most that one stack may take, however much there is: larger stacks are not faster.
LARGEST_STACK_BYTES = 2**30


def limit_bytes() -> int:
    """What all workers together may hold."""
    try:
        wanted = float(os.environ.get(OWN_LIMIT, ""))
    except ValueError:
        wanted = math.nan
    if math.isfinite(wanted) and wanted > 0:
        return int(wanted * 1e9)
    return int(available_bytes() * PART)


def available_bytes(root: Path = Path("/")) -> int:
    """Memory that new processes can get before anything is swapped out or killed.

    The smaller of what the machine has, as psutil finds it, and what is left in the control group of this process
    (Linux; versions 1 and 2; cached file pages that can be dropped count as free).

    Args:
        root: where the `/proc` and `/sys` of the control groups lie.
    """
    import psutil

    return max(min([psutil.virtual_memory().available, *_of_the_group(root)]), 0)


def _of_the_group(root: Path) -> list[int]:
    """The bytes left in this process's control group and in each of its parents."""
    base, found = root / "sys/fs/cgroup", []
    for line in _text(root / "proc/self/cgroup").splitlines() or ["0::/"]:
        _, kinds, path = line.split(":", 2)
        if kinds not in ("", "memory") and "memory" not in kinds.split(","):
            continue
        top, names = (base / "memory", _VERSION_1) if kinds else (base, _VERSION_2)
        place = top / path.lstrip("/")
        for folder in (place, *place.parents):
            limit, used = (_text(folder / name).strip() for name in names[:2])
            if limit.isdigit() and used.isdigit():
                found.append(int(limit) - int(used) + _files_in_cache(folder / "memory.stat", names[2]))
            if folder == top:
                break
    return found


_VERSION_1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
_VERSION_2 = ("memory.max", "memory.current", "inactive_file")


def _files_in_cache(path: Path, name: str) -> int:
    return sum(int(line.split()[1]) for line in _text(path).splitlines() if line.split()[:1] == [name])


def held_bytes(process: int | None = None) -> int:
    """Memory in bytes that a process (None: this one) does not share with others; 0 where it has ended.

    Files that it maps count nowhere on Linux, not even those of a folder in memory (`/tmp` on many systems), and
    elsewhere where nobody else maps them.
    """
    import psutil

    with suppress(psutil.Error):
        asked = psutil.Process(process)
        held = asked.memory_info()
        return held.rss - held.shared if hasattr(held, "shared") else asked.memory_full_info().uss
    return 0


def share_bytes() -> int | None:
    """This worker's share of the limit; None outside of workers that have one."""
    share = os.environ.get(SHARE, "")
    return int(share) if share.isdigit() else None


def stack_limit_bytes() -> int:
    """The bytes that one stack may take in this process: its share less what the process held at the first call.

    Memory of earlier stacks is still held (see `kernels.native.keep_memory`) and is reused by the next stack.
    """
    share = share_bytes()
    return (
        LARGEST_STACK_BYTES if share is None else max(0, min(LARGEST_STACK_BYTES, share - _held_at_first()))
    )


@functools.cache
def _held_at_first() -> int:
    return held_bytes()


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
