"""Feather and Arrow files are read in a process of their own, which hands the table on as Parquet.

Polars takes the offsets in such files as they stand. One damaged byte makes it read other memory than the file's: words
that nobody wrote, or the end of the process. Parquet is checked as it is read.
"""

import subprocess
import tempfile
from pathlib import Path

import polars as pl

from bakeoff.errors import DataError, printable
from bakeoff.system import processes

#: Arguments: the file, where the table goes, and "file" or "stream".
_CONVERT = """
import sys
import polars
with open(sys.argv[1], "rb") as file:
    table = polars.read_ipc(file) if sys.argv[3] == "file" else polars.read_ipc_stream(file)
    table.write_parquet(sys.argv[2], compression="uncompressed")
"""
#: So long no file takes that fits into memory.
_LONGEST_SECONDS = 600


def read_apart(path: Path, *, is_file: bool) -> pl.DataFrame:
    """The table of an Arrow file.

    Args:
        is_file: whether it is of the form of files (Feather) and not of streams.

    Raises:
        DataError: it is damaged, or holds what Parquet cannot.
    """
    with tempfile.TemporaryDirectory(prefix="bakeoff-arrow-") as folder:
        table = Path(folder, "table.parquet")
        arguments = (str(path.absolute()), str(table), "file" if is_file else "stream")
        try:
            ended = subprocess.run(
                processes.command("-c", _CONVERT, *arguments),
                env=processes.environment(),
                capture_output=True,
                timeout=_LONGEST_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise _unreadable(path, "it takes too long") from error
        if ended.returncode != 0:
            raise _unreadable(path, _reason(ended.stderr.decode("utf-8", "replace")))
        return pl.read_parquet(table, glob=False)


def _reason(said: str) -> str:
    """What Polars said last; nothing where the process broke."""
    lines = [line.strip() for line in said.splitlines() if line.startswith("polars.exceptions.")]
    return lines[-1].partition(": ")[2] if lines else "it is damaged"


def _unreadable(path: Path, reason: str) -> DataError:
    return DataError(
        f"'{printable(path.name)}' cannot be read as a table ({printable(reason, most=160)}): save it again."
    )
