"""Where a comparison trains its networks: the faster device, found by timing each network on both, or the named one.

There is no GPU here; torch's `meta` device, on which tensors have no values, stands for one that is only timed.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from bakeoff.data.load import load
from bakeoff.errors import OptionError
from bakeoff.models import card
from bakeoff.study import protocol
from bakeoff.study.comparison.compare import compare
from bakeoff.study.comparison.settings import ComparisonSettings
from bakeoff.study.design.entrants import Entrant, Profile
from bakeoff.study.results.store import Store
from bakeoff.study.workers import tasks as worker_tasks
from bakeoff.study.workers.executor import TaskContext
from bakeoff.study.workers.requests import ProfileRequest
from bakeoff.study.workers.shared_dataset import share
from bakeoff.train import device
from bakeoff.train.stacked import fit_stack
from bakeoff.train.tensors import TrainingData
from examples import study_of


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Profile]:
    """Profiles an MLP on iris where a step takes so many seconds on each device; an error there is raised."""
    dataset = share(load("iris"), tmp_path)
    monkeypatch.setattr(worker_tasks, "set_up_torch", lambda: None)  # it is for a worker's whole process

    def found(*, reproducible: bool = False, asked: str = "auto", **seconds: float | Exception) -> Profile:
        def seconds_per_step(build: object, data: TrainingData, width: int) -> float:
            spent = seconds[data.device.type]
            if isinstance(spent, Exception):
                raise spent
            return spent * width

        monkeypatch.setattr(fit_stack, "seconds_per_step", seconds_per_step)
        monkeypatch.setattr(device, "rivals", lambda name: ("cpu", "meta") if name == "auto" else (name,))
        monkeypatch.setattr(device, "describe", lambda name: "" if name == "cpu" else f"torch on {name}")
        entrant = Entrant(
            name="mlp", kind="network", family="mlp", settings=(0.01,), card=card("mlp"), device=asked
        )
        request = ProfileRequest(dataset=dataset, entrant=entrant, reproducible=reproducible)
        return worker_tasks.profile(request, TaskContext())

    return found


def test_the_faster_device_is_taken_and_its_time_is_the_profiles(profile: Callable[..., Profile]) -> None:
    fast = profile(cpu=0.01, meta=0.001)
    assert (fast.device, fast.seconds_per_step, fast.operators) == ("meta", 0.001, "torch on meta")
    slow = profile(cpu=0.001, meta=0.01)
    assert (slow.device, slow.seconds_per_step) == ("cpu", 0.001)
    assert "meta" not in slow.operators


def test_a_device_that_fails_leaves_the_network_to_the_cpu(profile: Callable[..., Profile]) -> None:
    assert profile(cpu=0.01, meta=RuntimeError("out of memory")).device == "cpu"


def test_what_is_expensive_on_the_other_device_is_not_timed_on_the_cpu(
    profile: Callable[..., Profile],
) -> None:
    assert (
        profile(cpu=AssertionError("it was timed"), meta=2 * protocol.EXPENSIVE_STEP_SECONDS).device == "meta"
    )


def test_a_device_that_was_named_is_the_only_one(profile: Callable[..., Profile]) -> None:
    assert profile(asked="cpu", cpu=0.1).device == "cpu"
    with pytest.raises(RuntimeError, match="out of memory"):
        profile(asked="meta", meta=RuntimeError("out of memory"))


def test_without_a_clock_no_timing_decides(
    profile: Callable[..., Profile], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert profile(reproducible=True, cpu=0.1, meta=0.001).device == "cpu"
    monkeypatch.setattr(worker_tasks, "GPU_STEP_FLOPS", 100)
    assert profile(reproducible=True, cpu=0.001, meta=0.1).device == "meta"


def test_a_device_that_is_not_there_is_refused_before_anything_begins(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="no device called 'gpu'"):
        compare("iris", ComparisonSettings(models=["linear"], device="gpu", out=tmp_path))
    if not torch.cuda.is_available():
        with pytest.raises(OptionError, match="no 'cuda' device"):
            compare("iris", ComparisonSettings(models=["linear"], device="cuda", out=tmp_path))
    assert not list(tmp_path.iterdir())


def test_a_run_of_another_device_is_another_run() -> None:
    assert study_of().to_json() != study_of(device="cpu").to_json()


@pytest.mark.gpu
@pytest.mark.skipif(
    not torch.cuda.is_available(), reason="no CUDA device here: comparisons on a GPU are not tested"
)
def test_a_comparison_on_a_gpu_ends_as_one_on_the_cpu(tmp_path: Path) -> None:
    options = {"budget_seconds": None, "steps": 60, "seeds": 1}
    found = [
        compare(
            "iris",
            ComparisonSettings(
                models=["linear", "mlp", "transformer"], device=place, out=tmp_path / place, **options
            ),
        )
        for place in ("cpu", "cuda")
    ]
    for name in ("linear", "mlp", "transformer"):
        on_cpu, on_gpu = (one.entrant(name) for one in found)
        assert on_gpu.judged
        assert on_gpu.score == pytest.approx(on_cpu.score, abs=0.07)
    plan = Store(found[1].folder).fact("plan")
    assert {facts["device"] for facts in plan["profiles"].values()} == {"cuda"}
    assert "torch on" in found[1].environment["operators"]
