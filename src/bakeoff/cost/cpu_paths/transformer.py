"""The fast paths of PyTorch's attention modules on meta tensors, so that what they hold at once is forecast too.

In eval mode and without gradients `nn.TransformerEncoderLayer` and `nn.MultiheadAttention` run as one operation of C++,
which keeps all scores but works on the hidden units in place. PyTorch does not take that path on the meta device, and
not where hooks are attached, as ours are. The conditions below are those of their `forward` in PyTorch 2.13, and the
order of the steps is that of its `transformer_encoder_layer_forward`. Letters: B batch, T places, D model width.
"""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_EncoderLayer: Any = nn.TransformerEncoderLayer
_MultiheadAttention: Any = nn.MultiheadAttention
#: What PyTorch runs outside of `FastPaths`.
_layer_forward = _EncoderLayer.forward
_attention_forward = _MultiheadAttention.forward
#: `LayerTrail` attaches one hook of each kind to each module; with more than that PyTorch takes the slow path.
_OWN_HOOKS = 1
_RELU, _GELU = 1, 2


@dataclass(frozen=True)
class _MergedMask:
    """Both masks in one, as PyTorch's operation takes them: the layer hands it to its attention."""

    mask: Tensor | None
    kind: int | None


class FastPaths:
    """A context in which the two modules take their fast paths on meta tensors, under PyTorch's own conditions.

    The forwards of the two classes are replaced for the whole process: PyTorch asks its conditions inside of them,
    where no mode and no hook can answer. `CpuKernels` opens it with `PROCESS_LOCK` held.
    """

    def __enter__(self) -> "FastPaths":
        self._outer = (_EncoderLayer.forward, _MultiheadAttention.forward)
        _EncoderLayer.forward = _encoder_layer
        _MultiheadAttention.forward = _attention
        return self

    def __exit__(self, *_: Any) -> None:
        _EncoderLayer.forward, _MultiheadAttention.forward = self._outer


def _encoder_layer(
    layer: Any,
    src: Tensor,
    src_mask: Tensor | None = None,
    src_key_padding_mask: Tensor | None = None,
    is_causal: bool = False,
) -> Tensor:
    """[B, T, D] -> [B, T, D]: the steps of PyTorch's one operation, each run by the module that it belongs to."""
    if not _layer_is_fast(layer, src):
        result: Tensor = _layer_forward(layer, src, src_mask, src_key_padding_mask, is_causal)
        return result
    merged = _merged(layer.self_attn, src, src_mask, src_key_padding_mask)
    x = layer.norm1(src) if layer.norm_first else src
    x = layer.self_attn(x, x, x, need_weights=False, attn_mask=merged)[0]
    x.add_(src)
    x = x if layer.norm_first else layer.norm1(x)
    before, x = x, layer.norm2(x) if layer.norm_first else x
    x = layer.linear1(x)
    x = layer.linear2(torch.relu_(x) if layer.activation_relu_or_gelu == _RELU else torch.ops.aten.gelu_(x))
    x.add_(before)
    return x if layer.norm_first else layer.norm2(x)


def _attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Any = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    merged = attn_mask
    if not isinstance(attn_mask, _MergedMask):
        if not _attention_is_fast(module, query, key, value, attn_mask, key_padding_mask):
            result: tuple[Tensor, Tensor | None] = _attention_forward(
                module, query, key, value, key_padding_mask=key_padding_mask, need_weights=need_weights,
                attn_mask=attn_mask, average_attn_weights=average_attn_weights, is_causal=is_causal,
            )  # fmt: skip
            return result
        merged = _merged(module, query, attn_mask, key_padding_mask)
    output, weights = torch._native_multi_head_attention(
        query, query, query, module.embed_dim, module.num_heads, module.in_proj_weight, module.in_proj_bias,
        module.out_proj.weight, module.out_proj.bias, merged.mask, need_weights, average_attn_weights, merged.kind,
    )  # fmt: skip
    return output, weights


def _merged(module: Any, x: Tensor, mask: Tensor | None, padding: Tensor | None) -> _MergedMask:
    padding = F._canonical_mask(padding, "key_padding_mask", F._none_or_dtype(mask), "attn_mask", x.dtype)
    mask = F._canonical_mask(mask, "attn_mask", None, "", x.dtype, check_other=False)
    return _MergedMask(*module.merge_masks(mask, padding, x))


def _layer_is_fast(layer: Any, src: Tensor) -> bool:
    attention = layer.self_attn
    if not isinstance(attention, nn.MultiheadAttention) or not _runs_fast(attention, src):
        return False
    norms_agree = layer.norm1.eps == layer.norm2.eps
    norms = (layer.norm1.weight, layer.norm1.bias, layer.norm2.weight, layer.norm2.bias)
    linears = (layer.linear1.weight, layer.linear1.bias, layer.linear2.weight, layer.linear2.bias)
    hooked = any(
        len(part._forward_hooks) > _OWN_HOOKS or len(part._forward_pre_hooks) > _OWN_HOOKS
        for part in layer.modules()
    )
    known_activation = layer.activation_relu_or_gelu in (_RELU, _GELU)
    return (
        norms_agree
        and known_activation
        and not layer.training
        and not hooked
        and _are_plain(*norms, *linears)
    )


def _attention_is_fast(
    module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, padding: Tensor | None
) -> bool:
    of_itself = query is key and key is value
    masks_are_truth_values = not any(m is not None and m.is_floating_point() for m in (mask, padding))
    plain = module.bias_k is None and module.bias_v is None and not module.add_zero_attn
    return of_itself and masks_are_truth_values and plain and _runs_fast(module, query)


def _runs_fast(module: Any, x: Tensor) -> bool:
    """What both ask for: a batch of meta tensors, eval mode, equal sizes, an even number of heads."""
    return (
        x.is_meta
        and x.dim() == 3
        and not module.training
        and module.batch_first
        and module._qkv_same_embed_dim
        and module.num_heads % 2 == 0
        and torch.backends.mha.get_fastpath_enabled()
        and not torch.is_autocast_enabled()
        and _are_plain(
            x, module.in_proj_weight, module.in_proj_bias, module.out_proj.weight, module.out_proj.bias
        )
        and x.dtype == module.in_proj_weight.dtype
    )


def _are_plain(*tensors: Tensor | None) -> bool:
    """Whether all are there and none is to get a gradient."""
    gradients = torch.is_grad_enabled()
    return all(tensor is not None and not (gradients and tensor.requires_grad) for tensor in tensors)
