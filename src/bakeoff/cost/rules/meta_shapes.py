"""Results of frequent operations on meta tensors, made directly: PyTorch's own way there is slow Python.

Batch norm on the meta device takes PyTorch 1.5 ms, for a result that is as large as its input, and the first such
operation loads PyTorch's compiler, which takes a second. A test holds each shortcut against what PyTorch gives.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from bakeoff.cost.rules.workspace import lstm_workspace_bytes

Shortcut = Callable[..., Any]


_META = torch.device("meta")


def _empty(x: Tensor, shape: Sequence[int]) -> Tensor:
    """`x.new_empty(shape)`, in a third of the time."""
    return torch.empty(shape, dtype=x.dtype, device=_META)


def _like(x: Tensor) -> Tensor:
    """`torch.empty_like`, in a quarter of the time."""
    if not x.is_contiguous():
        return torch.empty_like(x)
    return torch.empty_strided(x.shape, x.stride(), dtype=x.dtype, device=_META)


def _empty_like(x: Tensor) -> Any:
    return _like(x) if x.is_contiguous() else NotImplemented


def _batch_norm(
    x: Tensor, weight: Any, bias: Any, mean: Any, variance: Any, training: bool, momentum: float, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    saved = x.shape[1] if training else 0
    return _like(x), _empty(x, (saved,)), _empty(x, (saved,))


def _batch_norm_backward(
    gradient: Tensor, x: Tensor, weight: Tensor | None, mean: Any, variance: Any, save_mean: Any, save_invstd: Any,
    training: bool, eps: float, wanted: list[bool],
) -> tuple[Tensor | None, ...]:  # fmt: skip
    like = x if weight is None else weight
    return (
        _like(x) if wanted[0] else None,
        _empty(like, (x.shape[1],)) if wanted[1] else None,
        _empty(like, (x.shape[1],)) if wanted[2] else None,
    )


def _layer_norm(
    x: Tensor, shape: list[int], weight: Any, bias: Any, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    rows = [*x.shape[: x.dim() - len(shape)], *([1] * len(shape))]
    return _empty(x, x.shape), _empty(x, rows), _empty(x, rows)


def _layer_norm_backward(
    gradient: Tensor,
    x: Tensor,
    shape: list[int],
    mean: Any,
    rstd: Any,
    weight: Any,
    bias: Any,
    wanted: list[bool],
) -> tuple[Tensor | None, ...]:
    return (
        _empty(x, x.shape) if wanted[0] else None,
        _like(weight) if wanted[1] and weight is not None else None,
        _like(bias) if wanted[2] and bias is not None else None,
    )


def _elementwise(*args: Any, **kwargs: Any) -> Any:
    """Elementwise operations on contiguous or expanded tensors of one floating-point format, and numbers."""
    tensors = [value for value in args if isinstance(value, Tensor)]
    first = tensors[0]
    if not first.is_floating_point() or any(isinstance(value, complex) for value in args):
        return NotImplemented
    shape = first.shape
    for tensor in tensors:
        if (
            tensor.dtype != first.dtype
            or not (tensor.is_contiguous() or 0 in tensor.stride())
            or not tensor.is_meta
        ):
            return NotImplemented
        if tensor.shape != shape:
            shape = torch.broadcast_shapes(shape, tensor.shape)  # type: ignore[no-untyped-call]
    return _like(first) if shape == first.shape and first.is_contiguous() else _empty(first, shape)


def _in_place(*args: Any) -> Any:
    """Elementwise operations whose result is their first argument."""
    target = args[0]
    for value in args[1:]:
        if isinstance(value, Tensor) and value.shape != target.shape and value.dim() > 0:
            return NotImplemented
        if isinstance(value, (float, complex)) and not target.is_floating_point():
            return NotImplemented
    return target


def _over_dimensions(x: Tensor, dims: Any = None, keepdim: bool = False) -> Any:
    """Sum and mean over dimensions."""
    if not x.is_floating_point():
        return NotImplemented
    gone = {d % max(x.dim(), 1) for d in dims} if dims else set(range(x.dim()))
    kept = [(1 if d in gone else size) for d, size in enumerate(x.shape) if keepdim or d not in gone]
    return _empty(x, kept)


def _mm(first: Tensor, second: Tensor) -> Any:
    """`mm` and `bmm`."""
    if (
        first.shape[:-2] != second.shape[:-2]
        or first.shape[-1] != second.shape[-2]
        or first.dtype != second.dtype
    ):
        return NotImplemented
    return _empty(first, (*first.shape[:-1], second.shape[-1]))


def _addmm(bias: Tensor, first: Tensor, second: Tensor) -> Any:
    if first.shape[1] != second.shape[0] or bias.shape[-1] not in (1, second.shape[1]):
        return NotImplemented
    return _empty(first, (first.shape[0], second.shape[1]))


def _lstm_layer(
    x: Tensor, w_input: Tensor, w_hidden: Tensor, b_input: Tensor, b_hidden: Tensor, hx: Tensor, cx: Tensor,
    reverse: bool, sizes: Any, mode: int, hidden: int, layers: int, biased: bool, both: bool, batch_first: bool,
    train: bool,
) -> Any:  # fmt: skip
    if batch_first or layers != 1 or both:
        return NotImplemented
    steps, batch = x.shape[:2]
    workspace = lstm_workspace_bytes(steps, batch, hidden, x.element_size()) if train else 0
    return (
        _empty(x, (steps, batch, hidden)),
        _like(hx),
        _like(cx),
        torch.empty(workspace, dtype=torch.uint8, device="meta"),
    )


def _convolution(
    x: Tensor, weight: Tensor, bias: Any, stride: list[int], padding: list[int], dilation: list[int], transposed: bool,
    output_padding: list[int], groups: int,
) -> Any:  # fmt: skip
    """Plain convolutions; whatever does not fit is left to PyTorch, which says why."""
    spatial = weight.dim() - 2
    if (
        transposed
        or x.dim() != weight.dim()
        or not x.is_contiguous()
        or not len(stride) == len(padding) == spatial
    ):
        return NotImplemented
    if x.dtype != weight.dtype or x.shape[1] != weight.shape[1] * groups or weight.shape[0] % groups:
        return NotImplemented
    sizes = [
        (size + 2 * padding[d] - dilation[d] * (weight.shape[2 + d] - 1) - 1) // stride[d] + 1
        for d, size in enumerate(x.shape[2:])
    ]
    return _empty(x, (x.shape[0], weight.shape[0], *sizes)) if min(sizes) > 0 else NotImplemented


def _convolution_backward(gradient: Tensor, x: Tensor, weight: Tensor, bias_sizes: Any, *rest: Any) -> Any:
    if not (gradient.is_contiguous() and x.is_contiguous() and weight.is_contiguous()) or len(rest) != 7:
        return NotImplemented
    channels = gradient.shape[1]
    results = (x.shape, weight.shape, (channels,))
    return tuple(_empty(x, shape) if wanted else None for shape, wanted in zip(results, rest[6], strict=True))


def _max_pool(
    x: Tensor,
    window: list[int],
    stride: Any = (),
    padding: Any = (0, 0),
    dilation: Any = (1, 1),
    ceiling: bool = False,
) -> Any:
    """Largest values in windows of two sizes, and where they were."""
    steps = list(stride) or list(window)
    if ceiling or x.dim() != 4 or not len(window) == len(steps) == len(padding) == len(dilation) == 2:
        return NotImplemented
    sizes = [
        (x.shape[2 + d] + 2 * padding[d] - dilation[d] * (window[d] - 1) - 1) // steps[d] + 1
        for d in range(2)
    ]
    if min(sizes) < 1 or not x.is_contiguous() or any(2 * padding[d] > window[d] for d in range(2)):
        return NotImplemented
    shape = (*x.shape[:2], *sizes)
    return _empty(x, shape), torch.empty(shape, dtype=torch.int64, device=_META)


def _max_pool_backward(gradient: Tensor, x: Tensor, *_: Any) -> Tensor:
    return _like(x)


def _native_attention(
    query: Tensor, key: Tensor, value: Tensor, width: int, heads: int, w_in: Any, b_in: Any, w_out: Any, b_out: Any,
    mask: Any = None, need_weights: bool = True, average: bool = True, kind: Any = None,
) -> Any:  # fmt: skip
    """The fast path of attention of [B, T, D] to itself: [B, T, D] and, where wanted, the weights."""
    batch, places = query.shape[:2]
    shape = (batch, places, places) if average else (batch, heads, places, places)
    return _empty(query, query.shape), _empty(query, shape) if need_weights else None


_aten = torch.ops.aten
_SHORTCUTS: dict[Any, Shortcut] = {
    _aten.native_batch_norm.default: _batch_norm,
    _aten.native_batch_norm_backward.default: _batch_norm_backward,
    _aten.native_layer_norm.default: _layer_norm,
    _aten.native_layer_norm_backward.default: _layer_norm_backward,
    _aten.addmm.default: _addmm,
    _aten.convolution.default: _convolution,
    _aten.mkldnn_rnn_layer.default: _lstm_layer,
    _aten._native_multi_head_attention.default: _native_attention,
    _aten.max_pool2d_with_indices.default: _max_pool,
    _aten.max_pool2d_with_indices_backward.default: _max_pool_backward,
    _aten.empty_like.default: _empty_like,
    _aten.mm.default: _mm,
    _aten.bmm.default: _mm,
    _aten.convolution_backward.default: _convolution_backward,
    _aten.mean.dim: _over_dimensions,
    _aten.sum.dim_IntList: _over_dimensions,
    **dict.fromkeys(
        (
            _aten.add_.Tensor,
            _aten.sub_.Tensor,
            _aten.mul_.Tensor,
            _aten.div_.Tensor,
            _aten.sigmoid_.default,
            _aten.tanh_.default,
            _aten.relu_.default,
            _aten.gelu_.default,
            _aten.silu_.default,
            _aten.hardtanh_.default,
        ),
        _in_place,
    ),
}

#: Elementwise operations whose result has the format of their arguments; gradients of activations, too.
_SAME_FORMAT = frozenset(
    """abs add addcdiv addcmul clamp cos div elu elu_backward erf exp exp2 gelu gelu_backward hardsigmoid
    hardsigmoid_backward hardswish hardswish_backward hardtanh hardtanh_backward leaky_relu leaky_relu_backward log
    log1p log_sigmoid_backward maximum minimum mish mish_backward mul neg pow reciprocal relu rsqrt rsub sigmoid
    sigmoid_backward silu silu_backward sin softplus softplus_backward sqrt square sub tanh tanh_backward
    threshold_backward""".split()  # noqa: SIM905 - one name after another reads better than 45 strings
)
#: Arguments by name that do not change the shape or the format.
_HARMLESS = {"alpha", "approximate", "value"}


def result_by_shape(operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What the operation gives on meta tensors, or `NotImplemented` where there is no shortcut."""
    return shortened(shortcut_of(operation), args, kwargs)


def shortened(shortcut: Shortcut | None, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The result by a shortcut, or `NotImplemented` where it does not hold for these arguments."""
    if shortcut is None or not args or not (isinstance(args[0], Tensor) and args[0].is_meta):
        return NotImplemented
    if kwargs and not (kwargs.keys() <= _HARMLESS and shortcut in (_elementwise, _in_place)):
        return NotImplemented
    return shortcut(*args)


def shortcut_of(operation: Any) -> Shortcut | None:
    """How to tell the operation's result from the shapes of its arguments; None where PyTorch has to."""
    if operation in _SHORTCUTS:
        return _SHORTCUTS[operation]
    if not isinstance(operation, torch._ops.OpOverload) or operation.namespace != "aten":
        return None
    if operation._schema.is_mutable or "mode" in operation._overloadname:
        return None
    return _elementwise if operation._schema.name.removeprefix("aten::") in _SAME_FORMAT else None
