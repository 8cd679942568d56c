"""One training with the whole machine: the same training as alone, its seams, and going on where it stopped."""

import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bakeoff.errors import BakeoffWarning, OptionError
from bakeoff.models import build as build_network
from bakeoff.train.device import choose_device
from bakeoff.train.kernels import compilation
from bakeoff.train.recipe import Recipe, Replica
from bakeoff.train.single import precision
from bakeoff.train.single.placement import Placement
from bakeoff.train.single.run import SingleTraining
from bakeoff.train.stacked.fit_stack import fit_stack
from bakeoff.train.tensors import Batch, TrainingData
from examples import made_up
from train.plain_training import train_alone

CPU = Placement(device=torch.device("cpu"), threads=1)
REPLICA = Replica(learning_rate=1e-3, seed=0, examples=80)
RECIPE = Recipe(steps=30, batch_size=32, evaluations=3, schedule="cosine")
IMAGES = made_up("image")


def cnn(seed: int) -> nn.Module:
    return build_network("cnn", IMAGES.schema, width=4, seed=seed)


class Dropped(nn.Module):
    """A network whose training draws random numbers."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.layers = nn.Sequential(
                nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 3)
            )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


@pytest.mark.parametrize("resident_bytes", [2**20, 0])
def test_a_single_run_is_the_plain_training_and_the_replica_of_a_stack(resident_bytes: int) -> None:
    data = TrainingData(IMAGES, dtype=torch.float64, resident_bytes=resident_bytes)
    found = SingleTraining(lambda seed: cnn(seed).double(), data, REPLICA, RECIPE, placement=CPU).run()
    alone = train_alone(cnn, IMAGES, REPLICA, RECIPE, torch.float64)
    (stacked,) = fit_stack(cnn, data, [REPLICA], RECIPE, stack_size=1)
    assert (found.state, found.best_step, found.steps_done) == (stacked.state, stacked.best_step, 30)
    np.testing.assert_allclose(
        [loss for _, loss in found.history], [loss for _, loss in stacked.history], atol=1e-12
    )
    np.testing.assert_allclose(found.test_outputs, stacked.test_outputs, atol=1e-6)
    assert found.best_step == 30
    for name, tensor in alone.state_dict().items():
        torch.testing.assert_close(found.weights[name], tensor, atol=1e-12, rtol=0)


def test_a_run_that_was_interrupted_goes_on_as_if_it_had_not_been() -> None:
    data = TrainingData(IMAGES)
    whole = SingleTraining(Dropped, data, REPLICA, RECIPE, placement=CPU).run()
    first = SingleTraining(Dropped, data, REPLICA, RECIPE, placement=CPU)
    first.advance(10)
    first.evaluate()
    torch.rand(3)  # somebody else draws in between
    second = SingleTraining(Dropped, data, REPLICA, RECIPE, placement=CPU)
    second.restore(*first.state())
    found = second.run()
    assert found.history == whole.history
    np.testing.assert_array_equal(found.test_outputs, whole.test_outputs)
    other = SingleTraining(
        Dropped, data, Replica(learning_rate=1e-3, seed=1, examples=80), RECIPE, placement=CPU
    ).run()
    assert other.history != whole.history


def test_batches_can_be_changed_and_an_average_of_the_weights_judged() -> None:
    data = TrainingData(IMAGES)
    average, steps = cnn(0), []

    def nothing(batch: Batch, step: int) -> Batch:
        return batch._replace(inputs=torch.zeros_like(batch.inputs))

    def mean(module: nn.Module, step: int) -> None:
        steps.append(step)
        with torch.no_grad():
            for kept, new in zip(average.parameters(), module.parameters(), strict=True):
                kept.lerp_(new, 1 / step)

    run = SingleTraining(
        cnn,
        data,
        REPLICA,
        RECIPE,
        placement=CPU,
        change_batch=nothing,
        after_step=mean,
        judged=lambda: average,
    )
    found = run.run()
    assert steps == list(range(1, 31))
    first = next(iter(found.weights))
    if found.best_step == 30:
        assert torch.equal(found.weights[first], dict(average.state_dict())[first])
    assert not torch.equal(found.weights[first], run.module.state_dict()[first])
    # Blank images teach the first layer nothing: only weight decay moves its weights.
    assert torch.allclose(run.module.state_dict()[first], cnn(0).state_dict()[first], atol=1e-3)


def test_a_run_that_diverges_or_is_out_of_time_says_so() -> None:
    data = TrainingData(IMAGES)
    wild = SingleTraining(
        cnn, data, Replica(learning_rate=1e15, seed=0, examples=80), Recipe(steps=60), placement=CPU
    ).run()
    assert wild.state == "diverged"
    assert wild.steps_done < 60
    late = SingleTraining(cnn, data, REPLICA, RECIPE, placement=CPU).run(deadline=time.monotonic() - 1)
    assert (late.state, late.steps_done, late.test_outputs) == ("stopped", 0, None)


def test_threads_are_put_back_after_a_run() -> None:
    before = torch.get_num_threads()
    with Placement(device=torch.device("cpu"), threads=before + 1).in_use():
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


def test_unknown_and_missing_devices_are_refused() -> None:
    assert choose_device("cpu").type == "cpu"
    with pytest.raises(OptionError, match="no device called 'gpu'"):
        choose_device("gpu")
    if not torch.cuda.is_available():
        with pytest.raises(OptionError, match="no 'cuda' device"):
            choose_device("cuda")
        assert choose_device("auto").type in ("cpu", "mps")
    with pytest.raises(OptionError, match="no precision called"):
        Placement.choose("cpu", precision="half")


@pytest.mark.parametrize(
    ("program", "works", "reason"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGILL)", False, "SIGILL"),
        ("raise SystemExit(3)", False, "status 3"),
        ('print(\'{"agree": false, "speedup": 9.0}\')', False, "wrong"),
        ('print(\'{"agree": true, "speedup": 2.0}\')', True, "2.00 times"),
    ],
)
def test_a_trial_that_dies_fails_or_errs_is_not_half_precision(
    program: str, works: bool, reason: str
) -> None:
    found = precision.run_trial([sys.executable, "-c", program])
    assert found.works == found.pays == works
    assert reason in found.reason


def test_half_precision_that_works_but_is_slower_is_not_taken() -> None:
    found = precision.run_trial([sys.executable, "-c", 'print(\'{"agree": true, "speedup": 0.5}\')'])
    assert found.works
    assert not found.pays


def test_the_trial_is_run_once_a_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path))
    ran = []

    def trial(command: list[str]) -> precision.PrecisionTrial:
        ran.append(command[-2:])
        return precision.PrecisionTrial(works=False, speedup=0.0, reason="The trial was killed (SIGILL).")

    monkeypatch.setattr(precision, "run_trial", trial)
    for _ in range(2):
        precision.try_precision.cache_clear()
        assert not precision.try_precision("cpu", torch.bfloat16).works
    precision.try_precision.cache_clear()
    assert ran == [["cpu", "bfloat16"]]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here: GPU runs are not tested")
@pytest.mark.parametrize("graphs", [False, True])
def test_a_run_on_a_gpu_is_the_run_on_the_cpu_to_rounding(graphs: bool) -> None:
    recipe = Recipe(steps=20, batch_size=40, evaluations=2)
    on_cpu = SingleTraining(cnn, TrainingData(IMAGES), REPLICA, recipe, placement=CPU).run()
    for resident in (2**20, 0):
        data = TrainingData(IMAGES, device="cuda", resident_bytes=resident)
        placement = Placement(device=torch.device("cuda"), graphs=graphs)
        found = SingleTraining(cnn, data, REPLICA, recipe, placement=placement).run()
        np.testing.assert_allclose(found.test_outputs, on_cpu.test_outputs, atol=1e-3)


@pytest.mark.gpu
@pytest.mark.skipif(
    not torch.cuda.is_available(), reason="no CUDA device here: stacks on a GPU are not tested"
)
def test_a_stack_on_a_gpu_is_the_stack_on_the_cpu_to_rounding() -> None:
    recipe = Recipe(steps=20, batch_size=32, evaluations=2)
    on_cpu = fit_stack(cnn, TrainingData(IMAGES), [REPLICA] * 2, recipe, stack_size=2)
    found = fit_stack(cnn, TrainingData(IMAGES, device="cuda"), [REPLICA] * 2, recipe, stack_size=2)
    for one, other in zip(found, on_cpu, strict=True):
        np.testing.assert_allclose(one.test_outputs, other.test_outputs, atol=1e-3)


def test_a_network_that_may_not_be_compiled_is_trained_without_and_that_is_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(compilation, "torch_compiles_in_private", lambda: False)
    data = TrainingData(IMAGES)
    with pytest.warns(BakeoffWarning, match="not compiled: others can write into the folder"):
        trained = SingleTraining(cnn, data, REPLICA, RECIPE, placement=replace(CPU, compile=True)).run()
    assert trained.history == SingleTraining(cnn, data, REPLICA, RECIPE, placement=CPU).run().history
