"""Stacked recurrent layers: Elman's RNN, LSTM and GRU, in torch's parameter layout."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from bakeoff.train.kernels.dense import linear

Layer = tuple[Tensor, Tensor, Tensor | None, Tensor | None]


def recurrent(cell: str, x: Float[Tensor, "R B T I"], layers: Sequence[Layer]) -> Float[Tensor, "R B T D"]:
    """The last layer's states at every step, from zeros."""
    for layer in layers:
        x = _layer(cell, x, layer)
    return x


def _layer(cell: str, x: Tensor, layer: Layer) -> Tensor:
    weight_ih, weight_hh, bias_ih, bias_hh = layer
    inputs = linear(x, weight_ih, bias_ih).unbind(2)
    h = x.new_zeros(*x.shape[:2], weight_hh.shape[2])
    c, states = h, []
    for given in inputs:
        own = linear(h, weight_hh, bias_hh)
        if cell == "rnn":
            h = (given + own).tanh()
        elif cell == "lstm":
            i, f, g, o = (given + own).chunk(4, 2)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
        else:
            r, z, n = given.chunk(3, 2)
            own_r, own_z, own_n = own.chunk(3, 2)
            z = (z + own_z).sigmoid()
            n = (n + (r + own_r).sigmoid() * own_n).tanh()
            h = n + z * (h - n)
        states.append(h)
    return torch.stack(states, 2)
