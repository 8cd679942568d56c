"""A whole comparison, from data to verdict and champion; stopped, killed, continued, and when things go wrong."""

import contextlib
import json
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bakeoff
import failing_networks
from bakeoff.api.compare import results_json
from bakeoff.api.questions import answers_of
from bakeoff.data.load import load
from bakeoff.errors import BudgetError, OptionError
from bakeoff.study.comparison.compare import compare
from bakeoff.study.comparison.settings import ComparisonSettings
from bakeoff.study.results.comparison import Comparison
from bakeoff.study.workers.executor import Executor

QUICK: dict[str, Any] = {"budget_seconds": None, "steps": 40, "seeds": 2}

#: The command line of a quick comparison without a clock, in a process of its own.
COMMAND = [
    sys.executable,
    "-m",
    "bakeoff",
    *("compare", "iris", "--models", "linear,mlp", "--budget", "none", "--steps", "60", "--seeds", "2"),
]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, workers: Executor) -> Comparison:
    settings = ComparisonSettings(models=["linear", "mlp"], out=tmp_path_factory.mktemp("runs"), **QUICK)
    return compare("iris", settings, pool=workers)


def test_every_entrant_is_judged_with_a_score_inside_its_interval(found: Comparison) -> None:
    assert {entrant.name for entrant in found.entrants} == {"majority", "knn", "boosting", "linear", "mlp"}
    for entrant in found.entrants:
        assert entrant.judged
        assert entrant.low <= entrant.score <= entrant.high


def test_the_score_is_the_mean_accuracy_over_seeds_on_the_test_split(found: Comparison) -> None:
    linear = found.entrant("linear")
    assert len(linear.curve[-1].seeds) == 2
    assert linear.score == pytest.approx(np.mean(linear.curve[-1].seeds))
    accuracy = (found.test_outputs["linear"].argmax(1) == found.test_targets).mean()
    assert any(accuracy == pytest.approx(score) for score in linear.curve[-1].seeds)


def test_the_learning_rate_is_the_best_on_validation(found: Comparison) -> None:
    full = [
        t for t in found.trials if t.entrant == "mlp" and t.seed == 0 and t.state in ("finished", "early")
    ]
    tuned = [t for t in full if t.examples == max(trial.examples for trial in found.trials)]
    best = max(trial.validation_score for trial in tuned)
    assert found.entrant("mlp").learning_rate in {t.setting for t in tuned if t.validation_score == best}


def test_worse_learning_rates_leave_on_the_way(found: Comparison) -> None:
    assert sum(trial.state == "outpaced" for trial in found.trials if trial.entrant == "linear") == 2


def test_curves_cover_all_sizes_and_end_in_the_score(found: Comparison) -> None:
    for entrant in found.entrants:
        sizes = [point.examples for point in entrant.curve]
        assert sizes == sorted(sizes)
        assert sizes[-1] == len(found.dataset.splits.train)
        assert entrant.curve[-1].score == entrant.score


def test_the_baseline_is_not_above_itself_and_the_networks_are_above_it(found: Comparison) -> None:
    assert found.verdict.beats_baseline
    assert found.verdict.probability_best["majority"] == 0.0
    assert sum(found.verdict.probability_best.values()) == pytest.approx(1.0)


def test_the_champion_predicts_as_in_the_comparison(found: Comparison) -> None:
    assert found.champion is not None
    raw = found.dataset.inputs[found.test_indices]
    probabilities = found.champion.predict_proba(raw)
    np.testing.assert_allclose(np.log(probabilities), found.test_outputs[found.champion.entrant], atol=1e-4)
    assert (found.champion.predict(raw) == probabilities.argmax(1)).all()


def test_the_json_has_the_promised_keys_and_only_finite_numbers(found: Comparison) -> None:
    record = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert {"winner", "tied", "probability_best", "metric", "seconds", "entrants", "warnings"} <= set(record)
    keys = {
        "name",
        "score",
        "low",
        "high",
        "parameters",
        "flops_per_example",
        "train_seconds",
        "curve",
        "forecast",
    }
    assert all(keys <= set(entrant) for entrant in record["entrants"])


def test_the_table_is_a_polars_frame_best_first(found: Comparison) -> None:
    scores = found.table()["score"].to_list()
    assert scores == sorted(scores, reverse=True)


def test_a_finished_run_is_read_again_and_not_trained_again(found: Comparison, workers: Executor) -> None:
    before = set(_trial_rows(found.folder))
    settings = ComparisonSettings(models=["linear", "mlp"], out=found.folder.parent, **QUICK)
    again = compare("iris", settings, pool=workers)
    assert again.folder == found.folder
    assert set(_trial_rows(found.folder)) == before
    assert _figures(again.to_json()) == _figures(found.to_json())
    assert sum("--fresh" in warning for warning in again.warnings) == 1
    assert not any("--fresh" in warning for warning in found.warnings)


def _trial_rows(folder: Path) -> list[tuple[str, str]]:
    with sqlite3.connect(folder / "study.sqlite") as connection:
        return connection.execute("SELECT key, facts FROM trials").fetchall()


TIME_AND_PLACE = ("seconds", "train_seconds", "folder", "champion")


def _figures(record: dict[str, Any]) -> Any:
    """The record without what tells of time and place, and that a run was read back."""

    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                k: clean(v)
                for k, v in value.items()
                if k not in ("seconds", "train_seconds", "training_seconds", "folder", "champion")
            }
        if isinstance(value, list):
            return [clean(item) for item in value if not (isinstance(item, str) and "--fresh" in item)]
        return value

    return clean(record)


def _jobs_finished(folder: Path) -> int:
    try:
        with sqlite3.connect(folder / "study.sqlite") as connection:
            return int(connection.execute("SELECT count(*) FROM jobs").fetchone()[0])
    except sqlite3.Error:
        return 0


def _children(process: int) -> set[int]:
    """Processes whose parent this is; on Linux, else none."""
    found = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(status.read_text().rpartition(")")[2].split()[1]) == process:
                found.add(int(status.parent.name))
    return found


@pytest.mark.parametrize(
    "stops",
    [(1, 4), pytest.param((1, 4, None, None, None), marks=pytest.mark.slow)],
    ids=["twice", "by chance"],
)
def test_a_run_killed_again_and_again_ends_with_the_same_figures_to_the_last_digit(
    tmp_path: Path, stops: tuple[int | None, ...], workers: Executor
) -> None:
    """`kill -9` after one and after four finished jobs, and at moments of chance; its workers end with it."""
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    processes: set[int] = set()
    broken.mkdir()
    options: dict[str, Any] = {"budget_seconds": None, "steps": 60, "seeds": 2}
    quiet = bakeoff.compare("iris", models=["linear", "mlp"], out=whole, pool=workers, **options)
    undisturbed = results_json(quiet, answers_of(quiet))
    for stop_at in stops:
        process = subprocess.Popen(
            [*COMMAND, "--json", "o.json"], cwd=broken, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + (240 if stop_at else np.random.default_rng().uniform(1, 4))
        while time.monotonic() < deadline and process.poll() is None:
            if stop_at and _jobs_finished(broken / "runs" / "iris") >= stop_at:
                break
            time.sleep(0.02)
        processes |= _children(process.pid)
        process.send_signal(signal.SIGKILL)
        process.wait()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and any(Path(f"/proc/{child}").exists() for child in processes):
        time.sleep(0.1)
    assert not [child for child in processes if Path(f"/proc/{child}").exists()]
    assert processes or not Path("/proc").exists()
    subprocess.run([*COMMAND, "--json", "o.json"], cwd=broken, check=True, capture_output=True, timeout=240)
    again = json.loads((broken / "o.json").read_text())
    assert _figures(again) == _figures(json.loads(json.dumps(undisturbed)))
    assert again["trials"][5]["validation_score"] is not None


def test_another_seed_gives_other_figures(found: Comparison, tmp_path: Path, workers: Executor) -> None:
    other = compare(
        "iris",
        ComparisonSettings(models=["linear"], seed=1, out=tmp_path, budget_seconds=None, steps=40, seeds=1),
        pool=workers,
    )
    assert other.entrant("linear").curve[0].seeds[0] != found.entrant("linear").curve[0].seeds[0]


def test_ctrl_c_gives_the_partial_verdict(tmp_path: Path) -> None:
    command = [*COMMAND[:5], "--models", "linear,transformer", "--budget", "none", "--steps", "100000"]
    process = subprocess.Popen(
        [*command, "--json", "o.json"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Where the tests run in the background of a shell, Ctrl-C is ignored, and that is inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline and _jobs_finished(tmp_path / "runs" / "iris") < 3:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    record = json.loads((tmp_path / "o.json").read_text())
    assert record["interrupted"]
    judged = {entrant["name"] for entrant in record["entrants"] if entrant["judged"]}
    assert "majority" in judged
    assert "transformer" not in judged
    assert (tmp_path / "runs" / "iris" / "report.html").exists()


@pytest.mark.filterwarnings("ignore:A worker stopped:UserWarning")
def test_networks_that_fail_are_recorded_with_their_reason_and_the_others_are_judged(tmp_path: Path) -> None:
    found = compare(
        "iris",
        ComparisonSettings(
            models=["linear", *failing_networks.CARDS], out=tmp_path, budget_seconds=None, steps=30, seeds=1
        ),
        workers=1,
    )
    assert found.entrant("linear").judged
    assert found.entrant("exploding").state == "diverged"
    assert "finite" in str(found.entrant("exploding").reason)
    assert "(2, 2) where (2, 3) was needed" in str(found.entrant("misshapen").reason)
    assert found.entrant("selfish").state == "failed"
    assert "died" in str(found.entrant("selfish").reason)
    assert any("misshapen" in warning for warning in found.warnings)


def test_a_budget_that_is_too_small_is_refused_with_what_would_do() -> None:
    with pytest.raises(BudgetError, match="at least 8 s"):
        compare("iris", ComparisonSettings(budget_seconds=1))


def test_a_metric_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="rmse"):
        compare("iris", ComparisonSettings(metric="rmse", out=tmp_path))


def test_the_deciding_metric_can_be_chosen_and_values_are_compared_too(
    tmp_path: Path, workers: Executor
) -> None:
    settings = ComparisonSettings(
        models=["linear"], metric="mae", out=tmp_path, budget_seconds=None, steps=60, seeds=1
    )
    found = compare("diabetes", settings, pool=workers)
    linear, mean = found.entrant("linear"), found.entrant("mean")
    data = load("diabetes")
    truth = data.targets_at(data.splits.test)
    outputs = found.test_outputs["linear"].reshape(truth.shape)
    assert linear.score == pytest.approx(np.abs(outputs - truth).mean(), rel=1e-5)
    assert linear.score < mean.score
    assert linear.metrics["rmse"] > linear.score
