"""A run's folder: what is written comes back to the last bit, whole jobs or none."""

import io
import os
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
from bakeoff.study.results.store import Store, find_run
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
    with pytest.raises(StoreError, match="cannot be read or written"):
        Store(tmp_path)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full to play a full disk")
def test_a_full_disk_is_explained(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.path = Path("/dev/full")
    with pytest.raises(StoreError, match="disk full"):
        store.put_fact("a", 1)


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
