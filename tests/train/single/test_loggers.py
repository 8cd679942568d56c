"""What a fit logs, read back with the packages that it is logged for."""

import warnings
from pathlib import Path

import pytest

import bakeoff
from bakeoff.errors import StoreError

pytestmark = [
    pytest.mark.peers,
    pytest.mark.filterwarnings("ignore"),  # of the peers' own
]
CALL = {"epochs": 3, "learning_rate": 1e-2, "precision": "float32", "threads": 1}


def test_tensorboard_reads_back_the_losses_of_the_record(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    fit = bakeoff.fit("iris", "mlp", out=tmp_path, log="tensorboard", **CALL)
    events = EventAccumulator(str(fit.folder / "tensorboard")).Reload()
    for tag, name in (("loss/validation", "validation_loss"), ("loss/training", "training_loss")):
        logged = [(event.step, event.value) for event in events.Scalars(tag)]
        assert logged == [(m.step, pytest.approx(getattr(m, name), rel=1e-6)) for m in fit.history]
    (score,) = events.Scalars("test/accuracy")
    assert score.value == pytest.approx(fit.test.score, rel=1e-6)


def test_mlflow_reads_back_the_losses_and_settings_of_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlflow = pytest.importorskip("mlflow")
    mlflow.set_tracking_uri((tmp_path / "tracked").as_uri())
    fit = bakeoff.fit("iris", "mlp", out=tmp_path, log="mlflow", **CALL)
    (run,) = mlflow.MlflowClient().search_runs(["0"])
    assert run.data.params["model"] == "mlp"
    assert float(run.data.params["learning_rate"]) == 1e-2
    history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "loss/validation")
    assert [(m.step, m.value) for m in history] == [(m.step, m.validation_loss) for m in fit.history]
    assert run.data.metrics["test/accuracy"] == fit.test.score


def test_mlflow_that_cannot_store_runs_is_refused_in_one_sentence(tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri("nonsense://nowhere")
    try:
        with pytest.raises(
            StoreError, match=r"cannot begin a run at 'nonsense://nowhere'.*MLFLOW_TRACKING_URI"
        ):
            bakeoff.fit("iris", "mlp", out=tmp_path, log="mlflow", **CALL)
    finally:
        mlflow.set_tracking_uri(before)
