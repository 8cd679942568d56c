"""The benchmark of the named networks: its invented tasks have the paper's floors, its page is what was recorded."""

import importlib.util
import json
import math
from pathlib import Path
from types import ModuleType

import pytest
import torch

ROOT = Path(__file__).parents[3]


def part(name: str) -> ModuleType:
    """A file of benchmarks/named_networks, which is no part of the package."""
    path = ROOT / "benchmarks" / "named_networks" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"named_networks_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_answering_one_costs_a_sixth_in_the_adding_problem() -> None:
    inputs, targets = part("data").adding_problem(20_000, 50, torch.Generator().manual_seed(0))
    assert inputs.shape == (20_000, 50, 2)
    assert inputs[..., 1].sum(dim=1).eq(2).all()
    assert inputs[:, :25, 1].sum(dim=1).eq(1).all()  # one mark in each half
    torch.testing.assert_close((inputs[..., 0] * inputs[..., 1]).sum(dim=1, keepdim=True), targets)
    error = float((targets - 1.0).square().mean())
    assert error == pytest.approx(part("report").adding_floor(), abs=0.01)
    assert float((targets - 0.9).square().mean()) > error


def test_guessing_the_digits_costs_the_papers_floor_in_copy_memory() -> None:
    steps = 30
    inputs, targets = part("data").copy_memory(2_000, steps, torch.Generator().manual_seed(0))
    assert inputs.shape == (2_000, steps + 20, 10)
    assert (inputs.argmax(dim=2)[:, :10] == targets[:, -10:]).all()
    logits = torch.full((2_000, steps + 20, 10), -100.0)
    logits[:, :-10, 0] = 100.0  # blanks, for sure
    logits[:, -10:, 1:9] = 0.0  # one of eight digits
    cost = float(torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten()))
    assert cost == pytest.approx(part("report").copy_floor(steps), rel=1e-5)
    assert cost == pytest.approx(10 * math.log(8) / 50, rel=1e-5)


def test_the_page_is_what_the_records_say() -> None:
    lines = (ROOT / "benchmarks" / "results" / "networks.jsonl").read_text().splitlines()
    page = (ROOT / "docs" / "benchmarks" / "networks.md").read_text()
    records = [json.loads(line) for line in lines]
    lengths = {"adding": 100, "copy": 200, "adding-600": 600, "copy-1000": 1000}
    assert part("report").page(records, lengths) == page
    records[0]["accuracy"] = 0.123
    assert part("report").page(records, lengths) != page
