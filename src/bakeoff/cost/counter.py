"""Counting where operations happen: below autograd, at PyTorch's dispatcher, whatever Python code called them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from bakeoff.cost import attention_rules, recurrent_rules
from bakeoff.cost.arithmetic import arithmetic_rule, no_arithmetic
from bakeoff.cost.memory import StorageLedger
from bakeoff.cost.products import PRODUCT_RULES, Rule
from bakeoff.cost.scratch import scratch_bytes
from bakeoff.cost.shortcuts import result_by_shape

_RULE_FILES = (attention_rules, recurrent_rules)  # imported for the rules that they register


@dataclass
class Tally:
    """What was counted for one layer, or for one operation."""

    calls: int = 0
    macs: int = 0
    flops: int = 0
    traffic_bytes: int = 0


@dataclass
class Counts:
    """What was counted so far, by layer and by operation."""

    by_layer: dict[str, Tally] = field(default_factory=dict)
    by_operation: dict[str, Tally] = field(default_factory=dict)
    unknown: dict[str, int] = field(default_factory=dict)

    @property
    def macs(self) -> int:
        return sum(tally.macs for tally in self.by_layer.values())

    @property
    def flops(self) -> int:
        return sum(tally.flops for tally in self.by_layer.values())

    @property
    def traffic_bytes(self) -> int:
        return sum(tally.traffic_bytes for tally in self.by_layer.values())


class OperationCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """A context in which every operation of PyTorch is counted: in train and eval mode, with and without gradients.

    It counts real tensors, and tensors on the meta device that hold no values. `cost_of` uses it; it may be used alone:

    >>> with OperationCounter() as counter:
    ...     product = torch.zeros(2, 3) @ torch.zeros(3, 4)
    >>> counter.counts.macs, counter.counts.flops
    (24, 48)

    Args:
        layer: tells the name of the layer that runs now; "" for all where None.
        ledger: watches the memory, where one is given.
    """

    def __init__(self, layer: Callable[[], str] | None = None, ledger: StorageLedger | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.counts = Counts()
        self._layer = layer or (lambda: "")
        self._ledger = ledger

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Whether PyTorch is to load its compiler to keep it away from here: that takes a second."""
        return False

    def __torch_dispatch__(
        self, operation: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        count = rule_of(operation)
        if count is None and _can_decompose(operation):
            with self:
                result = operation.decompose(*args, **kwargs)
            if result is not NotImplemented:
                return result
        result = result_by_shape(operation, args, kwargs)
        if result is NotImplemented:
            result = operation(*args, **kwargs)
        layer = self._layer()
        if self._ledger is not None:
            self._ledger.add(_tensors(result, []), layer)
            self._ledger.add_for_a_moment(scratch_bytes(_full_name(operation), args, result))
        if count is not no_arithmetic or _moves_data(operation):
            self._enter(operation, count, layer, args, kwargs, result)
        return result

    def _enter(
        self,
        operation: Any,
        count: Rule | None,
        layer: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        result: Any,
    ) -> None:
        name = _full_name(operation)
        if count is None:
            self.counts.unknown[name] = self.counts.unknown.get(name, 0) + 1
        macs, other = count(args, kwargs, result) if count is not None else (0, 0)
        traffic = _traffic_bytes(args, result)
        for tallies, key in ((self.counts.by_layer, layer), (self.counts.by_operation, name)):
            tally = tallies.get(key)
            if tally is None:
                tally = tallies[key] = Tally()
            tally.calls += 1
            tally.macs += macs
            tally.flops += 2 * macs + other
            tally.traffic_bytes += traffic


_rules: dict[Any, Rule | None] = {}
_movers: dict[Any, bool] = {}


def rule_of(operation: Any) -> Rule | None:
    """The rule that counts this operation, or None where none is known."""
    try:
        return _rules[operation]
    except KeyError:
        found = _rules[operation] = _find_rule(operation)
        return found


def _find_rule(operation: Any) -> Rule | None:
    namespace = getattr(operation, "namespace", None)
    if namespace == "prim":
        return no_arithmetic
    if namespace != "aten":
        return None
    name = operation._schema.name.partition("::")[2]
    if name in PRODUCT_RULES:
        return PRODUCT_RULES[name]
    return arithmetic_rule(operation, name)


def _can_decompose(operation: Any) -> bool:
    return isinstance(operation, torch._ops.OpOverload) and operation._can_decompose()


def _moves_data(operation: Any) -> bool:
    """Whether it reads or writes memory: views do not."""
    moves = _movers.get(operation)
    if moves is None:
        returns = operation._schema.returns if isinstance(operation, torch._ops.OpOverload) else ()
        is_view = bool(returns) and all(
            r.alias_info is not None and not r.alias_info.is_write for r in returns
        )
        name = _full_name(operation)
        moves = _movers[operation] = not is_view and not name.startswith(
            ("aten.empty", "aten.new_empty", "aten._unsafe_view")
        )
    return moves


def _full_name(operation: Any) -> str:
    if isinstance(operation, torch._ops.OpOverload):
        return operation._schema.name.replace("::", ".")
    return str(operation)


def _tensors(value: Any, found: list[Tensor]) -> list[Tensor]:
    if isinstance(value, Tensor):
        found.append(value)
    elif isinstance(value, (tuple, list)):
        for item in value:
            _tensors(item, found)
    return found


def _traffic_bytes(args: tuple[Any, ...], result: Any) -> int:
    """Bytes of the tensors that the operation reads and writes; values repeated by `expand` are read once."""
    total = 0
    for tensor in _tensors(result, _tensors(args, [])):
        size = tensor.numel() * tensor.element_size()
        repeated = 0 in tensor.stride()
        total += min(size, tensor.untyped_storage().nbytes()) if repeated else size
    return total
