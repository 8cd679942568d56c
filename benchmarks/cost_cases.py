"""Eighteen small networks whose multiply-adds are counted by hand, to judge counters by. Plain PyTorch only.

Where one bias would be more than 5 % of the MACs there is none, since tools differ in whether it counts.
Each case is a module, the shapes of its inputs, and its MACs as a formula with the numbers put in. The tests of
`bakeoff.cost` and the benchmark of its peers use the same list.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Case:
    """A network, the shapes that it takes, and its MACs, counted by hand."""

    name: str
    make: Callable[[], nn.Module]
    shapes: tuple[tuple[int, ...], ...]
    macs: int


class SharedThrice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(64, 64)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(self.layer(self.layer(x)))


class FunctionalProduct(nn.Module):
    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return a @ b


class Einsum(nn.Module):
    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.einsum("bhtd,bhsd->bhts", a, b)


class CellLoop(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.LSTMCell(32, 64)

    def forward(self, x: Tensor) -> Tensor:
        hidden = x.new_zeros(x.shape[0], 64), x.new_zeros(x.shape[0], 64)
        for step in range(x.shape[1]):
            hidden = self.cell(x[:, step], hidden)
        return hidden[0]


class Packed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(32, 64, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        packed = nn.utils.rnn.pack_padded_sequence(x, [20, 11, 5], batch_first=True)
        return self.lstm(packed)[1][0]


class First(nn.Module):
    """The first result of a layer that returns several."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)[0]


class Attention(nn.Module):
    def __init__(self, need_weights: bool, masked: bool) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(64, 4, batch_first=True)
        self.need_weights, self.masked = need_weights, masked

    def forward(self, x: Tensor) -> Tensor:
        mask = torch.zeros(x.shape[1], x.shape[1], device=x.device) if self.masked else None
        return self.attention(x, x, x, need_weights=self.need_weights, attn_mask=mask)[0]


class ScaledDotProduct(nn.Module):
    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(query, key, value, is_causal=True)


# Attention over 2 x 50 places of width 64 in 4 heads: four projections, scores, weighted sums.
ATTENTION = 4 * 2 * 50 * 64 * 64 + 2 * 2 * 50 * 50 * 64

CASES = (
    Case("Linear over a sequence", lambda: nn.Linear(64, 32), ((2, 100, 64),), 2 * 100 * 64 * 32),
    Case("Conv2d", lambda: nn.Conv2d(3, 16, 3, stride=2, padding=1), ((2, 3, 32, 32),), 2 * 16 * 16 * 16 * 3 * 3 * 3),
    Case("Conv2d, depthwise", lambda: nn.Conv2d(16, 16, 3, groups=16, bias=False), ((1, 16, 18, 18),),
         16 * 16 * 16 * 3 * 3),
    Case("ConvTranspose2d", lambda: nn.ConvTranspose2d(16, 8, 2, 2, bias=False), ((1, 16, 16, 16),),
         16 * 16 * 16 * 8 * 2 * 2),
    Case("Linear, used three times", SharedThrice, ((8, 64),), 3 * 8 * 64 * 64),
    Case("a @ b", FunctionalProduct, ((4, 30, 40), (4, 40, 50)), 4 * 30 * 40 * 50),
    Case("einsum", Einsum, ((2, 3, 20, 16), (2, 3, 30, 16)), 2 * 3 * 20 * 30 * 16),
    Case("RNN, both directions", lambda: First(nn.RNN(32, 64, bidirectional=True, batch_first=True)), ((2, 20, 32),),
         2 * 2 * 20 * 64 * (32 + 64)),
    Case("LSTM, 2 layers", lambda: First(nn.LSTM(32, 64, 2, batch_first=True)), ((2, 20, 32),),
         2 * 20 * 4 * 64 * ((32 + 64) + (64 + 64))),
    Case("GRU", lambda: First(nn.GRU(32, 64, batch_first=True)), ((2, 20, 32),), 2 * 20 * 3 * 64 * (32 + 64)),
    Case("LSTM with projection", lambda: First(nn.LSTM(32, 64, proj_size=16, batch_first=True)), ((2, 20, 32),),
         2 * 20 * (4 * 64 * (32 + 16) + 64 * 16)),
    Case("LSTM, packed sequences", Packed, ((3, 20, 32),), (20 + 11 + 5) * 4 * 64 * (32 + 64)),
    Case("LSTMCell in a loop", CellLoop, ((2, 20, 32),), 2 * 20 * 4 * 64 * (32 + 64)),
    Case("MultiheadAttention, weights wanted", lambda: Attention(True, False), ((2, 50, 64),), ATTENTION),
    Case("MultiheadAttention, fast path", lambda: Attention(False, False), ((2, 50, 64),), ATTENTION),
    Case("MultiheadAttention, mask", lambda: Attention(False, True), ((2, 50, 64),), ATTENTION),
    Case("TransformerEncoderLayer", lambda: nn.TransformerEncoderLayer(64, 4, 128, batch_first=True), ((2, 50, 64),),
         ATTENTION + 2 * 2 * 50 * 64 * 128),
    Case("scaled_dot_product_attention", ScaledDotProduct, ((2, 4, 50, 16),) * 3, 2 * 2 * 4 * 50 * 50 * 16),
)  # fmt: skip
