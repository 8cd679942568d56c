"""Rules for all arithmetic that is no sum of products: FLOPs beside the multiply-adds.

An elementwise operation counts 1 FLOP for each element of its result, an activation function or a root as well as a
sum, and so does its derivative. A reduction counts 1 for each element that it reads. Normalisation, softmax and pooling
have rules of their own, below. Whole numbers and truth values are no floating point: their arithmetic counts 0.
Not counted: random numbers, sorting, comparisons that only select, copies, indexing and every other movement of data.
"""

from math import log2, prod
from typing import Any

import torch
from torch import Tensor

from bakeoff.cost.rules.attention import LAYER_NORM_FLOPS, SOFTMAX_BACKWARD_FLOPS, SOFTMAX_FLOPS
from bakeoff.cost.rules.matmul import Rule

#: FLOPs of batch norm for each element: in eval mode difference, division, weight, bias; in train mode the mean (1) and
#: the variance (3) besides; backward two sums with their products (3) and the gradient itself (6).
BATCH_NORM_FLOPS, BATCH_STATISTICS_FLOPS, BATCH_NORM_BACKWARD_FLOPS = 4, 4, 9
#: FLOPs of layer norm backward for each element: the normalised value again (2), sums with products (6),
#: the gradient itself (5).
LAYER_NORM_BACKWARD_FLOPS = 13
RMS_NORM_FLOPS = 4  # square, mean, division, weight


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Movement of data, random numbers, selection and bookkeeping: no arithmetic.
MOVEMENT: frozenset[str] = _names(
    """
    _copy_from _efficientzerotensor _fused_sdp_choice _index_put_impl_ _local_scalar_dense
    _nested_tensor_from_mask _pack_padded_sequence _pin_memory _reshape_alias _reshape_alias_copy _reshape_copy
    _resize_output _resize_output_ _to_copy _to_cpu _unsafe_index _unsafe_masked_index _unsafe_view alias_copy
    arange argsort as_strided as_strided_copy as_strided_scatter bernoulli bernoulli_ block_diag bucketize cat
    channel_shuffle clone constant_pad_nd contiguous copy copy_ detach_ diag_embed diagonal_copy
    diagonal_scatter dropout_mask embedding empty empty_like empty_permuted empty_quantized empty_strided equal
    exponential exponential_ expand_copy eye fill fill_ flip full full_like gather geometric_ hash_tensor im2col
    index index_copy index_copy_ index_fill index_fill_ index_put index_put_ index_select is_same_size isin
    kthvalue lift lift_fresh lift_fresh_copy linspace logspace log_normal_ lstm_mps lu_unpack masked_fill masked_fill_
    masked_scatter masked_scatter_ masked_select max_unpool2d max_unpool3d multinomial narrow_copy
    native_channel_shuffle new_empty new_empty_strided new_full new_ones new_zeros nonzero nonzero_static normal
    normal_ ones ones_like one_hot permute_copy pixel_shuffle pixel_unshuffle poisson put put_ rand rand_like
    randint randint_like randn randn_like random random_ randperm record_stream reflection_pad1d
    reflection_pad2d reflection_pad3d repeat repeat_interleave replication_pad1d replication_pad2d
    replication_pad3d resize resize_ resize_as_ roll rot90 rrelu_with_noise_mask scalar_tensor scatter scatter_
    searchsorted select_backward select_copy select_scatter set_ slice_backward slice_copy slice_scatter sort
    split_copy split_with_sizes_copy squeeze_copy stack swapaxes sym_numel sym_size sym_storage_offset
    sym_stride take take_along_dim topk triu triu_ tril tril_ tril_indices triu_indices t_copy transpose_copy
    unbind_copy unfold unfold_copy uniform uniform_ unique_consecutive unique_dim _unique _unique2 unsafe_chunk
    unsafe_split unsafe_split_with_sizes unsqueeze_copy upsample_nearest1d upsample_nearest2d upsample_nearest3d
    _upsample_nearest_exact1d _upsample_nearest_exact2d _upsample_nearest_exact3d view_as_complex_copy
    view_as_real_copy view_copy where where_ zero zero_ zeros zeros_like diagonal_backward unfold_backward
    value_selecting_reduction_backward _assert_async _assert_tensor_metadata _has_compatible_shallow_copy_type
    _linalg_check_errors _nested_view_from_buffer allclose is_nonzero item
    _coalesce _coalesced_ _indices _sparse_coo_tensor_unsafe _sparse_coo_tensor_with_dims
    _sparse_coo_tensor_with_dims_and_tensors _sparse_mask_projection _to_dense _to_sparse _values is_coalesced
    sparse_mask
    """
)

#: Elementwise arithmetic that PyTorch does not tag as pointwise.
ELEMENTWISE: frozenset[str] = _names(
    """
    _softmax_backward gelu_backward glu glu_backward hardswish_backward log_sigmoid_forward log_sigmoid_backward
    _prelu_kernel _prelu_kernel_backward rrelu_with_noise rrelu_with_noise_ native_dropout
    native_dropout_backward _fused_dropout threshold_backward silu_backward mish_backward elu_backward celu_
    selu_ hardtanh_ hardsigmoid_backward hardtanh_backward leaky_relu_backward softplus_backward
    softshrink_backward hardshrink_backward sigmoid_backward tanh_backward logit_backward
    _amp_foreach_non_finite_check_and_unscale_ complex polar pow float_power lerp_ dropout alpha_dropout
    feature_dropout binary_cross_entropy_backward mse_loss_backward smooth_l1_loss_backward huber_loss_backward
    soft_margin_loss_backward
    """
)

#: Reductions that PyTorch does not tag as such, and sums that read each element of their first argument once.
REDUCTIONS: frozenset[str] = _names(
    """
    sum mean nansum prod amax amin max min argmax argmin any all cumsum cumsum_ cumprod cumprod_ cummax cummin
    logcumsumexp count_nonzero median nanmedian mode aminmax _aminmax trace histc bincount sum_to_size
    cumulative_trapezoid binary_cross_entropy mse_loss smooth_l1_loss huber_loss soft_margin_loss nll_loss
    nll_loss_forward nll_loss_nd nll_loss2d_forward col2im upsample_nearest1d_backward
    upsample_nearest2d_backward upsample_nearest3d_backward reflection_pad1d_backward reflection_pad2d_backward
    replication_pad1d_backward replication_pad2d_backward _adaptive_avg_pool2d _adaptive_avg_pool3d
    _adaptive_avg_pool2d_backward _adaptive_avg_pool3d_backward adaptive_max_pool2d adaptive_max_pool3d
    adaptive_avg_pool1d max_pool2d_with_indices_backward max_pool3d_with_indices_backward
    adaptive_max_pool2d_backward adaptive_max_pool3d_backward embedding_dense_backward embedding_backward
    segment_reduce
    """
)

#: Arithmetic for each element of the first argument that is a tensor of floating point.
PER_INPUT: dict[str, int] = {
    "_softmax": SOFTMAX_FLOPS,
    "_safe_softmax": SOFTMAX_FLOPS,
    "softmax": SOFTMAX_FLOPS,
    "_log_softmax": SOFTMAX_FLOPS,
    "log_softmax": SOFTMAX_FLOPS,
    "_softmax_backward_data": SOFTMAX_BACKWARD_FLOPS,
    "_log_softmax_backward_data": SOFTMAX_BACKWARD_FLOPS,
    "logsumexp": 4,
    "var": 4,
    "std": 5,
    "var_mean": 4,
    "std_mean": 5,
    "linalg_vector_norm": 2,
    "norm": 2,
    "dist": 3,
    "native_layer_norm": LAYER_NORM_FLOPS,
    "native_group_norm": LAYER_NORM_FLOPS,
    "native_layer_norm_backward": LAYER_NORM_BACKWARD_FLOPS,
    "native_group_norm_backward": LAYER_NORM_BACKWARD_FLOPS,
    "_fused_rms_norm": RMS_NORM_FLOPS,
    "_fused_rms_norm_backward": 2 * RMS_NORM_FLOPS + 2,
    "native_batch_norm_backward": BATCH_NORM_BACKWARD_FLOPS,
    "cudnn_batch_norm_backward": BATCH_NORM_BACKWARD_FLOPS,
    "batch_norm_backward": BATCH_NORM_BACKWARD_FLOPS,
    "_native_batch_norm_legit_no_training": BATCH_NORM_FLOPS,
    "_batch_norm_no_update": BATCH_NORM_FLOPS,
    "cudnn_batch_norm": BATCH_NORM_FLOPS + BATCH_STATISTICS_FLOPS,
    "_batch_norm_with_update": BATCH_NORM_FLOPS + BATCH_STATISTICS_FLOPS,
    "_native_batch_norm_legit": BATCH_NORM_FLOPS + BATCH_STATISTICS_FLOPS,
    "_native_batch_norm_legit_functional": BATCH_NORM_FLOPS + BATCH_STATISTICS_FLOPS,
    "binary_cross_entropy_with_logits": 6,  # maximum, product, difference, exponential, logarithm, sum
    "upsample_linear1d_backward": 3,
    "upsample_bilinear2d_backward": 9,
    "_upsample_bilinear2d_aa_backward": 9,
    "upsample_trilinear3d_backward": 21,
    "upsample_bicubic2d_backward": 35,
    "_upsample_bicubic2d_aa_backward": 35,
    "grid_sampler_2d_backward": 26,
    "grid_sampler_3d_backward": 54,
    "scatter_add": 1,
    "scatter_add_": 1,
    "scatter_reduce": 1,
    "scatter_reduce_": 1,
}

#: Arithmetic for each element of the (first) result.
PER_OUTPUT: dict[str, int] = {
    "addcmul": 2,
    "addcmul_": 2,
    "addcdiv": 2,
    "addcdiv_": 2,
    "lerp": 3,
    "upsample_linear1d": 3,
    "upsample_bilinear2d": 9,
    "_upsample_bilinear2d_aa": 9,
    "upsample_trilinear3d": 21,
    "upsample_bicubic2d": 35,
    "_upsample_bicubic2d_aa": 35,
    "grid_sampler_2d": 13,
    "grid_sampler_3d": 27,
    "renorm": 3,
    "linalg_cross": 3,
}


def _window(args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> tuple[int, int]:
    """Pooling: each value of the window is compared or added once for each output."""
    output = result[0] if isinstance(result, tuple) else result
    spatial = _spatial(output, args[1])
    return 0, output.numel() * prod(args[1] if len(args[1]) == spatial else list(args[1]) * spatial)


def _window_backward(args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> tuple[int, int]:
    gradient, window = args[0], args[2]
    spatial = _spatial(gradient, window)
    return 0, gradient.numel() * prod(window if len(window) == spatial else list(window) * spatial)


def _spatial(tensor: Tensor, window: list[int]) -> int:
    return len(window) if len(window) > 1 else max(1, tensor.dim() - 2)


def _batch_norm(args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> tuple[int, int]:
    training = bool(args[5] if len(args) > 5 else kwargs.get("training", True))
    return 0, args[0].numel() * (BATCH_NORM_FLOPS + (BATCH_STATISTICS_FLOPS if training else 0))


def _fourier(args: tuple[Any, ...], kwargs: dict[str, Any], result: Tensor) -> tuple[int, int]:
    # 5 n log2 n for complex values, half of it for real ones (Frigo and Johnson, FFTW).
    real = not (args[0].is_complex() and result.is_complex())
    largest = max(args[0].numel(), result.numel())
    size = prod(max(args[0].shape[d], result.shape[d]) for d in args[1])
    return 0, int((2.5 if real else 5) * largest * log2(max(size, 2)))


def _distances(args: tuple[Any, ...], kwargs: dict[str, Any], result: Tensor) -> tuple[int, int]:
    return 0, result.numel() * args[0].shape[-1] * 3


def _distances_backward(args: tuple[Any, ...], kwargs: dict[str, Any], result: Tensor) -> tuple[int, int]:
    distances, width = args[4], args[1].shape[-1]
    return 0, distances.numel() * width * 3


def _added_rows(args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> tuple[int, int]:
    """index_add: 1 FLOP for each value added."""
    source = args[3] if len(args) > 3 else kwargs["source"]
    return 0, source.numel()


def _embedding_bag(args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> tuple[int, int]:
    return 0, args[1].numel() * args[0].shape[1]


def _embedding_bag_backward(args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> tuple[int, int]:
    return 0, args[1].numel() * args[0].shape[1]


def _likelihood_backward(args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> tuple[int, int]:
    """One quotient for each target."""
    return 0, args[2].numel()


OWN_RULES: dict[str, Rule] = {
    "nll_loss_backward": _likelihood_backward,
    "nll_loss2d_backward": _likelihood_backward,
    "_embedding_bag_backward": _embedding_bag_backward,
    "_embedding_bag_dense_backward": _embedding_bag_backward,
    "max_pool2d_with_indices": _window,
    "max_pool3d_with_indices": _window,
    "max_pool2d": _window,
    "max_pool1d": _window,
    "mkldnn_max_pool2d": _window,
    "avg_pool1d": _window,
    "avg_pool2d": _window,
    "avg_pool3d": _window,
    "avg_pool2d_backward": _window_backward,
    "avg_pool3d_backward": _window_backward,
    "native_batch_norm": _batch_norm,
    "_fft_r2c": _fourier,
    "_fft_c2c": _fourier,
    "_fft_c2r": _fourier,
    "_cdist_forward": _distances,
    "_cdist_backward": _distances_backward,
    "_euclidean_dist": _distances,
    "index_add": _added_rows,
    "index_add_": _added_rows,
    "_embedding_bag": _embedding_bag,
    "_embedding_bag_forward_only": _embedding_bag,
}


def is_float(tensor: Any) -> bool:
    return isinstance(tensor, Tensor) and (tensor.is_floating_point() or tensor.is_complex())


def first_tensor(values: Any) -> Tensor | None:
    for value in values if isinstance(values, (tuple, list)) else (values,):
        if isinstance(value, Tensor):
            return value
        if isinstance(value, (tuple, list)) and (inner := first_tensor(value)) is not None:
            return inner
    return None


def _elementwise(args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> tuple[int, int]:
    output = first_tensor(result)
    floating = output is not None and (is_float(output) or any(is_float(value) for value in args))
    return 0, output.numel() if output is not None and floating else 0


def _elementwise_many(args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> tuple[int, int]:
    values = args[0] if isinstance(args[0], (tuple, list)) else ()
    return 0, sum(value.numel() for value in values if is_float(value))


def _per_input(factor: int) -> Rule:
    def count(args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> tuple[int, int]:
        tensor = first_tensor(args)
        return 0, factor * tensor.numel() if tensor is not None and is_float(tensor) else 0

    return count


def _per_output(factor: int) -> Rule:
    def count(args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> tuple[int, int]:
        tensor = first_tensor(result)
        return 0, factor * tensor.numel() if tensor is not None else 0

    return count


def no_arithmetic(args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> tuple[int, int]:
    """Views and movements of data."""
    return 0, 0


def arithmetic_rule(operation: torch._ops.OpOverload, name: str) -> Rule | None:
    """The rule of an operation that is no sum of products, or None where none is known."""
    if name in OWN_RULES:
        return OWN_RULES[name]
    if name in PER_INPUT:
        return _per_input(PER_INPUT[name])
    if name in PER_OUTPUT:
        return _per_output(PER_OUTPUT[name])
    if name in MOVEMENT or _is_view(operation) or torch.Tag.inplace_view in operation.tags:
        return no_arithmetic
    if name in REDUCTIONS or torch.Tag.reduction in operation.tags:
        return _per_input(1)
    if name in ELEMENTWISE or torch.Tag.pointwise in operation.tags or _in_place_pointwise(operation, name):
        return _elementwise
    if name.startswith("_foreach_"):
        return no_arithmetic if name.startswith(("_foreach_copy", "_foreach_zero")) else _elementwise_many
    return None


def _is_view(operation: torch._ops.OpOverload) -> bool:
    returns = operation._schema.returns
    return bool(returns) and all(r.alias_info is not None and not r.alias_info.is_write for r in returns)


def _in_place_pointwise(operation: torch._ops.OpOverload, name: str) -> bool:
    """Whether the operation is the in-place form of one that is tagged as pointwise (`relu_` of `relu`)."""
    if not name.endswith("_") or name.startswith("__"):
        return False
    packet = getattr(torch.ops.aten, name[:-1], None)
    overloads = packet.overloads() if packet is not None else []
    return any(torch.Tag.pointwise in getattr(packet, overload).tags for overload in overloads)
