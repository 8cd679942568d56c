"""The rules by which each kind of module is evaluated for R replicas at once. `stacked` adds a rule to `STACKED`.

A rule gets the stack, the plain module and its inputs [R, B, ...], and returns the outputs [R, B, ...]. It finds the
stacked parameters [R, ...] with `stack.of(module, "weight")` and evaluates inner modules with `stack.call`.
Modules of classes that are not in the table are vectorised by `torch.func.vmap`.
"""

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

#: A rule gets the stack, the module and its inputs [R, B, ...], and returns its outputs [R, B, ...].
Rule = Callable[..., Any]

STACKED: dict[type[nn.Module], Rule] = {}
#: The files here that hold rules.
_FILES = ("layers", "families")
#: Classes whose rules take `relu=True`, for a ReLU that is computed with the layer.
FUSES_RELU = (nn.Linear, nn.Conv1d, nn.Conv2d)


def all_rules() -> Mapping[type[nn.Module], Rule]:
    """The whole table: the files that hold rules are imported when it is first asked for."""
    for file in _FILES:
        importlib.import_module(f"bakeoff.train.replicas.{file}")
    return STACKED


def stacked(*kinds: type[nn.Module]) -> Callable[[Rule], Rule]:
    """Make the decorated function the rule of these classes (not of classes derived from them)."""

    def add(rule: Rule) -> Rule:
        STACKED.update(dict.fromkeys(kinds, rule))
        return rule

    return add
