"""One pass over a network in eval mode and one in train mode, and the record that is made of them."""

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from bakeoff.cost.counter import Counts, OperationCounter, Tally
from bakeoff.cost.cpu_paths.mode import CpuKernels
from bakeoff.cost.failures import (
    MetaUnsupportedError,
    TokensNeededError,
    check_layer_inputs,
    failure_of,
    is_about_meta,
)
from bakeoff.cost.layer_trail import LayerTrail, shapes_in, tensors_in
from bakeoff.cost.record import OPTIMISER_STATES, Cost, LayerCost, OperationCost
from bakeoff.cost.storage import StorageLedger, unique_bytes
from bakeoff.errors import CostError

Loss = Callable[[Any], Tensor]


@dataclass(frozen=True, kw_only=True)
class Example:
    """A network and what it is run on. `on_meta` tells whether the tensors hold no values."""

    network: nn.Module
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    loss: Loss | None
    on_meta: bool
    default_device: str | None = None

    @cached_property
    def modules(self) -> dict[str, nn.Module]:
        """All modules by name; walking a deep network takes milliseconds."""
        return dict(self.network.named_modules())

    @property
    def parameters(self) -> list[nn.Parameter]:
        """Shared ones once."""
        found = {
            id(p): p for module in self.modules.values() for p in module._parameters.values() if p is not None
        }
        return list(found.values())

    @property
    def buffers(self) -> list[Tensor]:
        found = {
            id(b): b for module in self.modules.values() for b in module._buffers.values() if b is not None
        }
        return list(found.values())


@dataclass(frozen=True, kw_only=True)
class PassResult:
    """What one pass over the network left behind; `kept_bytes` is by layer, after the forward pass."""

    counts: Counts
    trail: LayerTrail
    resident_bytes: int
    peak_bytes: int
    kept_bytes: dict[str, int]
    output_shapes: tuple[tuple[int, ...], ...]
    trained: bool


def measure(example: Example, sentences: list[str]) -> Cost:
    """Run the network once in eval and once in train mode and put the record together.

    Raises:
        CostError: forward fails. MetaUnsupportedError: it fails for want of values.
    """
    was_training = [(module, module.training) for module in example.modules.values()]
    try:
        _make_lazy_parameters(example)
        forward = _settled(example, training=False)
        train = _settled(example, training=True)
    finally:
        for module, mode in was_training:
            module.training = mode
    return _record(example, forward, train, sentences)


def _make_lazy_parameters(example: Example) -> None:
    """One forward pass for the layers that learn their sizes from it (`nn.LazyLinear` and its kin)."""
    if any(isinstance(parameter, UninitializedParameter) for parameter in example.parameters):
        trail = LayerTrail(modules=example.modules, enter=check_layer_inputs)
        with _surroundings(example), _gradients(False), trail:
            _forward(example, trail)


def _settled(example: Example, *, training: bool) -> PassResult:
    """A pass in which nothing was imported.

    PyTorch loads parts of itself when they are first needed; that leaves garbage which holds tensors for a while, and
    memory would seem higher than it is.
    """
    loaded = len(sys.modules)
    result = _run(example, training=training)
    if example.on_meta and len(sys.modules) != loaded:
        gc.collect()
        result = _run(example, training=training)
    return result


def _run(example: Example, *, training: bool) -> PassResult:
    example.network.train(training)
    for parameter in example.parameters:
        parameter.grad = None
    ledger = StorageLedger()
    ledger.add(_resident(example))
    resident = ledger.live_bytes
    trail = LayerTrail(modules=example.modules, enter=check_layer_inputs)
    counter = OperationCounter(layer=trail.layer, ledger=ledger)
    with _surroundings(example), _gradients(training), trail, counter:
        output = _forward(example, trail)
        kept: dict[str, int] = {}
        for size, owner in ledger.held():
            if owner is not None:
                kept[owner] = kept.get(owner, 0) + size
        output_shapes = shapes_in(output)
        trained = training and _backward(example, output)
        del output
    ledger.close()
    return PassResult(
        counts=counter.counts,
        trail=trail,
        resident_bytes=resident,
        peak_bytes=ledger.peak_bytes,
        kept_bytes=kept,
        output_shapes=output_shapes,
        trained=trained,
    )


def _forward(example: Example, trail: LayerTrail) -> Any:
    try:
        return example.network(*example.args, **example.kwargs)
    except TokensNeededError:
        raise
    except Exception as error:
        if example.on_meta and is_about_meta(error):
            raise MetaUnsupportedError(" ".join(str(error).split())) from error
        raise failure_of(example.network, trail, error) from error


def _backward(example: Example, output: Any) -> bool:
    """Run the backward pass; whether there was anything to train."""
    if example.loss is not None:
        output = example.loss(output)
    roots = [tensor for tensor in tensors_in(output) if tensor.requires_grad]
    if not roots:
        return False
    del output
    with torch.no_grad():
        gradients = [root.new_empty(root.shape) if root.is_meta else torch.ones_like(root) for root in roots]
    try:
        # What torch.autograd.backward calls, less its check of the gradients' shapes, which loads SymPy (0.3 s).
        torch.autograd.Variable._execution_engine.run_backward(  # type: ignore[attr-defined]
            tuple(roots), tuple(gradients), False, False, (), allow_unreachable=True, accumulate_grad=True
        )
    except Exception as error:
        if example.on_meta and is_about_meta(error):
            raise MetaUnsupportedError(" ".join(str(error).split())) from error
        raise CostError(f"The backward pass fails with {type(error).__name__}: {error}") from error
    return True


@contextmanager
def _gradients(enabled: bool) -> Iterator[None]:
    """Gradients on or off, whatever context the caller is in; inference mode is left for the time."""
    with torch.inference_mode(False), torch.set_grad_enabled(enabled):
        yield


@contextmanager
def _surroundings(example: Example) -> Iterator[None]:
    device = torch.device(example.default_device) if example.default_device else nullcontext()
    with device, CpuKernels() if example.on_meta else nullcontext():
        yield


def _resident(example: Example) -> list[Tensor]:
    return [*example.parameters, *example.buffers, *tensors_in((example.args, example.kwargs))]


# --- the record ---------------------------------------------------------------------------------------------------


def _record(example: Example, forward: PassResult, train: PassResult, sentences: list[str]) -> Cost:
    parameters = example.parameters
    trainable = [parameter for parameter in parameters if parameter.requires_grad]
    unknown = tuple(sorted({*forward.counts.unknown, *train.counts.unknown}))
    if unknown:
        sentences.append(
            f"No rule is known for {', '.join(unknown)}: the arithmetic of these operations is missing in the counts."
        )
    if parameters and not train.trained:
        sentences.append(
            "No output of this network can be trained: training_flops is the forward pass alone."
        )
    total = forward.counts.flops
    names = _names(example.modules, forward, train)
    return Cost(
        parameters=_values(parameters),
        trainable_parameters=_values(trainable),
        frozen_parameters=_values(parameters) - _values(trainable),
        parameter_bytes=unique_bytes(parameters),
        buffer_bytes=unique_bytes(example.buffers),
        macs=forward.counts.macs,
        flops=total,
        training_flops=train.counts.flops,
        activation_bytes=sum(train.kept_bytes.values()),
        input_bytes=unique_bytes(tensors_in((example.args, example.kwargs))),
        traffic_bytes=forward.counts.traffic_bytes,
        training_traffic_bytes=train.counts.traffic_bytes,
        peak_inference_bytes=forward.peak_bytes,
        peak_training_bytes=_training_peaks(trainable, train),
        input_shapes=shapes_in((example.args, example.kwargs)),
        output_shapes=forward.output_shapes,
        layers=tuple(_layers(example.modules, names, forward, train, total)),
        operations=_operations(forward.counts),
        unknown_operations=unknown,
        counted_on="meta" if example.on_meta else _device_of(parameters),
        warnings=tuple(sentences),
    )


def _training_peaks(trainable: list[nn.Parameter], train: PassResult) -> dict[str, int]:
    """Optimisers keep their state all the time; Adam's step besides needs two copies of the parameter at hand.

    The step comes after the backward pass, when the activations are gone and all gradients are there.
    """
    size = unique_bytes(trainable)
    largest = max((parameter.numel() * parameter.element_size() for parameter in trainable), default=0)
    peaks = {}
    for name, copies in OPTIMISER_STATES.items():
        scratch = 2 * largest if name == "adam" else 0
        step = train.resident_bytes + size + scratch
        peaks[name] = copies * size + max(train.peak_bytes, step)
    return peaks


def _layers(
    modules: dict[str, nn.Module], names: list[str], forward: PassResult, train: PassResult, total: int
) -> Iterator[LayerCost]:
    counted: set[int] = set()
    for name in names:
        module = modules[name]
        own = [p for p in module._parameters.values() if p is not None and id(p) not in counted]
        counted.update(map(id, own))
        tally = forward.counts.by_layer.get(name, Tally())
        seen = forward.trail.seen.get(name) or train.trail.seen.get(name)
        yield LayerCost(
            name=name,
            type=type(module).__name__,
            calls=seen.calls if seen else 0,
            input_shapes=seen.input_shapes if seen else (),
            output_shapes=seen.output_shapes if seen else (),
            parameters=_values(own),
            trainable_parameters=_values([parameter for parameter in own if parameter.requires_grad]),
            parameter_bytes=unique_bytes(own),
            macs=tally.macs,
            flops=tally.flops,
            training_flops=train.counts.by_layer.get(name, Tally()).flops,
            activation_bytes=train.kept_bytes.get(name, 0),
            traffic_bytes=tally.traffic_bytes,
            training_traffic_bytes=train.counts.by_layer.get(name, Tally()).traffic_bytes,
            share=tally.flops / total if total else 0.0,
        )


def _names(modules: dict[str, nn.Module], forward: PassResult, train: PassResult) -> list[str]:
    """Layers with a cost of their own: in the order of their first call, then those never called."""
    costly = {*forward.counts.by_layer, *train.counts.by_layer, *train.kept_bytes}
    order = dict.fromkeys([*forward.trail.seen, *train.trail.seen, *modules])
    return [
        name
        for name in order
        if name in costly or any(p is not None for p in modules[name]._parameters.values())
    ]


def _operations(counts: Counts) -> tuple[OperationCost, ...]:
    costs = [
        OperationCost(name=name, calls=tally.calls, macs=tally.macs, flops=tally.flops)
        for name, tally in counts.by_operation.items()
    ]
    return tuple(sorted(costs, key=lambda cost: (-cost.flops, cost.name)))


def _values(parameters: list[nn.Parameter]) -> int:
    return sum(parameter.numel() for parameter in parameters)


def _device_of(parameters: list[nn.Parameter]) -> str:
    return str(parameters[0].device) if parameters else "cpu"
