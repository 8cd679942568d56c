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
KINDS = (
    *("dense", "convolution", "pool", "turn", "summary"),
    *("places", "offsets", "features", "norm", "block", "mean", "embedding"),
)
LINK_WORDS, MOST_LINKS, MOST_SLOTS = 16, 64, 128
#: Kinds whose gradients add up over parts of a batch.
IN_PARTS = ("dense", "places", "offsets", "features", "norm", "block", "mean", "embedding")
#: With Transformer blocks, so much of what is kept from the way forward to the way back stays in a core's cache; fewer
#: rows (examples x positions) than this at a time would leave the products too small.
CACHE_BYTES, FEWEST_ROWS = 1_000_000, 160


@dataclass(frozen=True, kw_only=True)
class Link:
    """One layer of a chain; activations are channels last.

    Attributes:
        kind: "dense", "convolution" (an image; a series is one of height 1), "pool" (largest value of squares), "turn"
            (every example's matrix [rows, columns] turned), "summary" (values channels first, then each channel's
            largest value), "places" (values in another order), "offsets" (a parameter added), "features" (each value
            as a vector), "norm" (over the last axis), "block" (a pre-norm Transformer block), "mean" (of positions) or
            "embedding" (words to vectors, word 0 to zeros).
        before, after: values of an example that go in and come out.
        sizes: what chain.c lists for the kind.
        weight, bias: names of the stack's parameters.
        more: names of a block's other parameters, in the order of `BlockParameters`.
        table: of "places", int64: where each value comes from, -1 for zero.
        kept: values of an example that are kept for the way back besides those that come out.
        rows: positions that an example is here.
    """

    kind: str
    before: int
    after: int
    sizes: tuple[int, ...]
    weight: str | None = None
    bias: str | None = None
    more: tuple[str, ...] = ()
    table: Tensor | None = None
    kept: int = 0
    rows: int = 1

    @property
    def names(self) -> tuple[str, ...]:
        """Of all its parameters."""
        return tuple(name for name in (self.weight, self.bias, *self.more) if name is not None)


@dataclass(frozen=True, kw_only=True)
class Program:
    """A network as a chain.

    Attributes:
        links: from the inputs to the outputs; at least one has weights.
        names: its parameters, each used once.
        positions: of an example, where its true length says how many of them are real; 0 where there are no lengths.
    """

    links: tuple[Link, ...]
    names: tuple[str, ...]
    positions: int = 0

    @staticmethod
    def of(links: Sequence[Link], positions: int = 0) -> "Program | None":
        """None where a chain is too long for the compiled code, or a parameter is used twice."""
        names = [name for link in links for name in link.names]
        fits = 0 < len(links) <= MOST_LINKS and len(names) <= MOST_SLOTS
        if not fits or not names or len(set(names)) < len(names):
            return None
        return Program(links=tuple(links), names=tuple(names), positions=positions)

    def few(self, rows: int, itemsize: int) -> int:
        """How many examples of a batch of this many go forward and back at a time."""
        blocks = [link.rows for link in self.links if link.kind == "block"]
        if not blocks or any(link.kind not in IN_PARTS for link in self.links):
            return rows
        each = itemsize * sum(link.after + link.kept for link in self.links)
        most = min(rows, max(1, CACHE_BYTES // each, -(-FEWEST_ROWS // max(blocks))))
        return -(-rows // -(-rows // most))

    def _sizes(
        self, rows: int, steps: int, weights: Sequence[Tensor], numbers: bool, taken: int
    ) -> list[int]:
        slots = {name: slot for slot, name in enumerate(self.names)}
        words = [len(weights[0]), rows, steps, len(self.links), len(slots), self.links[0].before]
        words += [self.links[-1].after, int(numbers), taken, self.few(rows, weights[0].element_size())]
        words.append(self.positions)
        tables = 0
        for link in self.links:
            own = [KINDS.index(link.kind), link.before, link.after]
            own += [-1 if name is None else slots[name] for name in (link.weight, link.bias)]
            own += link.sizes if link.table is None else (tables,)
            tables += link.table is not None
            words += own + [0] * (LINK_WORDS - len(own))
        return words + [tensor[0].numel() for tensor in weights]

    @property
    def _tables(self) -> list[Tensor]:
        return [link.table for link in self.links if link.table is not None]

    def train(
        self,
        inputs: Float[Tensor, "N *shape"],
        targets: Tensor,
        positions: Int[Tensor, "steps R B"],
        counts: Int[Tensor, "steps R"],
        rates: Float[Tensor, "steps R"],
        state: Sequence[tuple[Tensor, Tensor, Tensor]],
        lengths: Int[Tensor, " N"] | None = None,
        *,
        steps_taken: int,
        weight_decay: float,
        clip_norm: float | None,
        betas: tuple[float, float],
        epsilon: float,
    ) -> Float[Tensor, " R"]:
        """Take these steps with AdamW, in place; returns each replica's sum of the steps' mean losses.

        Args:
            inputs: numbers, or words as whole numbers.
            targets: int64 [N] (softmax cross-entropy) or [N, outputs] (mean squared error).
            positions: rows of inputs and targets; those beyond `counts` are not read.
            rates: float64, the learning rates.
            state: weights, means and squares [R, ...] of each of `names`, contiguous.
            lengths: true ones, where `positions` says so.
            steps_taken: before these.
        """
        numbers = targets.is_floating_point()
        steps, _, rows = positions.shape
        sizes = self._sizes(rows, steps, [weights for weights, _, _ in state], numbers, steps_taken)
        settings = torch.tensor([weight_decay, clip_norm or 0.0, *betas, epsilon], dtype=torch.float64)
        losses = state[0][0].new_zeros(positions.shape[1])
        given = [
            self._numbers(inputs, losses.dtype),
            targets,
            positions,
            counts,
            rates,
            settings,
            losses,
            self._counted(lengths),
        ]
        given += [*(tensor for part in state for tensor in part), *self._tables]
        native.call("chain_train", sizes, given, losses.dtype)
        return losses

    def _numbers(self, inputs: Tensor, kind: torch.dtype) -> Tensor:
        """Inputs as the compiled code reads them. Raises IndexError for a word that has no vector, as torch does."""
        first = self.links[0]
        if first.kind == "embedding" and inputs.numel():
            least, most = (int(bound) for bound in inputs.aminmax())
            if least < 0 or most >= first.sizes[2]:
                raise IndexError(
                    f"There are {first.sizes[2]} words, and one has the number {least if least < 0 else most}."
                )
        return inputs.to(kind).contiguous()

    def _counted(self, lengths: Tensor | None) -> Tensor | None:
        if not self.positions:
            return None
        assert lengths is not None
        return lengths.to(torch.int64).contiguous()

    def outputs(
        self,
        inputs: Float[Tensor, "N *shape"],
        weights: Sequence[Tensor],
        lengths: Int[Tensor, " N"] | None = None,
        *,
        rows: int = 100,
    ) -> Float[Tensor, "R N K"]:
        """What each replica makes of all examples, `rows` at a time."""
        found = weights[0].new_empty(len(weights[0]), len(inputs), self.links[-1].after)
        sizes = self._sizes(rows, len(inputs), weights, False, 0)
        numbers = self._numbers(inputs, found.dtype)
        given = [numbers, found, self._counted(lengths), *weights, *self._tables]
        native.call("chain_outputs", sizes, given, found.dtype)
        return found
