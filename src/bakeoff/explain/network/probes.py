"""Probes of one network: receptive fields, gradients and attention. Pure functions of a module and a batch.

Letters: B examples, C channels, H height, W width, T steps or elements, K outputs, D hidden size.
"""

import copy
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bakeoff.data.schema import Image, Input
from bakeoff.models.layers.graphs import GraphBatch

Floats = NDArray[np.float64]

#: A unit counts as used where its gradient is above this part of the largest (two deviations of a Gaussian: Luo et
#: al. 2016, arXiv:1701.04128, measure an effective receptive field so).
USED = 1 - 0.9545
#: Part of the gradient's norm that the steps of its reach hold.
REACH = 0.95
#: Random directions by which the norm of a Jacobian is estimated.
DIRECTIONS = 8
#: Random inputs by which the theoretical receptive field is measured.
RANDOM_INPUTS = 32
#: The theoretical field is measured on inputs this many times as wide, so that it does not end at their edges ...
_WIDER = 3
#: ... with at most this many values in a batch.
_MOST_NUMBERS = 4_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class ReceptiveField:
    """The receptive field of the middle unit of the last convolution.

    Attributes:
        seen: [H, W] or [T], True where the unit depends on the input at all.
        used: of the same shape, mean absolute gradient on real examples.
        theoretical: side (or length) of the smallest box around everything that it can depend on in an unbounded input.
        effective: side (or length) of a square with the area in which the gradient is above `USED` of the largest.
    """

    seen: NDArray[np.bool_]
    used: Floats
    theoretical: int
    effective: float


class _SeenError(Exception):
    """Ends a forward pass after the watched part, where the rest is not needed."""


@contextmanager
def watched(module: nn.Module, part: nn.Module, *, stop: bool = False) -> Iterator[list[Tensor]]:
    """Inside, collects the outputs of `part` whenever `module` runs; with `stop`, the forward pass ends there."""
    found: list[Tensor] = []

    def keep(_: nn.Module, __: Any, output: Any) -> None:
        found.append(output[0] if isinstance(output, tuple) else output)
        if stop:
            raise _SeenError

    handle = part.register_forward_hook(keep)
    try:
        yield found
    finally:
        handle.remove()


def convolutions(module: nn.Module) -> list[nn.Conv1d | nn.Conv2d]:
    """All convolutions, in the order of `module.modules()`."""
    return [part for part in module.modules() if isinstance(part, nn.Conv1d | nn.Conv2d)]


def receptive_field(module: nn.Module, inputs: Tensor, *, seed: int = 0) -> ReceptiveField | None:
    """The receptive field of the middle unit of the last convolution on these inputs [B, C, ...]; None without one.

    The theoretical field is measured by gradients as well: of a copy with positive weights, on random positive inputs,
    so that no ReLU is inactive and every position of a maximum is selected for some input.
    """
    if not convolutions(module):
        return None
    generator = torch.Generator().manual_seed(seed)
    open_copy = copy.deepcopy(module).double()
    with torch.no_grad():
        for name, parameter in open_copy.named_parameters():
            parameter.fill_(0.0) if name.endswith("bias") else parameter.abs_().add_(0.1)
    seen = _ever(open_copy, inputs.shape[1:], generator)
    wide = _ever(open_copy, (inputs.shape[1], *(_WIDER * size for size in inputs.shape[2:])), generator)
    used = _middle_gradient(module, inputs, generator).mean(0).double()
    area = float((used > USED * used.max()).sum()) if float(used.max()) > 0 else 0.0
    return ReceptiveField(
        seen=seen.numpy(), used=used.numpy(), theoretical=_side(wide), effective=area ** (1 / seen.ndim)
    )


def _ever(module: nn.Module, shape: Sequence[int], generator: torch.Generator) -> Tensor:
    """Where the gradient of the middle unit is ever positive on random inputs of this shape [C, ...]."""
    count = max(4, min(RANDOM_INPUTS, _MOST_NUMBERS // max(math.prod(shape), 1)))
    noise = torch.rand(count, *shape, generator=generator, dtype=torch.float64)
    return _middle_gradient(module, noise, generator).amax(0) > 0


def _side(seen: Tensor) -> int:
    """The longest side of the smallest box around everything that is True."""
    places = torch.nonzero(seen)
    return int((places.amax(0) - places.amin(0) + 1).max()) if len(places) else 0


def _middle_gradient(module: nn.Module, inputs: Tensor, generator: torch.Generator) -> Tensor:
    """|d unit / d input| [B, H, W] or [B, T], channels summed, for a random mix of the channels of the unit."""
    leaf = inputs.detach().clone().requires_grad_()
    with watched(module, convolutions(module)[-1], stop=True) as found, suppress(_SeenError):
        module(leaf)
    maps = found[-1]
    middle = maps
    for size in maps.shape[2:]:
        middle = middle[:, :, size // 2]
    mix = torch.randn(maps.shape[1], generator=generator, dtype=torch.float64).abs().to(maps.dtype)
    unit = (middle * mix).sum()
    return torch.autograd.grad(unit, leaf)[0].abs().sum(1)


def gradient_reach(
    module: nn.Module, inputs: Tensor | GraphBatch, lengths: Tensor | None = None, *, seed: int = 0
) -> Floats | None:
    """Norm of the derivative of the last state of a recurrent network by each input step, [T], the last step last.

    Mean over examples of the Frobenius norm (by random directions). None without a recurrent layer.
    """
    layers = [part for part in module.modules() if isinstance(part, nn.RNNBase)]
    if not layers:
        return None
    leaves: list[Tensor] = []

    def as_leaf(_: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
        leaves.append(given[0].detach().clone().requires_grad_())
        return (leaves[-1], *given[1:])

    handle = layers[0].register_forward_pre_hook(as_leaf)
    try:
        with watched(module, layers[-1]) as found:
            module(inputs) if lengths is None else module(inputs, lengths)
    finally:
        handle.remove()
    states, leaf = found[-1], leaves[-1]
    steps = states.shape[1]
    ends = torch.full((len(states),), steps) if lengths is None else _in_steps(module, lengths)
    last = states[torch.arange(len(states)), ends - 1]
    generator = torch.Generator().manual_seed(seed)
    squares = torch.zeros(leaf.shape[:2], dtype=torch.float64)
    for _ in range(DIRECTIONS):
        direction = torch.randn(last.shape, generator=generator).to(last.dtype)
        gradient = torch.autograd.grad(last, leaf, direction, retain_graph=True)[0]
        squares += gradient.double().square().sum(2) / DIRECTIONS
    norms = squares.sqrt()
    # Aligned at the last real step of each example.
    back = torch.arange(steps)
    places = ends[:, None] - 1 - back[None, :]
    aligned = torch.where(places >= 0, norms.gather(1, places.clamp(min=0)), 0.0)
    return np.asarray(aligned.mean(0).flip(0).numpy())


def _in_steps(module: nn.Module, lengths: Tensor) -> Tensor:
    view = getattr(module, "steps", None)
    return view.lengths(lengths) if view is not None and hasattr(view, "lengths") else lengths


def reach(norms: Floats) -> int:
    """The number of last steps that hold `REACH` of the gradient's norm.

    >>> reach(np.array([0.0, 0.0, 1.0, 9.0, 90.0]))
    2
    """
    total = float(norms.sum())
    if total <= 0:
        return 0
    held = np.cumsum(norms[::-1])
    return int(np.searchsorted(held, REACH * total - 1e-12) + 1)


def attention_weights(
    module: nn.Module, inputs: Tensor | GraphBatch, lengths: Tensor | None = None
) -> list[Tensor]:
    """Attention [B, heads, T, T] of each layer that has a `weights(x, real)` method; an empty list without one."""
    layers = [part for part in module.modules() if hasattr(part, "weights") and hasattr(part, "qkv")]
    found: list[Tensor] = []

    def ask(part: nn.Module, given: tuple[Any, ...]) -> None:
        with torch.no_grad():
            found.append(part.weights(*given))  # type: ignore[operator]

    handles = [part.register_forward_pre_hook(ask) for part in layers]
    try:
        if layers:
            with torch.no_grad():
                module(inputs) if lengths is None else module(inputs, lengths)
    finally:
        for handle in handles:
            handle.remove()
    return found


def element_positions(module: nn.Module, kind: Input, elements: int) -> Floats:
    """Where each element lies in the input: pixels [T, 2] of an image's patches, else steps [T, 1]."""
    view = getattr(module, "elements", None)
    side = getattr(view, "side", None)
    if side is not None and isinstance(kind, Image):
        rows, across = np.divmod(np.arange(elements), -(-kind.width // side))
        return np.stack([rows, across], axis=1) * float(side)
    return np.arange(elements, dtype=np.float64)[:, None] * float(getattr(view, "frame", 1))


def attention_distance(weights: Tensor, positions: Floats) -> Floats:
    """Mean distance [heads] between an element and what it looks at, weighted by attention [B, heads, T, T]."""
    gaps = np.sqrt(((positions[:, None, :] - positions[None, :, :]) ** 2).sum(axis=2))
    mean = weights.double().mean(dim=(0,)).numpy()  # [heads, T, T]
    return np.asarray((mean * gaps).sum(axis=2).mean(axis=1))


def saliency(module: nn.Module, inputs: Tensor | GraphBatch, lengths: Tensor | None = None) -> Floats:
    """|d largest output / d input| with channels summed: [B, H, W], [B, T] or [B, F]; for tokens by their embedding.

    Of a network that reads the edges of graphs, by the numbers of each node [B, nodes of the largest].
    """
    tables = [part for part in module.modules() if isinstance(part, nn.Embedding | nn.EmbeddingBag)]
    if isinstance(inputs, GraphBatch):
        return _node_saliency(module, inputs)
    if inputs.is_floating_point():
        leaf = inputs.detach().clone().requires_grad_()
        outputs = module(leaf) if lengths is None else module(leaf, lengths)
        gradient = torch.autograd.grad(outputs.amax(1).sum(), leaf)[0].abs()
        return np.asarray((gradient.sum(1) if gradient.ndim > 2 else gradient).double().numpy())
    if not tables:
        return np.zeros(tuple(inputs.shape))
    with watched(module, tables[0]) as found:
        outputs = module(inputs) if lengths is None else module(inputs, lengths)
    gradient = torch.autograd.grad(outputs.amax(1).sum(), found[-1])[0]
    return np.asarray(gradient.norm(dim=-1).reshape(tuple(inputs.shape)).double().numpy())


def _node_saliency(module: nn.Module, graphs: GraphBatch) -> Floats:
    leaf = graphs.features.detach().clone().requires_grad_()
    outputs = module(graphs._replace(features=leaf))
    gradient = torch.autograd.grad(outputs.amax(1).sum(), leaf)[0].abs().sum(1)
    owner = graphs.owners
    out = np.zeros((graphs.batch_size, graphs.kind.nodes))
    out[owner.numpy(), (torch.arange(len(owner)) - graphs.offsets[owner]).numpy()] = gradient.double().numpy()
    return out
