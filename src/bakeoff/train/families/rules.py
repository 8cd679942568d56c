"""The contract of a family: for each class of module, the two ways in which many such networks are trained fast.

Both repeat the module's forward, and tests hold both to it. A family's file says `RULES`, by the class of each of its
networks in `models/scalable`; what they share stands in `views` and in the rules for torch's own layers
(`replicas.layers`, `fused.layers`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import nn

from bakeoff.train.fused.builder import CompiledRule
from bakeoff.train.replicas.module import StackedRule


@dataclass(frozen=True, kw_only=True)
class Missing:
    """There is no such rule, for this reason."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How many modules of one class are trained fast.

    Attributes:
        stacked: evaluates R of them at once; without it they are vectorised by `torch.func.vmap`.
        compiled: adds the module's ops to a program; a network without it is trained through autograd.
    """

    stacked: StackedRule | Missing
    compiled: CompiledRule | Missing


FamilyRules = Mapping[type[nn.Module], Rules]
