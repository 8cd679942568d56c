"""Packed files (`.gz`, `.bz2`, `.xz`, `.zip`, `.tar`) are unpacked once, into the user's cache folder.

Only plain files are taken out, only to places inside the folder, and never more than the disk and `size_checks` allow.
"""

import bz2
import contextlib
import gzip
import hashlib
import lzma
import os
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

from bakeoff.data.forms.endings import PACKED_ENDINGS, TABLE_ENDINGS, TAR_ENDINGS
from bakeoff.data.forms.size_checks import check_growth
from bakeoff.errors import DataError, listed, printable
from bakeoff.system.cache import cache_folder, store_folder
from bakeoff.system.files import opened

#: Endings of one packed file; of "sales.csv.gz" comes "sales.csv".
_STREAMS: dict[str, Callable[[IO[bytes]], Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
#: The most files that are taken out of an archive.
MOST_FILES = 1_000_000
#: Part of the free disk space that may be filled.
_DISK_PART = 0.8
_BLOCK_BYTES = 1 << 20


def unpacked(path: Path) -> Path:
    """What a packed file holds: the one file in it, or a folder with what is in it, in the cache.

    Raises:
        DataError: it is damaged, encrypted, a bomb, holds nothing, or there is no space for it.
    """
    place = cache_folder() / "unpacked" / _key(path) / _stem(path)
    if not place.parent.is_dir():
        try:
            _unpack_into(path, place)
        except DataError:
            raise
        except OSError as error:
            raise _unpackable(path, error) from error
        except (EOFError, zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile) as error:
            raise _unpackable(path, error) from error
        except (
            RuntimeError,
            NotImplementedError,
            ValueError,
        ) as error:  # encrypted, or a method that is not known
            raise _unpackable(path, error) from error
    if not place.exists() or (place.is_dir() and not any(place.iterdir())):
        raise DataError(f"'{printable(path.name)}' holds no files: give one with data in it.")
    return _meant(place, path.name)


def _meant(place: Path, name: str) -> Path:
    """The one file, or the one table beside other files (a README), or the folder.

    Raises:
        DataError: there are several tables, side by side.
    """
    while place.is_dir() and len(inner := list(place.iterdir())) == 1:
        place = inner[0]
    if place.is_file() or any(entry.is_dir() for entry in inner):
        return place
    tables = sorted(entry for entry in inner if entry.suffix.lower() in TABLE_ENDINGS)
    if len(tables) > 1:
        names = listed(table.name for table in tables)
        raise DataError(
            f"'{printable(name)}' holds several tables ({names}): unpack it and name the one you mean."
        )
    return tables[0] if tables else place


def _unpack_into(path: Path, place: Path) -> None:
    def write(folder: Path) -> None:
        writer = _Writer(path, folder)
        for name, source in _members(path):
            writer.write(name, source)

    store_folder(place.parent, write, Path.is_dir)


class _Writer:
    """Writes what comes out of one packed file below a folder, within the bounds."""

    def __init__(self, path: Path, folder: Path) -> None:
        self._path, self._folder = path, folder
        self._packed_bytes = path.stat().st_size
        self._most_bytes = int(shutil.disk_usage(folder).free * _DISK_PART)
        self._bytes = self._files = 0

    def write(self, name: PurePosixPath, source: IO[bytes]) -> None:
        self._files += 1
        if self._files > MOST_FILES:
            raise DataError(
                f"'{printable(self._path.name)}' holds more than {MOST_FILES} files: unpack it yourself."
            )
        target = self._folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as out:
            while block := source.read(_BLOCK_BYTES):
                self._bytes += len(block)
                check_growth(self._packed_bytes, self._bytes, self._path.name)
                if self._bytes > self._most_bytes:
                    raise DataError(
                        f"'{printable(self._path.name)}' unpacks to more than the {self._most_bytes / 1e9:.1f} GB that "
                        f"the disk of '{printable(str(cache_folder()))}' has left for it: free some space, or set "
                        "BAKEOFF_CACHE to a folder elsewhere."
                    )
                out.write(block)


def _members(path: Path) -> Iterator[tuple[PurePosixPath, IO[bytes]]]:
    """The plain files of a packed file, each with its name below the folder; links and devices are not among them."""
    stem, name = _stem(path), path.name.lower()
    with opened(path) as file:
        if name.endswith(TAR_ENDINGS):
            with tarfile.open(fileobj=file, mode="r|*") as archive:
                for member in archive:
                    inner = _safe(member.name)
                    source = archive.extractfile(member) if member.isfile() and inner else None
                    if inner and source is not None:
                        yield PurePosixPath(stem) / inner, source
        elif name.endswith(".zip"):
            with zipfile.ZipFile(file) as packed:
                check_growth(
                    path.stat().st_size, sum(each.file_size for each in packed.infolist()), path.name
                )
                for entry in packed.infolist():
                    inner = _safe(_zip_name(entry))
                    if inner and not entry.is_dir() and not _is_link(entry):
                        with packed.open(entry) as source:
                            yield PurePosixPath(stem) / inner, source
        else:
            with _STREAMS[path.suffix.lower()](file) as stream:
                yield PurePosixPath(stem), stream


def _safe(name: str) -> PurePosixPath | None:
    """The name below the folder; None for a folder itself or a system's clutter.

    Raises:
        DataError: it would lead out of the folder.
    """
    inner = PurePosixPath(name.replace("\\", "/"))
    parts = [part for part in inner.parts if part != "."]
    has_drive = bool(parts) and parts[0][1:2] == ":"
    if inner.is_absolute() or ".." in parts or "\0" in name or has_drive:
        raise DataError(
            f"The archive holds '{printable(name)}', which would be written outside of its folder: unpack it yourself."
        )
    is_clutter = not parts or parts[0] == "__MACOSX" or parts[-1].startswith("._")
    return None if is_clutter or parts[-1] in (".DS_Store", "Thumbs.db") else PurePosixPath(*parts)


def _zip_name(entry: zipfile.ZipInfo) -> str:
    """The name of an entry, which zipfile reads as cp437 where no mark says UTF-8; Windows writes Korean in cp949."""
    if entry.flag_bits & 0x800 or entry.filename.isascii():
        return entry.filename
    written = entry.filename.encode("cp437", "replace")
    for encoding in ("utf-8", "cp949"):
        with contextlib.suppress(UnicodeDecodeError):
            return written.decode(encoding)
    return entry.filename


def _is_link(entry: zipfile.ZipInfo) -> bool:
    return (entry.external_attr >> 16) & 0o170000 not in (0, 0o100000)


def _stem(path: Path) -> str:
    """The name without the endings that say how it is packed."""
    ending = max((ending for ending in PACKED_ENDINGS if path.name.lower().endswith(ending)), key=len)
    return path.name[: -len(ending)] or "data"


def _key(path: Path) -> str:
    status = path.stat()
    facts = f"\0{status.st_size}\0{status.st_mtime_ns}".encode()
    return hashlib.blake2b(os.fsencode(os.path.abspath(path)) + facts, digest_size=16).hexdigest()


def _unpackable(path: Path, error: Exception) -> DataError:
    reason = "it is encrypted" if "encrypted" in str(error) else printable(str(error)) or type(error).__name__
    return DataError(
        f"'{printable(path.name)}' cannot be unpacked ({reason}): unpack it yourself, or save it again."
    )
