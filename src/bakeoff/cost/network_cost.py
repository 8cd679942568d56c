"""`cost_of`: what a network costs, before a single step is trained."""

import copy
import gc
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from bakeoff.cost.failures import MetaUnsupportedError, TokensNeededError, ValuesNeededError
from bakeoff.cost.inputs import float_dtype, is_shape, shape_to_meta, shape_to_values
from bakeoff.cost.layer_trail import tensors_in
from bakeoff.cost.meta import meta_copy, without_values
from bakeoff.cost.passes import Example, Loss, run_passes
from bakeoff.cost.record import Cost
from bakeoff.cost.rules.quantised import packed_weights
from bakeoff.cost.totals import record_of
from bakeoff.errors import BakeoffWarning, CostError
from bakeoff.system.patches import PROCESS_LOCK


def cost_of(
    module: nn.Module,
    *example_inputs: Any,
    keyword_inputs: Mapping[str, Any] | None = None,
    loss: Loss | None = None,
) -> Cost:
    """Count what a network costs for these example inputs: parameters, arithmetic, memory, layer by layer.

    Nothing is computed: the forward and the backward pass run on tensors that have a shape but no memory, and every
    operation is counted where PyTorch dispatches it. The network is copied without its numbers and is not changed.

    The rule. One multiply-add is 1 MAC and 2 FLOPs. MACs are those of matrix products, convolutions, recurrent layers
    and attention. Other arithmetic counts as FLOPs: 1 for each element of the result of an elementwise operation, an
    activation function too; 1 for each element that a sum, mean or maximum reads; 5 an element for softmax; 4 for batch
    norm (8 in train mode); 8 for layer norm; the window's size for each output of a pooling. The training pass counts
    the operations that autograd really runs: frozen parameters save theirs, and the first layer's input gets no
    gradient.

    Left out: random numbers, sorting, comparisons that only select, copies and indexing, the loss (unless one is
    given), the optimiser's own arithmetic. Zeros in padding and under masks count like other numbers.

    Memory is that of the tensors held, each storage once, on the operations that PyTorch runs on a CPU, with the copies
    that oneDNN makes for convolutions and LSTMs; what other kernels use for the time of a call, and what an allocator
    wastes, is left out. A training step holds parameters, buffers, inputs, gradients, the optimiser's state, and the
    activations.

    Args:
        module: any network. It may be on the meta device.
        example_inputs: tensors, or shapes with the batch: `(1, 3, 224, 224)`. A shape becomes a tensor of the number
            format of the parameters, or of int64 where the network begins with an embedding.
        keyword_inputs: inputs that forward takes by name.
        loss: makes one number of the output; its forward and backward count in `training_flops`. Without it, the
            backward pass begins with a gradient for each output of floating point.

    Returns:
        One `Cost`, for the inputs as given, batch included.

    Raises:
        CostError: a shape does not fit (the sentence names the layer and both shapes), or forward fails otherwise.

    Warns:
        BakeoffWarning: an operation has no rule, or the network had to be run with real numbers.

    >>> cost = cost_of(nn.Linear(3, 4), (2, 3))
    >>> cost.parameters, cost.macs, cost.flops
    (16, 24, 56)

    Source: the definition of each operation; Kaplan et al., Scaling Laws, arXiv:2001.08361, counts in the same unit but
    leaves out all that is not a matrix product.
    """
    module = _checked(module, example_inputs, keyword_inputs)
    request = _Request(module=module, args=example_inputs, kwargs=dict(keyword_inputs or {}), loss=loss)
    # Changed for the whole process: the filters of warnings, the garbage collector, and in `CpuKernels` PyTorch's
    # forwards. Two threads count one after the other; the hooks on a network that cannot be copied stay apart, too.
    with PROCESS_LOCK, warnings.catch_warnings(), _without_garbage_collection(), torch.inference_mode(False):
        warnings.simplefilter("ignore")
        cost = request.count()
    for sentence in cost.warnings:
        warnings.warn(sentence, BakeoffWarning, stacklevel=2)
    return cost


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Thousands of small objects would set it off again and again, and it takes a third of the time.

    The collector is one for the whole process: called with `PROCESS_LOCK` held, or a second thread would find it off,
    take that for what the caller had chosen, and leave it so.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _measured(example: Example, sentences: list[str]) -> Cost:
    forward, train = run_passes(example, sentences)
    return record_of(example, forward, train, sentences)


@dataclass(frozen=True, kw_only=True)
class _Request:
    module: nn.Module
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    loss: Loss | None

    def count(self) -> Cost:
        """On tensors without values; where the network cannot run on them, on real ones, with a warning."""

        if needs_values := self._needs_values():
            return self._count_on_values(needs_values)
        try:
            network = meta_copy(self.module)
        except Exception as error:
            return self._count_on_values(f"it cannot be copied without its numbers: {error}")
        try:
            return self._count_on_meta(network, default_device=None)
        except MetaUnsupportedError:
            pass
        try:
            return self._count_on_meta(meta_copy(self.module), default_device="meta")
        except MetaUnsupportedError as problem:
            return self._count_on_values(problem.reason)

    def _needs_values(self) -> str:
        """Why the network cannot run on tensors that hold no values, as far as that can be seen; "" where it cannot."""
        if any(isinstance(part, torch.jit.ScriptModule) for part in self.module.modules()):
            return "a part of it is TorchScript, which runs as it was compiled"
        if any(packed_weights(part) for part in self.module.modules()):
            return "its quantised weights are packed"
        inputs = tensors_in((self.args, self.kwargs))
        if any(
            t.layout is not torch.strided
            for t in (*self.module.parameters(), *self.module.buffers(), *inputs)
        ):
            return "a sparse tensor is counted by the values that it holds"
        return ""

    def _count_on_meta(self, network: nn.Module, default_device: str | None) -> Cost:
        try:
            return _measured(self._example(network, float_dtype(self.module), default_device), [])
        except TokensNeededError:
            if not self._has_shapes():
                raise
            return _measured(self._example(network, torch.int64, default_device), [])

    def _example(self, network: nn.Module, dtype: torch.dtype, default_device: str | None) -> Example:
        memo: dict[int, Any] = {}

        def change(value: Any) -> Any:
            return shape_to_meta(value, dtype) if is_shape(value) else without_values(value, memo)

        return Example(
            network=network,
            args=tuple(map(change, self.args)),
            kwargs={name: change(value) for name, value in self.kwargs.items()},
            loss=self.loss,
            on_meta=True,
            default_device=default_device,
        )

    def _count_on_values(self, reason: str) -> Cost:
        tensors = [*self.module.parameters(), *self.module.buffers()]
        if any(tensor.is_meta for tensor in tensors):
            raise ValuesNeededError(
                f"This network needs real numbers to run ({reason}), and its tensors are on the meta device: "
                "build it on the CPU."
            )
        network, sentences = self._real_copy()
        given = all(isinstance(value, Tensor) and not value.is_meta for value in self.args) and self.args
        example = "the example given" if given else "an example of made-up numbers"
        device = tensors[0].device if tensors else torch.device("cpu")
        sentences.append(
            f"The network was run on {device} with {example}, for which alone the counts hold, because {reason}"
        )
        try:
            return _measured(self._real_example(network, float_dtype(self.module), device), sentences)
        except TokensNeededError:
            if not self._has_shapes():
                raise
            return _measured(self._real_example(network, torch.int64, device), sentences)

    def _real_copy(self) -> tuple[nn.Module, list[str]]:
        try:
            return copy.deepcopy(self.module), []
        except Exception:
            return self.module, [
                "The network cannot be copied, so it was run itself: running means have changed."
            ]

    def _real_example(self, network: nn.Module, dtype: torch.dtype, device: torch.device) -> Example:
        def change(value: Any) -> Any:
            return shape_to_values(value, dtype, device)

        return Example(
            network=network,
            args=tuple(map(change, self.args)),
            kwargs={name: change(value) for name, value in self.kwargs.items()},
            loss=self.loss,
            on_meta=False,
        )

    def _has_shapes(self) -> bool:
        return any(is_shape(value) for value in (*self.args, *self.kwargs.values()))


def _checked(module: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any] | None) -> nn.Module:
    if not isinstance(module, nn.Module):
        raise CostError(
            f"cost_of takes an nn.Module, not a {type(module).__name__}: give it the network itself."
        )
    if not args and not kwargs:
        raise CostError("cost_of needs example inputs, such as the shape (1, 3, 224, 224), batch first.")
    original = getattr(module, "_orig_mod", module)  # what torch.compile wraps
    try:
        list(original.named_modules())
    except TypeError as error:
        raise CostError(
            f"The layers of this network cannot be told apart ({error}): a class defines __eq__ without __hash__; add "
            "the line  __hash__ = nn.Module.__hash__  to it."
        ) from error
    return original
