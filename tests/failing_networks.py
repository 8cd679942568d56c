"""Networks that fail, each in its own way, in a module of its own that worker processes can import."""

import os
import signal

from torch import Tensor, nn

from bakeoff.data.schema import Schema
from bakeoff.models import ModelCard


class Exploding(nn.Module):
    """Diverges at any learning rate."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(nn.init.normal_(nn.Linear(4, 3).weight.data))

    def forward(self, x: Tensor) -> Tensor:
        return (x @ self.weight.T * 1e4) ** 9


class Selfish(nn.Module):
    """Ends the process that trains it."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(4, 3)
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        if self.training and len(x) > 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.out(x)


class Misshapen(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(x)


def build_exploding(schema: Schema, width: int | None = None) -> nn.Module:
    return Exploding()


def build_selfish(schema: Schema, width: int | None = None) -> nn.Module:
    return Selfish()


def build_misshapen(schema: Schema, width: int | None = None) -> nn.Module:
    return Misshapen()


CARDS = [
    ModelCard(name=name, family="user", year=0, paper="", summary="", biases=(), build=build)
    for name, build in (
        ("exploding", build_exploding),
        ("misshapen", build_misshapen),
        ("selfish", build_selfish),
    )
]
