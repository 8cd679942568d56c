"""The shapes written in the signatures of networks and stacks are those of the tensors."""

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).with_name("shapes_checked.py")
SECONDS = 600


def test_shapes_in_signatures_hold_in_forward_passes_and_in_small_stacks() -> None:
    paths = [str(PROGRAM.parents[1]), *filter(None, sys.path)]
    # Without the compiled code, in which no signature could be checked.
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "BAKEOFF_NATIVE": "0"}
    done = subprocess.run(
        [sys.executable, str(PROGRAM)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == ["import_checked", "wrong_shapes_are_seen", "forwards", "stacks"]
