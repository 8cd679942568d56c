"""Arrays: NumPy arrays, torch tensors, dictionaries of them, `.npz` and `.npy` files. Nothing is ever unpickled.

`array_values` says what the axes mean. An array "adjacency" [N, V, V] beside x [N, V, F] makes graphs of them (see
`graphs`); "nodes" [N] says how many nodes of each are real.
"""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.assembly import make_dataset
from bakeoff.data.dataset import Dataset
from bakeoff.data.encoder import FormEncoder, NewExamples
from bakeoff.data.readers.array_files import ArrayPart, array_parts
from bakeoff.data.readers.array_values import arrange, has_gaps
from bakeoff.data.readers.graphs import resized
from bakeoff.data.readers.targets import known_targets, read_target
from bakeoff.data.schema import Graph, Schema
from bakeoff.data.splits import Indices
from bakeoff.errors import DataError

KINDS = ("image", "series", "table", "text", "graph")


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
        return NewExamples(inputs=inputs, lengths=_lengths(parts), targets=targets, names=names)


def load_arrays(
    source: Any,
    *,
    name: str,
    described: str,
    kind: str | None = None,
    task: str | None = None,
    target: str | None = None,
    groups: NDArray[Any] | None = None,
    seed: int = 0,
) -> Dataset:
    """A dataset from arrays: (x, y), a dictionary with x and y (or x_train, y_train, x_test, y_test ...), a file.

    Args:
        source: the arrays, or the path of an `.npz` or `.npy` file.
        name, described: the dataset's name and where it came from.
        kind: "image", "series", "table", "text" or "graph", where axes and names are ambiguous.
        task: "classes" or "value", where the targets are ambiguous.
        target: for one 2-D array: the number of the column to predict.

    Raises:
        DataError: no inputs or targets are found, counts differ, or numbers are not finite.
    """
    parts = array_parts(source, target=target)
    sizes = {part: len(arrays.inputs) for part, arrays in parts.items()}
    inputs = _joined([arrays.inputs for arrays in parts.values()], what="inputs")
    answers = _joined([np.asarray(arrays.targets) for arrays in parts.values()], what="targets")
    if groups is None and all(arrays.groups is not None for arrays in parts.values()):
        groups = np.concatenate([np.asarray(arrays.groups) for arrays in parts.values()])
    places = _places(sizes)
    common: dict[str, Any] = {
        "name": name,
        "test": places.get("test"),
        "validation": places.get("validation"),
        "groups": groups,
        "seed": seed,
        "source": described,
    }
    kind = _kind(parts) or kind
    if has_gaps(inputs) and inputs.ndim in (2, 3):
        return _load_with_gaps(inputs, answers, kind=kind, task=task, **common)
    arranged, schema_input = arrange(inputs, kind=kind)
    targets, schema_target = read_target(answers, task=task)
    return make_dataset(
        input=schema_input,
        target=schema_target,
        inputs=arranged,
        targets=targets,
        lengths=_lengths(parts),
        encoder=ArrayEncoder(axes=kind),
        **common,
    )


def _load_with_gaps(
    inputs: NDArray[Any], answers: NDArray[Any], *, kind: str | None, task: str | None, **common: Any
) -> Dataset:
    """A dataset from arrays with NaN: a table's are imputed as in a file; a series' are interpolated, or padding."""
    if inputs.ndim == 2 and kind in (None, "table"):
        import polars

        from bakeoff.data.readers.table import build_table

        frame = polars.DataFrame({f"column {place}": column for place, column in enumerate(inputs.T)})
        frame = frame.with_columns(polars.all().fill_nan(None))
        return build_table(frame, polars.Series("target", answers), target="target", task=task, **common)
    from bakeoff.data.readers.series import build_series

    if kind not in (None, "series"):
        raise DataError(f"There are missing values (NaN) in inputs of the kind '{kind}': fill them in first.")
    examples = [np.asarray(example, np.float32).reshape(-1, inputs.shape[-1]) for example in inputs]
    targets, schema_target = read_target(answers, task=task)
    return build_series(examples, targets, schema_target, **common)


def _graphs_like(part: ArrayPart, kind: Graph) -> ArrayPart:
    """New graphs padded to the number of nodes that a network was trained on."""
    if part.kind != "graph" and part.inputs.shape[1:] != kind.shape:
        raise DataError(
            "The network was trained on graphs: give x [graphs, nodes, features] and adjacency [graphs, nodes, nodes], "
            "as np.savez(file, x=x, adjacency=adjacency)."
        )
    graphs, lengths = resized(part.inputs, part.lengths, kind)
    return replace(part, inputs=graphs, lengths=lengths)


def _kind(parts: dict[str, ArrayPart]) -> str | None:
    """The kind that the arrays' names imply, which must be the same for all parts; None where they imply none."""
    kinds = {part.kind for part in parts.values()}
    if len(kinds) > 1:
        raise DataError("Some parts have an array 'adjacency' and some have none: give one to each part.")
    return kinds.pop()


def _lengths(parts: dict[str, ArrayPart]) -> NDArray[np.int64] | None:
    """True lengths of all parts, None where every example is complete."""
    if all(part.lengths is None for part in parts.values()):
        return None
    full_lengths = [np.full(len(part.inputs), part.inputs.shape[-1], np.int64) for part in parts.values()]
    found = [part.lengths for part in parts.values()]
    return np.concatenate(
        [full if own is None else own for full, own in zip(full_lengths, found, strict=True)]
    )


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
