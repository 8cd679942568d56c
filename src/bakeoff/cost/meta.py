"""A network without its numbers: a copy whose tensors have shapes but no memory."""

import copy
from collections import OrderedDict
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter
from torch.overrides import TorchFunctionMode

# Their stubs lack the arguments.
_UNMADE_PARAMETER: Any = UninitializedParameter
_UNMADE_BUFFER: Any = UninitializedBuffer


def meta_copy(module: nn.Module) -> nn.Module:
    """A copy of the network on the meta device: its tensors are not copied, its other attributes are.

    Shared parameters stay shared. The network itself is not changed.
    """
    memo: dict[int, Any] = {}
    for part in module.modules():
        for tensor in (*part._parameters.values(), *part._buffers.values()):
            if tensor is not None and id(tensor) not in memo:
                memo[id(tensor)] = _without_values(tensor)
    with _CopyToMeta():
        copied: nn.Module = _copied(module, memo)
    return copied


_PLAIN = frozenset({type(None), bool, int, float, str})


def _copied(value: Any, memo: dict[int, Any]) -> Any:
    """`copy.deepcopy`, ten times as fast for modules that do not say how they are copied."""
    kind: Any = type(value)
    if kind in _PLAIN:
        return value
    if id(value) in memo:
        return memo[id(value)]
    if kind in (tuple, list, set) and _PLAIN.issuperset(map(type, value)):
        return value if kind is tuple else kind(value)
    if kind in (dict, OrderedDict):
        memo[id(value)] = filled = kind()
        if not value:
            return filled
        filled.update({key: _copied(item, memo) for key, item in value.items()})
        return filled
    if not isinstance(value, nn.Module) or _says_how_to_copy(kind):
        return copy.deepcopy(value, memo)
    memo[id(value)] = module = kind.__new__(kind)
    for name, item in value.__dict__.items():
        module.__dict__[name] = _copied(item, memo)
    return module


#: PyTorch's classes whose `__setstate__` does nothing but fill in what old files lack.
_FILLS_IN = (
    nn.Module,
    nn.modules.conv._ConvNd,
    nn.MultiheadAttention,
    nn.TransformerEncoderLayer,
    nn.TransformerDecoderLayer,
    object,
)


@cache
def _says_how_to_copy(kind: type[nn.Module]) -> bool:
    """Whether the class, or one that it is made from below `nn.Module`, has copying methods of its own."""
    methods = ("__deepcopy__", "__getstate__", "__setstate__", "__reduce__", "__reduce_ex__")
    below = (base for base in kind.__mro__ if base not in _FILLS_IN)
    return any(method in vars(base) for base in below for method in methods)


def _without_values(tensor: Tensor) -> Tensor:
    if isinstance(tensor, UninitializedParameter):
        return _UNMADE_PARAMETER(tensor.requires_grad, "meta", tensor.dtype)
    if isinstance(tensor, UninitializedBuffer):
        return _UNMADE_BUFFER(tensor.requires_grad, "meta", tensor.dtype)
    empty = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(empty, requires_grad=tensor.requires_grad)
    return empty


def without_values(value: Any, memo: dict[int, Any] | None = None) -> Any:
    """Example inputs on the meta device; whatever is no tensor stays, and so do the sizes in a packed sequence.

    A tensor that appears twice is one tensor afterwards too: attention of a sequence to itself runs otherwise than
    attention to another one.
    """
    memo = {} if memo is None else memo
    if id(value) not in memo:
        memo[id(value)] = _emptied(value, memo)
    return memo[id(value)]


def _emptied(value: Any, memo: dict[int, Any]) -> Any:
    if isinstance(value, nn.utils.rnn.PackedSequence):
        return nn.utils.rnn.PackedSequence(
            without_values(value.data, memo), value.batch_sizes, value.sorted_indices, value.unsorted_indices
        )
    if isinstance(value, Tensor):
        if value.layout is not torch.strided or value.is_nested:
            return value
        empty = torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device="meta")
        return empty.requires_grad_(value.requires_grad)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(without_values(item, memo) for item in value))
    if isinstance(value, (tuple, list)):
        return type(value)(without_values(item, memo) for item in value)
    if isinstance(value, dict):
        return {key: without_values(item, memo) for key, item in value.items()}
    return value


class _CopyToMeta(TorchFunctionMode):
    """`copy.deepcopy` of a tensor that is no parameter and no buffer gives one without values."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function is Tensor.__deepcopy__ and args[0].numel() > 1:
            tensor, memo = args
            memo[id(tensor)] = empty = without_values(tensor.detach())
            return empty
        return function(*args, **(kwargs or {}))
