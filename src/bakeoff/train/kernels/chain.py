"""Many optimiser steps in one call of compiled code, for networks that are a chain of layers.

A `Program` is the list of such a network's ops. `train` takes some steps of all replicas of a stack: all steps of one
replica before the next one, so that its weights and activations stay in the processor's cache. There is no version in
Python: without the compiled operators a stack is trained through autograd, with the same results.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from bakeoff.train.kernels import native

#: With Transformer blocks, the values saved for the backward pass of a microbatch take at most this, so that they stay
#: in a core's cache ...
CACHE_BYTES = 1_000_000
#: ... but a microbatch has at least this many rows (examples x positions): smaller matrix products would be slow.
FEWEST_ROWS = 160


@dataclass(frozen=True, kw_only=True)
class Op:
    """One layer of a chain; activations are channels last.

    Attributes:
        kind: "dense", "convolution" (of an image; a series has height 1), "pool" (the largest value of squares),
            "transpose" (of every example's matrix [rows, columns]), "summary" (values channels first, then each
            channel's largest value), "gather" (values in another order), "offsets" (a parameter is added), "features"
            (each value as a vector), "norm" (over the last axis), "block" (a pre-norm Transformer block), "mean" (of
            positions) or "embedding" (tokens to vectors, token 0 to zeros).
        before, after: number of input and output values of an example.
        sizes: as chain.c lists them for the kind.
        weight, bias: names of the stack's parameters.
        more: names of a block's other parameters, in the order of `BlockParameters`.
        table: of "gather", int64: the index of each value's source, -1 for zero.
        rows: positions of an example.
    """

    kind: str
    before: int
    after: int
    sizes: tuple[int, ...]
    weight: str | None = None
    bias: str | None = None
    more: tuple[str, ...] = ()
    table: Tensor | None = None
    rows: int = 1

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all its parameters."""
        return tuple(name for name in (self.weight, self.bias, *self.more) if name is not None)

    def words(self, slots: Mapping[str, int], table: int = 0) -> list[int]:
        """The op as the compiled code reads it, with the numbers of its parameters' slots and of its table."""
        limits = native.limits()
        own = [limits.op_kinds[self.kind], self.before, self.after]
        own += [-1 if name is None else slots[name] for name in (self.weight, self.bias)]
        own += self.sizes if self.table is None else (table,)
        return own + [0] * (limits.op_words - len(own))


@dataclass(frozen=True, kw_only=True)
class Program:
    """A network as a list of ops.

    Attributes:
        ops: from the inputs to the outputs; at least one has weights.
        names: of the parameters, each used once.
        positions: of an example, where its true length says how many of them are real; 0 without lengths.
    """

    ops: tuple[Op, ...]
    names: tuple[str, ...]
    positions: int = 0

    @staticmethod
    def of(ops: Sequence[Op], positions: int = 0) -> "Program | None":
        """The program of these ops; None where they are too many, or a parameter is used twice."""
        names, limits = [name for op in ops for name in op.names], native.limits()
        fits = 0 < len(ops) <= limits.most_ops and len(names) <= limits.most_parameters
        if not fits or not names or len(set(names)) < len(names):
            return None
        return Program(ops=tuple(ops), names=tuple(names), positions=positions)

    def microbatch(self, rows: int, itemsize: int) -> int:
        """The number of examples of a batch of `rows` that go forward and backward at once."""
        blocks = [op.rows for op in self.ops if op.kind == "block"]
        if not blocks or any(op.kind not in native.limits().in_parts for op in self.ops):
            return rows
        slots = dict.fromkeys(self.names, 0)
        each = itemsize * sum(op.after + native.saved_of_op(op.words(slots)) for op in self.ops)
        most = min(rows, max(1, CACHE_BYTES // each, -(-FEWEST_ROWS // max(blocks))))
        return -(-rows // -(-rows // most))

    def _sizes(
        self, rows: int, steps: int, weights: Sequence[Tensor], numbers: bool, taken: int
    ) -> list[int]:
        slots = {name: slot for slot, name in enumerate(self.names)}
        words = [len(weights[0]), rows, steps, len(self.ops), len(slots), self.ops[0].before]
        words += [self.ops[-1].after, int(numbers), taken, self.microbatch(rows, weights[0].element_size())]
        words.append(self.positions)
        assert len(words) == native.limits().header_words
        tables = 0
        for op in self.ops:
            words += op.words(slots, tables)
            tables += op.table is not None
        return words + [tensor[0].numel() for tensor in weights]

    @property
    def _tables(self) -> list[Tensor]:
        return [op.table for op in self.ops if op.table is not None]

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
            inputs: numbers, or token ids.
            targets: int64 [N] (softmax cross-entropy) or [N, outputs] (mean squared error).
            positions: indices of inputs and targets; those beyond `counts` are not read.
            counts: number of real positions of each step and replica.
            rates: float64, the learning rates.
            state: weights, means and squares [R, ...] of each of `names`, contiguous.
            lengths: true lengths, where the program has `positions`.
            steps_taken: before this call.
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
        """Inputs as the compiled code reads them. Raises IndexError for a token without a vector, as torch does."""
        first = self.ops[0]
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
        """Each replica's outputs for all examples, computed for `rows` of them at a time."""
        found = weights[0].new_empty(len(weights[0]), len(inputs), self.ops[-1].after)
        sizes = self._sizes(rows, len(inputs), weights, False, 0)
        numbers = self._numbers(inputs, found.dtype)
        given = [numbers, found, self._counted(lengths), *weights, *self._tables]
        native.call("chain_outputs", sizes, given, found.dtype)
        return found
