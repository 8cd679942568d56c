"""What becomes of a job whose task raised: its trainings failed, unless it was the disk that failed."""

import errno
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from bakeoff.errors import ModelError, StoreError
from bakeoff.study.design.jobs import Job
from bakeoff.study.design.states import TrialState
from bakeoff.study.schedule.runner import results_of
from bakeoff.study.workers.tasks import _write_weights

JOB = cast(Job, SimpleNamespace(trials=(cast(Any, "a trial"),)))


def test_a_network_that_raises_has_failed() -> None:
    (result,) = results_of(JOB, ModelError("no such layer"))
    assert result.state is TrialState.FAILED


def test_a_full_disk_says_nothing_of_the_network_and_is_not_stored() -> None:
    """It was: the network stayed "not judged" for ever, also after there was space again."""
    with pytest.raises(StoreError, match="No space left"):
        results_of(JOB, StoreError("'x' cannot be written (No space left on device): free some space"))


def test_weights_that_cannot_be_written_are_an_error_of_the_store(
    monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    def full(*given: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    trained = cast(Any, SimpleNamespace(weights={"w": torch.zeros(1)}))
    with pytest.raises(StoreError, match="No space left on device"):
        _write_weights(trained, str(tmp_path / "weights.safetensors"))
    assert not list(tmp_path.iterdir())
