"""Whether this hardware computes correctly and faster in half precision: tried in a child process, which it may kill.

Some machines advertise matrix instructions (AMX, AVX512-BF16) and kill the program that uses them with an illegal
instruction. Where they work they may still be slower. So a child process computes a product and a convolution in each
precision, compares the results and measures the times; the result is stored in the user's cache folder.
"""

import functools
import hashlib
import json
import platform
import signal
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from bakeoff.system import processes
from bakeoff.system.cache import cache_folder, read_record, store_record
from bakeoff.system.hardware import processor_facts

#: Half precision is used where the trial is at least this many times as fast.
LEAST_SPEEDUP = 1.15
#: The longest that the trial may take.
PROBE_SECONDS = 60

_TRIAL = """
import json, sys, time
import torch
from torch.nn import functional as F
device, kind = sys.argv[1], getattr(torch, sys.argv[2])
generator = torch.Generator().manual_seed(0)
a, b = (torch.randn(512, 512, generator=generator).to(device).requires_grad_() for _ in range(2))
x = torch.randn(16, 32, 28, 28, generator=generator).to(device).contiguous(memory_format=torch.channels_last)
w = torch.randn(32, 32, 3, 3, generator=generator).to(device).requires_grad_()
def work(half):
    with torch.autocast(device, dtype=kind, enabled=half):
        product, image = a @ b, F.conv2d(x, w, padding=1)
    gradients = torch.autograd.grad(product.float().square().mean() + image.float().square().mean(), (a, b, w))
    return [part.float().cpu() for part in (product, image, *gradients)]
def seconds(half):
    best = 1e9
    for _ in range(5):
        started = time.perf_counter(); work(half); best = min(best, time.perf_counter() - started)
    return best
agree = all(float((p - q).norm()) <= 0.02 * float(q.norm()) for p, q in zip(work(True), work(False)))
print(json.dumps({"agree": agree, "speedup": seconds(False) / seconds(True)}))
"""


@dataclass(frozen=True, kw_only=True)
class PrecisionTrial:
    """The result of the trial.

    Attributes:
        works: whether the child ended normally and its results agree with those of float32 to 2 %.
        speedup: time of float32 over time of half precision for a product and a convolution with their gradients.
        reason: one sentence.
    """

    works: bool
    speedup: float
    reason: str

    @property
    def pays(self) -> bool:
        return self.works and self.speedup >= LEAST_SPEEDUP


@functools.cache
def try_precision(device: str, dtype: torch.dtype) -> PrecisionTrial:
    """Try half precision on "cpu", "cuda" or "mps" once for this machine and version of torch."""
    name = str(dtype).removeprefix("torch.")
    cached = _cache_file(device, name)
    found = read_record(cached, lambda record: PrecisionTrial(**record))
    if found is None:
        found = run_trial(processes.command("-c", _TRIAL, device, name))
        store_record(cached, asdict(found))
    return found


def run_trial(command: list[str]) -> PrecisionTrial:
    """Run a child process that prints `{"agree": ..., "speedup": ...}` if it ends normally, and judge the result."""
    try:
        done = subprocess.run(
            command,
            env=processes.environment(),
            capture_output=True,
            text=True,
            timeout=PROBE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return PrecisionTrial(
            works=False, speedup=0.0, reason=f"The trial could not be run ({type(error).__name__})."
        )
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        return PrecisionTrial(works=False, speedup=0.0, reason=f"The trial was killed ({name}).")
    try:
        found = json.loads(done.stdout.strip().splitlines()[-1])
        agree, speedup = bool(found["agree"]), float(found["speedup"])
    except (ValueError, KeyError, IndexError):
        return PrecisionTrial(
            works=False, speedup=0.0, reason=f"The trial failed (status {done.returncode})."
        )
    if not agree:
        return PrecisionTrial(works=False, speedup=speedup, reason="The results were wrong.")
    return PrecisionTrial(
        works=True, speedup=speedup, reason=f"The trial ran {speedup:.2f} times as fast as in float32."
    )


def _cache_file(device: str, name: str) -> Path:
    hardware = platform.processor() + platform.machine()
    if device == "cuda":
        hardware = str(torch.cuda.get_device_properties(0))
    else:
        hardware += "".join(processor_facts("model name", "flags"))
    digest = hashlib.blake2b(f"{torch.__version__}{hardware}{_TRIAL}".encode(), digest_size=8).hexdigest()
    return cache_folder() / "precision" / f"{device}-{name}-{digest}.json"
