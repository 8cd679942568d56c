"""Recurrent networks: Elman's RNN, the LSTM and the GRU, reading step by step.

Elman, *Finding structure in time*, Cognitive Science 14, 1990; Hochreiter & Schmidhuber, *Long short-term memory*,
Neural Computation 9, 1997; Cho et al., *Learning phrase representations using RNN encoder-decoder*, 2014
(arXiv 1406.1078). New then: a state carried from step to step; gates that let it last (LSTM); the same with fewer
gates (GRU). They assume order, and that the recent past matters most: what lies k steps back has been through k
updates. Where this differs: one layer, one direction, and the answer is read from the state after the last real step.

The cells are torch's own; `models/sequence/rnns.py` has the papers' deeper and two-way forms.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from bakeoff.data.schema import Classes, Image, Schema, Series, Tokens
from bakeoff.models import register
from bakeoff.models.layers.views import StepSequence
from bakeoff.models.registry.card import Build, ModelCard

CELLS: dict[str, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class Recurrent(nn.Module):
    """h_t = cell(x_t, h_{t-1}) from zeros; outputs = W h_last + b.

    Args:
        cell: "rnn" (tanh), "lstm" or "gru".
        width: size of the hidden state.
    """

    def __init__(self, schema: Schema, cell: str, width: int) -> None:
        super().__init__()
        self.steps = StepSequence(schema.input)
        self.cell = CELLS[cell](self.steps.channels, width, batch_first=True)
        if cell == "lstm":
            with torch.no_grad():  # forget gate open at the start (Gers et al. 2000; Jozefowicz et al. 2015)
                self.cell.get_parameter("bias_ih_l0")[width : 2 * width].fill_(1.0)
        self.head = nn.Linear(width, schema.outputs)

    def forward(
        self, x: Tensor, lengths: Int[Tensor, " batch"] | None = None
    ) -> Float[Tensor, "batch outputs"]:
        states, _ = self.cell(self.steps(x, lengths))  # [B, T, width]
        if lengths is None:
            return self.head(states[:, -1])
        last = (self.steps.lengths(lengths) - 1)[:, None, None].expand(-1, 1, states.shape[2])
        return self.head(states.gather(1, last)[:, 0])


def builder(cell: str) -> Build:
    def build(schema: Schema, width: int | None = None) -> nn.Module:
        """`width` is the size of the hidden state."""
        return Recurrent(schema, cell, width or 64)

    return build


for _name, _year, _paper, _summary in (
    (
        "rnn",
        1990,
        "Elman, Finding structure in time, Cognitive Science 14, 1990",
        "A state carried from step to step.",
    ),
    (
        "lstm",
        1997,
        "Hochreiter & Schmidhuber, Long short-term memory, Neural Computation 9, 1997",
        "A state with gates that decide what to keep, so that it can last.",
    ),
    ("gru", 2014, "Cho et al., arXiv 1406.1078, 2014", "The LSTM's idea with two gates in place of three."),
):
    register(
        ModelCard(
            name=_name,
            family=_name,
            year=_year,
            paper=_paper,
            summary=_summary,
            biases=("order", "recency"),
            recipe="recurrent",
            inputs=(Image, Series, Tokens),
            build=builder(_name),
            width=64,
            scalable=True,
            example=Schema(input=Series(channels=1, length=40), target=Classes(names=tuple("0123456789"))),
        )
    )
