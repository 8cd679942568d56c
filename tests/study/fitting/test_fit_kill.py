"""A fit that was killed goes on, when the same call is made again, to the same weights to the last bit."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import torch

import bakeoff
from bakeoff.study.fitting.result import Fit
from bakeoff.study.results.run_folder import RunFolder
from bakeoff.train.single.checkpoint import load_checkpoint, save_checkpoint

#: Dropout, shifted images, mixup and the moving average all draw on or carry state from step to step.
CALL = {
    "data": "digits",
    "model": "lenet5",
    "epochs": 3,
    "learning_rate": 1e-3,
    "augment": "crop,mixup",
    "precision": "float32",
    "threads": 1,
    "save_seconds": 0.0,
}
_CHILD = "import sys, json, bakeoff; bakeoff.fit(**json.loads(sys.argv[1]))"


def _fit(out: Path, **changed: object) -> Fit:
    return bakeoff.fit(**{**CALL, "out": str(out), **changed})


def _steps_saved(path: Path) -> int:
    found = load_checkpoint(path)
    return 0 if found is None else found[1]["training"]["run"]["steps_done"]


def _kill_when_some_steps_are_saved(out: Path) -> int:
    """Start the fit in a process of its own and kill it in the middle; the number of steps in its last checkpoint."""
    call = json.dumps({**CALL, "out": str(out)})
    child = subprocess.Popen([sys.executable, "-c", _CHILD, call], env=os.environ)
    path = RunFolder(out / "digits-lenet5").checkpoint
    deadline = time.monotonic() + 60
    while _steps_saved(path) == 0 and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL, "the child must not have ended by itself"
    return _steps_saved(path)


def _spoil(path: Path) -> None:
    """Put another state of the random numbers into a checkpoint."""
    tensors, facts = load_checkpoint(path) or ({}, {})
    tensors["random.0"] = torch.Generator().manual_seed(5).get_state()
    save_checkpoint(path, tensors, facts)


def test_after_a_kill_the_same_call_ends_in_the_same_weights_to_the_last_bit(tmp_path: Path) -> None:
    steps = _kill_when_some_steps_are_saved(tmp_path / "killed")
    shutil.copytree(tmp_path / "killed", tmp_path / "spoiled")
    resumed, whole = _fit(tmp_path / "killed"), _fit(tmp_path / "whole")
    assert 0 < steps < whole.recipe.steps
    assert resumed.resumed
    assert not whole.resumed
    assert resumed.folder.name == whole.folder.name == "digits-lenet5"
    for name, tensor in whole.fitted.weights.items():
        assert torch.equal(resumed.fitted.weights[name], tensor), name
    assert [m.validation_loss for m in resumed.history] == [m.validation_loss for m in whole.history]
    assert resumed.scores == whole.scores
    _spoil(RunFolder(tmp_path / "spoiled" / "digits-lenet5").checkpoint)
    spoiled = _fit(tmp_path / "spoiled")  # the proof can fail: other random numbers, other weights
    assert spoiled.resumed
    assert [m.validation_loss for m in spoiled.history] != [m.validation_loss for m in whole.history]
    again = _fit(tmp_path / "whole")  # a finished run is read, not trained again
    assert again.resumed
    assert again.history == whole.history
    other = _fit(tmp_path / "whole", seed=1, epochs=1)
    assert other.folder.name == "digits-lenet5-2"
    assert not all(torch.equal(other.fitted.weights[n], t) for n, t in whole.fitted.weights.items())
