"""How each kind of module is evaluated for R replicas at once. `STACKED` is the table; `stacked` adds to it.

A rule gets the stack, the plain module and its inputs [R, B, ...], and returns the outputs [R, B, ...]. It finds the
stacked parameters [R, ...] with `stack.of(module, "weight")` and evaluates inner modules with `stack.call`.
Modules of classes that are not in the table are vectorised by `torch.func.vmap`.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bakeoff.train.network import NetworkStack, Rule

STACKED: dict[type[nn.Module], Rule] = {}


def stacked(*kinds: type[nn.Module]) -> Callable[[Rule], Rule]:
    """Make the decorated function the rule of these classes (not of classes derived from them)."""

    def add(rule: Rule) -> Rule:
        STACKED.update(dict.fromkeys(kinds, rule))
        return rule

    return add


@stacked(nn.ReLU, nn.GELU, nn.Tanh, nn.Sigmoid, nn.SiLU, nn.ELU, nn.LeakyReLU, nn.Identity, nn.Hardswish)
def elementwise(stack: NetworkStack, module: nn.Module, x: Tensor) -> Tensor:
    return module(x)


@stacked(nn.Sequential)
def sequential(stack: NetworkStack, module: nn.Sequential, x: Any) -> Any:
    for part in module:
        x = stack.call(part, x)
    return x


@stacked(nn.Linear)
def linear(stack: NetworkStack, module: nn.Linear, x: Tensor) -> Tensor:
    weight = stack.of(module, "weight").transpose(1, 2)
    rows = x.flatten(1, -2)
    if module.bias is None:
        out = torch.bmm(rows, weight)
    else:
        out = torch.baddbmm(stack.of(module, "bias")[:, None], rows, weight)
    return out.view(*x.shape[:-1], -1)


@stacked(nn.Flatten)
def flatten(stack: NetworkStack, module: nn.Flatten, x: Tensor) -> Tensor:
    first, last = module.start_dim, module.end_dim
    return x.flatten(first + (first >= 0), last + (last >= 0))


@stacked(nn.Dropout)
def dropout(stack: NetworkStack, module: nn.Dropout, x: Tensor) -> Tensor:
    """Each replica draws from its own generator, and only for its real rows, so that no other replica matters."""
    if not module.training or module.p == 0.0:
        return x
    mask = torch.ones_like(x)
    for row, generator in enumerate(stack.generators):
        real = mask[row, : int(stack.counts[row])] if mask.shape[1] >= int(stack.counts.max()) else mask[row]
        real.bernoulli_(1.0 - module.p, generator=generator)
    return x * mask.div_(1.0 - module.p)


@stacked(nn.BatchNorm1d, nn.BatchNorm2d)
def batch_norm(stack: NetworkStack, module: nn.BatchNorm1d | nn.BatchNorm2d, x: Tensor) -> Tensor:
    """The replicas' channels side by side are the channels of one batch normalisation."""
    replicas, batch, channels = x.shape[:3]
    merged = x.transpose(0, 1).reshape(batch, replicas * channels, *x.shape[3:])

    def flat(name: str) -> Tensor | None:
        return None if getattr(module, name) is None else stack.of(module, name).view(-1)

    mean, var = flat("running_mean"), flat("running_var")
    update = module.training and mean is not None
    momentum = module.momentum
    if update and module.num_batches_tracked is not None:
        seen = stack.of(module, "num_batches_tracked").add_(1)
        momentum = 1.0 / float(seen[0]) if momentum is None else momentum
    out = F.batch_norm(
        merged,
        mean,
        var,
        flat("weight"),
        flat("bias"),
        module.training or mean is None,
        0.0 if momentum is None else momentum,
        module.eps,
    )
    return out.view(batch, replicas, channels, *x.shape[3:]).transpose(0, 1)


@stacked(nn.LayerNorm)
def layer_norm(stack: NetworkStack, module: nn.LayerNorm, x: Tensor) -> Tensor:
    out = F.layer_norm(x, module.normalized_shape, eps=module.eps)
    if module.weight is None:
        return out
    axes = (len(stack), *[1] * (x.dim() - 1 - len(module.normalized_shape)), *module.normalized_shape)
    out = out * stack.of(module, "weight").view(axes)
    return out if module.bias is None else out + stack.of(module, "bias").view(axes)
