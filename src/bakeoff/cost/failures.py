"""What to say when a network's forward fails: which layer, and both shapes."""

import re
from typing import Any

import torch
from torch import nn

from bakeoff.cost.layer_trail import LayerTrail, tensors_in
from bakeoff.errors import CostError

#: What TorchScript puts before the reason: the source of every function on the way.
_IN_TORCHSCRIPT = re.compile(
    r"^The following operation failed in the TorchScript interpreter\..*?\bRuntimeError: "
)
_MISSING = re.compile(r"forward\(\) missing \d+ required (?:positional|keyword-only) arguments?: (.*)")


class TokensNeededError(CostError):
    """An embedding was given floating point; whole numbers may be what it needs."""


class ValuesNeededError(CostError):
    """The network's tensors are on the meta device, and it needs real numbers to run."""


class MetaUnsupportedError(Exception):
    """The network cannot run on tensors without values; `reason` is PyTorch's own sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def check_layer_inputs(module: nn.Module, name: str, args: tuple[Any, ...]) -> None:
    """Called before each layer's forward: an embedding takes whole numbers."""
    if isinstance(module, (nn.Embedding, nn.EmbeddingBag)):
        for tensor in tensors_in(args)[:1]:
            if tensor.is_floating_point():
                raise TokensNeededError(
                    f"Layer '{name}' (Embedding) takes whole numbers, and its input is {tensor.dtype}: give a tensor "
                    "of torch.int64, or a shape for every input."
                )


def is_about_meta(error: Exception) -> bool:
    """Whether a network failed because its tensors hold no values, not because its input does not fit."""
    text = str(error).lower()
    return (
        isinstance(error, NotImplementedError)
        or "meta" in text
        or "data_ptr" in text
        or "data-dependent" in text
    )


def is_about_device(reason: str) -> bool:
    """Whether the sentence of an error is about a device that is missing, or two that are mixed."""
    text = reason.lower()
    return any(
        words in text
        for words in ("not compiled with cuda", "no nvidia driver", "same device", "cuda is not available")
    )


def failure_of(trail: LayerTrail, error: Exception, inputs: tuple[tuple[int, ...], ...]) -> CostError:
    """The sentence for an error in forward: the innermost layer, what it holds and what came.

    Args:
        trail: where the network was. It does not see into TorchScript.
        error: as PyTorch raised it.
        inputs: shapes of what the whole network was given.
    """
    reason = _IN_TORCHSCRIPT.sub("", " ".join(str(error).split())) or type(error).__name__
    name = trail.stack[-1] if trail.stack else ""
    layer = trail.modules[name]
    shapes = (
        ", ".join("x".join(map(str, shape)) for shape in (trail.current_input_shapes() or inputs)) or "none"
    )
    held = ", ".join(
        f"{key} {'x'.join(map(str, value.shape))}" for key, value in layer.named_parameters(recurse=False)
    )
    where = f"Layer '{name}' ({_short(layer)})" if name else f"The network ({type(layer).__name__})"
    has = f" with {held}" if held else ""
    if is_about_device(reason):
        return CostError(
            f"{where} cannot run on the device it asks for ({reason}): build the network, and what its forward makes, "
            "on a device of this machine, and give the inputs on the same one."
        )
    missing = _MISSING.search(reason) if isinstance(error, TypeError) else None
    if missing and not name:
        return CostError(
            f"{where} takes more than one input ({missing[1]} is missing), and was given one of shape {shapes}: give "
            "the others a default in its forward, or pass them all in Python: bakeoff.cost_of(network, first, second)."
        )
    return CostError(f"{where}{has} does not take an input of shape {shapes}: {reason}")


def _short(layer: nn.Module) -> str:
    extra = layer.extra_repr() if not isinstance(layer, torch.jit.ScriptModule) else ""
    return f"{type(layer).__name__}({extra})" if extra and len(extra) < 100 else type(layer).__name__
