"""Ctrl-C is one word and a status at any moment, the first ones too."""

import os
import subprocess
import sys

import pytest

#: Runs the command line; Ctrl-C comes while the module in the place of {module} is imported.
PROGRAM = """
import os, runpy, signal, sys, time

class Interrupting:
    def find_spec(self, name, *rest):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.1)

sys.meta_path.insert(0, Interrupting())
sys.argv = ["bakeoff", "models"]
runpy.run_module("bakeoff", run_name="__main__")
"""


@pytest.mark.parametrize("module", ["typer", "bakeoff.cli.compare"])
def test_ctrl_c_while_the_commands_are_imported_is_one_word(module: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM.format(module=module)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr) == (130, "bakeoff: Stopped.\n")


def test_ctrl_c_while_a_command_imports_what_it_needs_is_no_traceback() -> None:
    ended = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM.format(module="bakeoff.models")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 130
    assert "Traceback" not in ended.stderr


def test_whoever_ignores_ctrl_c_keeps_ignoring_it() -> None:
    """As in a script that was started with `nohup` or `&`."""
    program = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n" + PROGRAM.format(module="typer")
    ended = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, text=True, timeout=60, env={**os.environ}
    )
    assert ended.returncode == 0
    assert "mlp" in ended.stdout
