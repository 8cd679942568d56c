"""Accelerators' TOML files, and networks to count: made of torch's layers, or written into a file of one's own."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

import bakeoff
from bakeoff.cost.hardware.accelerator import cost_on, load_accelerator
from bakeoff.cost.hardware.convolution import ConvolutionLayer
from fuzzing.checks import WrongError
from fuzzing.damage import HOSTILE, damaged_bytes
from fuzzing.dice import Dice
from fuzzing.tables import Attempt

_CHIP = {
    "name": '"mine"', "source": '"made up"', "dataflow": '"row-stationary"', "rows": "12", "columns": "14",
    "clock_hz": "200_000_000", "word_bytes": "2", "buffer_bytes": "102400", "input_words": "12",
    "filter_words": "224", "sum_words": "24",
}  # fmt: skip
_ODD = (
    "0",
    "-1",
    "1e400",
    "nan",
    "1.5",
    '"12"',
    "[1]",
    "true",
    "99999999999999999999",
    "2024-01-01",
    "1",
    "3",
)


def accelerator_file(dice: Dice, folder: Path) -> Attempt:
    """A chip with a field or two changed, and a convolution on it."""
    fields = dict(_CHIP, dataflow=f'"{dice.one_of(("weight", "output", "row"))}-stationary"')
    for _ in range(dice.weighted({0: 3, 1: 3, 3: 1})):
        name = dice.one_of(list(fields))
        fields[name] = dice.one_of(_ODD)
        if dice.chance(0.15):
            del fields[name]
    text = "".join(f"{name} = {value}\n" for name, value in fields.items()).encode()
    path = folder / "mine.toml"
    path.write_bytes(damaged_bytes(dice, text) if dice.chance(0.15) else text)
    kernel = dice.whole(1, 5)
    layer = {name: dice.whole(kernel, 20) for name in ("channels", "filters", "height", "width")}
    layer |= {"kernel_height": kernel, "kernel_width": kernel}
    return lambda: cost_on(ConvolutionLayer(**layer), load_accelerator(str(path)))


def network(dice: Dice, folder: Path) -> Attempt:
    """A chain of torch's layers on its input; what is counted of its parameters must be so many."""
    module, shape = _module(dice)
    return lambda: _counted(module, torch.randn(dice.whole(1, 3), *shape))


def _counted(module: nn.Module, given: Any) -> None:
    found = bakeoff.cost_of(module, given)
    if any(isinstance(each, nn.parameter.UninitializedParameter) for each in module.parameters()):
        return  # a lazy layer stays as it was, and the count is of a copy
    truth = sum(each.numel() for each in module.parameters())
    if found.parameters != truth:
        raise WrongError(f"{found.parameters} parameters were counted, and there are {truth}")


def _module(dice: Dice) -> tuple[nn.Module, tuple[int, ...]]:
    match dice.whole(0, 4):
        case 0:
            width = dice.whole(1, 16)
            return nn.Sequential(*(_dense(dice, width) for _ in range(dice.whole(0, 5)))), (width,)
        case 1:
            channels = dice.whole(1, 4)
            return nn.Sequential(*(_spatial(dice, channels) for _ in range(dice.whole(1, 4)))), (
                channels,
                8,
                8,
            )
        case 2:
            kind = dice.one_of((nn.LSTM, nn.GRU, nn.RNN))
            return kind(3, dice.whole(1, 8), batch_first=True, bidirectional=dice.chance(0.3)), (
                dice.whole(1, 6),
                3,
            )
        case 3:
            layer = nn.TransformerEncoderLayer(8, dice.one_of((1, 2, 4)), 16, batch_first=True)
            module = nn.TransformerEncoder(layer, dice.whole(1, 2), enable_nested_tensor=False)
            return module.train(dice.chance(0.5)), (dice.whole(1, 6), 8)
        case _:
            return nn.Sequential(
                nn.Flatten(), nn.LazyLinear(3), dice.one_of((nn.Softmax(1), nn.Identity()))
            ), (2, 5)


def _dense(dice: Dice, width: int) -> nn.Module:
    kinds = (
        nn.Linear(width, width),
        nn.ReLU(),
        nn.LayerNorm(width),
        nn.Dropout(),
        nn.Tanh(),
        nn.Identity(),
        nn.GELU(),
    )
    return dice.one_of(kinds)


def _spatial(dice: Dice, channels: int) -> nn.Module:
    kernel = dice.whole(1, 5)
    kinds = (
        nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels if dice.chance(0.3) else 1),
        nn.BatchNorm2d(channels), nn.MaxPool2d(2), nn.AvgPool2d(kernel), nn.GroupNorm(1, channels), nn.Mish(),
        nn.Upsample(scale_factor=2), nn.PReLU(), nn.AdaptiveAvgPool2d(2), nn.ConvTranspose2d(channels, channels, 2),
    )  # fmt: skip
    return dice.one_of(kinds)


_LINES = (
    "import torch", "from torch import nn", "class Net(nn.Module):", "    def __init__(self):",
    "        super().__init__()", "        self.layer = nn.Linear(8, 2)", "    def forward(self, x):",
    "        return self.layer(x)",
)  # fmt: skip
_ODD_LINES = (
    "raise KeyError('x')",
    "1 / 0",
    "import nowhere",
    "def (",
    "    return",
    "class Net: pass",
    "Net = 3",
    *HOSTILE,
)


def own_network_file(dice: Dice, folder: Path) -> Attempt:
    """A network in a file of one's own with a line changed, left out or put in, named as people name it."""
    from bakeoff.api.cost import cost

    lines = list(_LINES)
    if dice.chance(0.5):
        place = dice.whole(0, len(lines) - 1)
        lines[place : place + dice.whole(0, 1)] = [dice.one_of(_ODD_LINES)] if dice.chance(0.7) else []
    name = f"nets{dice.whole(0, 10**9)}.py"
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8", errors="replace")
    spelled = dice.weighted(
        {f"{name}:Net": 6, f"./{name}:Net": 1, f"{name}:Gone": 0.3, f"{name}:": 0.3, ":Net": 0.2}
    )
    shape = dice.weighted({"8": 6, "3x8": 1, "0": 0.2, "axb": 0.2, None: 0.2})
    return lambda: cost(spelled, input=shape)
