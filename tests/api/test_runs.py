"""Runs and their networks from Python: found, asked for predictions and explained, as the command line does."""

from pathlib import Path

import numpy as np
import pytest

from bakeoff.api.explain import explain, source_of
from bakeoff.api.predict import predict
from bakeoff.api.runs import network_of, runs
from bakeoff.data.load import load
from bakeoff.errors import OptionError, StoreError
from bakeoff.inference.training_hashes import write_training_hashes
from bakeoff.study.results.facts import SOURCE
from bakeoff.study.results.run_folder import RunFolder, RunKind
from bakeoff.study.results.store import Store
from examples import untrained


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run called "iris-2" that handed over an untrained linear network."""
    dataset = load("iris")
    found = RunFolder(tmp_path / "runs" / "iris-2")
    untrained(dataset).save(found.champion)
    write_training_hashes(found.champion, dataset)
    return found


def test_the_runs_of_a_folder_are_listed_with_what_made_them(run: RunFolder) -> None:
    (run.path.parent / "notes").mkdir()
    Store(run.path.parent / "digits")
    found = [(one.name, one.kind) for one in runs(run.path.parent)]
    assert found == [("digits", RunKind.COMPARISON), ("iris-2", RunKind.NETWORK)]
    assert runs(run.path / "nowhere") == ()


def test_predictions_are_those_of_the_network_with_the_score_on_examples_it_has_not_seen(
    run: RunFolder,
) -> None:
    found = predict(run.path, "iris")
    dataset = load("iris")
    right = found.predictor.predict(dataset.inputs) == dataset.targets
    assert len(found) == len(dataset)
    assert found.score == ("accuracy", pytest.approx(right.mean()))
    assert found.unseen_score == ("accuracy", pytest.approx(right[dataset.splits.test].mean()))
    run.fit.write_text('{"metric": "macro_f1"}')
    assert predict(run.path, "iris").score[0] == "macro_f1"  # type: ignore[index]


def test_arrays_without_answers_have_no_score(run: RunFolder, tmp_path: Path) -> None:
    found = predict("iris-2", "iris", runs=run.path.parent)
    nothing_known = predict(run.champion, "iris")
    (run.champion / "seen.npy").unlink()
    assert found.is_training_example is not None
    assert predict(run.champion, "iris").is_training_example is None
    assert nothing_known.run.kind is RunKind.NETWORK
    found.write(tmp_path / "answers.csv")
    assert len((tmp_path / "answers.csv").read_text().splitlines()) == len(found) + 1


def test_the_network_is_shown_before_the_new_data_are_read(run: RunFolder) -> None:
    seen: list[str] = []
    with pytest.raises(ValueError, match="There is no file or folder"):
        predict(
            run.path, "no/such/file", on_network=lambda of, network: seen.append(f"{of.name} {network.model}")
        )
    assert seen == ["iris-2 linear"]


def test_a_run_without_a_network_says_what_to_do(tmp_path: Path) -> None:
    Store(tmp_path / "empty")
    with pytest.raises(StoreError, match=r"has no champion.*larger --budget"):
        network_of("empty", tmp_path)


def test_a_network_is_explained_with_the_data_that_its_run_names_or_is_named_after(run: RunFolder) -> None:
    assert source_of(run) == "iris"
    found = explain(run.path)
    assert len(found.examples) == len(load("iris"))
    assert found.explained.data == "iris"
    assert found.write() == run.explained
    assert run.explained.read_text().startswith("<!doctype html>")


def test_a_run_chooses_no_file_elsewhere_unless_it_is_trusted(run: RunFolder, tmp_path: Path) -> None:
    secret = tmp_path / "secret.npz"
    np.savez(secret, x=load("iris").inputs, y=load("iris").targets)
    SOURCE.write(Store(run.path), str(secret))
    with pytest.raises(OptionError, match="a run does not choose which of your files are opened"):
        explain(run.path)
    assert source_of(run, trust=True) == str(secret)
    secret.unlink()
    assert source_of(run) == "iris", "what is no longer there is not asked for"
