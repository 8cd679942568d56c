"""A network without its numbers: a copy whose tensors have shapes but no memory, run as PyTorch would on a CPU."""

import copy
from collections import OrderedDict
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules import transformer
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter
from torch.overrides import TorchFunctionMode

from bakeoff.cost.recurrent_on_cpu import recurrent_layers, runs_on_cpu_path

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


def _copied(value: Any, memo: dict[int, Any]) -> Any:
    """`copy.deepcopy`, ten times as fast for modules that do not say how they are copied."""
    if id(value) in memo:
        return memo[id(value)]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if type(value) is tuple and all(isinstance(item, (bool, int, float, str)) for item in value):
        return value
    if type(value) is set and not value:
        return set()
    if type(value) in (dict, OrderedDict):
        memo[id(value)] = filled = type(value)()
        filled.update({key: _copied(item, memo) for key, item in value.items()})
        return filled
    if not isinstance(value, nn.Module) or _says_how_to_copy(type(value)):
        return copy.deepcopy(value, memo)
    memo[id(value)] = module = type(value).__new__(type(value))
    for name, item in value.__dict__.items():
        module.__dict__[name] = _copied(item, memo)
    return module


def _says_how_to_copy(kind: type[nn.Module]) -> bool:
    """Whether the class, or one that it is made from below `nn.Module`, has copying methods of its own."""
    methods = ("__deepcopy__", "__getstate__", "__setstate__", "__reduce__", "__reduce_ex__")
    below = (base for base in kind.__mro__ if base not in (nn.Module, object))
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


_torch_attention: Any = F.scaled_dot_product_attention
_torch_detect: Any = transformer._detect_is_causal_mask


def _is_said_to_be_causal(
    mask: Tensor | None, is_causal: bool | None = None, size: int | None = None
) -> bool:
    """`nn.TransformerEncoder` reads its mask to see whether it is causal; one without values is what one says it is."""
    if mask is None or not mask.is_meta:
        return bool(_torch_detect(mask, is_causal, size))
    return is_causal is True


class CpuKernels(TorchFunctionMode):
    """On meta tensors, run the operations that PyTorch would run on the CPU.

    - Attention without dropout runs as one fused operation, which keeps no scores (on the meta device PyTorch would
      take the steps one by one, and the memory would be that of all scores).
    - Recurrent layers multiply the inputs of all steps at once, and an LSTM is one operation.
    - Batch norm in train mode takes a batch of one example, as its cost is that of any other.
    """

    def __enter__(self) -> "CpuKernels":
        # A mode does not see what functions of torch.nn.functional call, and attention is called by one of them.
        F.scaled_dot_product_attention = _attention
        transformer._detect_is_causal_mask = _is_said_to_be_causal
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)  # type: ignore[no-untyped-call]
        F.scaled_dot_product_attention = _torch_attention
        transformer._detect_is_causal_mask = _torch_detect

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if function is _torch_attention:
            return _attention(*args, **kwargs)
        if function is F.batch_norm:
            return _batch_norm(*args, **kwargs)
        if runs_on_cpu_path(function, args):
            return recurrent_layers(function, *args)
        return function(*args, **kwargs)


def _attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    if not _is_fused_on_cpu(query, key, value, attn_mask, dropout_p):
        return _torch_attention(
            query, key, value, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa
        )
    if attn_mask is not None:
        if attn_mask.dtype == torch.bool:
            attn_mask = torch.zeros_like(attn_mask, dtype=query.dtype).masked_fill_(
                attn_mask.logical_not(), -torch.inf
            )
        attn_mask = (
            attn_mask.expand(*([1] * (4 - attn_mask.dim())), *attn_mask.shape)
            if attn_mask.dim() < 4
            else attn_mask
        )
    return torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
        query, key, value, dropout_p, is_causal, attn_mask=attn_mask, scale=scale
    )[0]


def _is_fused_on_cpu(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, dropout: float) -> bool:
    if query.device.type != "meta" or dropout > 0 or query.dim() != 4 or key.dim() != 4 or value.dim() != 4:
        return False
    same_heads = query.shape[:2] == key.shape[:2] == value.shape[:2]
    same_size = query.shape[-1] == key.shape[-1] == value.shape[-1]
    plain_mask = mask is None or not mask.requires_grad
    return (
        same_heads
        and same_size
        and plain_mask
        and query.stride(-1) == key.stride(-1) == value.stride(-1) == 1
    )


def _batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    return torch.batch_norm(
        input, weight, bias, running_mean, running_var, training, momentum, eps, torch.backends.cudnn.enabled
    )
