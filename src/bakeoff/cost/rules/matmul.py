"""Rules for the operations that are sums of products: their multiply-adds (MACs), exactly.

Each rule takes the operation's arguments and its result and returns `(macs, other_flops)`. Bias additions count as
other FLOPs. Products with zeros of a convolution's padding and with masked attention weights count: the hardware does
them.

Source: the definitions of the operations. `torch.utils.flop_counter` has rules of the same form for some of them, and
serves as a second witness in the tests.
"""

from collections.abc import Callable
from math import prod
from typing import Any

from torch import Tensor

#: `rule(args, kwargs, result) -> (macs, other_flops)`.
Rule = Callable[[tuple[Any, ...], dict[str, Any], Any], tuple[int, int]]

PRODUCT_RULES: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Register a rule under names of operations, without namespace and overload: "addmm"."""

    def register(function: Rule) -> Rule:
        for name in names:
            assert name not in PRODUCT_RULES, name
            PRODUCT_RULES[name] = function
        return function

    return register


# --- matrix products ----------------------------------------------------------------------------------------------


@rule("mm", "bmm", "_int_mm")
def _matrix_product(args: tuple[Any, ...], kwargs: dict[str, Any], result: Tensor) -> tuple[int, int]:
    return result.numel() * args[0].shape[-1], 0


@rule("mv", "dot", "vdot")
def _vector_product(args: tuple[Any, ...], kwargs: dict[str, Any], result: Tensor) -> tuple[int, int]:
    return args[0].numel(), 0


@rule("addmm", "baddbmm", "addbmm", "addmv", "_addmm_activation", "addmm_", "baddbmm_", "addbmm_", "addmv_")
def _added_product(args: tuple[Any, ...], kwargs: dict[str, Any], result: Tensor) -> tuple[int, int]:
    macs = args[1].numel() * (args[2].shape[-1] if args[2].dim() > 1 else 1)
    return macs, result.numel() if kwargs.get("beta", 1) != 0 else 0


@rule("affine_grid_generator")
def _affine_grid(args: tuple[Any, ...], kwargs: dict[str, Any], result: Tensor) -> tuple[int, int]:
    return result.numel() * args[0].shape[-1], 0


@rule("addr", "addr_", "ger")
def _outer_product(args: tuple[Any, ...], kwargs: dict[str, Any], result: Tensor) -> tuple[int, int]:
    return result.numel(), 0


@rule("linear", "mkldnn_linear", "_mkl_linear", "mkl_linear")
def _linear(args: tuple[Any, ...], kwargs: dict[str, Any], result: Tensor) -> tuple[int, int]:
    bias = kwargs.get("bias", args[2] if len(args) > 2 else None)
    return result.numel() * args[0].shape[-1], result.numel() if isinstance(bias, Tensor) else 0


@rule("linear_backward")
def _linear_backward(args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> tuple[int, int]:
    _, gradient, weight, wanted = args[:4]
    macs = gradient.numel() * weight.shape[1]
    return macs * (bool(wanted[0]) + bool(wanted[1])), gradient.numel() if wanted[2] else 0


@rule("_trilinear")
def _trilinear(args: tuple[Any, ...], kwargs: dict[str, Any], result: Tensor) -> tuple[int, int]:
    # nn.Bilinear: both inputs and the weight are broadcast against each other, then multiplied and summed.
    first, second, third, expand1, expand2, expand3, _ = args[:7]
    shapes = []
    for tensor, expand in ((first, expand1), (second, expand2), (third, expand3)):
        shape = list(tensor.shape)
        for dimension in sorted(expand):
            shape.insert(dimension, 1)
        shapes.append(shape)
    products = prod(max(sizes) for sizes in zip(*shapes, strict=True))
    return products, products


# --- convolutions -------------------------------------------------------------------------------------------------


def convolution_macs(inputs: Tensor, weight: Tensor, result: Tensor, transposed: bool) -> int:
    """MACs of a convolution with weight [M, C/groups, *kernel], or, transposed, [C, M/groups, *kernel].

    A convolution multiplies C/groups x kernel values for each output; a transposed one M/groups x kernel for each
    input.
    """
    return (inputs if transposed else result).numel() * prod(weight.shape[1:])


@rule(
    "convolution",
    "_convolution",
    "convolution_overrideable",
    "cudnn_convolution_transpose",
    "miopen_convolution",
)
def _convolution(args: tuple[Any, ...], kwargs: dict[str, Any], result: Tensor) -> tuple[int, int]:
    bias = args[2] if len(args) > 2 else kwargs.get("bias")
    transposed = bool(args[6] if len(args) > 6 else kwargs.get("transposed", False))
    other = result.numel() if isinstance(bias, Tensor) else 0
    return convolution_macs(args[0], args[1], result, transposed), other


@rule("mkldnn_convolution", "_slow_conv2d_forward", "_conv_depthwise2d", "cudnn_convolution", "conv_depthwise3d",
      "slow_conv3d_forward", "cudnn_convolution_relu", "cudnn_convolution_add_relu")  # fmt: skip
def _plain_convolution(args: tuple[Any, ...], kwargs: dict[str, Any], result: Tensor) -> tuple[int, int]:
    biased = any(isinstance(value, Tensor) and value.dim() == 1 for value in args[2:4])
    return convolution_macs(args[0], args[1], result, False), result.numel() if biased else 0


@rule("convolution_backward", "convolution_backward_overrideable")
def _convolution_backward(args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> tuple[int, int]:
    gradient, inputs, weight = args[:3]
    transposed = bool(args[7] if len(args) > 7 else kwargs["transposed"])
    wanted = args[10] if len(args) > 10 else kwargs["output_mask"]
    macs = convolution_macs(inputs, weight, gradient, transposed)
    biased = len(wanted) > 2 and wanted[2]
    return macs * (bool(wanted[0]) + bool(wanted[1])), gradient.numel() if biased else 0
