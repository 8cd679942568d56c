"""`bakeoff.fit` and its command from data to prediction."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score
from typer.testing import CliRunner

import bakeoff
from bakeoff.cli.main import app
from bakeoff.data.load import load
from bakeoff.errors import BudgetError, ModelError, OptionError
from bakeoff.models import build
from bakeoff.models.weights import save_tensors
from bakeoff.study.fitting.result import Fit
from bakeoff.train.single import learning_rate_finder

QUICK = {"precision": "float32", "threads": 1}


def _fit(out: Path, model: str, data: object = "iris", **options: object) -> Fit:
    return bakeoff.fit(data, model, out=out, **{**QUICK, **options})


def test_the_score_is_that_of_the_network_on_disk_and_beats_chance_by_far(tmp_path: Path) -> None:
    reported = []
    fit = _fit(tmp_path, "mlp", epochs=30, listener=reported.append)
    data = load("iris")
    rows = data.splits.test
    assert fit.test.score == accuracy_score(data.targets[rows], fit.predict(data.inputs[rows]))
    assert fit.test.low <= fit.test.score <= fit.test.high
    assert fit.test.score >= 0.8
    assert fit.found
    assert tuple(reported) == fit.history
    best = min(fit.history, key=lambda moment: moment.validation_loss)
    assert best.step == fit.best_step
    logarithms = fit.fitted.outputs(data.inputs[data.splits.validation])
    truth = data.targets[data.splits.validation]
    assert best.validation_loss == pytest.approx(-logarithms[np.arange(len(truth)), truth].mean(), abs=1e-5)
    record = json.loads((fit.folder / "fit.json").read_text())
    assert record["test"]["score"] == fit.test.score
    assert record["recipe"]["steps"] == fit.recipe.steps


def test_a_probe_changes_the_head_alone_and_full_changes_everything(tmp_path: Path) -> None:
    data = load("digits")
    published = build("resnet20_cifar", data.schema, seed=7)
    save_tensors(published.state_dict(), tmp_path / "w.safetensors")
    before = published.state_dict()
    call = {
        "data": data,
        "weights": tmp_path / "w.safetensors",
        "epochs": 1,
        "learning_rate": 1e-3,
        "batch_size": 128,
    }
    probe = _fit(tmp_path / "p", "resnet20_cifar", mode="probe", **call)
    for name, tensor in probe.fitted.weights.items():
        assert torch.equal(tensor, before[name]) != name.startswith("head."), name
    assert probe.trained_parameters == 64 * 10 + 10
    full = _fit(tmp_path / "f", "resnet20_cifar", mode="full", **call)
    changed = [name for name, tensor in full.fitted.weights.items() if not torch.equal(tensor, before[name])]
    assert len(changed) > 60
    assert full.trained_parameters == full.parameters > probe.trained_parameters


def test_weights_that_do_not_fit_are_named(tmp_path: Path) -> None:
    save_tensors(build("mlp", load("iris").schema, seed=0).state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(ModelError, match="weights do not fit"):
        _fit(tmp_path, "lenet5", "digits", weights=tmp_path / "w.safetensors")
    assert not list(tmp_path.glob("digits*"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "head"}, "no mode called 'head'"),
        ({"learning_rate": -1.0}, "'learning_rate' is -1.0: give a positive number"),
        ({"budget_seconds": 0}, "'budget_seconds' is 0"),
        ({"model": "mlp@x"}, "'x' is no width"),
        ({"mode": "probe"}, "trains the last layer on top of weights that were learned before"),
        ({"log": "paper"}, "no log called 'paper'"),
    ],
)
def test_an_option_out_of_its_range_is_one_sentence(tmp_path: Path, options: dict, message: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(OptionError, match=message):
        _fit(tmp_path, **{"model": "mlp", **options})


def test_a_budget_shortens_the_training_and_no_time_at_all_is_an_error(tmp_path: Path, clock: Any) -> None:
    clock.each_look_seconds = 0.01
    fit = _fit(tmp_path, "mlp", budget_seconds=2.0, learning_rate=1e-2, epochs=1000)
    assert fit.seconds < 2.0
    assert 1 <= fit.history[-1].step < 200, "every step looks at the clock"
    with pytest.raises(BudgetError, match="before anything was learned: give a larger --budget"):
        _fit(tmp_path, "mlp", budget_seconds=1e-6, learning_rate=1e-2, epochs=1000)


def test_a_rate_that_was_not_tested_is_not_said_to_be_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learning_rate_finder, "FEWEST", float("inf"))
    fit = _fit(tmp_path, "mlp", epochs=2, budget_seconds=60.0)
    assert (fit.learning_rate, fit.found) == (learning_rate_finder.FALLBACK, False)


def test_a_rate_that_is_far_too_large_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(
        ModelError, match=r"failed: The loss was not finite .* Give a smaller --learning-rate"
    ):
        _fit(tmp_path, "mlp", learning_rate=1e30, epochs=5)


def test_the_command_trains_and_its_result_predicts(tmp_path: Path) -> None:
    call = [
        "fit",
        "iris",
        "--model",
        "mlp@8",
        "--epochs",
        "20",
        "--learning-rate",
        "0.01",
        "--precision",
        "float32",
    ]
    done = CliRunner().invoke(app, [*call, "--out", str(tmp_path), "--json", str(tmp_path / "r.json")])
    assert done.exit_code == 0, done.output
    record = json.loads((tmp_path / "r.json").read_text())
    assert f"{100 * record['test']['score']:.1f} %" in done.stdout
    assert "validation" in done.stderr
    page = (tmp_path / "iris-mlp@8" / "report.html").read_text()
    assert f"{100 * record['test']['score']:.1f} %" in page
    assert page.count('data-figure="losses"') == page.count('data-figure="confusion"') == 1
    new = CliRunner().invoke(app, ["predict", "iris-mlp@8", "iris", "--runs", str(tmp_path)])
    assert new.exit_code == 0, new.output
    assert "mlp@8" in new.stdout
    assert "A fit of mlp on iris: accuracy" in new.stdout
    assert "120 of them the network was trained on or chosen by" in " ".join(new.stdout.split())


def test_published_weights_refuse_texts_that_were_cut_by_other_words(tmp_path: Path) -> None:
    rows = [
        f"{word} and a few more words,{label}" for word, label in (("good", 1), ("bad", 0)) for _ in range(40)
    ]
    table = tmp_path / "t.csv"
    table.write_text("text,label\n" + "\n".join(f"{n} {row}" for n, row in enumerate(rows)))
    network = build("bert_tiny", load(table, target="label").schema)
    save_tensors(network.state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(OptionError, match=r"know the tokens of their own tokenizer.*--tokenizer"):
        _fit(tmp_path / "runs", "bert_tiny", table, target="label", weights=tmp_path / "w.safetensors")


def test_a_name_of_the_data_cannot_bring_markup_into_the_report(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(90, 3)).astype(np.float32), np.array(["<b>x", "y&z", "n"] * 30)
    fit = _fit(tmp_path, "linear", (x, y), epochs=2, learning_rate=1e-2, kind="table", name="page")
    page = (fit.folder / "report.html").read_text()
    assert "&lt;b&gt;x" in page
    assert "y&amp;z" in page
    assert "<b>x" not in page


def test_a_regression_is_scored_in_the_unit_of_the_data(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 3)).astype(np.float32)
    y = (1000 + 50 * x @ [1.0, -2.0, 0.5]).astype(np.float32)
    fit = _fit(tmp_path, "mlp", (x, y), epochs=20, learning_rate=1e-2, kind="table", task="value")
    assert fit.metric == "rmse"
    assert 0 < fit.test.score < 40 < y.std()
    assert fit.recipe.label_smoothing == 0.0
