"""The multi-layer perceptron: the flattened values through dense layers."""

from torch import Tensor

from bakeoff.models.scalable.mlp import MLP
from bakeoff.train.families.rules import FamilyRules, Rules
from bakeoff.train.fused.builder import ProgramBuilder
from bakeoff.train.replicas.module import NetworkStack


def stacked(stack: NetworkStack, module: MLP, x: Tensor, lengths: Tensor | None = None) -> Tensor:
    return stack.call(module.layers, stack.call(module.row, x, lengths))


def compiled(builder: ProgramBuilder, module: MLP) -> None:
    builder.visit(module.row)
    builder.visit(module.layers)


RULES: FamilyRules = {MLP: Rules(stacked=stacked, compiled=compiled)}
