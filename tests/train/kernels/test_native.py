"""The compiled path itself: it is there where a compiler is, it is right in float32, and it can be turned off."""

import os
import shutil
import subprocess
import sys

import pytest
import torch

from bakeoff.train.kernels import native, operators

needs_compiled = pytest.mark.skipif(
    not native.available(), reason=f"no compiled operators: {native.describe()}"
)


@pytest.mark.skipif(
    shutil.which("cc") is None or os.environ.get("BAKEOFF_NATIVE") == "0",
    reason="no C compiler, or turned off",
)
def test_where_there_is_a_compiler_the_operators_are_compiled() -> None:
    assert native.available(), native.describe()
    assert native.describe().startswith("compiled (")


def test_the_compiled_path_can_be_turned_off_and_says_so() -> None:
    program = "from bakeoff.train.kernels import native; print(native.available(), native.describe())"
    environment = os.environ | {"BAKEOFF_NATIVE": "0"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.strip() == "False pure torch (BAKEOFF_NATIVE=0)"


@needs_compiled
@pytest.mark.parametrize("shape", [(1, 1, 1), (13, 33, 70), (12, 32, 400), (100, 10, 100), (5, 200, 900)])
def test_compiled_products_agree_with_torch_in_float32(shape: tuple[int, int, int]) -> None:
    rows, outputs, inputs = shape
    generator = torch.Generator().manual_seed(rows)
    x = torch.randn(1, rows, inputs, generator=generator)
    weight = torch.randn(1, outputs, inputs, generator=generator)
    exact = (x[0].double() @ weight[0].double().T)[None]
    error = (operators.linear(x, weight).double() - exact).abs().max()
    assert error <= 4 * (torch.bmm(x, weight.mT).double() - exact).abs().max() + 1e-6
    assert (operators.linear(x, weight * 1.001).double() - exact).abs().max() > error


@needs_compiled
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_compiled_gates_agree_with_torch_in_float32_even_where_they_saturate(cell: str) -> None:
    gates = {"rnn": 1, "lstm": 4, "gru": 3}[cell]
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, 4, 5, 2, generator=generator) * torch.tensor([1e-6, 1.0, 30.0, 1e4]).view(1, 4, 1, 1)
    layer = [torch.randn(1, gates * 7, size, generator=generator) for size in (2, 7)]
    layer += [torch.randn(1, gates * 7, generator=generator) for _ in range(2)]
    mine = operators.recurrent(cell, x, [tuple(layer)])
    theirs = operators.recurrent(cell, x.double(), [tuple(tensor.double() for tensor in layer)])
    torch.testing.assert_close(mine.double(), theirs, rtol=1e-5, atol=2e-6)


@needs_compiled
def test_a_diverged_replica_stays_not_finite_and_harms_no_other() -> None:
    x = torch.randn(2, 3, 6, generator=torch.Generator().manual_seed(1))
    weight = torch.ones(2, 5, 6)
    x[1, 0, 0] = float("nan")
    out = operators.linear(x, weight, torch.zeros(2, 5), relu=True)
    assert out[0].isfinite().all()
    assert out[1, 0].isnan().all()
    assert out[1, 1:].isfinite().all()


@needs_compiled
def test_the_compiled_library_does_not_change_the_process_arithmetic() -> None:
    """-ffast-math would have switched the whole process to flushing subnormal numbers to zero."""
    assert native.available()
    assert (torch.tensor(1e-39) * 0.5).item() > 0


@needs_compiled
def test_the_loss_of_infinite_logits_is_not_finite() -> None:
    logits = torch.tensor([[[float("nan"), 0.0]], [[1.0, 0.0]]])
    losses = operators.cross_entropy(logits, torch.zeros(2, 1, dtype=torch.int64))
    assert losses[0].isnan()
    assert losses[1].isfinite()
