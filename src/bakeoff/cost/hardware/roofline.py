"""How fast a machine could be at best, and the bound on time that follows for a network (the roofline).

Source: Williams, Waterman, Patterson, Roofline, CACM 52(4), 2009: a layer takes at least the larger of its arithmetic
over the machine's peak and its traffic over the memory's bandwidth.
"""

import platform
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch

from bakeoff.cost.record import Cost
from bakeoff.errors import CostError, suggest
from bakeoff.system.cache import cache_folder, read_record, store_record
from bakeoff.system.hardware import processor_name

#: Number formats that are safe to measure, by device. Half precision on a CPU may use instructions that it lacks.
MEASURED_FORMATS = {
    "cpu": ("float32",),
    "cuda": ("float32", "float16", "bfloat16"),
    "mps": ("float32", "float16"),
}

#: Rows and columns of the matrices that are multiplied to measure a device: large enough to reach its best rate, and
#: on a CPU small enough for a tenth of a second.
_MATRIX_SIZE = {"cpu": 1024, "cuda": 8192, "mps": 4096}
#: What is copied to measure the bandwidth: more than any cache holds.
_COPY_BYTES = 256 * 2**20
_REPEATS = 7


@dataclass(frozen=True, kw_only=True)
class HardwarePeaks:
    """Peaks of a machine: FLOP/s of matrix products by number format, and bytes a second of its memory."""

    name: str
    source: str
    bandwidth: float
    flops: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class LayerBound:
    """The least time that a layer takes, in seconds, and whether memory is what holds it."""

    name: str
    type: str
    seconds: float
    bound_by_memory: bool


@dataclass(frozen=True, kw_only=True)
class Bound:
    """The least time of a forward pass and of a training step (forward and backward) on a machine, in seconds.

    Each layer is bound by itself; `memory_share` is the part of the forward time in layers that memory holds back.
    """

    machine: str
    number_format: str
    seconds: float
    training_seconds: float
    memory_share: float
    layers: tuple[LayerBound, ...]


def machines() -> dict[str, HardwarePeaks]:
    """The chips whose peaks are published, by name."""
    table = tomllib.loads((files("bakeoff.cost.hardware") / "machines.toml").read_text(encoding="utf-8"))
    return {name: HardwarePeaks(**record) for name, record in table.items()}


def peaks_of(name: str, device: str | None = None) -> HardwarePeaks:
    """A published chip by its name, or, for "this", the machine we run on.

    Raises:
        CostError: there is no such machine.
    """
    if name == "this":
        return this_machine(device)
    known = machines()
    if name not in known:
        raise CostError(f"There is no machine '{name}' in the table. {suggest(name, ['this', *known])}")
    return known[name]


def bound_on(cost: Cost, machine: HardwarePeaks, number_format: str = "float32") -> Bound:
    """The roofline bound for a network.

    Traffic is that of operations run one by one, each reading its inputs and writing its outputs once. A compiler that
    fuses operations, or a cache that holds a whole layer, moves less; then only the arithmetic is a bound.

    Raises:
        CostError: the machine has no peak for this number format.
    """
    if number_format not in machine.flops:
        raise CostError(
            f"There is no peak for {number_format} on {machine.name}. {suggest(number_format, sorted(machine.flops))}"
        )
    peak = machine.flops[number_format]
    layers = []
    for layer in cost.layers:
        arithmetic, memory = layer.flops / peak, layer.traffic_bytes / machine.bandwidth
        layers.append(
            LayerBound(
                name=layer.name,
                type=layer.type,
                seconds=max(arithmetic, memory),
                bound_by_memory=memory > arithmetic,
            )
        )
    total = sum(layer.seconds for layer in layers)
    held = sum(layer.seconds for layer in layers if layer.bound_by_memory)
    return Bound(
        machine=machine.name,
        number_format=number_format,
        seconds=total,
        training_seconds=sum(
            max(layer.training_flops / peak, layer.training_traffic_bytes / machine.bandwidth)
            for layer in cost.layers
        ),
        memory_share=held / total if total else 0.0,
        layers=tuple(layers),
    )


# --- this machine -------------------------------------------------------------------------------------------------


def this_machine(device: str | None = None) -> HardwarePeaks:
    """Peaks of the machine we run on: measured once, then read from the user's cache.

    Args:
        device: "cpu", "cuda" or "mps"; a GPU where there is one, if None.

    Raises:
        CostError: there is no such device.
    """
    kind = device or ("cuda" if torch.cuda.is_available() else "cpu")
    if kind not in MEASURED_FORMATS or (kind == "cuda" and not torch.cuda.is_available()):
        raise CostError(f"There is no device '{kind}' on this machine. {suggest(kind, ['cpu'])}")
    path = _cache_file(kind)
    machine = read_record(path, _usable_peaks)
    if machine is None:
        machine = measure_machine(kind)
        store_record(path, asdict(machine))
    return machine


def measure_machine(device: str) -> HardwarePeaks:
    """Measure the peaks: the best of several large matrix products, and of several copies in memory. Takes seconds."""
    return HardwarePeaks(
        name=_device_name(device),
        source=f"measured with torch {torch.__version__}, {torch.get_num_threads()} threads",
        bandwidth=_measured_bandwidth(device),
        flops={name: _measured_flops(device, getattr(torch, name)) for name in MEASURED_FORMATS[device]},
    )


def _measured_flops(device: str, dtype: torch.dtype) -> float:
    size = _MATRIX_SIZE[device]
    first = torch.ones(size, size, device=device, dtype=dtype)
    second = torch.ones(size, size, device=device, dtype=dtype)
    return 2 * size**3 / _best_seconds(lambda: torch.mm(first, second), device)


def _measured_bandwidth(device: str) -> float:
    source = torch.ones(_COPY_BYTES // 4, device=device)
    target = torch.empty_like(source)
    return 2 * _COPY_BYTES / _best_seconds(lambda: target.copy_(source), device)


def _best_seconds(work: Callable[[], object], device: str) -> float:
    best = float("inf")
    for _ in range(_REPEATS):
        start = time.perf_counter()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - start)
    return best


def _device_name(device: str) -> str:
    if device == "cuda":
        return torch.cuda.get_device_name()
    return f"{processor_name()} ({device})"


def _cache_file(device: str) -> Path:
    name = f"{platform.node()}-{_device_name(device)}-{torch.get_num_threads()}-{torch.__version__}"
    safe = "".join(letter if letter.isalnum() or letter in ".-" else "_" for letter in name)
    return cache_folder() / f"machine-{safe}.json"


def _usable_peaks(record: Mapping[str, Any]) -> HardwarePeaks | None:
    machine = HardwarePeaks(**record)
    return machine if machine.bandwidth > 0 and all(value > 0 for value in machine.flops.values()) else None
