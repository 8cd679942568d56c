"""The perceptron of 1958, with the rule by which it learned.

Rosenblatt, *The perceptron: a probabilistic model for information storage and organization in the brain*,
Psychological Review 65, 1958.

New then: a machine that is not programmed but shown examples, and that provably learns whatever it is able to
represent. A retina of sensory units feeds *association units* through random connections that never
change; the response units add up the active association units with weights that are learned:

    association a_j = 1 if  sum_i C_ji x_i > threshold, else 0        C fixed at random, few of them not zero
    response    r_k = sum_j W_kj a_j + b_k                            the answer is the largest r

The rule (`learn`): after a mistake, add the example to the right answer's weights and take it from the
wrong one's; after a right answer, do nothing. If some weights divide the classes with a margin `gamma`
and no example is longer than `R`, then it makes at most `(R / gamma)^2` mistakes in all, whatever the
order (Novikoff 1962): `mistake_bound`. If no weights divide them, as on XOR, it never stops making
mistakes (Minsky and Papert 1969).

It assumes that the classes can be told apart by a weighted sum: linearity.

Where this differs from the paper: by default there are no association units, as in today's textbooks, and
the inputs feed the response units directly; `width` brings that many back, each connected to
`CONNECTIONS` inputs with +1 or -1. `forward` gives the sums `r`, so that the network can also be trained
by gradient descent like any other; a comparison does that, and the perceptron then is a linear
classifier. Several classes: one response unit each.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from bakeoff.data.schema import Classes, Image, Schema, Series, Table, Value
from bakeoff.errors import ModelError
from bakeoff.models import register
from bakeoff.models.registry.card import ModelCard

PAPER = "Rosenblatt, The perceptron, Psychological Review 65, 1958, doi 10.1037/h0042519"
#: How many inputs each association unit looks at.
CONNECTIONS = 8


class Perceptron(nn.Module):
    """Inputs [B, ...] to sums [B, outputs]; `association_units` 0 means none."""

    def __init__(self, features: int, outputs: int, *, association_units: int = 0) -> None:
        super().__init__()
        connections = torch.zeros(association_units, features)
        for unit in range(association_units):
            chosen = torch.randperm(features)[:CONNECTIONS]
            connections[unit, chosen] = torch.randint(0, 2, (len(chosen),)) * 2.0 - 1.0
        self.connections: Tensor
        self.register_buffer("connections", connections)
        self.head = nn.Linear(association_units or features, outputs)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def seen(self, x: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch units"]:
        """What the response units see: the active association units, or the inputs where there are none."""
        x = x.flatten(1)
        return x if len(self.connections) == 0 else (x @ self.connections.T > 0).to(x.dtype)

    def forward(self, x: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch outputs"]:
        return self.head(self.seen(x))


@dataclass(frozen=True, kw_only=True)
class Learned:
    """What Rosenblatt's rule did.

    Attributes:
        converged: a whole pass went without a mistake, so the rule has stopped for good.
        mistakes: in each pass over the examples.
    """

    converged: bool
    mistakes: tuple[int, ...]

    @property
    def total_mistakes(self) -> int:
        return sum(self.mistakes)


@torch.no_grad()
def learn(
    perceptron: Perceptron,
    inputs: Float[Tensor, "examples ..."],
    targets: Int[Tensor, " examples"],
    *,
    passes: int,
) -> Learned:
    """Rosenblatt's rule, one example after the other in the order given, until a pass makes no mistake.

    After a mistake on an example `a` of class `y` that was taken for `z`: `W_y += a`, `W_z -= a` (and the
    same for the offsets, as for an input that is always 1). For two classes this is the classical `w += y
    a` on `w = W_1 - W_0`, twice as fast.

    Args:
        perceptron: changed in place.
        inputs: examples [N, ...].
        targets: classes [N].
        passes: stop after this many even if mistakes remain.

    Raises:
        ModelError: no passes, or not one class for each example.
    """
    if passes < 1 or len(inputs) != len(targets):
        raise ModelError(
            f"Rosenblatt's rule needs at least one pass and one class for each example, and got passes={passes}, "
            f"{len(inputs)} examples and {len(targets)} classes: give both the same number."
        )
    weight, bias = perceptron.head.weight, perceptron.head.bias
    seen = perceptron.seen(inputs)
    mistakes: list[int] = []
    while len(mistakes) < passes and (not mistakes or mistakes[-1]):
        wrong = 0
        for example, target in zip(seen, targets.tolist(), strict=True):
            answer = int((weight @ example + bias).argmax())
            if answer != target:
                wrong += 1
                weight[target] += example
                weight[answer] -= example
                bias[target] += 1
                bias[answer] -= 1
        mistakes.append(wrong)
    return Learned(converged=mistakes[-1] == 0, mistakes=tuple(mistakes))


def mistake_bound(
    inputs: Float[Tensor, "examples features"],
    targets: Int[Tensor, " examples"],
    separator: Float[Tensor, " features1"],
) -> float:
    """Novikoff's bound `(R / gamma)^2` on all mistakes that the rule can make on two classes.

    Args:
        inputs: examples [N, F]; a 1 is put beside each for the offset.
        targets: 0 or 1, [N].
        separator: any weights [F + 1], offset last, that divide the classes; the wider its margin, the
            tighter the bound.

    Returns:
        the number of mistakes; infinity where the separator does not divide the classes.

    Source: Novikoff, On convergence proofs on perceptrons, Symposium on the Mathematical Theory of
        Automata, 1962.
    """
    examples = torch.cat((inputs, torch.ones(len(inputs), 1, dtype=inputs.dtype)), dim=1)
    signs = targets.to(inputs.dtype) * 2 - 1
    gamma = float((signs * (examples @ separator)).min() / separator.norm())
    longest = float(examples.norm(dim=1).max())
    return (longest / gamma) ** 2 if gamma > 0 else math.inf


def build(schema: Schema, width: int | None = None) -> Perceptron:
    """`width` is the number of association units; None for none."""
    return Perceptron(math.prod(schema.input.shape), schema.outputs, association_units=width or 0)


register(
    ModelCard(
        name="perceptron",
        family="perceptron",
        year=1958,
        paper=PAPER,
        summary="A weighted sum and a decision, with the first learning rule that provably converges.",
        biases=("linearity",),
        inputs=(Image, Series, Table),
        targets=(Classes, Value),
        build=build,
        example=Schema(input=Image(channels=1, height=20, width=20), target=Classes(names=("left", "right"))),
    )
)
