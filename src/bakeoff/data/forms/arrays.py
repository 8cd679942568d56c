"""Arrays: NumPy arrays, torch tensors, dictionaries of them, `.npz` and `.npy` files. Nothing is ever unpickled.

`array_values` says what the axes mean. An array "adjacency" [N, V, V] beside x [N, V, F] makes graphs of them (see
`graphs`); "nodes" [N] says how many nodes of each are real.
"""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.encoder import FormEncoder, NewExamples
from bakeoff.data.forms.array_files import ArrayPart, array_parts
from bakeoff.data.forms.array_values import arrange
from bakeoff.data.forms.graphs import resized
from bakeoff.data.forms.targets import known_targets
from bakeoff.data.schema import Graph, Schema
from bakeoff.data.splits import Indices
from bakeoff.errors import DataError


@dataclass(frozen=True, kw_only=True)
class ArrayEncoder(FormEncoder):
    """Arrays are used as given; the record holds only the meaning of their axes."""

    kind: ClassVar[str] = "arrays"
    axes: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "axes": self.axes}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        return cls(axes=record["axes"])

    def read(self, source: Any, schema: Schema) -> NewExamples:
        parts = array_parts(source, needs_targets=False)
        if isinstance(schema.input, Graph):
            parts = {name: _graphs_like(part, schema.input) for name, part in parts.items()}
        first = next(iter(parts.values()))
        if first.inputs.ndim == len(schema.input.shape) and first.inputs.size == np.prod(schema.input.shape):
            parts = {"all": ArrayPart(inputs=first.inputs[None], targets=None)}
        blocks, answers = [], []
        for part in parts.values():
            arranged, _ = arrange(part.inputs, kind=self.axes, schema=schema)
            blocks.append(arranged)
            answers.append(part.targets)
        inputs = blocks[0] if len(blocks) == 1 else np.concatenate(blocks)
        targets = None
        if all(answer is not None for answer in answers):
            targets = known_targets(np.concatenate([np.asarray(answer) for answer in answers]), schema.target)
        names = [str(row + 1) for row in range(len(inputs))]
        return NewExamples(inputs=inputs, lengths=lengths_of(parts), targets=targets, names=names)


def _graphs_like(part: ArrayPart, kind: Graph) -> ArrayPart:
    """New graphs padded to the number of nodes that a network was trained on."""
    if part.kind != "graph" and part.inputs.shape[1:] != kind.shape:
        raise DataError(
            "The network was trained on graphs: give x [graphs, nodes, features] and adjacency [graphs, nodes, nodes], "
            "as np.savez(file, x=x, adjacency=adjacency)."
        )
    graphs, lengths = resized(part.inputs, part.lengths, kind)
    return replace(part, inputs=graphs, lengths=lengths)


def lengths_of(parts: dict[str, ArrayPart]) -> NDArray[np.int64] | None:
    """True lengths of all parts, None where every example is complete."""
    if all(part.lengths is None for part in parts.values()):
        return None
    full_lengths = [np.full(len(part.inputs), part.inputs.shape[-1], np.int64) for part in parts.values()]
    found = [part.lengths for part in parts.values()]
    return np.concatenate(
        [full if own is None else own for full, own in zip(full_lengths, found, strict=True)]
    )


def joined_parts(parts: dict[str, ArrayPart]) -> dict[str, Any]:
    """What `make_dataset` takes of all parts together: inputs, targets, lengths, groups, and the rows of given splits.

    Raises:
        DataError: the parts' shapes differ.
    """
    places = _places({part: len(arrays.inputs) for part, arrays in parts.items()})
    return {
        "inputs": _joined([arrays.inputs for arrays in parts.values()], what="inputs"),
        "targets": _joined([np.asarray(arrays.targets) for arrays in parts.values()], what="targets"),
        "lengths": lengths_of(parts),
        "groups": _groups(parts),
        "test": places.get("test"),
        "validation": places.get("validation"),
    }


def _groups(parts: dict[str, ArrayPart]) -> NDArray[Any] | None:
    if any(arrays.groups is None for arrays in parts.values()):
        return None
    return np.concatenate([np.asarray(arrays.groups) for arrays in parts.values()])


def _joined(arrays: list[NDArray[Any]], *, what: str) -> NDArray[Any]:
    if len({array.shape[1:] for array in arrays}) > 1:
        shapes = ", ".join(str(array.shape) for array in arrays)
        raise DataError(f"The {what} of the parts have different shapes ({shapes}): make them equal.")
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _places(sizes: dict[str, int]) -> dict[str, Indices]:
    """The indices of each part in the order in which the parts were joined."""
    places, start = {}, 0
    for part, size in sizes.items():
        places[part] = np.arange(start, start + size, dtype=np.int64)
        start += size
    return places
