"""One pass over a network in eval mode and one in train mode."""

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

from bakeoff.cost.counter import Counts, OperationCounter
from bakeoff.cost.cpu_paths.mode import CpuKernels
from bakeoff.cost.failures import (
    MetaUnsupportedError,
    TokensNeededError,
    check_layer_inputs,
    failure_of,
    is_about_meta,
)
from bakeoff.cost.layer_trail import LayerTrail, shapes_in, tensors_in
from bakeoff.cost.rules.quantised import packed_weights
from bakeoff.cost.storage import StorageLedger
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

    @cached_property
    def packed(self) -> dict[str, list[Tensor]]:
        """Quantised weights by module, which PyTorch does not count among the parameters."""
        return {name: found for name, module in self.modules.items() if (found := packed_weights(module))}

    @property
    def packed_tensors(self) -> list[Tensor]:
        return [tensor for tensors in self.packed.values() for tensor in tensors]

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
    backward_failure: str = ""


def run_passes(example: Example, sentences: list[str]) -> tuple[PassResult, PassResult]:
    """Run the network once in eval and once in train mode. What is missing of either is added to the sentences.

    Raises:
        CostError: forward fails. MetaUnsupportedError: it fails for want of values.
    """
    was_training = [(module, module.training) for module in example.modules.values()]
    try:
        _make_lazy_parameters(example)
        with _plain_forwards(example):
            forward = _evaluation(example, sentences)
            train = _training(example, forward, sentences)
    finally:
        for module, mode in was_training:
            module.training = mode
    return forward, train


def _make_lazy_parameters(example: Example) -> None:
    """One forward pass for the layers that learn their sizes from it (`nn.LazyLinear` and its kin)."""
    if any(isinstance(parameter, UninitializedParameter) for parameter in example.parameters):
        trail = LayerTrail(modules=example.modules, enter=check_layer_inputs)
        with _surroundings(example), _gradients(False), trail:
            _forward(example, trail)


@contextmanager
def _plain_forwards(example: Example) -> Iterator[None]:
    """Compiled parts run as they were written, and no padded batch is packed into a nested tensor.

    A nested tensor has neither strides nor a size known beforehand; zeros under a mask count like other numbers.
    """
    packing: list[Any] = [m for m in example.modules.values() if getattr(m, "use_nested_tensor", False)]
    for module in packing:
        module.use_nested_tensor = False
    eager = torch.compiler.set_stance("force_eager") if "torch._dynamo" in sys.modules else nullcontext()
    try:
        with eager:
            yield
    finally:
        for module in packing:
            module.use_nested_tensor = True


def _evaluation(example: Example, sentences: list[str]) -> PassResult:
    """The pass without gradients; with them where forward itself asks for a gradient."""
    try:
        return _settled(example, training=False)
    except TokensNeededError:
        raise
    except CostError as error:
        try:
            found = _settled(example, training=False, gradients=True)
        except Exception:
            raise error from error.__cause__
    sentences.append(
        "This network runs only with gradients (its forward asks for one): they are counted in flops and memory too."
    )
    return found


def _training(example: Example, forward: PassResult, sentences: list[str]) -> PassResult:
    """The pass with gradients; where the network does not run in train mode, that in eval mode stands for it."""
    try:
        found = _settled(example, training=True)
    except CostError as error:
        sentences.append(
            f"In train mode the network does not run ({error}): what training costs is missing, and training_flops is "
            "the forward pass in eval mode."
        )
        return forward
    if found.backward_failure:
        sentences.append(
            f"{found.backward_failure}: training_flops lacks the backward pass, or a part of it."
        )
    return found


def _settled(example: Example, *, training: bool, gradients: bool | None = None) -> PassResult:
    """A pass in which nothing was imported.

    PyTorch loads parts of itself when they are first needed; that leaves garbage which holds tensors for a while, and
    memory would seem higher than it is.
    """
    loaded = len(sys.modules)
    gradients = training if gradients is None else gradients
    result = _run(example, training=training, gradients=gradients)
    if example.on_meta and len(sys.modules) != loaded:
        gc.collect()
        result = _run(example, training=training, gradients=gradients)
    return result


def _run(example: Example, *, training: bool, gradients: bool) -> PassResult:
    example.network.train(training)
    for parameter in example.parameters:
        parameter.grad = None
    ledger = StorageLedger()
    ledger.add(_resident(example))
    resident = ledger.live_bytes
    trail = LayerTrail(modules=example.modules, enter=check_layer_inputs)
    counter = OperationCounter(layer=trail.layer, ledger=ledger)
    failure = ""
    with _surroundings(example), _gradients(gradients), trail, counter:
        output = _forward(example, trail)
        kept: dict[str, int] = {}
        for size, owner in ledger.held():
            if owner is not None:
                kept[owner] = kept.get(owner, 0) + size
        output_shapes = shapes_in(output)
        trained = False
        try:
            trained = training and _backward(example, output)
        except CostError as error:
            failure = str(error).rstrip(".")
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
        backward_failure=failure,
    )


def _forward(example: Example, trail: LayerTrail) -> Any:
    try:
        return example.network(*example.args, **example.kwargs)
    except TokensNeededError:
        raise
    except Exception as error:
        if example.on_meta and is_about_meta(error):
            raise MetaUnsupportedError(" ".join(str(error).split())) from error
        raise failure_of(trail, error, shapes_in((example.args, example.kwargs))) from error


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
    return [
        *example.parameters,
        *example.packed_tensors,
        *example.buffers,
        *tensors_in((example.args, example.kwargs)),
    ]
