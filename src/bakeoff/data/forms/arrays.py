"""Arrays: NumPy arrays, torch tensors, dictionaries of them, `.npz` and `.npy` files. Nothing is ever unpickled.

`array_values` says what the axes mean. An array "adjacency" [N, V, V] beside x [N, V, F], or "edges" [E, 2] beside x
[nodes of all graphs, F], makes graphs of them (see `graphs`).
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Inputs
from bakeoff.data.encoder import FormEncoder, NewExamples
from bakeoff.data.forms.array_files import ArrayPart, array_parts
from bakeoff.data.forms.array_values import arrange
from bakeoff.data.forms.graphs import check_fits, graphs_of_dense, lengths_of_graphs
from bakeoff.data.forms.targets import known_targets
from bakeoff.data.packed_graphs import PackedGraphs, joined_graphs
from bakeoff.data.schema import Graph, Schema
from bakeoff.data.splits import Indices
from bakeoff.errors import DataError, listed


@dataclass(frozen=True, kw_only=True)
class ArrayEncoder(FormEncoder):
    """Arrays are used as given; the record holds only the meaning of their axes."""

    kind: ClassVar[str] = "arrays"
    axes: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "axes": self.axes}

    def check(self, schema: Schema) -> None:
        """Nothing to refuse: what the arrays are is seen when they are read."""

    def read(self, source: Any, schema: Schema) -> NewExamples:
        parts = array_parts(source, needs_targets=False)
        if isinstance(schema.input, Graph):
            return _new_graphs(parts, schema, schema.input)
        first = next(iter(parts.values())).rows
        if first.ndim == len(schema.input.shape) and first.size == np.prod(schema.input.shape):
            parts = {"all": ArrayPart(inputs=first[None], targets=None)}
        blocks = [arrange(part.rows, kind=self.axes, schema=schema)[0] for part in parts.values()]
        inputs = blocks[0] if len(blocks) == 1 else np.concatenate(blocks)
        return NewExamples(inputs=inputs, targets=_answers(parts, schema), names=_numbers(len(inputs)))


def _new_graphs(parts: dict[str, ArrayPart], schema: Schema, kind: Graph) -> NewExamples:
    """New graphs like those that a network was trained on; their dense views [N, F + V, V] are taken, too."""
    blocks = []
    for part in parts.values():
        graphs = part.inputs
        if not isinstance(graphs, PackedGraphs):
            if graphs.shape[1:] != kind.shape:
                raise DataError(
                    "The network was trained on graphs: give x [graphs, nodes, features] and adjacency [graphs, nodes, "
                    "nodes], as np.savez(file, x=x, adjacency=adjacency)."
                )
            graphs = graphs_of_dense(graphs, kind)
        check_fits(graphs, kind)
        blocks.append(graphs)
    graphs = joined_graphs(blocks)
    return NewExamples(
        inputs=graphs,
        lengths=lengths_of_graphs(graphs, kind),
        targets=_answers(parts, schema),
        names=_numbers(len(graphs)),
    )


def _answers(parts: dict[str, ArrayPart], schema: Schema) -> NDArray[Any] | None:
    """Targets of all parts, None where a part has none."""
    if any(part.targets is None for part in parts.values()):
        return None
    return known_targets(np.concatenate([np.asarray(part.targets) for part in parts.values()]), schema.target)


def _numbers(count: int) -> list[str]:
    return [str(row + 1) for row in range(count)]


def joined_parts(parts: dict[str, ArrayPart]) -> dict[str, Any]:
    """What `make_dataset` takes of all parts together: inputs, targets, groups, and the rows of given splits.

    Raises:
        DataError: the parts' shapes differ.
    """
    places = _places({part: len(arrays.inputs) for part, arrays in parts.items()})
    return {
        "inputs": _joined_inputs([arrays.inputs for arrays in parts.values()]),
        "targets": _joined([np.asarray(arrays.targets) for arrays in parts.values()], what="targets"),
        "groups": _groups(parts),
        "test": places.get("test"),
        "validation": places.get("validation"),
    }


def _groups(parts: dict[str, ArrayPart]) -> NDArray[Any] | None:
    if any(arrays.groups is None for arrays in parts.values()):
        return None
    return np.concatenate([np.asarray(arrays.groups) for arrays in parts.values()])


def _joined_inputs(parts: list[Inputs]) -> Inputs:
    graphs = [part for part in parts if isinstance(part, PackedGraphs)]
    if not graphs:
        return _joined([part for part in parts if not isinstance(part, PackedGraphs)], what="inputs")
    if len(graphs) < len(parts):
        raise DataError("Some parts have edges and some have none: give an array of them to each part.")
    widths = sorted({part.features.shape[1] for part in graphs})
    if len(widths) > 1:
        raise DataError(
            f"The parts have nodes with {listed([str(width) for width in widths])} features: make them equal."
        )
    return joined_graphs(graphs)


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
