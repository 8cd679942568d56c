"""A run's folder: one SQLite file (WAL) with the study's definition and every finished job, and the weights.

`bakeoff.study.results.run_folder` says what else lies there. The trials of a job are written in one transaction, so
that after `kill -9` a job is stored completely or not at all: a job is the smallest unit of work that gives the same
figures when it is repeated.
"""

import io
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from bakeoff.errors import StoreError
from bakeoff.messages.statement import from_stored
from bakeoff.study.design.states import TrialState
from bakeoff.study.design.trial import Trial, TrialResult
from bakeoff.study.results.run_folder import RunFolder
from bakeoff.system.files import refuse_special
from bakeoff.tasks.outputs import Outputs

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
            connection.executescript(_TABLES)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path, timeout=30)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=NORMAL")
                with connection:
                    yield connection
        except sqlite3.Error as error:
            raise StoreError(
                f"The run in '{self.folder}' cannot be read or written ({error}): is the disk full, or the folder "
                "not yours? Free some space or name another place with --out."
            ) from error

    def put_fact(self, name: str, value: Any) -> None:
        """Store a small JSON value under a name, replacing an earlier one."""
        with self._transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, json.dumps(value)))

    def fact(self, name: str, default: Any = None) -> Any:
        """The JSON value stored under this name."""
        with self._transaction() as connection:
            row = connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
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
    found = np.load(io.BytesIO(blob), allow_pickle=False)
    return Outputs(found) if isinstance(found, np.ndarray) else Outputs.from_arrays(found)


def _unpack_result(
    facts: dict[str, Any], validation: bytes | None, test: bytes | None, tested: dict[str, Outputs]
) -> TrialResult:
    trial, state = Trial.from_json(facts.pop("trial")), TrialState(facts.pop("state"))
    history = tuple((int(step), float(loss)) for step, loss in facts.pop("history"))
    return TrialResult(
        trial=trial,
        state=state,
        reason=from_stored(facts.pop("reason")),
        history=history,
        validation_outputs=_unpack(validation),
        test_outputs=_unpack(test),
        tested=tested,
        **facts,
    )


def find_run(folder: Path, name: str, definition: dict[str, Any], *, fresh: bool = False) -> Path:
    """The newest run under `folder` with the same definition, to continue it, or a new folder with a free name.

    Args:
        fresh: always a new folder, which later calls then continue.
    """
    same: Path | None = None
    for candidate in RunFolder.candidates(folder, name):
        if not candidate.study.exists():
            return candidate.path if fresh or same is None else same
        if Store(candidate.path).fact("definition") == json.loads(json.dumps(definition)):
            same = candidate.path
    raise AssertionError("names never end")
