"""Which layer an operation belongs to: the module whose forward runs, in the backward pass the one that ran then."""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn


@dataclass
class Seen:
    """What a layer's forward was seen to take and give."""

    calls: int = 0
    input_shapes: tuple[tuple[int, ...], ...] = ()
    output_shapes: tuple[tuple[int, ...], ...] = ()


@dataclass
class LayerTrail:
    """Follows the forward calls of all modules of a network by hooks, which it removes again.

    Autograd numbers its nodes in the order in which the forward pass makes them. The number at which each module starts
    and stops is noted, so that in the backward pass a node's number tells whose it is.
    """

    modules: dict[str, nn.Module]
    enter: Callable[[nn.Module, str, tuple[Any, ...]], None] | None = None
    seen: dict[str, Seen] = field(default_factory=dict)
    stack: list[str] = field(default_factory=list)
    _entered: list[tuple[tuple[int, ...], ...]] = field(default_factory=list)
    _starts: list[int] = field(default_factory=list)
    _owners: list[str] = field(default_factory=list)
    _handles: list[Any] = field(default_factory=list)

    def __enter__(self) -> "LayerTrail":
        for name, module in self.modules.items():
            if isinstance(module, torch.jit.ScriptModule):
                continue
            before = module.register_forward_pre_hook(self._before(name), prepend=True, with_kwargs=True)
            after = module.register_forward_hook(self._after(name), with_kwargs=True)
            self._handles += [before, after]
        return self

    def __exit__(self, *_: Any) -> None:
        for handle in self._handles:
            handle.remove()

    def layer(self) -> str:
        """The layer that the operation running now belongs to."""
        if self.stack:
            return self.stack[-1]
        node = torch._C._current_autograd_node()
        if node is None or not self._starts:
            return ""
        position = bisect_right(self._starts, node._sequence_nr()) - 1
        return self._owners[position] if position >= 0 else ""

    def current_input_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes that went into the layer that runs now."""
        return self._entered[-1] if self._entered else ()

    def _mark(self) -> None:
        start = torch._C._autograd._get_sequence_nr()
        owner = self.stack[-1] if self.stack else ""
        if self._starts and self._starts[-1] == start:
            self._owners[-1] = owner
        else:
            self._starts.append(start)
            self._owners.append(owner)

    def _before(self, name: str) -> Callable[..., None]:
        def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            with torch._C.DisableTorchFunction():  # else a function mode would see each look at a shape
                shapes = shapes_in((args, kwargs) if kwargs else args)
            seen = self.seen.get(name)
            if seen is None:
                seen = self.seen[name] = Seen(input_shapes=shapes)
            seen.calls += 1
            self.stack.append(name)
            self._entered.append(shapes)
            self._mark()
            if self.enter is not None:
                self.enter(module, name, args)

        return hook

    def _after(self, name: str) -> Callable[..., None]:
        def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
            if not self.seen[name].output_shapes:
                with torch._C.DisableTorchFunction():
                    self.seen[name].output_shapes = shapes_in(result)
            while self.stack.pop() != name:  # a module that raised, and was caught, never came here
                self._entered.pop()
            self._entered.pop()
            self._mark()

        return hook


def tensors_in(value: Any) -> list[Tensor]:
    """All tensors in nested tuples, lists, dictionaries and data classes."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    elif hasattr(value, "__dataclass_fields__"):
        value = list(vars(value).values())
    if isinstance(value, (tuple, list)):
        return [tensor for item in value for tensor in tensors_in(item)]
    return []


def shapes_in(value: Any) -> tuple[tuple[int, ...], ...]:
    return tuple([tuple(tensor.shape) for tensor in tensors_in(value)])
