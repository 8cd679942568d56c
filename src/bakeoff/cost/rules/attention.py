"""Rules for attention that PyTorch runs as one operation: scaled dot products, and the fast paths of its modules.

With queries [B, H, T, D], keys [B, H, S, D] and values [B, H, S, E] the forward pass takes T*S*D + T*S*E MACs a head,
and 7 other FLOPs a score: the scale of queries and keys is folded into one, the softmax takes 5 and a mask 1. A
backward pass that keeps no scores computes them again: 5 products instead of 4 (Dao et al., FlashAttention,
arXiv:2205.14135). Masks, a causal one included, do not lower the count.
"""

from typing import Any

from torch import Tensor

from bakeoff.cost.rules.matmul import rule

#: FLOPs of a softmax for each element: largest value, difference, exponential, sum, division.
SOFTMAX_FLOPS = 5
#: FLOPs of its derivative for each element: product, sum, difference, product.
SOFTMAX_BACKWARD_FLOPS = 4
#: FLOPs of layer norm for each element: mean 1, variance 3, difference 1, division 1, weight 1, bias 1.
LAYER_NORM_FLOPS = 8


def attention_macs(query: Tensor, key: Tensor, value: Tensor) -> tuple[int, int, int]:
    """MACs of queries with keys, MACs of scores with values, and the number of scores."""
    scores = query.numel() // query.shape[-1] * key.shape[-2]
    return scores * query.shape[-1], scores * value.shape[-1], scores


@rule("_scaled_dot_product_flash_attention_for_cpu", "_scaled_dot_product_flash_attention",
      "_scaled_dot_product_efficient_attention", "_scaled_dot_product_cudnn_attention",
      "_scaled_dot_product_fused_attention_overrideable", "scaled_dot_product_attention",
      "_scaled_dot_product_attention_math")  # fmt: skip
def _attention(args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> tuple[int, int]:
    products, sums, scores = attention_macs(*args[:3])
    masked = isinstance(kwargs.get("attn_mask", args[3] if len(args) > 3 else None), Tensor)
    return products + sums, scores * (1 + SOFTMAX_FLOPS + masked)


@rule("_scaled_dot_product_flash_attention_for_cpu_backward", "_scaled_dot_product_flash_attention_backward",
      "_scaled_dot_product_efficient_attention_backward", "_scaled_dot_product_cudnn_attention_backward",
      "_scaled_dot_product_fused_attention_overrideable_backward")  # fmt: skip
def _attention_backward(args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> tuple[int, int]:
    products, sums, scores = attention_macs(*args[1:4])
    # Scores again, and gradients of values, scores, queries and keys.
    return 3 * products + 2 * sums, scores * (1 + SOFTMAX_FLOPS + SOFTMAX_BACKWARD_FLOPS)


@rule("_native_multi_head_attention")
def _fast_attention(args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> tuple[int, int]:
    query, key, width, heads = args[0], args[1], args[3], args[4]
    mask = args[9] if len(args) > 9 else kwargs.get("mask")
    return _projected_attention(query, key, width, heads, isinstance(mask, Tensor))


@rule("_transformer_encoder_layer_fwd")
def _fast_encoder_layer(args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> tuple[int, int]:
    source, width, heads = args[0], args[1], args[2]
    hidden_weight = args[14]
    mask = args[18] if len(args) > 18 else kwargs.get("mask")
    macs, other = _projected_attention(source, source, width, heads, isinstance(mask, Tensor))
    tokens = source.numel() // width
    hidden = tokens * hidden_weight.shape[0]
    macs += 2 * hidden * width
    # Two biases and the activation, two sums with the residual, two layer norms.
    other += 2 * hidden + 3 * source.numel() + 2 * LAYER_NORM_FLOPS * source.numel()
    return macs, other


def _projected_attention(query: Tensor, key: Tensor, width: int, heads: int, masked: bool) -> tuple[int, int]:
    queries, keys = query.numel() // width, key.numel() // width
    batch = query.shape[0]
    scores = batch * heads * (queries // batch) * (keys // batch)
    # Projections of queries and of the result; of keys and of values.
    macs = (2 * queries + 2 * keys) * width * width + 2 * scores * (width // heads)
    return macs, (2 * queries + 2 * keys) * width + scores * (1 + SOFTMAX_FLOPS + masked)
