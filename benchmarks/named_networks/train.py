"""How `networks.py` trains: short loops with one recipe each, so that nothing but the network differs."""

import time
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bakeoff import models
from bakeoff.data.schema import Image
from bakeoff.models.sequence.rnns import Recurrence
from bakeoff.models.sequence.tcn import TemporalConvolution, reach
from named_networks import data


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How long and how fast.

    Attributes:
        epochs: passes over the training examples.
        batch: examples a step.
        rate: highest learning rate of Adam; it rises over the first tenth and falls to zero as a cosine.
        shift: pictures are moved by up to so many pixels each way.
        flip: pictures are mirrored left to right, half of them.
        as_published: of Wang et al. 2017 and Fawaz et al. 2019: `rate` is kept, and halved after 50 epochs without a
            lower training loss (down to a tenth); the weights of the lowest one are taken.
    """

    epochs: int
    batch: int = 16
    rate: float = 1e-3
    shift: int = 0
    flip: bool = False
    as_published: bool = False


def classify(network: str, examples: data.Examples, recipe: Recipe, *, seed: int) -> tuple[Tensor, float]:
    """Train; the test examples' log-probabilities [N, K] and the seconds. No look at the test before."""
    torch.manual_seed(seed)
    module = models.build(network, examples.schema)
    if isinstance(examples.schema.input, Image):
        module = module.to(memory_format=torch.channels_last)
    count = len(examples.train_targets)
    steps_an_epoch = max(count // recipe.batch, 1)
    steering: _Plateau | _OneCycle
    steering = _Plateau(module, recipe) if recipe.as_published else _OneCycle(module, recipe, steps_an_epoch)
    start = time.perf_counter()
    for _ in range(recipe.epochs):
        order = torch.randperm(count)
        total = 0.0
        for step in range(steps_an_epoch):
            chosen = order[step * recipe.batch : (step + 1) * recipe.batch]
            inputs = changed(examples.train_inputs[chosen], recipe)
            loss = F.cross_entropy(module(inputs), examples.train_targets[chosen])
            steering.optimiser.zero_grad()
            loss.backward()
            steering.step()
            total += float(loss.detach())
        steering.end_epoch(total / steps_an_epoch)
    steering.finish()
    seconds = time.perf_counter() - start
    module.eval()
    with torch.no_grad():
        logits = torch.cat([module(part) for part in examples.test_inputs.split(250)])
    return F.log_softmax(logits, dim=1), seconds


class _OneCycle:
    """AdamW whose rate rises over a tenth of the steps and falls to zero as a cosine; the last weights."""

    def __init__(self, module: nn.Module, recipe: Recipe, steps_an_epoch: int) -> None:
        self.optimiser = torch.optim.AdamW(module.parameters(), lr=recipe.rate, weight_decay=1e-4, fused=True)
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, recipe.rate, total_steps=recipe.epochs * steps_an_epoch, pct_start=0.1
        )

    def step(self) -> None:
        self.optimiser.step()
        self._schedule.step()

    def end_epoch(self, loss: float) -> None:
        pass

    def finish(self) -> None:
        pass


class _Plateau:
    """Adam whose rate is halved where the training loss no longer falls; the weights of the lowest one."""

    def __init__(self, module: nn.Module, recipe: Recipe) -> None:
        self._module, self._lowest, self._best = module, float("inf"), module.state_dict()
        self.optimiser = torch.optim.Adam(module.parameters(), lr=recipe.rate, fused=True)
        self._schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(
            self.optimiser, factor=0.5, patience=50, min_lr=recipe.rate / 10
        )

    def step(self) -> None:
        self.optimiser.step()

    def end_epoch(self, loss: float) -> None:
        self._schedule.step(loss)
        if loss < self._lowest:
            self._lowest = loss
            self._best = {name: tensor.clone() for name, tensor in self._module.state_dict().items()}

    def finish(self) -> None:
        self._module.load_state_dict(self._best)


def changed(inputs: Tensor, recipe: Recipe) -> Tensor:
    """Pictures moved and mirrored as the recipe says, each by its own chance."""
    if recipe.shift:
        reach, size = recipe.shift, inputs.shape[-1]
        padded = F.pad(inputs, (reach,) * 4, value=float(inputs.min()))
        rows, columns = torch.randint(0, 2 * reach + 1, (2, len(inputs), 1))
        line = torch.arange(size)
        batch = torch.arange(len(inputs))[:, None, None]
        inputs = padded[batch, 0, (rows + line)[:, :, None], (columns + line)[:, None, :]][:, None]
    if recipe.flip:
        mirrored = torch.rand(len(inputs), 1, 1, 1) < 0.5
        inputs = torch.where(mirrored, inputs.flip(3), inputs)
    return inputs


class Sequential(nn.Module):
    """A body [B, T, C] -> [B, T, D] and a linear layer at each step, or at the last one alone."""

    def __init__(self, body: nn.Module, width: int, outputs: int, *, last: bool) -> None:
        super().__init__()
        self.body, self.head, self.last = body, nn.Linear(width, outputs), last

    def forward(self, inputs: Tensor) -> Tensor:
        states = self.body(inputs)
        return self.head(states[:, -1] if self.last else states)


#: The paper's sizes: about 70,000 parameters for the adding problem, 16,000 for copy memory.
ADDING: dict[str, dict[str, Any]] = {
    "tcn": {"width": 32, "kernel": 7, "levels": 5},
    "gru": {"width": 150},
    "lstm": {"width": 130},
}
#: At 600 steps the network must reach further back: the authors' own shape, 8 levels of kernel 8.
ADDING_LONG_TCN = {"width": 24, "kernel": 8, "levels": 8}
COPYING: dict[str, dict[str, Any]] = {
    "tcn": {"width": 10, "kernel": 8, "levels": 8},
    "gru": {"width": 67},
    "lstm": {"width": 57},
}


def sequence_body(network: str, channels: int, width: int, **options: Any) -> nn.Module:
    if network == "tcn":
        return TemporalConvolution(channels, width=width, **options)
    return Recurrence(network, channels, width)


def learn_adding(network: str, *, length: int, steps: int, seed: int) -> tuple[float, float, int]:
    """Mean squared error on 1,000 fresh examples, seconds, parameters. Adam, 2e-3 falling, gradients under 1."""
    torch.manual_seed(seed)
    sizes = ADDING_LONG_TCN if network == "tcn" and length > reach(7, 5) else ADDING[network]
    module = Sequential(sequence_body(network, 2, **sizes), sizes["width"], 1, last=True)
    generator = torch.Generator().manual_seed(1000 + seed)

    def loss(count: int) -> Tensor:
        inputs, targets = data.adding_problem(count, length, generator)
        return F.mse_loss(module(inputs), targets)

    return _learn(module, loss, steps=steps, rate=2e-3, seed=seed)


def learn_copying(network: str, *, length: int, steps: int, seed: int) -> tuple[float, float, int]:
    """Cross-entropy a step on 1,000 fresh examples, seconds, parameters. The same recipe."""
    torch.manual_seed(seed)
    sizes = COPYING[network]
    module = Sequential(sequence_body(network, 10, **sizes), sizes["width"], 10, last=False)
    generator = torch.Generator().manual_seed(1000 + seed)

    def loss(count: int) -> Tensor:
        inputs, targets = data.copy_memory(count, length, generator)
        return F.cross_entropy(module(inputs).flatten(0, 1), targets.flatten())

    return _learn(module, loss, steps=steps, rate=2e-3, seed=seed)


def _learn(module: nn.Module, loss: Any, *, steps: int, rate: float, seed: int) -> tuple[float, float, int]:
    optimiser = torch.optim.Adam(module.parameters(), lr=rate, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    start = time.perf_counter()
    for _ in range(steps):
        optimiser.zero_grad()
        loss(32).backward()
        nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimiser.step()
        schedule.step()
    seconds = time.perf_counter() - start
    module.eval()
    with torch.no_grad():
        tested = sum(float(loss(100)) for _ in range(10)) / 10
    return tested, seconds, sum(parameter.numel() for parameter in module.parameters())
