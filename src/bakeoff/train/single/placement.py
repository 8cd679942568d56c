"""Where and how a single training runs: device, precision, memory format, threads."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bakeoff.errors import OptionError, suggest
from bakeoff.models.layers.graphs import GraphBatch
from bakeoff.system.hardware import available_cores
from bakeoff.train.device import choose_device
from bakeoff.train.single.precision import try_precision

PRECISIONS = ("auto", "float32", "bfloat16", "float16")


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where and how one network is trained on this machine.

    Attributes:
        device: of its parameters.
        half: the precision of products and convolutions where it is not float32; weights stay float32.
        channels_last: the memory format of convolutions over images.
        threads: of the CPU.
        compile: whether torch.compile is asked for.
        graphs: whether a step is recorded and replayed as one CUDA graph.
    """

    device: torch.device
    half: torch.dtype | None = None
    channels_last: bool = True
    threads: int = 1
    compile: bool = False
    graphs: bool = False

    @staticmethod
    def choose(
        device: str = "auto", *, precision: str = "auto", threads: int | None = None, compile: bool = False
    ) -> "Placement":
        """The fastest placement that this machine offers.

        Args:
            device: "auto", "cpu", "cuda" or "mps".
            precision: "auto" takes half precision where a trial in a child process shows that it works and pays.
            threads: of the CPU; None takes all cores that this process may use, or OMP_NUM_THREADS of them.
            compile: use torch.compile (takes minutes at first, so that only long trainings gain).

        Raises:
            OptionError: unknown names, a missing device, or a precision that the trial shows not to work.
        """
        place = choose_device(device)
        return Placement(
            device=place,
            half=_half(place, precision),
            threads=threads or _cores(),
            compile=compile,
            graphs=place.type == "cuda" and not compile,
        )

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """Inside, torch uses these threads, and cuDNN searches for the fastest convolution; afterwards as before.

        Both hold for the whole process, and no lock is held, since a training may take hours (see
        `bakeoff.system.patches`): beside others, train in a process of its own.
        """
        threads, benchmark = torch.get_num_threads(), torch.backends.cudnn.benchmark
        torch.set_num_threads(self.threads)
        torch.backends.cudnn.benchmark = self.device.type == "cuda"
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            torch.backends.cudnn.benchmark = benchmark

    def autocast(self) -> contextlib.AbstractContextManager[object]:
        """Inside, matrix products and convolutions run in half precision where that was chosen."""
        if self.half is None:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=self.half)

    def prepare(self, module: nn.Module) -> nn.Module:
        """The module on the device, convolutions over images channels last."""
        module = module.to(self.device)
        if self.wants_channels_last(module):
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return module

    def arranged(self, inputs: Tensor | GraphBatch, module: nn.Module) -> Tensor | GraphBatch:
        """The module's inputs, images channels last where it has convolutions over them."""
        if isinstance(inputs, Tensor) and inputs.dim() == 4 and self.wants_channels_last(module):
            return inputs.contiguous(memory_format=torch.channels_last)
        return inputs

    def wants_channels_last(self, module: nn.Module) -> bool:
        return self.channels_last and any(isinstance(part, nn.Conv2d) for part in module.modules())


def _half(device: torch.device, precision: str) -> torch.dtype | None:
    if precision not in PRECISIONS:
        raise OptionError(f"There is no precision called '{precision}'. {suggest(precision, PRECISIONS)}")
    if precision == "float32":
        return None
    if precision == "auto":
        best = torch.bfloat16
        if device.type == "mps" or (
            device.type == "cuda" and torch.cuda.get_device_capability(device)[0] < 8
        ):
            best = torch.float16
        return best if try_precision(device.type, best).pays else None
    wanted: torch.dtype = getattr(torch, precision)
    found = try_precision(device.type, wanted)
    if not found.works:
        raise OptionError(
            f"'{precision}' does not work on this {device.type}: {found.reason} Choose 'float32'."
        )
    return wanted


def _cores() -> int:
    """Cores that this process may use, unless the user has set OMP_NUM_THREADS, which torch itself obeys."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    return available_cores()
