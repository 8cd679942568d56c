"""What lies in the folder of a run: which kind of run it is, how one is found, and records that cannot be read."""

import json
import os
from itertools import islice
from pathlib import Path

import pytest

from bakeoff.errors import StoreError
from bakeoff.study.results.run_folder import RunFolder, RunKind

_MADE_BY = {
    "study.sqlite": RunKind.COMPARISON,
    "verdict.json": RunKind.COMPARISON,
    "fit.json": RunKind.FIT,
    "checkpoint.safetensors": RunKind.FIT,
    "champion/fitted.json": RunKind.NETWORK,
    "fitted.json": RunKind.NETWORK,
}


def _with(folder: Path, *files: str) -> RunFolder:
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_text("{}")
    return RunFolder(folder)


@pytest.mark.parametrize("file", _MADE_BY)
def test_what_lies_in_a_run_tells_what_made_it(tmp_path: Path, file: str) -> None:
    assert _with(tmp_path / "run", file).kind == _MADE_BY[file]


def test_a_comparison_with_a_champion_is_a_comparison_and_a_fit_a_fit(tmp_path: Path) -> None:
    assert _with(tmp_path / "a", "study.sqlite", "champion/fitted.json").kind is RunKind.COMPARISON
    assert _with(tmp_path / "b", "fit.json", "champion/fitted.json").kind is RunKind.FIT


def test_a_folder_with_anything_else_is_no_run(tmp_path: Path) -> None:
    assert _with(tmp_path / "photos", "cat.jpg", "report.html").kind is None
    assert RunFolder(tmp_path / "nowhere").kind is None


def test_a_run_is_found_by_its_name_first_and_then_by_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _with(Path("runs/mine"), "fit.json")
    _with(Path("mine"), "study.sqlite")
    assert RunFolder.find("mine").kind is RunKind.FIT
    assert RunFolder.find("mine", "elsewhere").kind is RunKind.COMPARISON
    assert RunFolder.find("runs/mine").kind is RunKind.FIT


def test_a_folder_that_is_no_run_but_holds_some_names_them(tmp_path: Path) -> None:
    _with(tmp_path / "out" / "digits", "study.sqlite")
    _with(tmp_path / "out" / "digits-2", "fit.json")
    _with(tmp_path / "out" / "notes", "cat.jpg")
    wanted = r"is not a run but holds runs: 'digits', 'digits-2'\. Name one of them, as in '.*out/digits'\.$"
    with pytest.raises(StoreError, match=wanted):
        RunFolder.find(tmp_path / "out")
    assert [run.name for run in RunFolder.inside(tmp_path / "out")] == ["digits", "digits-2"]


def test_a_run_that_has_runs_inside_is_a_run(tmp_path: Path) -> None:
    _with(tmp_path / "mine" / "other", "fit.json")
    assert RunFolder.find(_with(tmp_path / "mine", "study.sqlite").path).path == tmp_path / "mine"


def test_an_unknown_run_suggests_the_nearest_and_one_where_there_are_no_runs_says_so(tmp_path: Path) -> None:
    _with(tmp_path / "mine", "fit.json")
    with pytest.raises(StoreError, match=r"There is no run 'mien' .*Did you mean 'mine'\?"):
        RunFolder.find("mien", tmp_path)
    with pytest.raises(StoreError, match=r"There is no run 'mien' .*There are none"):
        RunFolder.find("mien", tmp_path / "nowhere")


def test_a_record_that_cannot_be_read_is_empty(tmp_path: Path) -> None:
    run = _with(tmp_path / "run")
    assert run.verdict_record() == run.fit_record() == {}
    run.verdict.write_text(json.dumps({"winner": "cnn"}))
    assert run.verdict_record() == {"winner": "cnn"}
    for damaged in ("{", "[1, 2]", "[" * 100_000, "\udcff"):
        run.verdict.write_text(damaged, errors="surrogateescape")
        assert run.verdict_record() == {}
    os.mkfifo(run.fit)  # to open it would wait for ever
    assert run.fit_record() == {}


def test_new_runs_of_a_name_are_numbered_and_the_number_is_no_part_of_the_stem(tmp_path: Path) -> None:
    found = list(islice(RunFolder.candidates(tmp_path, "digits"), 3))
    assert [run.name for run in found] == ["digits", "digits-2", "digits-3"]
    assert {run.stem for run in found} == {"digits"}
    assert RunFolder(tmp_path / "planted-edges").stem == "planted-edges"


def test_the_network_is_the_champion_or_the_folder_itself(tmp_path: Path) -> None:
    run = _with(tmp_path / "run", "champion/fitted.json")
    assert run.network == run.champion
    assert RunFolder(run.champion).network == run.champion
    assert run.has_network
    assert not _with(tmp_path / "empty").has_network
