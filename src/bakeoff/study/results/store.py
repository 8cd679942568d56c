"""A run's folder: one SQLite file (WAL) with the study's definition and every finished job, and the weights.

`bakeoff.study.results.run_folder` says what else lies there. The trials of a job are written in one transaction, so
that after `kill -9` a job is stored completely or not at all: a job is the smallest unit of work that gives the same
figures when it is repeated.
"""

import io
import json
import sqlite3
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from bakeoff.errors import StoreError, printable
from bakeoff.messages.statement import from_stored
from bakeoff.study.design.trial import Trial, TrialResult
from bakeoff.study.results.run_folder import RunFolder
from bakeoff.system.files import refuse_special
from bakeoff.system.json_records import record_of
from bakeoff.tasks.outputs import Outputs

#: Of the file's tables, in SQLite's own `user_version`; 0 is a file of a time when none was written.
VERSION = 1
#: Seconds that a transaction waits for another process.
_WAIT_SECONDS = 10.0
_TABLES = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS jobs (name TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS trials (
    job TEXT NOT NULL, position INTEGER NOT NULL, key TEXT NOT NULL, facts TEXT NOT NULL,
    validation BLOB, test BLOB, PRIMARY KEY (job, position)
);
CREATE TABLE IF NOT EXISTS tested (
    job TEXT NOT NULL, position INTEGER NOT NULL, intervention TEXT NOT NULL, test BLOB NOT NULL,
    PRIMARY KEY (job, position, intervention)
);
"""

# Of the job :name, or of all jobs where it is NULL.
_NAMES = "SELECT name FROM jobs WHERE :name IS NULL OR name = :name"
_TRIALS = """
SELECT job, position, facts, validation, test FROM trials WHERE :name IS NULL OR job = :name ORDER BY job, position
"""
_TESTED = "SELECT job, position, intervention, test FROM tested WHERE :name IS NULL OR job = :name"


class Store:
    """The SQLite file of one run. Every method is one transaction.

    Raises:
        StoreError: the folder cannot be made, read or written (no permission, a full disk, not a run).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = RunFolder(folder).study
        try:
            folder.mkdir(parents=True, exist_ok=True)
            RunFolder(folder).weights.mkdir(exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"The folder '{folder}' cannot be made ({error.strerror}): name another place with --out."
            ) from error
        refuse_special(self.path, StoreError)
        with self._transaction() as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version > VERSION:
                raise StoreError(
                    f"The run in '{self._shown}' was written by a newer version of bakeoff (its file is of version "
                    f"{version}, this one reads {VERSION}): upgrade bakeoff, or {_NEW_RUN}."
                )
            connection.executescript(_TABLES)
            if version < VERSION:
                connection.execute(f"PRAGMA user_version = {VERSION}")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path, timeout=_WAIT_SECONDS)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=NORMAL")
                with connection:
                    yield connection
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    @property
    def _shown(self) -> str:
        return printable(str(self.folder), most=200)

    def _unusable(self, error: sqlite3.Error) -> StoreError:
        """The sentence about what SQLite says, by its code (https://www.sqlite.org/rescode.html)."""
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code not in _ADVICE:
            return self._damaged(error)
        what, advice = _ADVICE[code]
        return StoreError(f"The run in '{self._shown}' {what} ({printable(str(error))}): {advice}.")

    def _damaged(self, error: Exception) -> StoreError:
        words = printable(" ".join(str(error).split()) or type(error).__name__, most=160)
        return StoreError(
            f"The run in '{self._shown}' is damaged, or another version's ({self.path.name}: {words}): {_NEW_RUN}; "
            "what it had found is in its report.html, if that is there."
        )

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Inside, what the file holds is understood; whatever that raises becomes a `StoreError`."""
        try:
            yield
        except StoreError:
            raise
        except _NOT_UNDERSTOOD as error:
            raise self._damaged(error) from error

    def put_fact(self, name: str, value: Any) -> None:
        """Store a small JSON value under a name, replacing an earlier one."""
        with self._transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, json.dumps(value)))

    def fact(self, name: str, default: Any = None) -> Any:
        """The JSON value stored under this name."""
        with self._transaction() as connection:
            row = connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        with self.reading():
            return default if row is None else json.loads(row[0])

    def put_job(self, name: str, results: Sequence[TrialResult], context: str) -> None:
        """Write a finished job with all its trials and their outputs, in one transaction."""
        rows = [
            (
                name,
                position,
                result.trial.key(context),
                json.dumps(result.facts()),
                _pack(result.validation_outputs),
                _pack(result.test_outputs),
            )
            for position, result in enumerate(results)
        ]
        tested = [
            (name, position, intervention, _pack(outputs))
            for position, result in enumerate(results)
            for intervention, outputs in result.tested.items()
        ]
        with self._transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO jobs VALUES (?)", (name,))
            connection.execute("DELETE FROM tested WHERE job = ?", (name,))
            connection.execute("DELETE FROM trials WHERE job = ?", (name,))
            connection.executemany("INSERT INTO trials VALUES (?, ?, ?, ?, ?, ?)", rows)
            connection.executemany("INSERT INTO tested VALUES (?, ?, ?, ?)", tested)

    def job(self, name: str) -> tuple[TrialResult, ...] | None:
        """The trials of one finished job, in order; None where it is not finished."""
        return self._jobs(name).get(name)

    def jobs(self) -> dict[str, tuple[TrialResult, ...]]:
        """All finished jobs by name, each with its trials in order."""
        return self._jobs(None)

    def _jobs(self, name: str | None) -> dict[str, tuple[TrialResult, ...]]:
        """The finished job of this name, or all."""
        asked = {"name": name}
        with self._transaction() as connection:
            names = [row[0] for row in connection.execute(_NAMES, asked)]
            rows = connection.execute(_TRIALS, asked).fetchall()
            tested = connection.execute(_TESTED, asked).fetchall()
        with self.reading():
            outputs: dict[tuple[str, int], dict[str, Outputs]] = {}
            for job, position, intervention, test in tested:
                outputs.setdefault((job, position), {})[intervention] = _outputs_of(test)
            found: dict[str, list[TrialResult]] = {name: [] for name in names}
            for job, position, facts, validation, test in rows:
                changed = outputs.get((job, position), {})
                found[job].append(_unpack_result(json.loads(facts), validation, test, changed))
            return {name: tuple(results) for name, results in found.items()}

    def weights_path(self, trial: Trial, context: str) -> Path:
        """The file of this trial's weights, whether they were written or not."""
        return RunFolder(self.folder).weights / f"{trial.key(context)}.safetensors"


_NEW_RUN = "begin a new run with --fresh or another --name"
#: Of SQLite's codes: what is the matter, and what to do.
_ADVICE = {
    **dict.fromkeys(
        (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED),
        (
            "is in use by another process",
            "wait until that has ended, or give this run another name with --name",
        ),
    ),
    **dict.fromkeys(
        (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM),
        ("cannot be read or written", "free some space, or name another place with --out"),
    ),
    **dict.fromkeys(
        (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_AUTH),
        (
            "cannot be opened for writing",
            "make it and its folder writable, or name another place with --out",
        ),
    ),
}
#: What is raised where the file holds something else than was written.
_NOT_UNDERSTOOD = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    EOFError,
    MemoryError,
    RecursionError,
    zipfile.BadZipFile,
)


def _pack(outputs: Outputs | None) -> bytes | None:
    """One array as .npy where there is a row an example; two as .npz where the outputs are ragged."""
    if outputs is None:
        return None
    buffer = io.BytesIO()
    if outputs.offsets is None:
        np.save(buffer, outputs.values, allow_pickle=False)
    else:
        np.savez(buffer, **outputs.to_arrays())  # type: ignore[arg-type]
    return buffer.getvalue()


def _unpack(blob: bytes | None) -> Outputs | None:
    return None if blob is None else _outputs_of(blob)


def _outputs_of(blob: bytes) -> Outputs:
    if blob[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(blob)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > len(blob):
                raise ValueError("outputs are packed, which they never are")  # they could unpack to anything
    found = np.load(io.BytesIO(blob), allow_pickle=False)
    return Outputs(found) if isinstance(found, np.ndarray) else Outputs.from_arrays(found)


def _unpack_result(
    facts: dict[str, Any], validation: bytes | None, test: bytes | None, tested: dict[str, Outputs]
) -> TrialResult:
    arrays = {
        "validation_outputs": _unpack(validation),
        "test_outputs": _unpack(test),
        "tested": tested,
    }
    return record_of(TrialResult, {**facts, "reason": from_stored(facts["reason"]), **arrays})


def find_run(folder: Path, name: str, definition: dict[str, Any], *, fresh: bool = False) -> Path:
    """The newest run under `folder` with the same definition, to continue it, or a new folder with a free name.

    Args:
        fresh: always a new folder, which later calls then continue.
    """
    same: Path | None = None
    for candidate in RunFolder.candidates(folder, name):
        if not candidate.study.exists():
            return candidate.path if fresh or same is None else same
        if not fresh and Store(candidate.path).fact("definition") == json.loads(json.dumps(definition)):
            same = candidate.path
    raise AssertionError("names never end")
