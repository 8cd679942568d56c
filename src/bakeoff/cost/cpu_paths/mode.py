"""On meta tensors, the operations that PyTorch would run on a CPU, so that counts and memory are those of a CPU."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.modules import transformer
from torch.overrides import TorchFunctionMode

from bakeoff.cost.cpu_paths.linear import linear
from bakeoff.cost.cpu_paths.recurrent import RECURRENT_LAYERS, recurrent_layers, runs_on_cpu_path
from bakeoff.cost.cpu_paths.transformer import FastPaths
from bakeoff.system.patches import PROCESS_LOCK

_torch_attention: Any = F.scaled_dot_product_attention
_torch_detect: Any = transformer._detect_is_causal_mask


class CpuKernels(TorchFunctionMode):
    """A context in which meta tensors take the path of tensors on a CPU.

    - Attention without dropout runs as one fused operation, which keeps no scores (on the meta device PyTorch would
      take the steps one by one, and the memory would be that of all scores).
    - Attention modules take their fast paths in eval mode.
    - Recurrent layers multiply the inputs of all steps at once, and an LSTM is one operation.
    - A linear layer adds its bias in place.
    - Batch norm in train mode takes a batch of one example, as its cost is that of any other.

    Changed for the whole process while it is open, with `PROCESS_LOCK` held: two functions of PyTorch, and in
    `FastPaths` the forwards of two of its classes. Tensors with values take PyTorch's own path in all of them, so that
    other threads may go on computing.
    """

    def __enter__(self) -> "CpuKernels":
        PROCESS_LOCK.acquire()
        # A mode does not see what functions of torch.nn.functional call, and attention is called by one of them.
        self._outer: tuple[Any, Any] = (F.scaled_dot_product_attention, transformer._detect_is_causal_mask)
        F.scaled_dot_product_attention = _attention
        transformer._detect_is_causal_mask = _is_said_to_be_causal
        self._fast_paths = FastPaths().__enter__()
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *error: Any) -> None:
        try:
            super().__exit__(*error)  # type: ignore[no-untyped-call]
            self._fast_paths.__exit__(*error)
            F.scaled_dot_product_attention, transformer._detect_is_causal_mask = self._outer
        finally:
            PROCESS_LOCK.release()

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        replacement = _REPLACEMENTS.get(function)
        if replacement is not None:
            return replacement(*args, **(kwargs or {}))
        if function in RECURRENT_LAYERS and runs_on_cpu_path(args):
            return recurrent_layers(function, *args)
        return function(*args, **(kwargs or {}))


def _is_said_to_be_causal(
    mask: Tensor | None, is_causal: bool | None = None, size: int | None = None
) -> bool:
    """`nn.TransformerEncoder` reads its mask to see whether it is causal; one without values is what one says it is."""
    if mask is None or not mask.is_meta:
        return bool(_torch_detect(mask, is_causal, size))
    return is_causal is True


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
        result: Tensor = _torch_attention(
            query, key, value, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa
        )
        return result
    if attn_mask is not None:
        if attn_mask.dtype == torch.bool:
            attn_mask = torch.zeros_like(attn_mask, dtype=query.dtype).masked_fill_(
                attn_mask.logical_not(), -torch.inf
            )
        missing = 4 - attn_mask.dim()
        attn_mask = attn_mask.expand(*([1] * missing), *attn_mask.shape) if missing > 0 else attn_mask
    fused: tuple[Tensor, ...] = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
        query, key, value, dropout_p, is_causal, attn_mask=attn_mask, scale=scale
    )
    return fused[0]


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


_REPLACEMENTS: dict[Any, Callable[..., Any]] = {
    _torch_attention: _attention,
    F.linear: linear,
    F.batch_norm: _batch_norm,
}
