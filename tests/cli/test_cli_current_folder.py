"""Code that lies beside the data is not run: not by the command, not by its workers, not by any process they start."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

#: What a beginner calls a file of his own, and what the program, its workers and their watchers import.
NAMES = """
random joblib token torch numpy typing enum re copyreg signal pickle threading subprocess multiprocessing tempfile
argparse logging queue ctypes json ast typer rich polars sklearn scipy safetensors narwhals
"""
PROGRAM = "import sys; from bakeoff.cli.main import main; main()"
COMMANDS = {
    "bakeoff": [sys.executable, "-P", "-c", PROGRAM],  # as the script that an installation makes
    "python -m bakeoff": [sys.executable, "-m", "bakeoff"],
}
COMPARE = (
    "--models",
    "mlp",
    "--budget",
    "none",
    "--workers",
    "1",
    "--steps",
    "20",
    "--seeds",
    "1",
    "--no-why",
    "--json",
    "o.json",
)


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder of modules that write down who imported them, and fail."""
    folder = tmp_path / "data"
    folder.mkdir()
    for name in NAMES.split():
        (folder / f"{name}.py").write_text(
            f"import os\nopen({str(folder)!r} + '/RAN', 'a').write('{name}\\n')\nraise SystemExit('{name} was run')\n"
        )
    rows = "".join(f"{i % 7},{i % 5},{'ab'[i % 2]}\n" for i in range(120))
    (folder / "flowers.csv").write_text("one,two,kind\n" + rows)
    return folder


def run(command: list[str], cwd: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    variables |= {"BAKEOFF_CACHE": str(cwd.parent / "cache"), "BAKEOFF_NATIVE": "0", **environment}
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=240, check=False, env=variables
    )


def ran(folder: Path) -> set[str]:
    return set((folder / "RAN").read_text().split()) if (folder / "RAN").exists() else set()


@pytest.mark.parametrize(
    "command",
    ["bakeoff", pytest.param("python -m bakeoff", marks=pytest.mark.slow)],  # which the next test runs
)
def test_a_comparison_runs_no_file_that_lies_beside_the_data(hostile: Path, command: str) -> None:
    done = run([*COMMANDS[command], "compare", "flowers.csv", "--target", "kind", *COMPARE], hostile)
    assert ran(hostile) == set()
    assert done.returncode == 0, done.stderr
    assert json.loads((hostile / "o.json").read_text())["entrants"]


def test_a_network_of_ones_own_is_found_there_and_nothing_else_is(hostile: Path) -> None:
    (hostile / "my_networks.py").write_text(
        "import random, sys\nfrom torch import nn\n"
        "open('PATH', 'a').write(f'{sys.path.index(__file__[:-15])} {len(sys.path) - 1}\\n')\n"
        "def small(schema): return nn.Linear(schema.input.features, schema.outputs)\n"
    )
    options = ("--models", "my_networks:small", *COMPARE[2:])
    done = run(
        [*COMMANDS["python -m bakeoff"], "compare", "flowers.csv", "--target", "kind", *options], hostile
    )
    assert ran(hostile) == set()
    assert done.returncode == 0, done.stderr
    own = [one for one in json.loads((hostile / "o.json").read_text())["entrants"] if ":" in one["name"]]
    assert [(one["name"], one["judged"]) for one in own] == [("my_networks:small", True)]
    places = [line.split() for line in (hostile / "PATH").read_text().splitlines()]
    assert len(places) >= 2, "in this process and in a worker"
    assert all(place == last for place, last in places), "the current folder stands last"


NOTEBOOK = """
import sys
import random, token, numpy, torch, joblib, ctypes, typing  # a notebook's kernel is loaded before it opens a folder
from bakeoff.study.workers.local import LocalExecutor
sys.path.insert(0, {first!r})

def path(request, context):
    import sys
    import random
    return sys.path, random.__file__

before = list(sys.path)
pool = LocalExecutor(workers=1)
pool.submit(path, None, payload="path")
((_, found),) = pool.finished(60)
pool.close()
assert sys.path == before, "the user's own path is as it was"
assert "PYTHONSAFEPATH" not in __import__("os").environ
worker, place = found
print(worker.index({folder!r}), len(worker) - 1)
print(place)
"""


@pytest.mark.parametrize(
    "first", ["", *(pytest.param(f, marks=pytest.mark.slow) for f in ("the folder", "."))]
)
def test_workers_of_a_notebook_search_its_folder_last(hostile: Path, first: str) -> None:
    first = str(hostile) if first == "the folder" else first
    program = NOTEBOOK.format(first=first, folder=str(hostile))
    done = run([sys.executable, "-P", "-c", program], hostile)
    assert ran(hostile) == set()
    assert done.returncode == 0, done.stderr
    index_and_last, place = done.stdout.splitlines()
    index, last = index_and_last.split()
    assert index == last
    assert not place.startswith(str(hostile))


def test_the_build_and_the_probes_run_no_file_that_lies_beside_the_data(hostile: Path) -> None:
    program = (
        "import subprocess\nimport torch\nfrom bakeoff.train.kernels import compilation\n"
        "from bakeoff.train.single import precision\n"
        "print(precision.try_precision('cpu', torch.bfloat16).reason)\n"
        "def start(command, **how):\n"  # the same build, with the test's own right of way
        "    module = command[command.index('-m') + 1]\n"
        "    code = 'import os, runpy; os.nice = int; runpy.run_module(%r, run_name=\"__main__\")' % module\n"
        "    subprocess.run([*command[:command.index('-m')], '-c', code], env=how['env'], check=True)\n"
        "compilation.subprocess = type('Starter', (), {**vars(subprocess), 'Popen': staticmethod(start)})\n"
        "compilation.begin_build()\n"
        "print(compilation.is_wanted())\n"
    )
    quick = hostile.parent / "quick-cc"  # without optimising: one second instead of twenty
    quick.write_text('#!/bin/sh\nexec cc "$@" -O0\n')
    quick.chmod(0o700)
    done = run([sys.executable, "-P", "-c", program], hostile, BAKEOFF_NATIVE="1", CC=str(quick))
    assert ran(hostile) == set()
    assert done.stdout.split("\n")[-2] == "False", done.stdout + done.stderr
    assert "status" not in done.stdout, "the trial of half precision did not fail"


def test_an_empty_entry_of_pythonpath_is_nothing_to_a_child_and_a_named_folder_stays(tmp_path: Path) -> None:
    program = (
        "import os, subprocess, sys\nfrom bakeoff.system import processes\n"
        "ask = processes.command('-c', 'import sys; print(sys.path)')\n"
        "print(subprocess.run(ask, env=processes.environment(), capture_output=True, text=True).stdout)"
    )
    source = str(Path(__file__).parents[2] / "src")
    for named, expected in (
        ("", False),
        ("named", True),
    ):  # `PYTHONPATH=$PYTHONPATH:folder` makes an empty one
        place = tmp_path / "named"
        place.mkdir(exist_ok=True)
        path = os.pathsep.join(["", str(place) if named else "", source])
        done = run([sys.executable, "-P", "-c", program], place, PYTHONPATH=path)
        assert (str(place) in done.stdout) is expected, done.stderr
        assert source in done.stdout
