"""Softmax and linear regression: the flattened values, or a text's words, times one weight."""

from torch import Tensor

from bakeoff.models.scalable.linear import BagOfWords, Linear
from bakeoff.train.families.rules import FamilyRules, Rules
from bakeoff.train.families.views import NO_MEAN_OF_WORDS
from bakeoff.train.fused.builder import ProgramBuilder
from bakeoff.train.replicas.module import NetworkStack


def stacked(stack: NetworkStack, module: Linear, x: Tensor, lengths: Tensor | None = None) -> Tensor:
    return stack.call(module.out, stack.call(module.row, x, lengths))


def compiled(builder: ProgramBuilder, module: Linear) -> None:
    builder.visit(module.row)
    builder.visit(module.out)


def stacked_words(stack: NetworkStack, module: BagOfWords, x: Tensor) -> Tensor:
    return stack.call(module.counts, x) + stack.of(module, "bias")[:, None]


RULES: FamilyRules = {
    Linear: Rules(stacked=stacked, compiled=compiled),
    BagOfWords: Rules(stacked=stacked_words, compiled=NO_MEAN_OF_WORDS),
}
