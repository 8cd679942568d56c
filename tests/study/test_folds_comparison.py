"""A comparison in which every example is tested once."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bakeoff.data.folds import with_folds
from bakeoff.data.load import load
from bakeoff.errors import DataError, OptionError
from bakeoff.inference.training_hashes import is_training_example
from bakeoff.study.comparison.compare import compare
from bakeoff.study.comparison.settings import ComparisonSettings
from bakeoff.study.results.comparison import Comparison
from bakeoff.study.results.store import Store

QUICK: dict[str, Any] = {"models": ["linear", "mlp"], "budget_seconds": None, "steps": 40, "seeds": 2}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    return compare("iris", ComparisonSettings(cv=3, out=tmp_path_factory.mktemp("runs"), **QUICK), workers=1)


def test_every_example_is_tested_exactly_once(found: Comparison) -> None:
    assert sorted(found.test_indices) == list(range(150))
    assert np.array_equal(found.test_targets, load("iris").targets[found.test_indices])
    assert all(len(outputs) == 150 for outputs in found.test_outputs.values())


def test_an_example_is_answered_by_the_training_of_its_fold_with_the_setting_chosen_there(
    found: Comparison,
) -> None:
    stored = [r for job in Store(found.folder).jobs().values() for r in job if r.trial.entrant == "mlp"]
    full = max(r.trial.examples for r in stored if r.trial.fold is not None)
    settings = set()
    for number, fold in enumerate(with_folds(load("iris"), 3, seed=0).folds):
        own = [r for r in stored if (r.trial.fold, r.trial.examples) == (number, full) and r.counts]
        rows = np.flatnonzero(np.isin(found.test_indices, fold.test))
        said = found.test_outputs["mlp"][rows]
        answered = [r for r in own if np.array_equal(r.test_outputs.values, said)]
        assert answered
        settings.add(answered[0].trial.setting)
        tuned = [r for r in own if r.trial.seed == 0]
        truth = load("iris").targets[fold.validation]
        right = {
            r.trial.setting: float((r.validation_outputs.values.argmax(1) == truth).mean()) for r in tuned
        }
        assert right[answered[0].trial.setting] == max(right.values()), "chosen inside the fold"
    assert found.entrant("mlp").learning_rate in settings


def test_the_score_is_that_of_all_examples_and_its_interval_narrower_than_that_of_a_split(
    found: Comparison, tmp_path: Path
) -> None:
    linear = found.entrant("linear")
    right = found.test_outputs["linear"].argmax(1) == found.test_targets
    assert any(right.mean() == pytest.approx(score) for score in linear.curve[-1].seeds)
    split = compare("iris", ComparisonSettings(cv="no", out=tmp_path, **QUICK), workers=1)
    widths = [
        np.mean([one.high - one.low for one in made.entrants if one.score < 0.99]) for made in (found, split)
    ]
    assert widths[0] < 0.75 * widths[1]


def test_sizes_are_those_of_the_training_parts(found: Comparison) -> None:
    size = min(len(fold.train) for fold in found.dataset.folds)
    assert [point.examples for point in found.entrant("mlp").curve][-1] == size
    assert found.testing.training_examples == size == len(found.training_indices)


def test_the_network_handed_over_has_seen_all_examples(found: Comparison) -> None:
    assert found.champion is not None
    assert found.testing.champion_on_all
    seen = is_training_example(found.champion.folder, found.dataset.inputs)
    assert seen is not None
    assert seen.all()
    assert (found.champion.predict(found.dataset.inputs) == found.dataset.targets).mean() > 0.8


def test_what_was_done_is_said_and_stands_in_the_record(found: Comparison, english: None) -> None:
    record = json.loads(json.dumps(found.to_json(), allow_nan=False))
    facts = {"folds": 3, "finished": 3, "how": "stratified", "reason": "asked", "tested_examples": 150}
    assert facts.items() <= record["cv"].items()
    assert {"training_examples", "champion_on_all", "explained", "sentences"} <= set(record["cv"])
    assert any(warning.startswith("Every example was tested once, in 3 folds") for warning in found.warnings)
    assert {trial["fold"] for trial in record["trials"]} == {0, 1, 2}


def test_a_run_that_lost_jobs_is_continued_with_the_same_figures(found: Comparison, tmp_path: Path) -> None:
    before = found.to_json()
    with sqlite3.connect(found.folder / "study.sqlite") as connection:
        for job in ("mlp/curve", "mlp/final", "linear/final"):
            connection.execute("DELETE FROM jobs WHERE name = ?", (job,))
            connection.execute("DELETE FROM trials WHERE job = ?", (job,))
    again = compare("iris", ComparisonSettings(cv=3, out=found.folder.parent, **QUICK), workers=1)
    assert again.folder == found.folder
    after = again.to_json()
    for one, other in zip(before["entrants"], after["entrants"], strict=True):
        assert (one["name"], one["score"], one["low"], one["curve"]) == (
            other["name"],
            other["score"],
            other["low"],
            other["curve"],
        )


def test_a_test_split_that_came_with_the_data_is_kept(tmp_path: Path, english: None) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((90, 2)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.int64)
    np.savez(tmp_path / "d.npz", x_train=x[:60], y_train=y[:60], x_test=x[60:], y_test=y[60:])
    quick = QUICK | {"models": ["linear"], "steps": 20, "seeds": 1}
    found = compare(str(tmp_path / "d.npz"), ComparisonSettings(cv=5, out=tmp_path, **quick), workers=1)
    assert found.testing.folds == 0
    assert len(found.test_indices) == 30
    assert "The data came with a test split, which is kept: there are no folds." in found.warnings


def test_folds_that_the_data_cannot_fill_are_refused_before_anything_is_trained(tmp_path: Path) -> None:
    data = (np.arange(24, dtype=np.float32)[:, None], np.arange(24) % 2)
    with pytest.raises(DataError, match="24 examples; 20 folds need at least 40: give a smaller --cv"):
        compare(data, ComparisonSettings(cv=20, out=tmp_path, **QUICK), workers=1)


@pytest.mark.parametrize("cv", ["five", 1, 21, True])
def test_what_is_no_number_of_folds_is_refused(cv: Any, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=f"--cv is '{cv}': give 'auto', 'no', or a number of folds"):
        compare("iris", ComparisonSettings(cv=cv, out=tmp_path, **QUICK), workers=1)
