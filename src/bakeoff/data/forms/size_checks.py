"""Sizes that are known before anything is read: what does not fit into memory, and bombs (files that grow enormously).

Imports nothing heavy.
"""

from bakeoff.errors import DataError, printable
from bakeoff.system.memory import limit_bytes

#: Files that unpack to more bytes than this ...
LARGE_BYTES = 1 << 30
#: ... and to more than so many times their size are refused. Deflate reaches 1030 on zeros, and 20 on most tables.
MOST_GROWTH = 200


def check_fits(needed_bytes: float, what: str) -> None:
    """Raises `DataError` for more bytes than bakeoff may hold (`BAKEOFF_MEMORY_GB`, else 80 % of what is free).

    Args:
        what: the beginning of the sentence.
    """
    most = limit_bytes()
    if most is not None and needed_bytes > most:
        raise DataError(
            f"{what} would take {needed_bytes / 1e9:.1f} GB of memory, and {most / 1e9:.1f} GB may be used: give fewer "
            "rows or columns, or raise the limit with BAKEOFF_MEMORY_GB."
        )


def check_growth(packed_bytes: int, unpacked_bytes: float, name: str) -> None:
    """Raises `DataError` for a file that holds far more than it is long, as only files made to do harm do.

    Args:
        packed_bytes: of the file. unpacked_bytes: what it claims to hold, or what has come out of it so far.
    """
    if unpacked_bytes > LARGE_BYTES and unpacked_bytes > MOST_GROWTH * packed_bytes:
        raise DataError(
            f"'{printable(name)}' has {packed_bytes / 1e6:.1f} MB and unpacks to {unpacked_bytes / 1e9:.1f} GB or "
            f"more, over {MOST_GROWTH} times its size, as files do that are meant to fill a memory: if you trust it, "
            "save what it holds without packing it."
        )
