"""Stacked recurrent layers: Elman's RNN, LSTM and GRU, in torch's parameter layout.

The products of the inputs run for all steps at once, and so do the gradients of the weights: one product over all steps
in place of one a step (the automatic backward pass adds up T small ones). What remains in the loop over time is one
product with the recurrent weights and a few element-wise passes. Padding needs no mask: it stands at the end, and a
state depends on no later step.

Formulas: Elman 1990; Hochreiter & Schmidhuber 1997; Cho et al. 2014, with torch's variant of the GRU (the reset gate
acts on `W_hn h + b_hn`).
"""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from bakeoff.train.kernels import native

Layer = tuple[Tensor, Tensor, Tensor | None, Tensor | None]
#: Values that the pure path saves for its backward pass, for each hidden unit and time step: what `_STEP` fills.
_SAVED = {"rnn": 1, "lstm": 5, "gru": 4}


def recurrent(cell: str, x: Float[Tensor, "R B T I"], layers: Sequence[Layer]) -> Float[Tensor, "R B T D"]:
    """The last layer's states at every step, from zeros.

    Args:
        cell: "rnn" (tanh), "lstm" or "gru".
        layers: (weight_ih [R, G*D, I], weight_hh [R, G*D, D], bias_ih [R, G*D], bias_hh [R, G*D]) a layer, G gates in
            torch's order; both biases None where there are none.
    """
    for weight_ih, weight_hh, bias_ih, bias_hh in layers:
        function = _Native if native.takes(x, weight_ih) else _Pure
        states = function.apply(cell, x, weight_ih, weight_hh, bias_ih, bias_hh)  # type: ignore[no-untyped-call]
        x = states.transpose(1, 2)
    return x


class _Native(torch.autograd.Function):
    """The compiled loop; states come back as [R, T, B, D]."""

    @staticmethod
    def forward(
        ctx: Any,
        cell: str,
        x: Tensor,
        weight_ih: Tensor,
        weight_hh: Tensor,
        bias_ih: Tensor | None,
        bias_hh: Tensor | None,
    ) -> Tensor:
        x, weight_ih, weight_hh = x.contiguous(), weight_ih.contiguous(), weight_hh.contiguous()
        R, B, T, inputs = x.shape
        D = weight_hh.shape[2]
        keep, limits = any(ctx.needs_input_grad), native.limits()
        sizes = [limits.cells[cell], R, B, T, inputs, D, int(bias_ih is not None), int(keep)]
        states = x.new_empty(R, T, B, D)
        rows = x.new_empty(R, T, B, D + inputs + 1) if keep else None
        saved = x.new_empty(R, T, B, limits.cell_saved[cell] * D) if keep else None
        biases = [None if bias is None else bias.contiguous() for bias in (bias_ih, bias_hh)]
        native.call(
            "recurrent_forward", sizes, [x, weight_ih, weight_hh, *biases, states, rows, saved], x.dtype
        )
        ctx.sizes = sizes
        ctx.save_for_backward(weight_ih, weight_hh, rows, saved)
        return states

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (d_states,) = gradients
        weight_ih, weight_hh, rows, saved = ctx.saved_tensors
        _, R, B, T, inputs, _, bias, _ = ctx.sizes
        if d_states.stride(3) != 1:
            d_states = d_states.contiguous()
        dx = weight_ih.new_empty(R, B, T, inputs) if ctx.needs_input_grad[1] else None
        d_ih, d_hh = torch.empty_like(weight_ih), torch.empty_like(weight_hh)
        db_ih, db_hh = (weight_ih.new_empty(d_ih.shape[:2]) if bias else None for _ in range(2))
        sizes = [*ctx.sizes, d_states.stride(0), d_states.stride(2), d_states.stride(1)]
        given = [weight_ih, weight_hh, rows, saved, d_states]
        native.call("recurrent_backward", sizes, [*given, dx, d_ih, d_hh, db_ih, db_hh], weight_ih.dtype)
        return None, dx, d_ih, d_hh, db_ih, db_hh


class _Pure(torch.autograd.Function):
    """The same with torch's products; states come back as [R, T, B, D]."""

    @staticmethod
    def forward(
        ctx: Any,
        cell: str,
        x: Tensor,
        weight_ih: Tensor,
        weight_hh: Tensor,
        bias_ih: Tensor | None,
        bias_hh: Tensor | None,
    ) -> Tensor:
        R, B, T, inputs = x.shape
        D = weight_hh.shape[2]
        by_time = x.transpose(1, 2).reshape(R, T * B, inputs)
        given = torch.bmm(by_time, weight_ih.mT)
        if bias_ih is not None:
            given += bias_ih[:, None]
        given = given.view(R, T, B, -1)
        hidden = weight_hh.mT.contiguous()
        bias = x.new_zeros(R, 1, weight_hh.shape[1]) if bias_hh is None else bias_hh[:, None]
        states, saved = x.new_empty(R, T, B, D), x.new_empty(R, T, B, _SAVED[cell] * D)
        h = c = x.new_zeros(R, B, D)
        own = x.new_empty(R, B, hidden.shape[2])
        for t in range(T):
            torch.baddbmm(bias, h, hidden, out=own)
            h, c = _STEP[cell](given[:, t], own, h, c, saved[:, t])
            states[:, t] = h
        ctx.cell = cell
        ctx.save_for_backward(by_time, weight_ih, weight_hh, states, saved, bias_ih)
        return states

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (d_states,) = gradients
        by_time, weight_ih, weight_hh, states, saved, bias_ih = ctx.saved_tensors
        R, T, B, D = states.shape
        # Gradients of the gates' sums: as the inputs' product sees them, and as the states' product does.
        d_given = states.new_empty(R, T, B, weight_ih.shape[1])
        d_own = torch.empty_like(d_given) if ctx.cell == "gru" else d_given
        dh, dc, zero = states.new_zeros(R, B, D), states.new_zeros(R, B, D), states.new_zeros(R, B, D)
        for t in range(T - 1, -1, -1):
            dh += d_states[:, t]
            before = states[:, t - 1] if t else zero
            c_before = saved[:, t - 1, :, -D:] if t else zero
            _STEP_BACK[ctx.cell](saved[:, t], before, c_before, dh, dc, d_given[:, t], d_own[:, t])
            dh.baddbmm_(d_own[:, t], weight_hh)
        rows, own = d_given.flatten(1, 2), d_own.flatten(1, 2)
        earlier = torch.cat((zero[:, None], states[:, :-1]), 1).flatten(1, 2)
        dx = None
        if ctx.needs_input_grad[1]:
            dx = torch.bmm(rows, weight_ih).view(R, T, B, -1).transpose(1, 2)
        d_ih, d_hh = torch.bmm(rows.mT, by_time), torch.bmm(own.mT, earlier)
        if bias_ih is None:
            return None, dx, d_ih, d_hh, None, None
        return None, dx, d_ih, d_hh, rows.sum(1), own.sum(1)


def _rnn(given: Tensor, own: Tensor, h: Tensor, c: Tensor, saved: Tensor) -> tuple[Tensor, Tensor]:
    torch.tanh(own.add_(given), out=saved)
    return saved, c


def _rnn_back(
    saved: Tensor, h: Tensor, c: Tensor, dh: Tensor, dc: Tensor, d_given: Tensor, d_own: Tensor
) -> None:
    torch.mul(dh, saved.square().neg_().add_(1), out=d_given)
    dh.zero_()


def _lstm(given: Tensor, own: Tensor, h: Tensor, c: Tensor, saved: Tensor) -> tuple[Tensor, Tensor]:
    own.add_(given)
    D = h.shape[2]
    gates, state = saved[..., : 4 * D], saved[..., 4 * D :]
    torch.sigmoid(own, out=gates)
    i, f, g, o = gates.chunk(4, 2)
    torch.tanh(own[..., 2 * D : 3 * D], out=g)
    torch.mul(f, c, out=state)
    state.addcmul_(i, g)
    return state.tanh().mul_(o), state


def _lstm_back(
    saved: Tensor, h: Tensor, c_before: Tensor, dh: Tensor, dc: Tensor, d_given: Tensor, d_own: Tensor
) -> None:
    i, f, g, o, c = saved.chunk(5, 2)
    di, df, dg, do = d_given.chunk(4, 2)
    tanh = c.tanh()
    dc.addcmul_(dh * o, 1 - tanh * tanh)
    torch.mul(dc * g, i * (1 - i), out=di)
    torch.mul(dc * c_before, f * (1 - f), out=df)
    torch.mul(dc * i, 1 - g * g, out=dg)
    torch.mul(dh * tanh, o * (1 - o), out=do)
    dc.mul_(f)
    dh.zero_()


def _gru(given: Tensor, own: Tensor, h: Tensor, c: Tensor, saved: Tensor) -> tuple[Tensor, Tensor]:
    D = h.shape[2]
    gates, n, own_n = saved[..., : 2 * D], saved[..., 2 * D : 3 * D], saved[..., 3 * D :]
    torch.add(given[..., : 2 * D], own[..., : 2 * D], out=gates)
    gates.sigmoid_()
    own_n.copy_(own[..., 2 * D :])
    torch.addcmul(given[..., 2 * D :], gates[..., :D], own_n, out=n)
    n.tanh_()
    return torch.lerp(n, h, gates[..., D:]), c


def _gru_back(
    saved: Tensor, h: Tensor, c: Tensor, dh: Tensor, dc: Tensor, d_given: Tensor, d_own: Tensor
) -> None:
    r, z, n, own = saved.chunk(4, 2)
    D = n.shape[2]
    dr, dz, dn = d_given.chunk(3, 2)
    torch.mul(dh * (1 - z), 1 - n * n, out=dn)
    torch.mul(dn * own, r * (1 - r), out=dr)
    torch.mul(dh * (h - n), z * (1 - z), out=dz)
    d_own[..., : 2 * D] = d_given[..., : 2 * D]
    torch.mul(dn, r, out=d_own[..., 2 * D :])
    dh.mul_(z)


_STEP = {"rnn": _rnn, "lstm": _lstm, "gru": _gru}
_STEP_BACK = {"rnn": _rnn_back, "lstm": _lstm_back, "gru": _gru_back}
