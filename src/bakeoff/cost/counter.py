"""Counting where operations happen: below autograd, at PyTorch's dispatcher, whatever Python code called them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from bakeoff.cost.rules import attention, linear_algebra, recurrent
from bakeoff.cost.rules.complex_numbers import in_real_numbers
from bakeoff.cost.rules.elementwise import arithmetic_rule, no_arithmetic
from bakeoff.cost.rules.matmul import PRODUCT_RULES, Rule
from bakeoff.cost.rules.meta_shapes import Shortcut, shortcut_of, shortened
from bakeoff.cost.rules.quantised import QUANTISED_RULES
from bakeoff.cost.rules.sparse import SPARSE_RULES
from bakeoff.cost.rules.workspace import SCRATCH, Scratch
from bakeoff.cost.storage import StorageLedger, held_bytes

_RULE_FILES = (
    attention,
    linear_algebra,
    recurrent,
)  # imported for the rules that they register


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
        known = _facts(operation)
        if known.decomposes:
            with self:
                result = operation.decompose(*args, **kwargs)
            if result is not NotImplemented:
                return result
        with torch._C.DisableTorchFunction():  # else a function mode would see each look at a shape
            result = shortened(known.shortcut, args, kwargs)
            if result is NotImplemented:
                result = operation(*args, **kwargs)
            self._count(known, args, kwargs, result)
        return result

    def _count(self, known: "_Facts", args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        layer = self._layer()
        made = [result] if isinstance(result, Tensor) else _tensors(result, [])
        if self._ledger is not None:
            self._ledger.add(made, layer)
            if known.scratch is not None:
                self._ledger.add_for_a_moment(known.scratch(args, result))
        if known.moves_data:
            self._enter(known, layer, args, kwargs, result, made)

    def _enter(
        self,
        known: "_Facts",
        layer: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        result: Any,
        made: list[Tensor],
    ) -> None:
        macs = other = 0
        inputs = _tensors(args, [])
        rule = known.rule
        if any(tensor.layout is not torch.strided for tensor in inputs):
            rule = SPARSE_RULES.get(known.name.partition(".")[2], rule if rule is no_arithmetic else None)
        if rule is None:
            self.counts.unknown[known.name] = self.counts.unknown.get(known.name, 0) + 1
        elif rule is not no_arithmetic:
            macs, other = rule(args, kwargs, result)
            if any(tensor.is_complex() for tensor in inputs):
                macs, other = in_real_numbers(known.name, macs, other)
        traffic = _traffic_bytes(made) + _traffic_bytes(inputs)
        for tallies, key in ((self.counts.by_layer, layer), (self.counts.by_operation, known.name)):
            tally = tallies.get(key)
            if tally is None:
                tally = tallies[key] = Tally()
            tally.calls += 1
            tally.macs += macs
            tally.flops += 2 * macs + other
            tally.traffic_bytes += traffic


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is known of an operation of PyTorch.

    Attributes:
        name: such as "aten.addmm".
        rule: counts its arithmetic; None where none is known.
        decomposes: it has no rule, but PyTorch says of which operations it is made.
        moves_data: it reads or writes memory, or computes: views do not.
        shortcut: its result on meta tensors.
        scratch: what it holds while it runs.
    """

    operation: Any
    name: str
    rule: Rule | None
    decomposes: bool
    moves_data: bool
    shortcut: Shortcut | None
    scratch: Scratch | None


#: By `id`, as an operation's own hash takes a while; the operation in the record keeps its number from a second use.
_known: dict[int, _Facts] = {}


def _facts(operation: Any) -> _Facts:
    facts = _known.get(id(operation))
    if facts is None:
        rule, name = _find_rule(operation), _full_name(operation)
        facts = _known[id(operation)] = _Facts(
            operation=operation,
            name=name,
            rule=rule,
            decomposes=rule is None and _can_decompose(operation),
            moves_data=rule is not no_arithmetic or _moves_data(operation, name),
            shortcut=shortcut_of(operation),
            scratch=SCRATCH.get(name),
        )
    return facts


def _find_rule(operation: Any) -> Rule | None:
    namespace = getattr(operation, "namespace", None)
    if namespace == "prim":
        return no_arithmetic
    name = operation._schema.name.partition("::")[2]
    if namespace == "quantized":
        return QUANTISED_RULES.get(name)
    if namespace != "aten":
        return None
    if name in PRODUCT_RULES:
        return PRODUCT_RULES[name]
    return arithmetic_rule(operation, name)


def _can_decompose(operation: Any) -> bool:
    return isinstance(operation, torch._ops.OpOverload) and operation._can_decompose()


def _moves_data(operation: Any, name: str) -> bool:
    """Whether it reads or writes memory: views do not."""
    returns = operation._schema.returns if isinstance(operation, torch._ops.OpOverload) else ()
    is_view = bool(returns) and all(r.alias_info is not None and not r.alias_info.is_write for r in returns)
    return not is_view and not name.startswith(("aten.empty", "aten.new_empty", "aten._unsafe_view"))


def _full_name(operation: Any) -> str:
    if isinstance(operation, torch._ops.OpOverload):
        return operation._schema.name.replace("::", ".")
    return str(operation)


def _tensors(values: Any, found: list[Tensor]) -> list[Tensor]:
    """The tensors in the arguments or the results of an operation, after those found before."""
    for value in values if isinstance(values, (tuple, list)) else (values,):
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, (tuple, list)) and value and not isinstance(value[0], (int, float)):
            _tensors(value, found)
    return found


def _traffic_bytes(tensors: list[Tensor]) -> int:
    """Bytes of the tensors that an operation reads and writes; values repeated by `expand` are read once."""
    total = 0
    for tensor in tensors:
        if tensor.layout is not torch.strided:
            total += held_bytes(tensor)
            continue
        size = tensor.nbytes
        total += min(size, tensor.untyped_storage().nbytes()) if 0 in tensor.stride() else size
    return total
