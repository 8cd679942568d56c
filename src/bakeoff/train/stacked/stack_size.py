"""How many replicas make a stack: a short timing within a memory limit, or a rule."""

import time
from collections.abc import Sequence

import torch
from torch import nn

from bakeoff.models import takes_lengths
from bakeoff.train.fused.programs import program_of
from bakeoff.train.recipe import Recipe, Replica
from bakeoff.train.replicas.module import NetworkStack
from bakeoff.train.stacked.run import Build, StackRun
from bakeoff.train.tensors import TrainingData

#: Widths that are tried, and the rule's aim for what a stack of the reproducible width touches in a step.
LADDER = (15, 4, 40, 1)
RULE_BYTES = 24 * 2**20
#: Each width is timed over so many steps, after some to warm up; all together at most this part of the training.
TIMED_STEPS, WARM_UP_STEPS, LARGEST_PART = 4, 2, 0.03
#: A step that takes more seconds a replica needs no warming up, and no second look.
LONG_STEP = 0.5


def seconds_per_step(
    build: Build, data: TrainingData, width: int, *, batch_size: int = 100, steps: int = TIMED_STEPS
) -> float:
    """Seconds that one step of a stack of this width takes: the median of a few, or the first where that is long."""
    times = _step_times(build, data, width, batch_size, steps)
    return sorted(times)[len(times) // 2]


def _step_times(build: Build, data: TrainingData, width: int, batch_size: int, steps: int) -> list[float]:
    """Seconds of each of a few steps; all replicas alike, for they cost the same. Of a long step one is enough."""
    replicas = [Replica(learning_rate=1e-3, seed=0, examples=len(data.train))] * width
    run = StackRun(build, data, replicas, Recipe(steps=10**6, batch_size=batch_size))
    times: list[float] = []
    for _ in range(WARM_UP_STEPS + steps):
        started = time.perf_counter()
        run.advance(run.steps_done + 1)
        times.append(time.perf_counter() - started)
        if times[0] > LONG_STEP * width:
            return times
    return times[WARM_UP_STEPS:]


def choose_width(
    build: Build,
    data: TrainingData,
    replicas: Sequence[Replica],
    recipe: Recipe,
    *,
    limit_bytes: int,
    reproducible: bool,
) -> int:
    """The width with the shortest time per step and replica among those that the memory limit allows.

    A chain that the compiled code trains replica by replica takes the same time at any width: as many as fit.
    """
    count = len(replicas)
    largest = widest(build, data, recipe, limit_bytes=limit_bytes, replicas=count)
    if program_of(NetworkStack([build(0)], [0], dtype=data.dtype, device=data.device), data) is not None:
        return _even(count, largest)
    rule = widest(build, data, recipe, limit_bytes=min(limit_bytes, RULE_BYTES), replicas=count)
    if reproducible or count == 1:
        return _even(count, rule)
    best, shortest, spent = rule, float("inf"), 0.0
    for width in dict.fromkeys((rule, *(min(rung, largest) for rung in LADDER))):
        started = time.perf_counter()
        times = _step_times(build, data, width, recipe.batch_size, TIMED_STEPS)
        took = min(times) / width  # the least disturbed by other programs
        spent += time.perf_counter() - started
        if took < shortest * 0.95:  # a difference that is more than noise
            best, shortest = width, took
        if spent > LARGEST_PART * shortest * recipe.steps * count:
            break
    return _even(count, best)


def _even(count: int, width: int) -> int:
    """The same number of stacks, of sizes as equal as can be."""
    return -(-count // -(-count // width))


def widest(build: Build, data: TrainingData, recipe: Recipe, *, limit_bytes: int, replicas: int) -> int:
    """How many replicas fit into this memory: weights five times (gradient, two moments, best), activations twice."""
    module = build(0)
    weights = sum(parameter.numel() for parameter in module.parameters()) * data.dtype.itemsize
    each = 5 * weights + 2 * activation_bytes(module, data, recipe.batch_size)
    return max(1, min(replicas, limit_bytes // max(each, 1)))


def activation_bytes(module: nn.Module, data: TrainingData, batch_size: int) -> int:
    """Bytes of all modules' outputs for one batch of one network, and of the batch itself."""
    module = module.to(data.device, data.dtype)
    rows = min(batch_size, len(data.train), 8)
    total = 0

    def count(_: nn.Module, __: object, output: object) -> None:
        nonlocal total
        for tensor in output if isinstance(output, tuple) else (output,):
            if isinstance(tensor, torch.Tensor):
                total += tensor.numel() * tensor.element_size()

    hooks = [part.register_forward_hook(count) for part in module.modules()]
    batch = data.train.at(torch.arange(rows))
    with torch.random.fork_rng(devices=[]):
        module(batch.inputs, batch.lengths) if takes_lengths(module) else module(batch.inputs)
    for hook in hooks:
        hook.remove()
    total += batch.inputs.numel() * batch.inputs.element_size()
    return total * batch_size // rows


@torch.no_grad()
def couples_examples(module: nn.Module, data: TrainingData) -> bool:
    """Whether an example's output depends on the others of its batch, as with batch normalisation in training."""
    module = module.to(data.device, data.dtype).train()
    for part in module.modules():
        if isinstance(part, nn.Dropout | nn.Dropout1d | nn.Dropout2d | nn.AlphaDropout):
            part.eval()
    count = min(8, len(data.train))
    whole, half = (data.train.at(torch.arange(size)) for size in (count, max(count // 2, 1)))
    outputs = []
    for batch in (whole, half):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            try:
                outputs.append(
                    module(batch.inputs, batch.lengths) if takes_lengths(module) else module(batch.inputs)
                )
            except ValueError:
                return True
    return not torch.allclose(outputs[0][: len(outputs[1])], outputs[1], rtol=1e-3, atol=1e-4)
