"""Forecasts of memory against what PyTorch's profiler saw allocated, in a fresh process."""

import json
import subprocess
import sys

import pytest
import torch
from torch import nn

from bakeoff.cost import cost_of
from cost_cases_loader import held_memory

#: Within so much of what was held: the goal of the project.
TOLERANCE = 0.10


def _held(*jobs: tuple[str, str]) -> list[dict[str, int]]:
    command = [sys.executable, "-W", "ignore", held_memory.__file__, *map(":".join, jobs)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=240, check=True)
    return [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]


def _check(*jobs: tuple[str, str]) -> None:
    for (name, optimiser), held in zip(jobs, _held(*jobs), strict=True):
        make, shape = held_memory.NETWORKS[name]
        forecast = cost_of(make(), held_memory.inputs_of(shape))
        assert forecast.peak_training_bytes[optimiser] == pytest.approx(held["training"], rel=TOLERANCE), name
        assert forecast.peak_inference_bytes == pytest.approx(held["inference"], rel=TOLERANCE), name


def test_memory_is_within_ten_percent_of_what_was_held() -> None:
    # The long sequence runs on the fast path of attention, which keeps all scores.
    _check(("residual", "sgd"), ("lstm", "momentum"), ("decoder", "adam"), ("gru", "sgd"), ("long", "sgd"))


@pytest.mark.slow
@pytest.mark.parametrize("optimiser", held_memory.OPTIMISERS)
@pytest.mark.parametrize("name", held_memory.NETWORKS)
def test_memory_of_every_family_and_optimiser(name: str, optimiser: str) -> None:
    _check((name, optimiser))


def test_there_are_more_than_ten_networks() -> None:
    assert len(held_memory.NETWORKS) >= 10


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", ["mlp", "cnn", "residual", "transformer"])
def test_training_memory_on_a_gpu(name: str) -> None:
    make, shape = held_memory.NETWORKS[name]
    forecast = cost_of(make(), held_memory.inputs_of(shape)).peak_training_bytes["adam"]
    network, x = make().cuda(), held_memory.inputs_of(shape).cuda()
    optimiser = torch.optim.Adam(network.parameters())
    for _ in range(3):
        optimiser.zero_grad(set_to_none=True)
        torch.cuda.reset_peak_memory_stats()
        output = network(x)
        output.backward(torch.empty_like(output))
        optimiser.step()
    assert forecast == pytest.approx(torch.cuda.max_memory_allocated(), rel=TOLERANCE)


def test_an_mlp_by_hand() -> None:
    # Linear(64, 128), ReLU (its output is kept), Linear(128, 10); batch 32, float32.
    cost = cost_of(nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10)), (32, 64))
    parameters = 4 * (64 * 128 + 128 + 128 * 10 + 10)
    assert cost.parameter_bytes == parameters
    assert cost.activation_bytes == 4 * 32 * (128 + 10)
    # Forward: parameters, input, both sides of the ReLU.
    assert cost.peak_inference_bytes == parameters + 4 * 32 * (64 + 128 + 128)
    # Adam keeps two values for each parameter; its step holds gradients and two copies of the largest parameter.
    assert cost.peak_training_bytes["momentum"] - cost.peak_training_bytes["sgd"] == parameters
    assert cost.peak_training_bytes["adam"] >= 4 * parameters + 4 * 32 * 64


def test_gradient_checkpointing_keeps_less_and_works_more() -> None:
    class Checkpointed(nn.Sequential):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for layer in self:
                x = torch.utils.checkpoint.checkpoint(layer, x, use_reentrant=False)
            return x

    def block() -> nn.Module:
        return nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 64))

    plain = cost_of(nn.Sequential(*(block() for _ in range(4))), (128, 64))
    checkpointed = cost_of(Checkpointed(*(block() for _ in range(4))), (128, 64))
    assert checkpointed.flops == plain.flops
    assert checkpointed.activation_bytes < plain.activation_bytes / 3
    assert checkpointed.training_flops > plain.training_flops + 0.5 * plain.flops


def test_attention_without_dropout_keeps_no_scores() -> None:
    network = nn.MultiheadAttention(32, 2, batch_first=True)
    x = torch.empty(1, 512, 32, device="meta")
    quiet = cost_of(network, x, x, x, keyword_inputs={"need_weights": False}).activation_bytes
    network.dropout = 0.1
    noisy = cost_of(network, x, x, x, keyword_inputs={"need_weights": False}).activation_bytes
    assert quiet < 2 * 512 * 512 * 4 < noisy
