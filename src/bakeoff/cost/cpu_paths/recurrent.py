"""Recurrent layers on meta tensors, step by step as PyTorch takes them on a CPU, so that their memory is forecast too.

On the meta device PyTorch would multiply each step's input by itself, where a CPU multiplies all steps at once, and an
LSTM on a CPU is one operation of oneDNN for each layer and direction. The cells below are those of PyTorch's
documentation of `nn.RNN`, `nn.LSTM` and `nn.GRU`; letters: T time, B batch, I inputs, H hidden size, G gates.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from bakeoff.cost.cpu_paths.linear import linear

State = tuple[Tensor, ...]
#: `cell(input_part, state, weights)`: one step; the first of the new state is the output.
Cell = Callable[[Tensor, State, Sequence[Tensor]], State]

#: oneDNN's number of the LSTM among its recurrent cells.
_LSTM_MODE = 2


def runs_on_cpu_path(args: tuple[Any, ...]) -> bool:
    """Whether these arguments of a recurrent layer are meta tensors that are not packed."""
    if len(args) != 9:
        return False
    x, second = args[:2]
    packed = isinstance(second, Tensor) and not second.is_floating_point()
    return isinstance(x, Tensor) and x.is_meta and not packed


def recurrent_layers(
    function: Any,
    x: Tensor,
    hx: Any,
    params: Sequence[Tensor],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Tensor, ...]:
    """What `torch.lstm`, `torch.gru`, `torch.rnn_tanh` and `torch.rnn_relu` give, with their arguments."""
    states = [hx] if isinstance(hx, Tensor) else list(hx)
    directions = 2 if bidirectional else 1
    per_layer = len(params) // (num_layers * directions)
    projected = function is torch.lstm and per_layer > 2 + 2 * has_biases
    steps = x.transpose(0, 1) if batch_first else x
    unbound = [state.unbind(0) for state in states]
    last: list[State] = []
    for layer in range(num_layers):
        outputs: list[Tensor] = []
        held: list[
            Sequence[Tensor]
        ] = []  # PyTorch lets go of all steps' states when both directions are done
        parts: Sequence[Tensor] = ()
        for direction in range(directions):
            index = layer * directions + direction
            weights = params[index * per_layer : (index + 1) * per_layer]
            state = tuple(values[index] for values in unbound)
            if function is torch.lstm and not projected:
                output, final = _onednn_lstm(steps, state, weights, has_biases, direction == 1)
            else:
                # The parts of the first direction are held until those of the second are made.
                parts = _input_parts(steps, weights, has_biases)
                output, final, states_of_steps = _unrolled(
                    _CELLS[function], parts, state, weights, has_biases, direction == 1
                )
                held.append(states_of_steps)
                del states_of_steps
            outputs.append(output)
            last.append(final)
            del output
        steps = torch.cat(outputs, -1) if bidirectional else outputs[0]
        del outputs, held, parts
        if dropout and train and layer + 1 < num_layers:
            steps = F.dropout(steps, dropout)
    finals = tuple(torch.stack(list(parts)) for parts in zip(*last, strict=True))
    return (steps.transpose(0, 1) if batch_first else steps, *finals)


def _input_parts(steps: Tensor, weights: Sequence[Tensor], has_biases: bool) -> Sequence[Tensor]:
    """The products of all steps' inputs [T, B, I] with their weights [G*H, I] at once, cut into T parts."""
    return linear(steps, weights[0], weights[2] if has_biases else None).unbind(0)


def _unrolled(
    cell: Cell,
    parts: Sequence[Tensor],
    state: State,
    weights: Sequence[Tensor],
    has_biases: bool,
    reverse: bool,
) -> tuple[Tensor, State, list[Tensor]]:
    """One step after another; the outputs [T, B, H], the last state, and the outputs of each step."""
    outputs = []
    fed_back = [weights[1], *(weights[3:4] if has_biases else [None]), *weights[4 if has_biases else 2 :]]
    for part in reversed(parts) if reverse else parts:
        state = cell(part, state, fed_back)
        outputs.append(state[0])
    return torch.stack(outputs[::-1] if reverse else outputs), state, outputs


def _onednn_lstm(
    steps: Tensor, state: State, weights: Sequence[Tensor], has_biases: bool, reverse: bool
) -> tuple[Tensor, State]:
    hidden, cell = state
    biases = list(weights[2:4]) if has_biases else [weights[0].new_zeros(weights[0].shape[0])] * 2
    output, hidden, cell, _ = torch.ops.aten.mkldnn_rnn_layer(
        steps, weights[0], weights[1], *biases, hidden, cell, reverse, [], _LSTM_MODE, hidden.shape[-1], 1,
        has_biases, False, False, torch.is_grad_enabled(),
    )  # fmt: skip
    return output, (hidden, cell)


def _lstm_cell(part: Tensor, state: State, weights: Sequence[Tensor]) -> State:
    hidden, cell = state
    gates = F.linear(hidden, weights[0], weights[1]).add_(part)
    enter, forget, candidate, leave = gates.unsafe_chunk(4, 1)
    enter, forget, candidate, leave = enter.sigmoid_(), forget.sigmoid_(), candidate.tanh_(), leave.sigmoid_()
    cell = (forget * cell).add_(enter * candidate)
    hidden = leave * cell.tanh()
    return (F.linear(hidden, weights[2]) if len(weights) > 2 else hidden), cell


def _gru_cell(part: Tensor, state: State, weights: Sequence[Tensor]) -> State:
    (hidden,) = state
    reset_in, update_in, new_in = part.unsafe_chunk(3, 1)
    reset, update, new = F.linear(hidden, weights[0], weights[1]).unsafe_chunk(3, 1)
    reset = reset.add_(reset_in).sigmoid_()
    update = update.add_(update_in).sigmoid_()
    candidate = new_in.add(new.mul_(reset)).tanh_()
    return ((hidden - candidate).mul_(update).add_(candidate),)


def _tanh_cell(part: Tensor, state: State, weights: Sequence[Tensor]) -> State:
    return (F.linear(state[0], weights[0], weights[1]).add_(part).tanh(),)


def _relu_cell(part: Tensor, state: State, weights: Sequence[Tensor]) -> State:
    return (F.linear(state[0], weights[0], weights[1]).add_(part).relu(),)


_CELLS: dict[Any, Cell] = {
    torch.lstm: _lstm_cell,
    torch.gru: _gru_cell,
    torch.rnn_tanh: _tanh_cell,
    torch.rnn_relu: _relu_cell,
}
#: The functions that `recurrent_layers` stands for.
RECURRENT_LAYERS = frozenset(_CELLS)
