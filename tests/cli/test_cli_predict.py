"""`bakeoff predict`: the handed-over network on new data of the same form."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest
from sklearn.metrics import accuracy_score, root_mean_squared_error
from typer.testing import CliRunner

from bakeoff.cli.main import app
from bakeoff.data.dataset import Dataset
from bakeoff.data.load import load
from bakeoff.errors import DataError, OptionError, StoreError
from bakeoff.inference.predictor import Predictor
from bakeoff.inference.training_hashes import write_training_hashes
from examples import untrained

CLASSES = ("a<b>", "\x1b[31mred", "c")


def _table(path: Path, *, target: bool = True, rows: int = 60) -> Path:
    """Three classes by a threshold of `x`; a column with gaps, one of words."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=rows)
    columns: dict[str, Any] = {
        "x": x,
        "gaps": [None if place % 7 == 0 else float(place) for place in range(rows)],
        "word": ["red" if place % 2 else "green" for place in range(rows)],
    }
    if target:
        columns["kind"] = [CLASSES[int(value > -0.5) + int(value > 0.5)] for value in x]
    polars.DataFrame(columns).write_csv(path)
    return path


def _hand_over(folder: Path, dataset: Dataset, *, seed: int = 0) -> Predictor:
    """An untrained linear network as the champion of a run."""
    fitted = untrained(dataset, seed=seed)
    fitted.save(folder / "champion")
    return fitted


@pytest.fixture
def run(tmp_path: Path) -> tuple[Path, Predictor]:
    dataset = load(_table(tmp_path / "old.csv"), target="kind")
    folder = tmp_path / "runs" / "mine"
    return folder, _hand_over(folder, dataset)


def _predict(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["predict", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize(
    ("ending", "read"),
    [(".csv", polars.read_csv), (".jsonl", polars.read_ndjson), (".parquet", polars.read_parquet)],
)
def test_the_file_holds_the_answers_and_probabilities_of_the_network(
    run: tuple[Path, Predictor], tmp_path: Path, ending: str, read: Any
) -> None:
    folder, fitted = run
    new = _table(tmp_path / "new.csv", target=False, rows=33)
    out = tmp_path / f"answers{ending}"
    _predict("mine", new, "--runs", folder.parent, "--out", out)
    frame = read(out)
    # the same by hand: numbers, flag of the gaps, and words were encoded as in training
    from bakeoff.data.load import read_new

    assert fitted.encoder is not None
    raw = read_new(fitted.encoder, str(new), schema=fitted.schema)
    expected = fitted.predict_proba(raw.inputs)
    names = fitted.schema.target.names  # type: ignore[union-attr]
    assert frame.columns == ["input", "predicted", *(f"probability_{name}" for name in names)]
    assert frame.select(polars.col("^probability_.*$")).to_numpy() == pytest.approx(expected, abs=1e-6)
    assert frame["predicted"].to_list() == [names[place] for place in expected.argmax(axis=1)]
    assert frame.height == 33
    assert np.allclose(expected.sum(axis=1), 1, atol=1e-6)


def test_new_data_with_answers_are_scored_as_scikit_learn_scores_them(
    run: tuple[Path, Predictor], tmp_path: Path
) -> None:
    folder, _ = run
    new = _table(tmp_path / "new.csv", rows=41)
    out = tmp_path / "answers.csv"
    output = _predict(folder, new, "--out", out)
    frame = polars.read_csv(out)
    score = accuracy_score(frame["true"], frame["predicted"])
    assert frame["true"].to_list() == polars.read_csv(new)["kind"].to_list()
    assert f"accuracy {100 * score:.1f} % on 41 examples" in output
    assert "and 31 more" in output


def test_without_answers_no_score_is_claimed(run: tuple[Path, Predictor], tmp_path: Path) -> None:
    assert "accuracy" not in _predict(run[0], _table(tmp_path / "new.csv", target=False))


def test_class_names_cannot_reach_the_terminal_as_codes(run: tuple[Path, Predictor], tmp_path: Path) -> None:
    assert "\x1b[31m" not in _predict(run[0], _table(tmp_path / "new.csv"))


def test_values_are_written_and_scored_in_their_unit(tmp_path: Path) -> None:
    dataset = load("diabetes")
    fitted = _hand_over(tmp_path / "runs" / "diabetes", dataset)
    out = tmp_path / "answers.parquet"
    output = _predict("diabetes", "diabetes", "--runs", tmp_path / "runs", "--out", out)
    frame = polars.read_parquet(out)
    assert frame.columns == ["input", "predicted", "true"]
    assert frame["predicted"].to_numpy() == pytest.approx(fitted.predict(dataset.inputs)[:, 0], rel=1e-5)
    assert f"RMSE {root_mean_squared_error(frame['true'], frame['predicted']):.4g}" in output


def test_the_metric_is_the_one_of_the_comparison_and_a_stand_in_is_named(
    run: tuple[Path, Predictor], tmp_path: Path
) -> None:
    folder, _ = run
    record = {"winner": None, "leader": "knn", "metric": "macro_f1", "data": {"name": "new", "examples": 41}}
    (folder / "verdict.json").write_text(json.dumps(record))
    output = " ".join(_predict(folder, _table(tmp_path / "new.csv", rows=41)).split())
    assert "macro F1" in output
    assert "best is knn, which is not kept; these are the answers of the best network, linear" in output
    (folder / "verdict.json").write_text(json.dumps({**record, "winner": "linear"}))
    output = " ".join(_predict(folder, _table(tmp_path / "other.csv", rows=41)).split())
    assert "not kept" not in output


def test_examples_that_the_network_was_trained_on_or_chosen_by_are_reported_apart(
    run: tuple[Path, Predictor], tmp_path: Path
) -> None:
    folder, fitted = run
    dataset = load(tmp_path / "old.csv", target="kind")
    assert "trained on or chosen by" not in _predict(folder, tmp_path / "old.csv"), "nothing is known of them"
    write_training_hashes(folder / "champion", dataset)
    output = " ".join(_predict(folder, tmp_path / "old.csv").split())
    test = dataset.splits.test
    score = accuracy_score(dataset.targets[test], fitted.predict(dataset.inputs[test]))
    seen = len(dataset) - len(test)
    assert f"{seen} of them the network was trained on or chosen by" in output
    assert f"On the {len(test)} others: accuracy {100 * score:.1f} %" in output
    frame = polars.read_csv(tmp_path / "old.csv")
    frame[np.sort(dataset.splits.train).tolist()].write_csv(tmp_path / "trained.csv")
    assert "says nothing of new data" in " ".join(_predict(folder, tmp_path / "trained.csv").split())
    frame.with_columns(x=polars.col("x") + 1).write_csv(tmp_path / "moved.csv")
    assert "trained on" not in _predict(folder, tmp_path / "moved.csv")


def test_a_damaged_record_of_the_verdict_is_no_obstacle(run: tuple[Path, Predictor], tmp_path: Path) -> None:
    (run[0] / "verdict.json").write_text("{")
    assert "accuracy" in _predict(run[0], _table(tmp_path / "new.csv"))


def test_series_that_are_too_short_to_forecast_are_named_with_their_lengths(tmp_path: Path) -> None:
    groups = [("old", 200), ("new", 12), (None, 100)]
    frame = polars.concat(
        [
            polars.DataFrame({"t": range(steps), "y": np.arange(steps) % 9.0}).with_columns(
                shop=polars.lit(name, polars.String)
            )
            for name, steps in groups
        ]
    )
    frame.write_csv(tmp_path / "shops.csv")
    dataset = load(tmp_path / "shops.csv", time="t", target="y", group="shop", horizon=3, window=16)
    _hand_over(tmp_path / "runs" / "shops", dataset)
    output = " ".join(_predict("shops", tmp_path / "shops.csv", "--runs", tmp_path / "runs").split())
    assert "1 of 3 series has fewer than the 16 steps" in output
    assert "'new' (12)" in output
    assert "100 rows have no name in the column 'shop'" in output


def test_an_unknown_run_suggests_the_nearest(run: tuple[Path, Predictor]) -> None:
    with pytest.raises(StoreError, match=r"There is no run 'mien' .*Did you mean 'mine'\?"):
        _predict("mien", "digits", "--runs", run[0].parent)


def test_a_run_without_a_champion_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(StoreError, match=r"has no champion.*larger --budget"):
        _predict("empty", "digits", "--runs", tmp_path)


def test_a_folder_of_runs_is_answered_with_the_runs_in_it(run: tuple[Path, Predictor]) -> None:
    with pytest.raises(StoreError, match=r"is not a run but holds runs: 'mine'\. Name one of them"):
        _predict(run[0].parent, "digits", "--runs", run[0] / "elsewhere")


def test_a_fit_without_readable_figures_is_no_obstacle(run: tuple[Path, Predictor], tmp_path: Path) -> None:
    (run[0] / "fit.json").write_text(json.dumps({"metric": "accuracy", "test": None}))
    assert "accuracy" in _predict(run[0], _table(tmp_path / "new.csv"))


def test_data_of_another_form_are_refused_by_their_difference(
    run: tuple[Path, Predictor], tmp_path: Path
) -> None:
    other = tmp_path / "other.csv"
    polars.DataFrame({"x": [1.0, 2.0], "word": ["red", "green"]}).write_csv(other)
    with pytest.raises(DataError, match="gaps"):
        _predict(run[0], other)
    with pytest.raises(DataError, match="no file or folder"):
        _predict(run[0], tmp_path / "nowhere.csv")


def test_an_unknown_ending_is_refused_before_any_work(run: tuple[Path, Predictor], tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"answers\.xlsx.*\.csv"):
        _predict(run[0], tmp_path / "nowhere.csv", "--out", tmp_path / "answers.xlsx")


def test_a_file_that_cannot_be_written_leaves_nothing_behind(
    run: tuple[Path, Predictor], tmp_path: Path
) -> None:
    new = _table(tmp_path / "new.csv")
    with pytest.raises(StoreError, match="cannot be written"):
        _predict(run[0], new, "--out", tmp_path / "no" / "such" / "folder" / "a.csv")
    assert not list(tmp_path.glob(".*"))


def test_weights_that_are_damaged_are_refused(run: tuple[Path, Predictor], tmp_path: Path) -> None:
    (run[0] / "champion" / "network.safetensors").write_bytes(b"\x80\x04not safetensors")
    with pytest.raises(StoreError, match="train"):
        _predict(run[0], _table(tmp_path / "new.csv"))
