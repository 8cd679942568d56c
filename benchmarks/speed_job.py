"""The fixed job of the speed benchmark: 5 networks x 5 training sizes x 3 seeds on a data set, 75 trainings.

Every way of training runs exactly this: AdamW, learning rate 3e-3, weight decay 0.01, constant; batches of 100 (or all
examples if fewer), a new permutation each epoch, the short last batch kept; cross-entropy; no validation in between and
one test evaluation at the end. A training is a number of optimiser steps, the same for every size: 30 epochs of the
whole training set. The subset of size n for seed s is the first n of `np.random.default_rng(s).permutation(N)`.

Networks: softmax regression; two hidden layers of 100; the published CNN of MNIST-1D (25 channels, kernels 5, 3, 3,
stride 2) or, on images, 16 and 32 channels of 3x3 with pooling; a GRU of 64 read at the last step; a pre-norm
Transformer encoder of width 64: 2 layers, 4 heads, 128 feed-forward units, learned positions, the mean over steps.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

FAMILIES = ("linear", "mlp", "cnn", "gru", "transformer")
SEEDS = (0, 1, 2)
LEARNING_RATE, WEIGHT_DECAY, BATCH, EPOCHS = 3e-3, 0.01, 100, 30
WIDTH, LAYERS, HEADS, UNITS, HIDDEN = 64, 2, 4, 128, 64


@dataclass(frozen=True, kw_only=True)
class Data:
    """One data set: inputs float32 [N, channels, length] or [N, channels, height, width], targets int64."""

    name: str
    train: NDArray[np.float32]
    train_targets: NDArray[np.int64]
    test: NDArray[np.float32]
    test_targets: NDArray[np.int64]
    #: Steps and inputs a step, as the GRU and the Transformer read an example.
    steps: int
    channels: int

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        return tuple(len(self.train) // part for part in (16, 8, 4, 2, 1))

    @property
    def optimiser_steps(self) -> int:
        return EPOCHS * math.ceil(len(self.train) / BATCH)

    def subset(self, seed: int, size: int) -> NDArray[np.int64]:
        return np.random.default_rng(seed).permutation(len(self.train))[:size]


def load(name: str) -> Data:
    """ "mnist1d" (with the published seed, raw) or "digits" (pixels / 16)."""
    if name == "mnist1d":
        from bakeoff.data.synthetic.mnist1d import generate

        x, y = generate()
        x, count, steps, channels = x[:, None].astype(np.float32), 4000, 40, 1
    else:
        from sklearn.datasets import load_digits

        bunch = load_digits()
        order = np.random.default_rng(0).permutation(len(bunch.target))
        x, y = bunch.images[order][:, None].astype(np.float32) / 16, bunch.target[order]
        count, steps, channels = 1437, 8, 8
    y = y.astype(np.int64)
    return Data(
        name=name,
        train=x[:count],
        train_targets=y[:count],
        test=x[count:],
        test_targets=y[count:],
        steps=steps,
        channels=channels,
    )


class Gru(nn.Module):
    """The state after the last step, then a linear layer."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.cell = nn.GRU(channels, HIDDEN, batch_first=True)
        self.head = nn.Linear(HIDDEN, 10)

    def forward(self, x: Tensor) -> Tensor:
        states, _ = self.cell(x.reshape(x.shape[0], -1, self.channels))
        return self.head(states[:, -1])


class Encoder(nn.Module):
    """The Transformer of the job from torch's own encoder layers."""

    def __init__(self, steps: int, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.embed = nn.Linear(channels, WIDTH)
        self.positions = nn.Parameter(torch.randn(steps, WIDTH) * 0.02)
        self.blocks = nn.ModuleList(self._block() for _ in range(LAYERS))
        self.head = nn.Linear(WIDTH, 10)

    def _block(self) -> nn.Module:
        return nn.TransformerEncoderLayer(WIDTH, HEADS, UNITS, 0.0, batch_first=True, norm_first=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x.reshape(x.shape[0], -1, self.channels)) + self.positions
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean(1))


class BlockEncoder(Encoder):
    """The same from bakeoff's block, whose queries, keys and values come from one product."""

    def _block(self) -> nn.Module:
        from bakeoff.models.scalable.transformer import Block

        return Block(WIDTH, HEADS)


def network(family: str, data: Data, *, own_block: bool = False) -> nn.Module:
    """The plain module of a family for inputs [B, ...] of this data set, with torch's default initialisation."""
    pixels = math.prod(data.train.shape[1:])
    if family == "linear":
        return nn.Sequential(nn.Flatten(), nn.Linear(pixels, 10))
    if family == "mlp":
        hidden = (nn.Linear(pixels, 100), nn.ReLU(), nn.Linear(100, 100), nn.ReLU())
        return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(100, 10))
    if family == "cnn":
        return _cnn1d() if data.name == "mnist1d" else _cnn2d()
    if family == "gru":
        return Gru(data.channels)
    return (BlockEncoder if own_block else Encoder)(data.steps, data.channels)


def _cnn1d() -> nn.Module:
    stages = [
        part
        for channels, kernel in ((1, 5), (25, 3), (25, 3))
        for part in (nn.Conv1d(channels, 25, kernel, stride=2, padding=1), nn.ReLU())
    ]
    return nn.Sequential(*stages, nn.Flatten(), nn.Linear(125, 10))


def _cnn2d() -> nn.Module:
    stages = [
        part
        for channels, wider in ((1, 16), (16, 32))
        for part in (nn.Conv2d(channels, wider, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
    ]
    return nn.Sequential(*stages, nn.Flatten(), nn.Linear(128, 10))


def multiply_adds(family: str, data: Data) -> int:
    """Of one example forward, counted from the shapes: every weight's products and the two products of attention."""
    if family in ("linear", "mlp"):
        pixels = math.prod(data.train.shape[1:])
        return pixels * 10 if family == "linear" else pixels * 100 + 100 * 100 + 100 * 10
    if family == "cnn" and data.name == "mnist1d":
        return 19 * 25 * 5 + 10 * 25 * 75 + 5 * 25 * 75 + 125 * 10
    if family == "cnn":
        return 64 * 16 * 9 + 16 * 32 * 144 + 128 * 10
    if family == "gru":
        return data.steps * 3 * HIDDEN * (HIDDEN + data.channels) + HIDDEN * 10
    layer = 4 * WIDTH * WIDTH + 2 * WIDTH * UNITS + 2 * data.steps * WIDTH
    return data.steps * (data.channels * WIDTH + LAYERS * layer) + WIDTH * 10


def flops_per_step(family: str, data: Data) -> int:
    """Of one network's training step: a multiply-add is 2, the backward pass costs twice the forward pass."""
    return 3 * 2 * BATCH * multiply_adds(family, data)


def trainings(family: str, data: Data, *, sample: bool) -> list[tuple[int, int]]:
    """(size, seed) of the 15 trainings, or of the few that stand for them: seed 0, smallest and largest size."""
    if not sample:
        return [(size, seed) for size in data.sizes for seed in SEEDS]
    if data.name == "mnist1d" and family in ("gru", "transformer"):
        return [(data.sizes[-1], 0)]
    return [(data.sizes[0], 0), (data.sizes[-1], 0)]
