"""`Outputs`: what an entrant answered to many examples, dense or ragged, as two arrays that can be stored and sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Outputs:
    """Answers, or targets, of N examples, one after another.

    Attributes:
        values: [rows, ...]; a row an example where `offsets` is None, else a row a step (or token, or node).
        offsets: int64 [N + 1], rising from 0 to the number of rows: the rows of example i are those from `offsets[i]`
            up to `offsets[i + 1]`.

    >>> lines = Outputs(np.array([7, 8, 9]), np.array([0, 1, 3]))
    >>> len(lines), lines.of_example(1)
    (2, array([8, 9]))
    """

    values: NDArray[Any]
    offsets: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        if self.offsets is not None:
            assert self.offsets[0] == 0, "offsets begin at 0"
            assert self.offsets[-1] == len(self.values), "and end with the last row"
            assert (np.diff(self.offsets) >= 0).all(), "and never fall"

    @staticmethod
    def of(given: "OutputsLike") -> "Outputs":
        """The same; an array has one row an example, and is not copied."""
        return given if isinstance(given, Outputs) else Outputs(np.asarray(given))

    def __len__(self) -> int:
        """The number of examples."""
        return len(self.values) if self.offsets is None else len(self.offsets) - 1

    def of_example(self, index: int) -> NDArray[Any]:
        """The answer to one example: its row [...], or its rows [steps, ...] where answers are ragged."""
        if self.offsets is None:
            return self.values[index]
        return self.values[self.offsets[index] : self.offsets[index + 1]]

    def at(self, places: NDArray[np.int64]) -> "Outputs":
        """The outputs of these examples, in this order."""
        if self.offsets is None:
            return Outputs(self.values[places])
        rows = [np.arange(self.offsets[place], self.offsets[place + 1]) for place in places]
        lengths = np.diff(self.offsets)[places]
        taken = np.concatenate(rows) if rows else np.zeros(0, np.int64)
        return Outputs(self.values[taken], np.concatenate([[0], np.cumsum(lengths)]))

    @staticmethod
    def joined(parts: "Sequence[Outputs]") -> "Outputs":
        """The outputs of several sets of examples, one after another."""
        values = np.concatenate([part.values for part in parts])
        if any(part.offsets is None for part in parts):
            return Outputs(values)
        lengths = [np.diff(part.offsets) for part in parts if part.offsets is not None]
        return Outputs(values, np.concatenate([[0], np.cumsum(np.concatenate(lengths))]))

    @property
    def owners(self) -> NDArray[np.int64]:
        """The example that each row belongs to, int64 [rows]."""
        if self.offsets is None:
            return np.arange(len(self.values))
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    def equals(self, other: "Outputs") -> bool:
        """Whether both hold exactly the same numbers."""
        if self.offsets is None or other.offsets is None:
            return self.offsets is other.offsets and np.array_equal(self.values, other.values)
        return np.array_equal(self.values, other.values) and np.array_equal(self.offsets, other.offsets)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """By name, without "offsets" where there are none."""
        return {"values": self.values} | ({} if self.offsets is None else {"offsets": self.offsets})

    @staticmethod
    def from_arrays(arrays: Mapping[str, NDArray[Any]]) -> "Outputs":
        """Of what `to_arrays` gave."""
        return Outputs(arrays["values"], arrays.get("offsets"))


#: What a metric and a task take: a plain array stands for outputs with one row an example.
OutputsLike = Outputs | NDArray[Any]


def dense(given: OutputsLike) -> NDArray[Any]:
    """The array [N, ...] of outputs with one row an example; for what can compute nothing else."""
    if isinstance(given, Outputs):
        assert given.offsets is None, "ragged outputs have no single row an example"
        return given.values
    return np.asarray(given)
