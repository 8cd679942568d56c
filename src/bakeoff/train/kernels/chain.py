"""Whole trainings in one call, for networks that are a chain of layers: no graph, and no Python per step or layer.

A `Program` is such a network's layers with what each needs to know; `train` takes some steps of all replicas of a
stack, each from its first step to its last before the next one, so that its weights and activations stay in the cache.
There is no pure path: without the compiled operators a stack takes its steps through autograd, with the same results.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from bakeoff.train.kernels import native

#: As in native.c.
KINDS = ("dense", "convolution", "pool", "turn", "summary")
LINK_WORDS, MOST_LINKS, MOST_SLOTS = 16, 64, 128


@dataclass(frozen=True, kw_only=True)
class Link:
    """One layer of a chain; activations are channels last.

    Attributes:
        kind: "dense", "convolution" (an image; a series is one of height 1), "pool" (largest value of squares), "turn"
            (every example's matrix [rows, columns] turned) or "summary" (values channels first, then each channel's
            largest value).
        before, after: values of an example that go in and come out.
        sizes: what chain.c lists for the kind.
        weight, bias: names of the stack's parameters.
    """

    kind: str
    before: int
    after: int
    sizes: tuple[int, ...]
    weight: str | None = None
    bias: str | None = None


@dataclass(frozen=True, kw_only=True)
class Program:
    """A network as a chain.

    Attributes:
        links: from the inputs to the outputs; at least one has weights.
        names: its parameters, each used once.
    """

    links: tuple[Link, ...]
    names: tuple[str, ...]

    @staticmethod
    def of(links: Sequence[Link]) -> "Program | None":
        """None where a chain is too long for the compiled code, or a parameter is used twice."""
        names = [name for link in links for name in (link.weight, link.bias) if name is not None]
        fits = 0 < len(links) <= MOST_LINKS and len(names) <= MOST_SLOTS
        if not fits or not names or len(set(names)) < len(names):
            return None
        return Program(links=tuple(links), names=tuple(names))

    def _sizes(self, rows: int, steps: int, first: Tensor, numbers: bool, taken: int) -> list[int]:
        slots = {name: slot for slot, name in enumerate(self.names)}
        words = [len(first), rows, steps, len(self.links), len(slots), self.links[0].before]
        words += [self.links[-1].after, int(numbers), taken]
        for link in self.links:
            own = [KINDS.index(link.kind), link.before, link.after]
            own += [-1 if name is None else slots[name] for name in (link.weight, link.bias)]
            own += link.sizes
            words += own + [0] * (LINK_WORDS - len(own))
        return words

    def train(
        self,
        inputs: Float[Tensor, "N *shape"],
        targets: Tensor,
        positions: Int[Tensor, "steps R B"],
        counts: Int[Tensor, "steps R"],
        rates: Float[Tensor, "steps R"],
        state: Sequence[tuple[Tensor, Tensor, Tensor]],
        *,
        steps_taken: int,
        weight_decay: float,
        clip_norm: float | None,
        betas: tuple[float, float],
        epsilon: float,
    ) -> Float[Tensor, " R"]:
        """Take these steps with AdamW, in place; returns each replica's sum of the steps' mean losses.

        Args:
            targets: int64 [N] (softmax cross-entropy) or [N, outputs] (mean squared error).
            positions: rows of inputs and targets; those beyond `counts` are not read.
            rates: float64, the learning rates.
            state: weights, means and squares [R, ...] of each of `names`, contiguous.
            steps_taken: before these.
        """
        numbers = targets.is_floating_point()
        steps, _, rows = positions.shape
        sizes = self._sizes(rows, steps, state[0][0], numbers, steps_taken)
        sizes += [weights[0].numel() for weights, _, _ in state]
        settings = torch.tensor([weight_decay, clip_norm or 0.0, *betas, epsilon], dtype=torch.float64)
        losses = inputs.new_zeros(positions.shape[1])
        given = [inputs, targets, positions, counts, rates, settings, losses]
        native.call("chain_train", sizes, given + [t for part in state for t in part], inputs.dtype)
        return losses

    def outputs(
        self, inputs: Float[Tensor, "N *shape"], weights: Sequence[Tensor], *, rows: int = 100
    ) -> Float[Tensor, "R N K"]:
        """What each replica makes of all examples, `rows` at a time."""
        found = inputs.new_empty(len(weights[0]), len(inputs), self.links[-1].after)
        sizes = self._sizes(rows, len(inputs), weights[0], False, 0)
        sizes += [tensor[0].numel() for tensor in weights]
        native.call("chain_outputs", sizes, [inputs, found, *weights], inputs.dtype)
        return found
