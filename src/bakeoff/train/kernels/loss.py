"""The loss of a stack of classifiers."""

from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F


def cross_entropy(
    logits: Float[Tensor, "R B K"], targets: Int[Tensor, "R B"], weights: Float[Tensor, "R B"] | None = None
) -> Float[Tensor, " R"]:
    """`sum_b weights_b * -log softmax(logits_b)[target_b]` a replica; the mean over the batch without weights."""
    losses = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none").view_as(targets)
    return losses.mean(1) if weights is None else (losses * weights).sum(1)
