"""What several commands share: when the process began, and how options are read."""

import json
import os
import re
import time
from pathlib import Path
from typing import Any

from bakeoff.errors import OptionError, StoreError

_IMPORTED = time.monotonic()
_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def started() -> float:
    """When this process began, on the monotonic clock: the interpreter's own start counts in a budget."""
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        uptime = float(Path("/proc/uptime").read_text().split()[0])
        age = uptime - int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return _IMPORTED
    return min(time.monotonic() - max(age, 0.0), _IMPORTED)


def parse_budget(text: str) -> float | None:
    """Seconds of a budget as a person writes it; None for "none".

    >>> parse_budget("90s"), parse_budget("1.5m"), parse_budget("none")
    (90.0, 90.0, None)

    Raises:
        OptionError: it is no length of time.
    """
    if text.strip().lower() == "none":
        return None
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|m|min|h|)\s*", text.lower())
    if not match or float(match[1]) <= 0:
        raise OptionError(
            f"The budget '{text}' is no length of time: write 60s, 5m or 1h, or 'none' for no clock."
        )
    return float(match[1]) * _UNITS[match[2]]


def write_json(path: Path, record: Any) -> None:
    """Write a record as JSON, whole or not at all.

    Raises:
        StoreError: the file cannot be written.
    """
    partial = path.with_name(path.name + ".part")
    try:
        partial.write_text(
            json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
        )
        partial.replace(path)
    except OSError as error:
        raise StoreError(f"'{path}' cannot be written ({error.strerror}): name another file.") from error
