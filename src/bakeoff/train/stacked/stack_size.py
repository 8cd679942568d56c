"""The size of a stack (its number of replicas), by a short timing within a memory limit, or by a rule."""

import time
from collections.abc import Sequence

import torch
from torch import nn

from bakeoff.models.layers.graphs import tensors_of
from bakeoff.models.layers.views import arguments
from bakeoff.system.patches import PROCESS_LOCK
from bakeoff.train.families.registry import compile_program, stack_networks
from bakeoff.train.folds import StackData
from bakeoff.train.recipe import Recipe, Replica
from bakeoff.train.stacked.run import Build, StackedTraining

#: Sizes that are timed, in this order.
TRIED_SIZES = (15, 4, 40, 1)
#: The rule's size is the largest whose weights and activations take no more than this.
RULE_STACK_BYTES = 24 * 2**20
#: Steps by which each size is timed ...
TIMED_STEPS = 4
#: ... after this many to warm up ...
WARM_UP_STEPS = 2
#: ... as long as all timing takes at most this part of the training.
LARGEST_TIMED_PART = 0.03
#: A first step that takes longer than this, in seconds a replica, is the timing: no warm-up, no second step.
LONG_STEP_SECONDS = 0.5


def seconds_per_step(
    build: Build, data: StackData, stack_size: int, *, batch_size: int = 100, steps: int = TIMED_STEPS
) -> float:
    """Seconds of one step of a stack of this size: the median of a few, or the first where that is long."""
    times = _step_times(build, data, stack_size, batch_size, steps)
    return sorted(times)[len(times) // 2]


def _step_times(build: Build, data: StackData, stack_size: int, batch_size: int, steps: int) -> list[float]:
    """Seconds of each of a few steps of a stack of equal replicas; only the first where it is long."""
    replicas = [Replica(learning_rate=1e-3, seed=0, examples=len(data.train))] * stack_size
    stack = StackedTraining(build, data, replicas, Recipe(steps=10**6, batch_size=batch_size))
    times: list[float] = []
    for _ in range(WARM_UP_STEPS + steps):
        started = time.perf_counter()
        stack.advance(stack.steps_done + 1)
        times.append(time.perf_counter() - started)
        if times[0] > LONG_STEP_SECONDS * stack_size:
            return times
    return times[WARM_UP_STEPS:]


def choose_stack_size(
    build: Build,
    data: StackData,
    replicas: Sequence[Replica],
    recipe: Recipe,
    *,
    limit_bytes: int,
    reproducible: bool,
) -> int:
    """The size with the shortest time per step and replica among those that the memory limit allows.

    The compiled code trains a program replica by replica, so that the size makes no difference: the largest that fits.
    """
    count = len(replicas)
    largest = largest_stack(build, data, recipe, limit_bytes=limit_bytes, replicas=count)
    if (
        compile_program(stack_networks([build(0)], [0], dtype=data.dtype, device=data.device), data)
        is not None
    ):
        return _even(count, largest)
    rule = largest_stack(build, data, recipe, limit_bytes=min(limit_bytes, RULE_STACK_BYTES), replicas=count)
    if reproducible or count == 1:
        return _even(count, rule)
    best, shortest, spent = rule, float("inf"), 0.0
    for stack_size in dict.fromkeys((rule, *(min(size, largest) for size in TRIED_SIZES))):
        started = time.perf_counter()
        times = _step_times(build, data, stack_size, recipe.batch_size, TIMED_STEPS)
        took = min(times) / stack_size  # the least disturbed by other programs
        spent += time.perf_counter() - started
        if took < shortest * 0.95:  # a difference that is more than noise
            best, shortest = stack_size, took
        if spent > LARGEST_TIMED_PART * shortest * recipe.steps * count:
            break
    return _even(count, best)


def _even(count: int, stack_size: int) -> int:
    """The smallest size that makes the same number of stacks, so that their sizes are as equal as possible."""
    return -(-count // -(-count // stack_size))


def largest_stack(build: Build, data: StackData, recipe: Recipe, *, limit_bytes: int, replicas: int) -> int:
    """Replicas that fit into this memory: each takes its weights five times (gradient, two moments, best) and its
    activations twice."""
    module = build(0)
    weights = sum(parameter.numel() for parameter in module.parameters()) * data.dtype.itemsize
    each = 5 * weights + 2 * activation_bytes(module, data, recipe.batch_size)
    return max(1, min(replicas, limit_bytes // max(each, 1)))


def activation_bytes(module: nn.Module, data: StackData, batch_size: int) -> int:
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
    with PROCESS_LOCK, torch.random.fork_rng(devices=[]):
        module(*arguments(module, batch.inputs, batch.lengths))
    for hook in hooks:
        hook.remove()
    total += sum(tensor.nbytes for tensor in tensors_of(batch.inputs))
    return total * batch_size // rows


@torch.no_grad()
def couples_examples(module: nn.Module, data: StackData) -> bool:
    """Whether an example's output depends on the others of its batch, as with batch normalisation in training."""
    module = module.to(data.device, data.dtype).train()
    for part in module.modules():
        if isinstance(part, nn.Dropout | nn.Dropout1d | nn.Dropout2d | nn.AlphaDropout):
            part.eval()
    count = min(8, len(data.train))
    full, half = (data.train.at(torch.arange(size)) for size in (count, max(count // 2, 1)))
    outputs = []
    for batch in (full, half):
        with PROCESS_LOCK, torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            try:
                outputs.append(module(*arguments(module, batch.inputs, batch.lengths)))
            except ValueError:
                return True
    return not torch.allclose(outputs[0][: len(outputs[1])], outputs[1], rtol=1e-3, atol=1e-4)
