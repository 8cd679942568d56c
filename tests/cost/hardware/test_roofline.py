"""The roofline."""

import json
from pathlib import Path

import pytest
from torch import nn

from bakeoff.cost import cost_of
from bakeoff.cost.hardware import roofline
from bakeoff.cost.hardware.roofline import HardwarePeaks, bound_on, machines, peaks_of, this_machine
from bakeoff.errors import CostError

SLOW_MEMORY = HardwarePeaks(name="m", source="", bandwidth=1.0, flops={"float32": 1e9})
SLOW_ARITHMETIC = HardwarePeaks(name="a", source="", bandwidth=1e12, flops={"float32": 1.0})


def test_the_bound_is_arithmetic_or_traffic_whichever_takes_longer() -> None:
    cost = cost_of(nn.Linear(30, 20), (5, 30))
    assert bound_on(cost, SLOW_ARITHMETIC).seconds == cost.flops == 2 * 5 * 30 * 20 + 5 * 20
    # Input, weight, bias and output, each once.
    assert cost.traffic_bytes == 4 * (5 * 30 + 30 * 20 + 20 + 5 * 20)
    bound = bound_on(cost, SLOW_MEMORY)
    assert bound.seconds == cost.traffic_bytes
    assert bound.memory_share == 1
    assert bound_on(cost, SLOW_ARITHMETIC).memory_share == 0


def test_each_layer_is_bound_by_itself() -> None:
    network = nn.Sequential(nn.Linear(512, 512), nn.ReLU())
    cost = cost_of(network, (512, 512))
    # 2*512 FLOPs and about 12 bytes for each value of the product, 1 FLOP and 8 bytes for each of the ReLU.
    bound = bound_on(cost, HardwarePeaks(name="x", source="", bandwidth=1.0, flops={"float32": 1.0}))
    assert [layer.bound_by_memory for layer in bound.layers] == [False, True]
    assert bound.seconds == pytest.approx(sum(layer.seconds for layer in bound.layers))
    assert bound.seconds > max(cost.flops, cost.traffic_bytes)
    assert bound.training_seconds > bound.seconds


def test_published_peaks_have_sources_and_sane_figures() -> None:
    for entry in machines().values():
        assert entry.source
        assert 1e11 < entry.bandwidth < 1e13
        assert all(1e12 < peak < 1e16 for peak in entry.flops.values())
    assert machines()["h100"].flops["bfloat16"] == pytest.approx(989.4e12)
    assert machines()["h100"].bandwidth == 3.35e12


def test_unknown_machines_and_formats_suggest_known_ones() -> None:
    with pytest.raises(CostError, match="Did you mean 'h100'"):
        peaks_of("h10")
    cost = cost_of(nn.Linear(2, 2), (1, 2))
    with pytest.raises(CostError, match="no peak for int8 on NVIDIA T4"):
        bound_on(cost, peaks_of("t4"), "int8")
    with pytest.raises(CostError, match="no device 'tpu'"):
        this_machine("tpu")


def test_this_machine_is_measured_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path))
    monkeypatch.setitem(roofline._MATRIX_SIZE, "cpu", 256)
    monkeypatch.setattr(roofline, "_COPY_BYTES", 2**22)
    first = this_machine("cpu")
    assert first.flops["float32"] > 1e8
    assert first.bandwidth > 1e8
    monkeypatch.setattr(roofline, "measure_machine", lambda device: pytest.fail("measured again"))
    assert this_machine("cpu") == first


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"name": "x"}', '{"name":"x","source":"","bandwidth":0,"flops":{}}']
)
def test_a_broken_cache_is_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path))
    fresh = HardwarePeaks(name="fresh", source="", bandwidth=1.0, flops={"float32": 1.0})
    monkeypatch.setattr(roofline, "measure_machine", lambda device: fresh)
    this_machine("cpu")
    (path,) = tmp_path.iterdir()
    path.write_text(content)
    assert this_machine("cpu") == fresh
    assert json.loads(path.read_text())["name"] == "fresh"
