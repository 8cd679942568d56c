"""Products with quantised weights, which PyTorch keeps in packed objects and not among a network's parameters.

One multiply-add of whole numbers counts as one of floating point: the work is the same, the time is not.
Source: the signatures of `torch.ops.quantized`.
"""

from typing import Any

from torch import Tensor, nn

from bakeoff.cost.rules.matmul import Rule, convolution_macs


def _linear(args: tuple[Any, ...], kwargs: dict[str, Any], result: Tensor) -> tuple[int, int]:
    return result.numel() * args[0].shape[-1], result.numel()


def _convolution(args: tuple[Any, ...], kwargs: dict[str, Any], result: Tensor) -> tuple[int, int]:
    weight = args[1].unpack()[0]
    return convolution_macs(args[0], weight, result, False), result.numel()


def _elementwise(args: tuple[Any, ...], kwargs: dict[str, Any], result: Tensor) -> tuple[int, int]:
    return 0, result.numel()


#: By the operation's name in the namespace "quantized".
QUANTISED_RULES: dict[str, Rule] = {
    **{
        f"linear{relu}{kind}": _linear for relu in ("", "_relu") for kind in ("", "_dynamic", "_dynamic_fp16")
    },
    **{f"conv{size}d{end}": _convolution for size in (1, 2, 3) for end in ("", "_relu", "_dynamic")},
    **dict.fromkeys(
        ("add", "add_relu", "mul", "mul_relu", "hardswish", "sigmoid", "leaky_relu"), _elementwise
    ),
}


def packed_weights(module: nn.Module) -> list[Tensor]:
    """The weights and biases that a quantised module keeps packed; [] for any other.

    Its `weight` is a method, where that of a plain layer is a parameter; recurrent ones have `get_weight`.
    """
    layer: Any = module
    kind = type(module)  # asking the class is quick: a module looks for what it lacks among its parts
    if callable(getattr(kind, "get_weight", None)) and callable(getattr(kind, "get_bias", None)):
        found = [*layer.get_weight().values(), *layer.get_bias().values()]
    elif callable(getattr(kind, "weight", None)):
        found = [layer.weight(), layer.bias() if callable(getattr(kind, "bias", None)) else None]
    else:
        return []
    return [tensor for tensor in found if isinstance(tensor, Tensor)]
