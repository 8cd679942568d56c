"""Memory that an operation holds only while it runs, beside its arguments and results, on a CPU.

PyTorch's convolutions and LSTM of floating point run in oneDNN, which first copies its arguments into a layout of its
own. The rules below were read off the allocations that PyTorch's profiler reports (2.13, x86 with AVX-512); other
processors choose other layouts, and a GPU's libraries take workspaces of their own.
"""

from collections.abc import Callable
from math import prod
from typing import Any

import torch
from torch import Tensor

Scratch = Callable[[tuple[Any, ...], Any], int]


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def _convolution(args: tuple[Any, ...], result: Any) -> int:
    """Input and weight in oneDNN's layout beside the result, then the result in both layouts. 1x1 kernels need none."""
    x, weight = args[:2]
    if prod(weight.shape[2:]) == 1:
        return 0
    return max(_bytes(x) + _bytes(weight), _bytes(result))


def _convolution_backward(args: tuple[Any, ...], result: Any) -> int:
    """The output's gradient and the input in oneDNN's layout, beside the results."""
    gradient, x, weight = args[:3]
    if prod(weight.shape[2:]) == 1:
        return 0
    return max(_bytes(gradient) + _bytes(x), _bytes(weight))


def _lstm(args: tuple[Any, ...], result: Any) -> int:
    """The gates of all steps, both weights in oneDNN's layout, and the input where it is not contiguous."""
    x, w_input, w_hidden = args[:3]
    gates = x.numel() // x.shape[-1] * w_input.shape[0] * x.element_size()
    return gates + _bytes(w_input) + _bytes(w_hidden) + (0 if x.is_contiguous() else _bytes(x))


def _native_attention(args: tuple[Any, ...], result: Any) -> int:
    """The fast path of attention: queries, keys and values twice, then the scores, then the sums in two layouts.

    A mask makes a second copy of the scores, and one of truth values where it is of another format.
    """
    x, heads = args[0], args[4]
    mask, with_weights = args[9] if len(args) > 9 else None, args[10] if len(args) > 10 else True
    size = x.element_size()
    values = _bytes(x)
    scores = x.shape[0] * heads * x.shape[1] ** 2
    masked = scores * (size + (mask.dtype != torch.bool)) if isinstance(mask, Tensor) else 0
    kept = scores * size if with_weights else 0
    return max(5 * values, 2 * values + scores * size + masked, 4 * values + kept)


#: By the operation's name: bytes that it holds besides its arguments and results.
SCRATCH: dict[str, Scratch] = {
    "aten._native_multi_head_attention": _native_attention,
    "aten.convolution": _convolution,
    "aten.convolution_backward": _convolution_backward,
    "aten.mkldnn_rnn_layer": _lstm,
    "aten.mkldnn_rnn_layer_backward": _lstm,
}


def lstm_workspace_bytes(steps: int, batch: int, hidden: int, element_size: int) -> int:
    """What oneDNN's LSTM keeps of one layer and direction for the backward pass.

    It holds gates, states, cells and room for their gradients, padded for each step and example; fitted to what
    PyTorch 2.13 asks for at hidden sizes 16 to 512, within 11 %.
    """
    per_step = max(9 * hidden + 288, int(15.2 * hidden))
    return (steps + 1) * batch * per_step * element_size
