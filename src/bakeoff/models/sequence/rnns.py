"""Recurrent networks as in their papers: Elman, LSTM and GRU, one and two directions, several layers.

Papers: Elman, "Finding structure in time", Cognitive Science 14, 1990; Hochreiter and Schmidhuber, "Long short-term
memory", Neural Computation 9, 1997; Gers, Schmidhuber, Cummins, "Learning to forget", Neural Computation 12, 2000;
Graves and Schmidhuber, "Framewise phoneme classification with bidirectional LSTM", Neural Networks 18, 2005; Graves,
Mohamed, Hinton, "Speech recognition with deep recurrent neural networks", ICASSP 2013 (arXiv 1303.5778); Cho et al.,
EMNLP 2014 (arXiv 1406.1078); Bahdanau, Cho, Bengio, ICLR 2015 (arXiv 1409.0473).

What was new: a network that reads one step at a time and keeps a state h of what it has read.

    Elman   h = tanh(W x + U h)                          the state is made anew at each step, so it forgets fast
    LSTM    c = f * c + i * g,   h = o * tanh(c)         the memory c is only added to: gates say what to keep (f),
                                                         to let in (i) and to show (o); an error travels back
                                                         through the sum unharmed
    GRU     h = z * h + (1 - z) * n                      the same thought with two gates and no separate memory

Two directions (2005): a second network reads from the end, and both states are joined, so each step knows its future
as well. Layers (2013): a network that reads the states of the one below it.

What they assume: things come one after another, the same rule holds at each step, and the recent past matters most.

Where this differs: Elman learned with the error of the last step only, here through all of time; the LSTM has the
forget gate of 2000, open at the start (bias 1), and no peepholes; the GRU is the one with the reset gate after the
product (as in torch and cuDNN). `step_*` are the equations to be read; training runs torch's fused form of the same
(`fused=False` runs the equations), and a test holds the two equal. Tensors are named as in `nn.LSTM`, whose weights
therefore fit.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from bakeoff.data.schema import Classes, Forecast, Image, Schema, Series, Tokens, Value
from bakeoff.errors import OptionError
from bakeoff.models import register
from bakeoff.models.layers.sequences import EveryStep, Lengths, last_real_step, reversed_in_time
from bakeoff.models.registry.card import Build, ModelCard

#: (state h [B, H], memory c [B, H]): the memory is used by the LSTM alone.
State = tuple[Tensor, Tensor]


def step_elman(from_input: Tensor, from_state: Tensor, state: State) -> State:
    """h = tanh(W x + U h): the sum of both products [B, H], squashed."""
    return torch.tanh(from_input + from_state), state[1]


def step_lstm(from_input: Tensor, from_state: Tensor, state: State) -> State:
    """Four parts of [B, 4 H]: input gate, forget gate, candidate, output gate."""
    i, f, g, o = (from_input + from_state).chunk(4, dim=1)
    memory = torch.sigmoid(f) * state[1] + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(memory), memory


def step_gru(from_input: Tensor, from_state: Tensor, state: State) -> State:
    """Three parts of [B, 3 H]: reset gate, update gate, candidate; z keeps the old state."""
    r_x, z_x, n_x = from_input.chunk(3, dim=1)
    r_h, z_h, n_h = from_state.chunk(3, dim=1)
    r, z = torch.sigmoid(r_x + r_h), torch.sigmoid(z_x + z_h)
    candidate = torch.tanh(n_x + r * n_h)
    return z * state[0] + (1 - z) * candidate, state[1]


#: cell: (its equation, how many parts its products have, torch's fused form)
CELLS: dict[str, tuple[Callable[[Tensor, Tensor, State], State], int, Callable[..., Any]]] = {
    "elman": (step_elman, 1, torch.rnn_tanh),
    "lstm": (step_lstm, 4, torch.lstm),
    "gru": (step_gru, 3, torch.gru),
}


class Recurrence(nn.Module):
    """Layers of one cell over time, in one or two directions.

    Args:
        cell: "elman", "lstm" or "gru".
        channels: numbers of one step.
        width: size H of a state.
        layers: how many, each reading the states of the one below.
        bidirectional: a second state that reads from the end; joined to the first, so a step gives 2 H numbers.
        dropout: share of the states hidden between layers while training.
        fused: run torch's fused kernel; False runs the equations above.
    """

    def __init__(
        self,
        cell: str,
        channels: int,
        width: int,
        *,
        layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        fused: bool = True,
    ) -> None:
        super().__init__()
        if cell not in CELLS or layers < 1:
            raise OptionError(
                f"cell='{cell}', layers={layers}: cells are {', '.join(CELLS)}, layers at least 1."
            )
        self.cell, self.width, self.layers, self.fused = cell, width, layers, fused
        self.directions = ("", "_reverse") if bidirectional else ("",)
        self.dropout = nn.Dropout(dropout)
        parts = CELLS[cell][1]
        for layer in range(layers):
            size = channels if layer == 0 else width * len(self.directions)
            for direction in self.directions:
                for name, shape in (
                    ("weight_ih", (parts * width, size)),
                    ("weight_hh", (parts * width, width)),
                    ("bias_ih", (parts * width,)),
                    ("bias_hh", (parts * width,)),
                ):
                    self.register_parameter(f"{name}_l{layer}{direction}", nn.Parameter(torch.empty(shape)))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Uniform in +-1/sqrt(H), as in torch; the LSTM's forget gate starts open."""
        bound = 1 / math.sqrt(self.width)
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                parameter.uniform_(-bound, bound)
                if self.cell == "lstm" and name.startswith("bias_ih"):
                    parameter[self.width : 2 * self.width].fill_(1.0)

    def forward(
        self,
        inputs: Float[Tensor, "batch time channels"],
        lengths: Lengths = None,
        initial: Float[Tensor, "batch width"] | None = None,
    ) -> Float[Tensor, "batch time states"]:
        """The last layer's state at each step; `initial` is the first state of all layers (zeros where None)."""
        signal = inputs
        for layer in range(self.layers):
            if layer > 0:
                signal = self.dropout(signal)
            states = [self._run(signal, f"l{layer}", initial)]
            if len(self.directions) == 2:
                backwards = self._run(reversed_in_time(signal, lengths), f"l{layer}_reverse", initial)
                states.append(reversed_in_time(backwards, lengths))
            signal = torch.cat(states, dim=2)
        return signal

    def summary(
        self, states: Float[Tensor, "batch time states"], lengths: Lengths = None
    ) -> Float[Tensor, "batch states"]:
        """What each direction knew when it had read everything: the last real step forwards, the first backwards."""
        forwards = last_real_step(states[..., : self.width], lengths)
        return torch.cat([forwards, states[:, 0, self.width :]], dim=1)

    def _run(self, signal: Tensor, which: str, initial: Tensor | None) -> Tensor:
        """One layer in one direction: states [B, T, H]."""
        step, _, fused = CELLS[self.cell]
        weights = [
            getattr(self, f"{name}_{which}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        ]
        start = signal.new_zeros(signal.shape[0], self.width) if initial is None else initial
        if self.fused:
            first = (start[None], torch.zeros_like(start)[None]) if self.cell == "lstm" else start[None]
            try:
                return fused(signal, first, weights, True, 1, 0.0, self.training, False, True)[0]
            except RuntimeError as error:  # inside torch.func.vmap there is no fused form
                if "Batching rule" not in str(error):
                    raise
        weight_ih, weight_hh, bias_ih, bias_hh = weights
        state, states = (start, torch.zeros_like(start)), []
        for from_input in nn.functional.linear(signal, weight_ih, bias_ih).unbind(dim=1):
            state = step(from_input, nn.functional.linear(state[0], weight_hh, bias_hh), state)
            states.append(state[0])
        return torch.stack(states, dim=1)


class RecurrentNetwork(nn.Module):
    """Reads an example step by step and answers from what it knows at the end."""

    def __init__(self, schema: Schema, cell: str, width: int, **options: Any) -> None:
        super().__init__()
        self.view = EveryStep(schema.input)
        self.recurrence = Recurrence(cell, self.view.channels, width, **options)
        self.head = nn.Linear(width * len(self.recurrence.directions), schema.outputs)

    def forward(self, inputs: Tensor, lengths: Lengths = None) -> Float[Tensor, "batch outputs"]:
        states = self.recurrence(self.view(inputs, lengths), lengths)
        return self.head(self.recurrence.summary(states, lengths))


def builder(cell: str, **fixed: Any) -> Build:
    """The card's `build`. Options: layers, bidirectional, dropout, fused."""

    def build(schema: Schema, width: int | None = None, **options: Any) -> nn.Module:
        return RecurrentNetwork(schema, cell, width or 64, **(fixed | options))

    return build


_TWO, _DEEP = {"bidirectional": True}, {"layers": 3, "bidirectional": True, "dropout": 0.1}
for _name, _cell, _fixed, _year, _paper, _summary in (
    ("elman", "elman", {}, 1990, "Elman, Finding structure in time, Cognitive Science 14, 1990",
     "A state made anew at each step from the input and the state before."),
    ("bilstm", "lstm", _TWO, 2005,
     "Graves and Schmidhuber, Framewise phoneme classification with bidirectional LSTM, Neural Networks 18, 2005",
     "Two LSTMs, one reading from the start and one from the end."),
    ("deep_lstm", "lstm", _DEEP, 2013,
     "Graves, Mohamed, Hinton, Speech recognition with deep recurrent neural networks, ICASSP 2013, arXiv:1303.5778",
     "Three layers of LSTMs in both directions, each reading the states of the one below."),
    ("bigru", "gru", _TWO, 2015,
     "Bahdanau, Cho, Bengio, Neural machine translation by jointly learning to align and translate, ICLR 2015, "
     "arXiv:1409.0473", "Two GRUs, one reading from the start and one from the end."),
    ("deep_gru", "gru", _DEEP, 2015,
     "Chung et al., Gated feedback recurrent neural networks, ICML 2015, arXiv:1502.02367",
     "Three layers of GRUs in both directions, each reading the states of the one below."),
):  # fmt: skip
    register(
        ModelCard(
            name=_name,
            family="rnn" if _cell == "elman" else _cell,
            year=_year,
            paper=_paper,
            summary=_summary,
            biases=("order", "recency"),
            recipe="recurrent",
            build=builder(_cell, **_fixed),
            inputs=(Image, Series, Tokens),
            targets=(Classes, Value, Forecast),
            width=64,
            example=Schema(
                input=Series(channels=26, length=100), target=Classes(names=tuple(map(str, range(61))))
            ),
        )
    )
