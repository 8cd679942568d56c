"""All rules by class of module, and the two things that are made with them: a stack, and its program."""

import functools
from collections.abc import Mapping, Sequence
from types import ModuleType

import torch
from torch import nn

from bakeoff.train.families import cnn, gin, linear, mlp, recurrent, transformer, views
from bakeoff.train.families.rules import FamilyRules, Missing, Rules
from bakeoff.train.folds import StackData
from bakeoff.train.fused import layers as fused_layers
from bakeoff.train.fused import programs
from bakeoff.train.fused.builder import CompiledRule
from bakeoff.train.kernels.chain import Program
from bakeoff.train.replicas import layers as stacked_layers
from bakeoff.train.replicas.module import NetworkStack, StackedRule

#: The files with a family's rules; each has the name of its file in `models/scalable`.
FAMILIES: tuple[ModuleType, ...] = (linear, mlp, cnn, recurrent, transformer, gin)


@functools.cache
def family_rules() -> FamilyRules:
    """The rules of all families and of the views that they share, by class of module."""
    found: dict[type[nn.Module], Rules] = {}
    for file in (views, *FAMILIES):
        assert not found.keys() & file.RULES.keys(), f"{file.__name__} has a rule for a class that has one"
        found |= file.RULES
    return found


@functools.cache
def stacked_rules() -> Mapping[type[nn.Module], StackedRule]:
    """By which a stack evaluates modules of these classes."""
    own = {kind: rules.stacked for kind, rules in family_rules().items()}
    return dict(stacked_layers.RULES) | {k: rule for k, rule in own.items() if not isinstance(rule, Missing)}


@functools.cache
def compiled_rules() -> Mapping[type[nn.Module], CompiledRule]:
    """By which modules of these classes become ops of a program."""
    own = {kind: rules.compiled for kind, rules in family_rules().items()}
    return dict(fused_layers.RULES) | {k: rule for k, rule in own.items() if not isinstance(rule, Missing)}


def stack_networks(
    modules: Sequence[nn.Module],
    seeds: Sequence[int],
    *,
    dtype: torch.dtype = torch.float32,
    device: str | torch.device = "cpu",
) -> NetworkStack:
    """These networks of one architecture as a `NetworkStack` that knows all rules."""
    return NetworkStack(modules, seeds, rules=stacked_rules(), dtype=dtype, device=device)


def compile_program(network: NetworkStack, data: StackData) -> Program | None:
    """The network as a program; None where the network, the data or this machine does not allow it."""
    return programs.compile_program(network, data, compiled_rules())
