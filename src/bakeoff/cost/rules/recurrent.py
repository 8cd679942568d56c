"""Rules for recurrent layers that PyTorch runs as one operation (oneDNN on the CPU, cuDNN on a GPU).

One step of a layer with I inputs, H units and G gates (LSTM 4, GRU 3, RNN 1) takes G*H*(I + H) MACs an example, and
with a projection to P values G*H*(I + P) + H*P. Other FLOPs are those of PyTorch's own steps: G*H for each bias, G*H
for the sum of both products, and for each unit: LSTM 9 (3 sigmoids, 2 tanh, 3 products, 1 sum), GRU 7 (2 sigmoids, 1
tanh, 2 products, 1 difference, 1 sum), RNN 1 (its activation).
"""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from bakeoff.cost.rules.matmul import rule

#: Mode in oneDNN's and cuDNN's operations -> gates, and FLOPs a unit and step beside products, biases and their sums.
#: 0 RNN with ReLU, 1 RNN with tanh, 2 LSTM, 3 GRU.
GATES: dict[int, int] = {0: 1, 1: 1, 2: 4, 3: 3}
UNIT_FLOPS: dict[int, int] = {0: 1, 1: 1, 2: 9, 3: 7}


def layer_step(mode: int, inputs: int, hidden: int, projected: int, biased: bool) -> tuple[int, int]:
    """MACs and other FLOPs of one step of one direction of one layer, for one example."""
    gates = GATES[mode]
    fed_back = projected or hidden
    macs = gates * hidden * (inputs + fed_back) + hidden * projected
    return macs, gates * hidden * (2 * biased + 1) + UNIT_FLOPS[mode] * hidden


@rule("mkldnn_rnn_layer")
def _onednn_layer(args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> tuple[int, int]:
    inputs, weight = args[0], args[1]
    mode, hidden, biased = args[9], args[10], args[12]
    steps = inputs.numel() // inputs.shape[-1]
    macs, other = layer_step(mode, weight.shape[1], hidden, 0, biased)
    return steps * macs, steps * other


@rule("mkldnn_rnn_layer_backward")
def _onednn_layer_backward(args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> tuple[int, int]:
    inputs, weight = args[0], args[1]
    mode = next(value for value in args[14:] if isinstance(value, int) and not isinstance(value, bool))
    hidden = args[2].shape[1]
    steps = inputs.numel() // inputs.shape[-1]
    macs, other = layer_step(mode, weight.shape[1], hidden, 0, True)
    return 2 * steps * macs, 2 * steps * other


@rule("_cudnn_rnn", "miopen_rnn")
def _cudnn_layers(args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> tuple[int, int]:
    inputs, weights, stride, mode, hidden, projected = args[0], args[1], args[2], args[6], args[7], args[8]
    batch_sizes = args[14]
    steps = sum(batch_sizes) if batch_sizes else inputs.shape[0] * inputs.shape[1]
    return _all_layers(weights, stride, mode, hidden, projected, steps)


@rule("_cudnn_rnn_backward", "miopen_rnn_backward")
def _cudnn_layers_backward(args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> tuple[int, int]:
    inputs, weights, stride, mode, hidden, projected = args[0], args[1], args[2], args[10], args[11], args[12]
    batch_sizes = args[18]
    steps = sum(batch_sizes) if batch_sizes else inputs.shape[0] * inputs.shape[1]
    macs, other = _all_layers(weights, stride, mode, hidden, projected, steps)
    return 2 * macs, 2 * other


def _all_layers(
    weights: Sequence[Tensor], stride: int, mode: int, hidden: int, projected: int, steps: int
) -> tuple[int, int]:
    macs = other = 0
    for first in range(0, len(weights), stride):
        one = layer_step(mode, weights[first].shape[1], hidden, projected, stride >= 4)
        macs, other = macs + steps * one[0], other + steps * one[1]
    return macs, other
