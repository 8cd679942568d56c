"""One counter over the eighteen cases and ResNet-152, in a process of its own. Prints one line of JSON.

    python benchmarks/cost_peer.py TOOL

Each tool is used as its documentation shows, on real tensors on the CPU, in eval mode; figures are MACs. Seconds are
those of the processor, in one thread, so that other work on the machine does not count.
"""

import gc
import inspect
import json
import multiprocessing
import resource
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import torch
from cost_cases import CASES
from torch import Tensor, nn

Counter = Callable[[nn.Module, list[Tensor]], float | list[float]]


def bakeoff(module: nn.Module, inputs: list[Tensor]) -> float:
    from bakeoff import cost_of

    return cost_of(module, *inputs).macs


def flop_counter_mode(module: nn.Module, inputs: list[Tensor]) -> float:
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(*inputs)
    return counter.get_total_flops() / 2


def torchinfo(module: nn.Module, inputs: list[Tensor]) -> float:
    from torchinfo import summary

    return summary(module, input_data=inputs, verbose=0, mode="eval").total_mult_adds


def fvcore(module: nn.Module, inputs: list[Tensor]) -> float:
    from fvcore.nn import FlopCountAnalysis

    analysis = FlopCountAnalysis(module, tuple(inputs))
    analysis.unsupported_ops_warnings(False)
    analysis.uncalled_modules_warnings(False)
    return analysis.total()


def ptflops(module: nn.Module, inputs: list[Tensor]) -> list[float]:
    from ptflops import get_model_complexity_info

    names = list(inspect.signature(module.forward).parameters)
    batch = inputs[0] if len(inputs) == 1 else dict(zip(names, inputs, strict=False))
    macs, _ = get_model_complexity_info(
        module, tuple(inputs[0].shape[1:]), as_strings=False, print_per_layer_stat=False,
        input_constructor=lambda _: batch,
    )  # fmt: skip
    # It gives the mean over the batch of some operations and the sum of others: whichever is right counts.
    return [macs, macs * inputs[0].shape[0]]


def thop(module: nn.Module, inputs: list[Tensor]) -> float:
    from thop import profile

    return profile(module, inputs=tuple(inputs), verbose=False)[0]


def torchprofile(module: nn.Module, inputs: list[Tensor]) -> float:
    from torchprofile import profile_macs

    return profile_macs(module, tuple(inputs))


def calflops(module: nn.Module, inputs: list[Tensor]) -> float:
    from calflops import calculate_flops

    return calculate_flops(module, args=list(inputs), output_as_string=False, print_results=False)[1]


TOOLS: dict[str, Counter] = {
    function.__name__: function
    for function in (bakeoff, flop_counter_mode, torchinfo, fvcore, ptflops, thop, torchprofile, calflops)
}


def _attempt(counter: Counter, module: nn.Module, inputs: list[Tensor]) -> list[float] | str:
    try:
        figures = counter(module, inputs)
        return [float(figure) for figure in (figures if isinstance(figures, list) else [figures])]
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:120]


def _count_case(name: str, index: int) -> list[float] | str:
    case = CASES[index]
    return _attempt(TOOLS[name], case.make().eval(), [torch.randn(shape) for shape in case.shapes])


def _resident_kilobytes() -> int:
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith("VmRSS")).split()[1])


def main(name: str) -> dict[str, Any]:
    from bakeoff import models

    counter = TOOLS[name]
    counted = {}
    for index, case in enumerate(CASES):
        # A process each: some tools leave PyTorch patched, and the next count would be a multiple.
        with multiprocessing.get_context("fork").Pool(1) as pool:
            counted[case.name] = pool.apply(_count_case, (name, index))
    network = models.build("resnet152", models.card("resnet152").example).eval()
    inputs = [torch.randn(1, 3, 224, 224)]
    gc.collect()
    before, peak_before = _resident_kilobytes(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds, answers = [], []
    for _ in range(3):
        start = time.process_time()
        answers.append(_attempt(counter, network, inputs))
        seconds.append(time.process_time() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "cases": counted,
        "resnet152": answers[0],
        "seconds": seconds,
        "peak_megabytes": (peak - before) / 1024 if peak > peak_before else 0.0,
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    sys.stderr.flush()
    print("\n" + json.dumps(main(sys.argv[1])))
