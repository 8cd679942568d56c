"""`bakeoff compare` as a person types it: a network of one's own, and what goes wrong, in one sentence each."""

import inspect
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from bakeoff.cli.main import app, main
from bakeoff.cli.options import parse_budget
from bakeoff.data.load import load
from bakeoff.errors import OptionError

FACTORY = """
from torch import nn

def small(schema):
    return nn.Sequential(nn.Linear(schema.input.features, 8), nn.Tanh(), nn.Linear(8, schema.outputs))

def broken():
    raise RuntimeError("no such layer")
"""


def bakeoff(*arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "bakeoff", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture
def typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Types `bakeoff ...` in an empty folder, in this process; gives the exit status and what went to stderr."""

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["bakeoff", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), capsys.readouterr().err

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    return run


@pytest.mark.slow  # the fast tests have one in test_cli_current_folder.py
def test_a_network_of_ones_own_takes_part_and_predicts(tmp_path: Path) -> None:
    (tmp_path / "my_networks.py").write_text(FACTORY)
    own = "my_networks:small"
    quick = ("--budget", "none", "--steps", "60", "--seeds", "1", "--json", "o.json")
    run = bakeoff("compare", "iris", "--models", own, *quick, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    record = json.loads((tmp_path / "o.json").read_text())
    (entrant,) = [entrant for entrant in record["entrants"] if entrant["name"] == own]
    assert entrant["judged"]
    assert entrant["parameters"] == 4 * 8 + 8 + 8 * 3 + 3
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("compare", "nosuchfile.csv"), "nosuchfile.csv"),
        (("compare", "iris", "--budget", "soon"), "no length of time"),
        (("compare", "iris", "--budget", "1s"), "needs at least"),
        (("compare", "iris", "--models", "cnnn"), "Did you mean 'cnn'"),
        (("compare", "iris", "--metric", "speed"), "no metric called"),
        (("compare", "iris", "--equal", "flop"), "Did you mean 'flops'"),
        (("compare", "iris", "--models", "os:getcwd_not"), "cannot be imported"),
    ],
)
def test_what_goes_wrong_is_one_sentence_and_a_status(
    typed: Callable[..., tuple[int, str]], arguments: tuple[str, ...], sentence: str
) -> None:
    status, message = typed(*arguments, "--steps", "20")
    assert status == 1
    assert sentence in message
    assert message.count("\n") == 1


@pytest.mark.skipif(
    os.geteuid() == 0, reason="root may write anywhere; the next test does without permissions"
)
def test_a_folder_that_is_not_ones_own_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    run = bakeoff("compare", "iris", "--steps", "20", cwd=tmp_path)
    assert run.returncode == 1
    assert "--out" in run.stderr


def test_a_place_where_no_folder_can_be_is_refused(
    typed: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    status, message = typed("compare", "iris", "--out", "file/runs")
    assert status == 1
    assert "--out" in message
    assert message.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "seconds"), [("60s", 60.0), ("1.5m", 90.0), ("1h", 3600.0), ("45", 45.0), ("none", None)]
)
def test_a_budget_is_read_as_a_person_writes_it(text: str, seconds: float | None) -> None:
    assert parse_budget(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-3s", "0s", "5 weeks"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="no length of time"):
        parse_budget(text)


@pytest.mark.parametrize(
    ("leader", "interrupted", "status"), [("cnn", False, 0), (None, False, 1), ("cnn", True, 130)]
)
def test_options_of_reading_are_handed_on_and_the_status_tells_how_it_ended(
    monkeypatch: pytest.MonkeyPatch, leader: str | None, interrupted: bool, status: int
) -> None:
    given: dict[str, Any] = {}

    def found(data: str, **options: Any) -> tuple[SimpleNamespace, dict[str, Any]]:
        given.update(options)
        compared = () if leader is None else (leader, "knn")
        return SimpleNamespace(interrupted=interrupted, compared=compared), {}

    monkeypatch.setattr("bakeoff.cli.compare.compare_and_show", found)
    words = ["--window", "9", "--task", "value", "--kind", "table", "--text", "note", "--equal", "flops"]
    result = CliRunner().invoke(app, ["compare", "iris", "--budget", "none", *words])
    assert result.exit_code == status
    assert (given["window"], given["task"], given["kind"], given["text"]) == (9, "value", "table", "note")
    assert given["equal"] == "flops"
    reading = set(inspect.signature(load).parameters) - {"source", "seed", "name", "tokenizer"}
    assert reading <= set(given), "every option of reading can be given"


def test_a_json_file_that_cannot_be_written_is_refused_before_the_run(
    typed: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    status, message = typed("compare", "iris", "--json", "no/such/folder/o.json")
    assert status == 1
    assert "'no/such/folder/o.json' cannot be written" in message
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(("network", "is_found"), [("lies_here:small", True), ("mlp", False)])
def test_the_folder_of_the_command_is_searched_for_networks_of_ones_own_alone(
    network: str, is_found: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lies_here.py").write_text(FACTORY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place not in ("", str(tmp_path))])
    monkeypatch.setattr(sys, "argv", ["bakeoff", "models", network])
    with pytest.raises(SystemExit):
        main()
    assert (sys.path[-1] == str(tmp_path)) == is_found
