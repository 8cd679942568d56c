"""Two linear ways to foresee a series: from a window of its past, and from a state that sums its past up.

Papers: Yule, "On a method of investigating periodicities in disturbed series", Philosophical Transactions of the
Royal Society A 226, 1927 (AR); Kalman, "A new approach to linear filtering and prediction problems", Journal of Basic
Engineering 82, 1960 (the latent state).

What was new: Yule let a series explain itself. Sunspots of this year are a weighted sum of those of the p years
before, plus chance - no clockwork of sines needed. Kalman let an unseen state carry the past, so the window need not
be chosen.

    ar          y = b + sum over k = 1..p of  w_k x_(T-k+1)              a linear layer on the last p steps
    latent_ar   h_t = A h_(t-1) + B x_t,      y = b + C h_T              a recurrent network without a nonlinearity

What they assume: the answer is a weighted sum (`ar`: of the last p steps and nothing before them; `latent_ar`: of all
steps, older ones through more products with A, hence weaker). Elman's network (`rnns.py`) is `latent_ar` with a tanh
around the sum. `ar` is the case of `latent_ar` whose state is a shift register: A moves each entry one place on, B
writes the newest.

Where this differs: a forecast of several steps has its own weights for each (a *direct* forecast), where Yule's
equation would be applied to its own answers. The weights are learned by gradient steps like every network's here;
`ar`'s best ones are those of least squares, and a test compares the two. Several channels all enter the sum (a vector
AR).
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from bakeoff.data.schema import Classes, Forecast, Schema, Series, Value
from bakeoff.errors import OptionError
from bakeoff.models import register
from bakeoff.models.layers.sequences import Lengths, last_real_step, require_shape
from bakeoff.models.registry.card import ModelCard

SUNSPOTS = Schema(input=Series(channels=1, length=32), target=Forecast(horizon=1))


class Autoregressive(nn.Module):
    """A weighted sum of the last `window` real steps.

    Args:
        channels: channels of the series.
        outputs: numbers per example: the steps of a forecast, or a logit a class.
        window: p, the steps looked at. A series shorter than that has zeros (the mean) before its start.
    """

    def __init__(self, channels: int, outputs: int, *, window: int) -> None:
        super().__init__()
        self.channels, self.window = channels, window
        self.head = nn.Linear(channels * window, outputs)

    def forward(
        self, inputs: Float[Tensor, "batch channels time"], lengths: Lengths = None
    ) -> Float[Tensor, "batch outputs"]:
        require_shape(inputs, (self.channels, None))
        return self.head(_last_steps(inputs, self.window, lengths).flatten(1))


def _last_steps(
    signal: Float[Tensor, "batch channels time"], window: int, lengths: Lengths
) -> Float[Tensor, "batch channels window"]:
    """The last `window` real steps of each series, oldest first."""
    padded = nn.functional.pad(signal, (window, 0))
    if lengths is None:
        return padded[..., -window:]
    index = lengths[:, None] + torch.arange(window, device=signal.device)
    return padded.gather(2, index[:, None, :].expand(-1, signal.shape[1], -1))


class LatentAutoregressive(nn.Module):
    """h_t = A h_{t-1} + B x_t from zeros, and a linear reading of the last state.

    Args:
        channels: channels of the series.
        outputs: numbers per example.
        width: size of the state.
    """

    def __init__(self, channels: int, outputs: int, *, width: int = 16) -> None:
        super().__init__()
        self.carry = nn.Linear(width, width, bias=False)  # A
        self.enter = nn.Linear(channels, width, bias=False)  # B
        self.head = nn.Linear(width, outputs)  # C and b
        with torch.no_grad():  # a little under a rotation: the past fades, and neither vanishes nor explodes
            nn.init.orthogonal_(self.carry.weight).mul_(0.95)

    def forward(
        self, inputs: Float[Tensor, "batch channels time"], lengths: Lengths = None
    ) -> Float[Tensor, "batch outputs"]:
        require_shape(inputs, (self.enter.in_features, None))
        state = inputs.new_zeros(inputs.shape[0], self.carry.in_features)
        states = []
        for entered in self.enter(inputs.transpose(1, 2)).unbind(dim=1):
            state = self.carry(state) + entered
            states.append(state)
        return self.head(last_real_step(torch.stack(states, dim=1), lengths))


def build_ar(schema: Schema, width: int | None = None, **options: Any) -> Autoregressive:
    """AR(p); `width` is p, at most the length of the series. Raises `OptionError` where p is under 1."""
    assert isinstance(schema.input, Series)
    window = min(width or 16, schema.input.length)
    if window < 1:
        raise OptionError(f"The window of 'ar' is {window} steps: give a width of at least 1.")
    return Autoregressive(schema.input.channels, schema.outputs, window=window, **options)


def build_latent_ar(schema: Schema, width: int | None = None, **options: Any) -> LatentAutoregressive:
    """Latent autoregression; `width` is the size of its state."""
    assert isinstance(schema.input, Series)
    return LatentAutoregressive(schema.input.channels, schema.outputs, width=width or 16, **options)


_IDEAS = {
    "ar": (
        1927,
        "Yule, On a method of investigating periodicities in disturbed series, "
        "Philosophical Transactions of the Royal Society A 226, 1927, doi:10.1098/rsta.1927.0007",
        "A weighted sum of the last p steps.",
        build_ar,
    ),
    "latent_ar": (
        1960,
        "Kalman, A new approach to linear filtering and prediction problems, "
        "Journal of Basic Engineering 82, 1960, doi:10.1115/1.3662552",
        "A state that takes each step in by a linear rule, and a weighted sum of the state.",
        build_latent_ar,
    ),
}
for _name, (_year, _paper, _summary, _build) in _IDEAS.items():
    register(
        ModelCard(
            name=_name,
            family="linear",
            year=_year,
            paper=_paper,
            summary=_summary,
            biases=("linearity", "order", "recency"),
            recipe="linear",
            build=_build,
            inputs=(Series,),
            targets=(Classes, Value, Forecast),
            width=16,
            example=SUNSPOTS,
        )
    )
