"""Layer against layer: the same job as MLP, CNN, RNN and Transformer at one hidden size, and the textbook's sums."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from bakeoff.cost.inputs import check_shape
from bakeoff.cost.network_cost import cost_of
from bakeoff.cost.record import Cost
from bakeoff.errors import CostError

#: Channels of the convolutions in the image comparison; each is followed by a 2x2 pooling.
CNN_CHANNELS = (128, 256, 512, 512)
#: Values of one side of a patch that becomes a token.
PATCH = 20


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """One network of a comparison: what it is in a few words, and what it costs."""

    name: str
    description: str
    cost: Cost


class _LastStep(nn.Module):
    """The image's rows in time; what is kept is the state after the last one."""

    def __init__(self, channels: int, width: int, hidden: int) -> None:
        super().__init__()
        self.recurrent = nn.LSTM(channels * width, hidden, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        rows = x.permute(0, 2, 1, 3).flatten(2)
        return self.recurrent(rows)[0][:, -1]


class _Patches(nn.Module):
    """Patches as tokens, one encoder layer, the mean."""

    def __init__(self, channels: int, patch: int, hidden: int, heads: int) -> None:
        super().__init__()
        self.embedding = nn.Conv2d(channels, hidden, patch, patch)
        self.encoder = nn.TransformerEncoderLayer(hidden, heads, 4 * hidden, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.embedding(x).flatten(2).transpose(1, 2)
        return self.encoder(tokens).mean(1)


def image_comparison(
    shape: tuple[int, int, int] = (3, 500, 500), hidden: int = 256, batch: int = 1
) -> tuple[Contestant, ...]:
    """An image [C, H, W] becomes `hidden` features: by one Linear, by convolutions, row by row, by attention.

    Raises:
        CostError: a size is not a whole number of at least 1, or the image is smaller than 8x8.
    """
    channels, height, width = check_shape(shape)
    check_shape((hidden, batch))
    if min(height, width) < 8:
        raise CostError(
            f"An image of {height}x{width} is too small for convolutions and patches: take at least 8x8."
        )
    patch = min(PATCH, height, width)
    heads = next(heads for heads in (8, 4, 2, 1) if hidden % heads == 0)
    builders: tuple[tuple[str, Callable[[], nn.Module]], ...] = (
        ("MLP", lambda: nn.Sequential(nn.Flatten(), nn.Linear(channels * height * width, hidden))),
        ("CNN", lambda: convolutions(channels, height, width, hidden)),
        ("RNN", lambda: _LastStep(channels, width, hidden)),
        ("Transformer", lambda: _Patches(channels, patch, hidden, heads)),
    )
    return tuple(_contestant(name, build, (batch, channels, height, width)) for name, build in builders)


def convolutions(channels: int, height: int, width: int, hidden: int) -> nn.Sequential:
    """3x3 convolutions, the first without padding, each followed by ReLU and a 2x2 pooling; then a Linear."""
    layers: list[nn.Module] = []
    for index, filters in enumerate(CNN_CHANNELS):
        padding = 0 if index == 0 else 1
        smaller = (height - 2 + 2 * padding) // 2, (width - 2 + 2 * padding) // 2
        if min(smaller) < 1:
            break
        height, width = smaller
        layers += [nn.Conv2d(channels, filters, 3, padding=padding), nn.ReLU(), nn.MaxPool2d(2)]
        channels = filters
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * height * width, hidden))


def stack_comparison(
    width: int = 128, batch: int = 1, length: int = 1, side: int = 32
) -> tuple[Contestant, ...]:
    """Three layers of each kind side by side: Linear(width), Conv2d 64-128-256-512, LSTM(width, 3 layers).

    Args:
        width: of the Linear layers and of the LSTM.
        batch: how many examples.
        length: how many steps the LSTM takes.
        side: height and width of the convolutions' input.
    """
    check_shape((width, batch, length, side))
    linear = nn.Sequential
    builders: tuple[tuple[str, Callable[[], nn.Module], tuple[int, ...]], ...] = (
        ("3 x Linear", lambda: linear(*(nn.Linear(width, width) for _ in range(3))), (batch, width)),
        (
            "3 x Conv2d",
            lambda: linear(*(nn.Conv2d(c, 2 * c, 3, padding=1) for c in (64, 128, 256))),
            (batch, 64, side, side),
        ),
        ("LSTM, 3 layers", lambda: nn.LSTM(width, width, 3, batch_first=True), (batch, length, width)),
    )
    return tuple(_contestant(name, build, shape) for name, build, shape in builders)


def _contestant(name: str, build: Callable[[], nn.Module], shape: tuple[int, ...]) -> Contestant:
    with torch.device("meta"):
        network = build()
    cost = cost_of(network, shape)
    return Contestant(name=name, description=_described(cost), cost=cost)


def _described(cost: Cost) -> str:
    """The layers with parameters, in order: "Conv2d 498x498x128"."""
    parts = []
    for layer in cost.layers:
        if layer.parameters and layer.output_shapes:
            shape = layer.output_shapes[0][1:]
            shown = (*shape[1:], shape[0]) if len(shape) == 3 else shape
            parts.append(f"{layer.type} {'x'.join(map(str, shown))}")
    return " > ".join(parts)


def bar_figure(contestants: tuple[Contestant, ...], title: str) -> Any:
    """A Plotly figure: parameters, MACs and activation bytes of each, as bars on a logarithmic scale."""
    import plotly.graph_objects as graph

    names = [contestant.name for contestant in contestants]
    bars = [
        graph.Bar(
            name=label,
            x=names,
            y=[getattr(contestant.cost, field) for contestant in contestants],
            texttemplate="%{y:.3s}",
            textposition="outside",
            cliponaxis=False,
        )
        for field, label in BAR_FIELDS.items()
    ]
    figure = graph.Figure(data=bars)
    figure.update_layout(
        title=title,
        barmode="group",
        yaxis={"type": "log", "exponentformat": "SI"},
        template="plotly_white",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        margin={"l": 60, "r": 20},
    )
    return figure


#: What the bars show.
BAR_FIELDS = {"parameters": "parameters", "macs": "MACs", "activation_bytes": "activation bytes"}
