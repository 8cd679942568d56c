"""A run's folder: what is written comes back to the last bit, whole jobs or none."""

import io
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bakeoff.errors import StoreError
from bakeoff.messages.statement import because
from bakeoff.study.design.states import TrialState
from bakeoff.study.design.trial import SeededIntervention, Trial, TrialResult
from bakeoff.study.results.facts import SPENT_SECONDS
from bakeoff.study.results.store import VERSION, Store, find_run
from bakeoff.tasks.outputs import Outputs


def result(seed: int = 0) -> TrialResult:
    rng = np.random.default_rng(seed)
    return TrialResult(
        trial=Trial(entrant="mlp", setting=3e-3, examples=10, seed=seed, steps=7, width=4),
        state=TrialState.EARLY,
        reason=because("settled", count=3),
        steps_done=6,
        seconds=0.1 + 0.2,
        validation_loss=0.12345678901234567,
        validation_outputs=rng.standard_normal((5, 3)).astype(np.float32),
        test_outputs=rng.standard_normal((4, 3)).astype(np.float32),
        history=((3, 0.5), (6, 0.25)),
        parameters=99,
    )


def test_a_job_comes_back_as_it_was_written(tmp_path: Path) -> None:
    store = Store(tmp_path / "run")
    store.put_job("mlp/tuning", [result(0), result(1)], "context")
    (first, second) = Store(tmp_path / "run").jobs()["mlp/tuning"]
    assert first.facts() == result(0).facts()
    assert second.trial.seed == 1
    assert first.reason == because("settled", count=3)
    for name in ("validation_outputs", "test_outputs"):
        given, back = getattr(result(0), name), getattr(first, name)
        assert back.values.dtype == np.float32
        assert back.equals(given)


def test_outputs_with_a_row_an_example_are_stored_as_one_plain_array(tmp_path: Path) -> None:
    """The format of the file: runs that were written before must be readable, and the other way round."""
    store, plain = Store(tmp_path), io.BytesIO()
    store.put_job("mlp/tuning", [result()], "context")
    with closing(sqlite3.connect(store.path)) as connection:
        (stored,) = connection.execute("SELECT test FROM trials").fetchone()
    outputs = result().test_outputs
    assert outputs is not None
    np.save(plain, outputs.values, allow_pickle=False)
    assert stored == plain.getvalue()


def test_a_reason_of_an_earlier_version_is_read_as_it_is(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put_job("mlp/tuning", [result()], "context")
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute("UPDATE trials SET facts = json_set(facts, '$.reason', 'All steps were taken.')")
    (back,) = store.jobs()["mlp/tuning"]
    assert str(back.reason) == "All steps were taken."


def test_a_trial_without_outputs_comes_back_without(tmp_path: Path) -> None:
    trial = TrialResult(
        trial=result().trial, state=TrialState.DIVERGED, reason=because("not_finite", steps=9)
    )
    Store(tmp_path).put_job("j", [trial], "context")
    (back,) = Store(tmp_path).jobs()["j"]
    assert back.state is TrialState.DIVERGED
    assert not back.evaluated


def test_a_training_on_changed_data_comes_back_with_its_change_and_its_tests_on_others(
    tmp_path: Path,
) -> None:
    rng, plain = np.random.default_rng(1), result(0)
    tested = {name: Outputs(rng.standard_normal((4, 3)).astype(np.float32)) for name in ("mirror", "rotate")}
    change = SeededIntervention(name="backwards", seed=3)
    changed = replace(plain, trial=replace(plain.trial, intervention=change), tested=tested)
    store = Store(tmp_path)
    store.put_job("mlp/paired-backwards", [plain, changed], "context")
    back = store.job("mlp/paired-backwards")
    assert back is not None
    assert [one.trial for one in back] == [plain.trial, changed.trial]
    assert back[0].tested == {}
    assert {name: outputs.equals(tested[name]) for name, outputs in back[1].tested.items()} == {
        "mirror": True,
        "rotate": True,
    }
    store.put_job("mlp/paired-backwards", [plain], "context")
    again = store.job("mlp/paired-backwards")
    assert again is not None
    assert (len(again), again[0].tested) == (1, {}), "what was written before is gone, tests included"
    assert store.job("mlp/paired") is None


def test_a_job_that_fails_while_it_is_written_is_not_there_at_all(tmp_path: Path) -> None:
    store = Store(tmp_path)
    broken = TrialResult(trial=result().trial, state=TrialState.FINISHED, history=((1, object()),))  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        store.put_job("j", [result(), broken], "context")
    assert store.jobs() == {}


def test_facts_are_replaced(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put_fact("spent_seconds", 1.5)
    store.put_fact("spent_seconds", 2.5)
    assert store.fact("spent_seconds") == 2.5
    assert store.fact("unknown", "default") == "default"


def test_the_same_definition_finds_its_run_and_another_gets_a_new_folder(tmp_path: Path) -> None:
    first = find_run(tmp_path, "digits", {"seed": 0, "sizes": (1, 2)})
    Store(first).put_fact("definition", {"seed": 0, "sizes": [1, 2]})
    assert find_run(tmp_path, "digits", {"seed": 0, "sizes": (1, 2)}) == first
    assert find_run(tmp_path, "digits", {"seed": 1, "sizes": (1, 2)}) == tmp_path / "digits-2"


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="--out"):
        Store(tmp_path / "file" / "run")


def test_a_file_that_is_no_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "study.sqlite").write_bytes(b"this is no database, and was never one" * 100)
    with pytest.raises(StoreError, match=r"is damaged.*not a database.*--fresh or another --name"):
        Store(tmp_path)


def test_a_full_disk_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite's own limit of pages plays the disk: it ends with the same error."""
    store, connect = Store(tmp_path), sqlite3.connect

    def full(path: Path, **given: float) -> sqlite3.Connection:
        connection = connect(path, **given)
        connection.execute("PRAGMA max_page_count = 1")
        return connection

    monkeypatch.setattr(sqlite3, "connect", full)
    with pytest.raises(
        StoreError, match=r"cannot be read or written \(database or disk is full\): free .*--out"
    ):
        store.put_fact("a", "x" * 1_000_000)


def test_the_newest_run_of_a_definition_is_continued_and_a_fresh_one_gets_a_name_of_its_own(
    tmp_path: Path,
) -> None:
    definition = {"dataset": "x"}
    first = find_run(tmp_path, "x", definition)
    Store(first).put_fact("definition", definition)
    assert find_run(tmp_path, "x", definition) == first == tmp_path / "x"
    second = find_run(tmp_path, "x", definition, fresh=True)
    assert second == tmp_path / "x-2"
    Store(second).put_fact("definition", definition)
    assert find_run(tmp_path, "x", definition) == second
    assert find_run(tmp_path, "x", {"dataset": "y"}) == tmp_path / "x-3"


DAMAGES = {
    "cut short": lambda file: file.write_bytes(file.read_bytes()[:5000]),
    "another beginning": lambda file: file.write_bytes(b"X" * 16 + file.read_bytes()[16:]),
    "zeros in the middle": lambda file: file.write_bytes(file.read_bytes()[:4096] + bytes(8192)),
    "other columns": "DROP TABLE trials; CREATE TABLE trials (a, b)",
    "a table is gone": "DROP TABLE jobs",
    "no JSON": "UPDATE trials SET facts = '{bad'",
    "deep JSON": f"UPDATE trials SET facts = '{'[' * 100_000}'",
    "a number for a table": "UPDATE trials SET facts = '3'",
    "an empty table": "UPDATE trials SET facts = '{}'",
    "an unknown part": "UPDATE trials SET facts = json_set(facts, '$.newer', 3)",
    "an unknown state": "UPDATE trials SET facts = json_set(facts, '$.state', 'odd')",
    "words for seconds": "UPDATE trials SET facts = json_set(facts, '$.seconds', 'long')",
    "words for a seed": "UPDATE trials SET facts = json_set(facts, '$.trial.seed', 'x')",
    "half a trial": "UPDATE trials SET facts = json_set(facts, '$.trial', json('{\"entrant\": \"mlp\"}'))",
    "no history": "UPDATE trials SET facts = json_set(facts, '$.history', 3)",
    "a reason that nobody says": (
        """UPDATE trials SET facts = json_set(facts, '$.reason', json('{"key": "reason.x", "values": {}}'))"""
    ),
    "a reason without figures": (
        """UPDATE trials SET facts = json_set(facts, '$.reason', json('{"key": "reason.steps", "values": 3}'))"""
    ),
    "a reason that names a file": (
        """UPDATE trials SET facts = json_set(facts, '$.reason', json('{"key": "../../x.y", "values": {}}'))"""
    ),
    "outputs that are no array": "UPDATE trials SET test = x'00112233'",
    "outputs that are words": "UPDATE trials SET test = 'abc'",
    "a job that is not there": "DELETE FROM jobs",
}


@pytest.mark.parametrize("damage", DAMAGES, ids=str)
def test_a_damaged_file_is_one_sentence_that_says_what_to_do(damage: str, tmp_path: Path) -> None:
    store, done = Store(tmp_path), DAMAGES[damage]
    for number in range(40):
        store.put_job(f"mlp/{number}", [result(number)], "context")
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if isinstance(done, str):
            connection.executescript(done)
    if not isinstance(done, str):
        done(store.path)
    with pytest.raises(StoreError, match=r"is damaged, or another version's.*--fresh or another --name") as e:
        Store(tmp_path).jobs()
    assert "\n" not in str(e.value)


@pytest.mark.parametrize("value", ["{bad", "[" * 100_000, '"x"', "[1]", "{}", "-1", "NaN", "1e999"], ids=len)
def test_a_fact_of_another_form_is_refused(value: str, tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put_fact("spent_seconds", 2.5)
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute("UPDATE facts SET value = ?", (value,))
    with pytest.raises(StoreError, match=r"is damaged.*--fresh"):
        SPENT_SECONDS.read(store)


def test_packed_outputs_are_not_unpacked(tmp_path: Path) -> None:
    """A blob of a few kB could become gigabytes."""
    store, packed = Store(tmp_path), io.BytesIO()
    store.put_job("mlp/tuning", [result()], "context")
    np.savez_compressed(packed, values=np.zeros((1 << 20, 3), np.float32))
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute("UPDATE trials SET test = ?", (packed.getvalue(),))
    with pytest.raises(StoreError, match="outputs are packed"):
        store.jobs()


def test_a_run_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with closing(sqlite3.connect(store.path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(
        StoreError, match=r"newer version of bakeoff.*upgrade.*or begin a new run with --fresh"
    ):
        Store(tmp_path)


def test_a_run_that_another_process_has_locked_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bakeoff.study.results.store._WAIT_SECONDS", 0.1)
    store = Store(tmp_path)
    with closing(sqlite3.connect(store.path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match=r"is in use by another process.*wait .*--name"):
            store.put_fact("a", 1)


def test_a_run_in_a_place_that_is_only_to_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is opened as a file system without writing would have it, whoever runs the tests."""
    store, connect = Store(tmp_path), sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path, **_: connect(f"file:{path}?mode=ro", uri=True))
    with pytest.raises(StoreError, match=r"cannot be opened for writing.*readonly.*--out"):
        store.put_fact("a", 1)


def test_a_fresh_run_is_begun_beside_a_damaged_one(tmp_path: Path) -> None:
    Store(tmp_path / "x").path.write_bytes(b"nothing" * 1000)
    with pytest.raises(StoreError, match="is damaged"):
        find_run(tmp_path, "x", {})
    assert find_run(tmp_path, "x", {}, fresh=True) == tmp_path / "x-2"
