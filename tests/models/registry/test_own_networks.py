"""Networks of one's own by the name of their file or module; whatever their code raises is one sentence."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from bakeoff import models
from bakeoff.data.schema import Classes, Schema, Table
from bakeoff.errors import ModelError, OptionError
from bakeoff.models.registry.card import ModelCard

ROWS = Schema(input=Table(features=8), target=Classes(names=("a", "b", "c", "d")))
NETWORKS = """
import sys
from torch import nn
from beside import WIDTH

runs = sys.__dict__.setdefault("runs_of_nets", [])
runs.append(__file__)


class Tower(nn.Module):
    def __init__(self, schema, hidden=WIDTH):
        super().__init__()
        self.first = nn.Linear(schema.input.features, hidden)
        self.last = nn.Linear(hidden, schema.outputs)

    def forward(self, x):
        return self.last(self.first(x))


def plain():
    return nn.Linear(8, 4)


def ends():
    sys.exit("not today")


def fails(schema):
    raise ValueError("of what?\\nnobody knows")


def gives_words():
    return "a network"


built = nn.Linear(8, 4)
number = 3
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command is typed; the path and the modules are as before afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "runs_of_nets", [], raising=False)
    for place in (tmp_path, tmp_path / "sub"):
        place.mkdir(exist_ok=True)
        (place / "nets.py").write_text(NETWORKS)
        (place / "beside.py").write_text("WIDTH = 5\n")
    monkeypatch.delitem(sys.modules, "beside", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    "name", ["nets.py:Tower", "./nets.py:Tower", "sub/nets.py:Tower", "{folder}/nets.py:Tower"]
)
def test_a_network_is_named_by_its_file_from_wherever_that_is(name: str, folder: Path) -> None:
    name = name.format(folder=folder)
    card = models.card(name)
    assert card.name == name.removeprefix("./")
    assert card.file == str((folder / name.rpartition(":")[0]).resolve())
    network = models.build(card, ROWS, seed=0)
    assert network(torch.zeros(2, 8)).shape == (2, 4)
    assert network.first.out_features == 5, "the module beside the file is found"
    assert models.build(card, ROWS, seed=0, hidden=7).first.out_features == 7


def test_a_file_is_run_once_and_again_where_it_was_changed(folder: Path) -> None:
    models.card("nets.py:Tower")
    models.card("./nets.py:plain")
    assert len(sys.runs_of_nets) == 1  # type: ignore[attr-defined]
    (folder / "nets.py").write_text(NETWORKS.replace("nn.Linear(8, 4)\n", "nn.Linear(8, 3)\n"))
    assert models.build("nets.py:plain", ROWS).out_features == 3


def test_the_folder_of_a_file_stands_last_so_that_it_hides_no_module(folder: Path) -> None:
    (folder / "json.py").write_text("raise RuntimeError('the wrong json')\n")
    models.card("nets.py:Tower")
    assert sys.path[-1] == str(folder)
    program = "import bakeoff.models; bakeoff.models.card('nets.py:Tower'); import json; print(json.__file__)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True, cwd=folder
    )
    assert str(folder) not in done.stdout


def test_another_process_runs_the_same_file_from_another_folder(folder: Path) -> None:
    packed = folder / "card.pickle"
    packed.write_bytes(pickle.dumps(models.card("sub/nets.py:Tower")))
    program = (
        "import pickle, sys; from pathlib import Path; from bakeoff import models\n"
        "from bakeoff.data.schema import *\n"
        "card = pickle.loads(Path(sys.argv[1]).read_bytes())\n"
        "schema = Schema(input=Table(features=8), target=Classes(names=('a', 'b')))\n"
        "print(card.name, models.build(card, schema, seed=0))"
    )
    (folder / "sub" / "beside.py").write_text("WIDTH = 6\n")
    done = subprocess.run(
        [sys.executable, "-P", "-c", program, str(packed)],
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
    )
    assert done.stdout.startswith("sub/nets.py:Tower Tower(")
    assert "out_features=6" in done.stdout


@pytest.mark.parametrize(
    ("name", "match"),
    [
        (":Tower", r"^':Tower' names no file or module before the colon: write file\.py:NAME"),
        ("nets:", r"^'nets:' names nothing after the colon: write file\.py:NAME"),
        ("nets.py:", r"names nothing after the colon"),
        (":", r"names no file or module before the colon"),
        (".nets:Tower", r"^'\.nets:Tower' names '\.nets', which is neither a file nor a module"),
        ("a b:Tower", r"neither a file nor a module"),
        ("a\0b.py:Tower", r"names no file \(embedded null"),
        ("nets.py:Tower.forward", r"'Tower\.forward', which is no name of a class or function"),
        ("nope.py:Tower", r"nope\.py' is not there; write file\.py:NAME"),
        ("./nets:Tower", r"nets' is not there; write file\.py:NAME"),
        ("./sub:Tower", r"sub' is a folder; write"),
        ("./beside.txt:Tower", r"does not end in \.py"),
        (
            "nowhere_at_all:Tower",
            r"cannot be imported \(ModuleNotFoundError: No module named 'nowhere_at_all'\)",
        ),
        ("nets.py:Towr", r"nets\.py holds no 'Towr'\. Did you mean 'Tower'\?"),
        (
            "nets.py:built",
            r"is a network that is built already \(Linear\), and each seed needs a fresh one: name its",
        ),
        ("nets.py:number", r"is a int, not a class or function that makes an nn\.Module"),
    ],
)
def test_a_name_that_leads_nowhere_is_one_sentence(name: str, match: str, folder: Path) -> None:
    (folder / "beside.txt").write_text("")
    with pytest.raises(ModelError, match=match) as caught:
        models.card(name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("form", ["{}.py:f", "{}:f"])
@pytest.mark.parametrize(
    ("code", "match"),
    [
        (
            "def f(:\n    pass\n",
            r"wrong\d+\.py, line 1 is not valid Python \(invalid syntax\); mend that line",
        ),
        ("x = 1\n  y = 2\n", r"line 2 is not valid Python \(unexpected indent\)"),
        (
            "import sys\nsys.exit('usage: DATA OUT')\n",
            r"ends the program while it is imported, with the words 'usage: D",
        ),
        ("raise SystemExit\n", r"ends the program while it is imported; put what is to run"),
        ("1 / 0\n", r"its code fails with ZeroDivisionError: division by zero; mend it there"),
        ("raise BaseException('odd')\n", r"its code fails with BaseException: odd"),
        (
            "import not_installed_anywhere\n",
            r"needs the module 'not_installed_anywhere', which Python does not find",
        ),
        (
            "from torch import no_such_thing\n",
            r"its code fails with ImportError: cannot import name 'no_such_thing'",
        ),
        ("from . import beside\n", r"relative import.*named as package\.module:NAME"),
        ("open('no such file')\n", r"its code fails with FileNotFoundError"),
        ("def g(): g()\ng()\n", r"its code fails with RecursionError"),
        ("assert False\n", r"its code fails with AssertionError; mend"),
    ],
)
def test_whatever_code_raises_while_it_is_imported_is_one_sentence(
    code: str, match: str, form: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(folder))
    name = f"wrong{abs(hash((code, form)))}"
    (folder / f"{name}.py").write_text(code)
    with pytest.raises(ModelError, match=match) as caught:
        models.card(form.format(name))
    assert "\n" not in str(caught.value)


def test_a_person_who_presses_ctrl_c_is_heard(folder: Path) -> None:
    (folder / "slow.py").write_text("raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        models.card("slow.py:f")


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("nets.py:ends", r"factory 'nets\.py:ends' failed with sys\.exit\('not today'\)"),
        (
            "nets.py:fails",
            r"failed with ValueError: of what\?: it is called with the schema of the data and returns",
        ),
        ("nets.py:gives_words", r"returned a str, not an nn\.Module: name a class of networks"),
    ],
)
def test_whatever_a_factory_raises_is_one_sentence(name: str, match: str, folder: Path) -> None:
    with pytest.raises(ModelError, match=match) as caught:
        models.build(name, ROWS)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("mlp@32", ("mlp", 32)),
        ("nets.py:Tower@8", ("nets.py:Tower", 8)),
        ("/home/me@work/nets.py:Tower", ("/home/me@work/nets.py:Tower", None)),
        ("/home/me@work/nets.py:Tower@4", ("/home/me@work/nets.py:Tower", 4)),
        ("mlp", ("mlp", None)),
    ],
)
def test_a_width_stands_after_the_last_at_sign(text: str, parts: tuple[str, int | None]) -> None:
    assert models.name_and_width(text) == parts


@pytest.mark.parametrize("text", ["mlp@", "mlp@wide", "mlp@-1", "mlp@0", "mlp@²", "mlp@" + "9" * 5000])
def test_a_width_that_is_no_whole_number_above_zero_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="is no width: give a whole number"):
        models.name_and_width(text)


def test_a_registered_network_may_have_a_colon_in_its_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a record that names it would import a module of the first half of the name."""
    monkeypatch.setattr(models._registry, "_cards", dict(models.catalogue()))
    mine = ModelCard(
        name="nets:plain",
        family="user",
        year=0,
        paper="",
        summary="",
        biases=(),
        build=lambda schema, width: None,
    )
    models.register(mine)
    assert models.card("nets:plain") is mine
    assert models.recorded("nets:plain", where="here") is mine
    assert "nets" not in sys.modules or not os.path.samefile(
        sys.modules["nets"].__file__ or "/", folder / "nets.py"
    )
