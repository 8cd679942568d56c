"""The last net: an error that nobody foresaw becomes a sentence and a file that can be sent to us.

The kinds of error are mended where they arise; this keeps a person from reading a traceback of what is left.
"""

import os
import platform
import sys
import tempfile
import traceback
from contextlib import suppress
from pathlib import Path

from bakeoff.cli import statuses
from bakeoff.errors import printable


def answer(error: BaseException) -> int:
    """Say in a sentence what happened, keep the rest in a file, and return the status to end with."""
    if isinstance(error, KeyboardInterrupt):
        print("bakeoff: Stopped.", file=sys.stderr)
        return statuses.INTERRUPTED
    if isinstance(error, MemoryError):
        print(
            "bakeoff: The memory of this machine (or its limit, ulimit -v) is too small for this: give fewer or "
            "smaller "
            "examples, or fewer --workers.",
            file=sys.stderr,
        )
        return 1
    kind = type(error).__name__
    place = _keep(error)
    kept = f"the details are in {place}" if place else "the details could not be written to a file"
    reason = printable(" ".join(str(error).split()), most=300)
    print(
        f"bakeoff: An error that was not foreseen ({kind}: {reason}); {kept}. It is ours to mend: please report "
        f"it with "
        "that file, in which are the command and names of your files.",
        file=sys.stderr,
    )
    return statuses.INTERNAL_ERROR


def _keep(error: BaseException) -> Path | None:
    """Write the traceback to a new file that only its owner can read; None where that fails."""
    with suppress(OSError, ValueError):
        handle, name = tempfile.mkstemp(prefix="bakeoff-error-", suffix=".txt")
        lines = [
            f"bakeoff, Python {platform.python_version()}, {platform.platform()}",
            " ".join(map(ascii, sys.argv)),
            "",
            "".join(traceback.format_exception(error)),
        ]
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write("\n".join(lines))
        return Path(name)
    return None
