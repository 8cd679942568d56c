"""Networks of one's own in every command, and runs from elsewhere whose network is not of the catalogue."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars
import pytest

from bakeoff import models
from bakeoff.cli import main as command_line
from bakeoff.data.load import load
from bakeoff.inference.predictor import RECORD_FILE, Predictor
from bakeoff.study.comparison.compare import compare
from bakeoff.study.comparison.settings import ComparisonSettings
from bakeoff.study.results.facts import SOURCE
from bakeoff.study.results.store import Store
from bakeoff.study.workers.executor import Executor
from examples import untrained

NETWORKS = """
from torch import nn


class Tower(nn.Module):
    def __init__(self, schema):
        super().__init__()
        self.only = nn.Linear(schema.input.features, schema.outputs)

    def forward(self, x, more=0):
        return self.only(x) + more


class Both(Tower):
    def forward(self, x, y):
        return self.only(x + y)


def wide(schema):
    return nn.Linear(1000, 3)


def words():
    return nn.Sequential(nn.Embedding(100, 16), nn.Flatten(), nn.LazyLinear(3))


built = nn.Linear(8, 4)
"""
FAST = ("--budget", "none", "--steps", "20", "--seeds", "1", "--no-why")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the commands are typed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BAKEOFF_LANG", "en")
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "nets.py").write_text(NETWORKS)
    (tmp_path / "wrong.py").write_text("def f(:\n")
    (tmp_path / "script.py").write_text("import sys\nsys.exit('usage: script.py DATA OUT')\n")
    (tmp_path / "evil.py").write_text("open('mark', 'w').close()\n")
    load("iris")
    table = polars.DataFrame({"a": [0.1 * place for place in range(60)], "y": ["p", "q", "r"] * 20})
    table.write_csv(tmp_path / "t.csv")
    return tmp_path


def _typed(
    *arguments: object, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> tuple[int, str, str]:
    """Exit status and both outputs of `bakeoff ...` in this process; anything else than an exit comes through."""
    monkeypatch.setattr(sys, "argv", ["bakeoff", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


FAULTS = {
    ":Tower": "names no file or module before the colon",
    "nets.py:": "names nothing after the colon",
    "./nope.py:Tower": "is not there",
    "wrong.py:f": "wrong.py, line 1 is not valid Python",
    "./script.py:Tower": "ends the program while it is imported",
    "nets.py:built": "is a network that is built already",
    "nowhere_at_all:Tower": "No module named 'nowhere_at_all'",
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize(
    "command",
    [
        ("cost", "{}", "--input", "8"),
        ("models", "{}"),
        ("compare", "t.csv", "--target", "y", "--models", "linear,{}", *FAST),
        ("compare", "t.csv", "--target", "y", "--model", "{}", *FAST),
        ("fit", "t.csv", "--target", "y", "--model", "{}", "--epochs", "1"),
    ],
    ids=lambda command: f"{command[0]}-{sum(map(len, command))}",
)
def test_every_command_says_in_one_sentence_what_is_wrong_with_a_network_of_ones_own(
    command: tuple[str, ...],
    name: str,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = [word.format(name) for word in command]
    status, _, err = _typed(*given, capsys=capsys, monkeypatch=monkeypatch)
    assert status == 1
    said = [line for line in err.splitlines() if line.startswith("bakeoff: ")]
    assert len(said) == 1
    assert FAULTS[name] in said[0]
    assert "Traceback" not in err
    assert not (folder / "runs").exists()


@pytest.mark.parametrize(
    "name", ["nets.py:Tower", pytest.param("./nets.py:Tower", marks=pytest.mark.slow), "nets:Tower"]
)
def test_cost_takes_a_file_or_a_module_where_the_command_is_typed(name: str, folder: Path) -> None:
    (folder / "nets.py").write_text("from torch import nn\ndef Tower(): return nn.Linear(8, 4)\n")
    done = _process("cost", name, "--input", "8", folder=folder)
    assert done.returncode == 0, done.stderr
    assert "36 parameters" in done.stdout


def _process(*arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    program = "import sys; sys.argv[0] = 'bakeoff'; from bakeoff.cli.main import main; main()"
    command = [sys.executable, "-P", "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)


def test_cost_finds_out_that_a_network_of_ones_own_takes_tokens(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where its last layer learns its size from the first pass."""
    for more in ((), ("--vocabulary", 100)):
        monkeypatch.setattr(
            sys, "argv", ["bakeoff", "cost", "nets.py:words", "--input", "12", *map(str, more)]
        )
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        assert not ended.value.code
        assert "2,179 parameters" in capsys.readouterr().out  # 100 * 16 + 12 * 16 * 3 + 3


def test_cost_tells_of_a_second_input(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "nets.py").write_text(
        "from torch import nn\n"
        "class Both(nn.Linear):\n"
        "    def __init__(self):\n        super().__init__(8, 4)\n"
        "    def forward(self, x, y):\n        return super().forward(x + y)\n"
    )
    given = ("cost", "./nets.py:Both", "--input", 8)
    status, _, err = _typed(*given, capsys=capsys, monkeypatch=monkeypatch)
    assert status == 1
    assert "takes more than one input ('y' is missing)" in err
    assert "give the others a default in its forward, or pass them all in Python" in err


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("nets.py:wide", "fails on inputs of shape (2, 1): RuntimeError"),
        ("nets.py:Both", "missing 1 required"),
    ],
)
def test_a_fit_of_a_network_that_does_not_take_the_data_is_one_sentence(
    name: str, match: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = ("fit", "t.csv", "--target", "y", "--model", name, "--epochs", 1)
    status, _, err = _typed(*given, capsys=capsys, monkeypatch=monkeypatch)
    assert (status, match in err, "Traceback" in err) == (1, True, False)
    assert not (folder / "runs").exists()


def _champion(folder: Path, **changes: Any) -> Path:
    iris = load("iris")
    place = folder / "runs" / "mine" / "champion"
    untrained(iris).save(place)
    record = json.loads((place / RECORD_FILE).read_text())
    (place / RECORD_FILE).write_text(json.dumps({**record, **changes}))
    return place


HOSTILE = [
    {"model": "subprocess:run", "options": {"args": ["touch", "mark"]}},
    {"model": "evil:run"},
    {"model": "evil.py:run"},
    {"model": "evil:run", "file": "evil.py"},
    {"model": "hf:.", "options": {"trust_remote_code": True}},
]


@pytest.mark.parametrize("command", ["predict", "explain"])
@pytest.mark.parametrize("changes", HOSTILE, ids=str)
def test_a_run_from_elsewhere_runs_no_code(
    changes: dict[str, Any],
    command: str,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _champion(folder, **changes)
    monkeypatch.syspath_prepend(str(folder))
    status, out, err = _typed(command, "mine", "iris", capsys=capsys, monkeypatch=monkeypatch)
    assert (status, out) == (1, "")
    assert len(err.splitlines()) == 1
    assert err.startswith("bakeoff: The folder 'runs/mine/champion' names the network")
    assert changes["model"] in err
    assert "add --trust" in err
    assert not (folder / "mark").exists()
    assert "evil" not in sys.modules


@pytest.mark.parametrize("command", ["predict", "explain"])
@pytest.mark.parametrize("given", [("--trust",), ("--model", "./nets.py:Tower"), ("--model", "nets:Tower")])
def test_what_is_trusted_or_typed_is_used_and_reported(
    given: tuple[str, ...],
    command: str,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    iris, card = load("iris"), models.card("nets.py:Tower")
    untrained(iris, card).save(folder / "runs" / "mine" / "champion")
    status, _, err = _typed(command, "mine", "iris", *given, capsys=capsys, monkeypatch=monkeypatch)
    assert status == 0, err
    told = "--trust: the code of the network" if given == ("--trust",) else "as typed here"
    assert told in err
    assert "Tower" in err


def test_a_typed_network_keeps_the_recorded_one_from_being_imported(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _champion(folder, model="evil.py:run")
    given = ("predict", "mine", "iris", "--model", "nets.py:Tower")
    status, _, err = _typed(*given, capsys=capsys, monkeypatch=monkeypatch)
    assert status == 1
    assert (
        "The weights are not those of this 'nets.py:Tower' ('only.weight' should be 3x4 and is missing)"
        in err
    )
    assert not (folder / "mark").exists()


def test_a_run_does_not_choose_which_file_is_opened(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _champion(folder)
    secret = folder / "secret.csv"
    secret.write_text("a\n1\n")
    Store(folder / "runs" / "mine").put_fact(SOURCE.name, str(secret))
    status, _, err = _typed("explain", "mine", capsys=capsys, monkeypatch=monkeypatch)
    assert status == 1
    assert "a run does not choose which of your files are opened" in err
    assert f"`bakeoff explain mine {secret}`, or add --trust" in err
    for odd in (3, None, ["iris"], {"iris": 1}, "no such file"):
        Store(folder / "runs" / "mine").put_fact(SOURCE.name, odd)
        status, _, err = _typed("explain", "mine", capsys=capsys, monkeypatch=monkeypatch)
        assert (status, "does not tell which data" in err) == (1, True)


def test_a_fit_of_a_file_says_how_it_predicts_and_does_so(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = ("fit", "iris", "--model", "./nets.py:Tower", "--epochs", 2, "--name", "f")
    status, out, err = _typed(*given, capsys=capsys, monkeypatch=monkeypatch)
    assert status == 0, err
    assert "bakeoff predict runs/f NEWDATA --model nets.py:Tower" in " ".join(out.split())
    for trust, expected in (((), 1), (("--trust",), 0), (("--model", "nets.py:Tower"), 0)):
        given = ("predict", "f", "iris", *trust)
        assert _typed(*given, capsys=capsys, monkeypatch=monkeypatch)[0] == expected


def test_workers_train_a_network_from_its_file_and_a_run_read_back_imports_nothing_that_it_names(
    folder: Path, workers: Executor
) -> None:
    """One comparison, continued from a database in which every name is one of code that is there to be found."""
    quick: dict[str, Any] = {
        "budget_seconds": None,
        "steps": 20,
        "seeds": 1,
        "out": folder / "runs",
    }
    found = compare("iris", ComparisonSettings(models=["./nets.py:Tower"], **quick), pool=workers)
    tower = found.entrant("nets.py:Tower")
    assert tower.judged
    assert found.champion is not None
    assert found.champion.entrant == "nets.py:Tower"
    answers = found.champion.predict(found.dataset.inputs[:9])
    record = json.loads((found.champion.folder / RECORD_FILE).read_text())
    assert (record["model"], record["file"]) == ("nets.py:Tower", str(folder / "nets.py"))
    assert (
        Predictor.load(found.champion.folder, trust=True).predict(found.dataset.inputs[:9]) == answers
    ).all()

    sys.path.insert(0, str(folder))
    for everything in (False, True):
        _poison(found.folder, definition_too=everything)
        again = compare("iris", ComparisonSettings(models=["./nets.py:Tower"], **quick), workers=1)
        assert (again.folder == found.folder) != everything, "a run of another definition is not gone on with"
        assert again.entrant("nets.py:Tower").judged
        assert {entrant.name for entrant in again.entrants} == {entrant.name for entrant in found.entrants}
        assert not (folder / "mark").exists()
        assert "evil" not in sys.modules


def _poison(run: Path, *, definition_too: bool) -> None:
    """Jobs and trials of other networks, another network in the champion's record; or in the definition as well."""
    import sqlite3

    with sqlite3.connect(run / "study.sqlite") as base:
        definition = json.loads(
            base.execute("SELECT value FROM facts WHERE name = 'definition'").fetchone()[0]
        )
        definition["entrants"] = ["evil:run", "./evil.py:run", *definition["entrants"]]
        if definition_too:
            base.execute("UPDATE facts SET value = ? WHERE name = 'definition'", (json.dumps(definition),))
        base.execute("INSERT OR REPLACE INTO facts VALUES ('source', '\"evil.py\"')")
        for (job,) in base.execute("SELECT name FROM jobs").fetchall():
            name = job.replace("nets.py:Tower", "evil.py:run")
            base.execute("INSERT OR IGNORE INTO jobs VALUES (?)", (name,))
            base.execute(
                "INSERT OR IGNORE INTO trials SELECT ?, position, key, replace(facts, 'nets.py:Tower', 'evil.py:run'), "
                "validation, test FROM trials WHERE job = ?",
                (name, job),
            )
    record = run / "champion" / RECORD_FILE
    record.write_text(json.dumps({**json.loads(record.read_text()), "model": "evil:run", "file": "evil.py"}))
