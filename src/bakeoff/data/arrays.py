"""Arrays: NumPy arrays, torch tensors, dictionaries of them, `.npz` and `.npy` files. Nothing is ever unpickled.

What the axes mean, where `kind` does not say:
    [N, F]                     a table of F numbers (kind="series": one channel of F steps; "text": token numbers)
    [N, H, W] of bytes         grey images (kind="image" for other number types)
    [N, C, T] of other numbers C channels of T steps
    [N, C, H, W], [N, H, W, C] images; the channels are the axis of size 1, 3 or 4, the last one first
An array "adjacency" [N, V, V] beside x [N, V, F] makes graphs of them (see `bakeoff.data.graphs`); "nodes" [N] says
how many nodes of each are real.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Dataset, Indices
from bakeoff.data.encoding import FormEncoder, NewData
from bakeoff.data.finish import finish
from bakeoff.data.graphs import check_symmetric, joined, resized
from bakeoff.data.schema import Graph, Image, Input, Schema, Series, Table, Tokens
from bakeoff.data.targets import known_targets, read_target
from bakeoff.errors import DataError, printable
from bakeoff.system.files import opened, refuse_special

KINDS = ("image", "series", "table", "text", "graph")
_INPUT_NAMES = ("x", "inputs", "data", "images", "features", "arr_0")
_TARGET_NAMES = ("y", "targets", "labels", "target", "label", "arr_1")
_PART_NAMES = {"train": ("train",), "validation": ("validation", "valid", "val"), "test": ("test",)}
#: Most rows that are looked at in one go, so that nothing needs the whole set as float.
_BLOCK_ROWS = 8192


@dataclass(frozen=True, kw_only=True)
class ArrayEncoder(FormEncoder):
    """Arrays come as they are; only the meaning of their axes is remembered."""

    kind: ClassVar[str] = "arrays"
    axes: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "axes": self.axes}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        return cls(axes=record["axes"])

    def read(self, source: Any, schema: Schema) -> NewData:
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
        return NewData(inputs=inputs, lengths=_lengths(parts), targets=targets, names=names)


@dataclass(frozen=True, kw_only=True, eq=False)
class ArrayPart:
    """Inputs [N, ...] and, where there are any, answers [N] or [N, size] of one part (train, test or all).

    Graphs are known by their arrays, so that `kind` says so, and `lengths` has their true numbers of nodes.
    """

    inputs: NDArray[Any]
    targets: NDArray[Any] | None
    groups: NDArray[Any] | None = None
    lengths: NDArray[np.int64] | None = None
    kind: str | None = None


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
        kind: "image", "series", "table", "text" or "graph" where neither axes nor names tell.
        task: "classes" or "value" where the targets do not tell.
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
    return finish(
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
    """Arrays with NaN: a table's gaps are imputed as a file's are; a series' are bridged, at its end they pad."""
    if inputs.ndim == 2 and kind in (None, "table"):
        import polars

        from bakeoff.data.table import build_table

        frame = polars.DataFrame({f"column {place}": column for place, column in enumerate(inputs.T)})
        frame = frame.with_columns(polars.all().fill_nan(None))
        return build_table(frame, polars.Series("target", answers), target="target", task=task, **common)
    from bakeoff.data.series import build_series

    if kind not in (None, "series"):
        raise DataError(f"There are missing values (NaN) in inputs of the kind '{kind}': fill them in first.")
    examples = [np.asarray(example, np.float32).reshape(-1, inputs.shape[-1]) for example in inputs]
    targets, schema_target = read_target(answers, task=task)
    return build_series(examples, targets, schema_target, **common)


def _graphs_like(part: ArrayPart, kind: Graph) -> ArrayPart:
    """New graphs with as many nodes, some of them padding, as those that a network was trained on."""
    if part.kind != "graph" and part.inputs.shape[1:] != kind.shape:
        raise DataError(
            "The network was trained on graphs: give x [graphs, nodes, features] and adjacency [graphs, nodes, nodes], "
            "as np.savez(file, x=x, adjacency=adjacency)."
        )
    graphs, lengths = resized(part.inputs, part.lengths, kind)
    return replace(part, inputs=graphs, lengths=lengths)


def _kind(parts: dict[str, ArrayPart]) -> str | None:
    """What the arrays' names say of them, which all parts must agree on."""
    kinds = {part.kind for part in parts.values()}
    if len(kinds) > 1:
        raise DataError("Some parts have an array 'adjacency' and some have none: give one to each part.")
    return kinds.pop()


def _lengths(parts: dict[str, ArrayPart]) -> NDArray[np.int64] | None:
    """True lengths of all parts, None where every example is whole."""
    if all(part.lengths is None for part in parts.values()):
        return None
    whole = [np.full(len(part.inputs), part.inputs.shape[-1], np.int64) for part in parts.values()]
    found = [part.lengths for part in parts.values()]
    return np.concatenate([full if own is None else own for full, own in zip(whole, found, strict=True)])


def array_parts(
    source: Any, *, target: str | None = None, needs_targets: bool = True
) -> dict[str, ArrayPart]:
    """The parts of a source, by name: "train", "validation", "test", or "all" where it is not divided."""
    if isinstance(source, str | Path):
        source = read_array_file(Path(source))
    if isinstance(source, Mapping):
        arrays = {str(key): _padded(value) for key, value in source.items()}
        parts = _named_parts(arrays, needs_targets=needs_targets)
    elif _is_pair(source):
        parts = {"all": ArrayPart(inputs=_padded(source[0]), targets=as_array(source[1]))}
    else:
        parts = {"all": _with_target_column(as_array(source), target, needs_targets=needs_targets)}
    for part, arrays_ in parts.items():
        if arrays_.targets is not None and len(arrays_.targets) != len(arrays_.inputs):
            raise DataError(
                f"There are {len(arrays_.inputs)} inputs and {len(arrays_.targets)} targets ({part}): "
                "give one target for each input, the examples on the first axis of both."
            )
    return parts


def as_array(value: Any) -> NDArray[Any]:
    """A NumPy array of numbers or words, from a torch tensor, a list or anything that NumPy takes.

    Raises:
        DataError: rows of different lengths, or objects that are no numbers.
    """
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    try:
        array = value if isinstance(value, np.memmap) else np.asarray(value)
    except ValueError as error:
        raise DataError(
            f"The rows have different lengths ({error}): pad them, or give a .ts file."
        ) from error
    if array.dtype.kind == "O" and array.ndim > 1:
        try:
            return array.astype(np.float64)
        except (ValueError, TypeError) as error:
            raise DataError(
                f"An array holds something other than numbers ({error}): give numbers."
            ) from error
    if array.dtype.kind == "c":
        raise DataError("Complex numbers are not taken: give the real and imaginary parts as two channels.")
    return array


def _padded(inputs: Any) -> NDArray[Any]:
    """Inputs as one array; a list of series [T] or [C, T] of different lengths is padded with NaN at the end."""
    shapes = _shapes(inputs) if isinstance(inputs, list | tuple) else set()
    if (
        len(shapes) < 2
        or any(len(shape) not in (1, 2) for shape in shapes)
        or len({s[:-1] for s in shapes}) > 1
    ):
        return as_array(inputs)
    longest = max(shape[-1] for shape in shapes)
    examples = [np.atleast_2d(as_array(example)).astype(np.float32) for example in inputs]
    padded = np.full((len(examples), len(examples[0]), longest), np.nan, np.float32)
    for place, example in enumerate(examples):
        padded[place, :, : example.shape[-1]] = example
    return padded


def _shapes(examples: Any) -> set[tuple[int, ...]]:
    """The different shapes of a list's members; empty where one of them has none."""
    try:
        return {np.shape(example) for example in examples}
    except ValueError:
        return set()


def read_array_file(path: Path) -> Any:
    """The arrays of an `.npz` (a dictionary) or `.npy` file (memory-mapped; with its y.npy if it is named x.npy)."""
    refuse_special(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy's remark on a header that Python 2 wrote
            return _read_array_file(path)
    except DataError:
        raise
    except Exception as error:  # NumPy's and zipfile's readers raise many types on damaged bytes
        if "allow_pickle" in str(error) or "Python objects" in str(error):
            raise DataError(
                f"'{printable(path.name)}' holds Python objects, and bakeoff never unpickles (a pickle can run code): "
                "save plain arrays of numbers or fixed-width strings, such as np.savez(file, x=x, y=y.astype(str))."
            ) from error
        raise DataError(
            f"'{printable(path.name)}' is damaged or not a NumPy file ({printable(str(error))}): save it again."
        ) from error


def _read_array_file(path: Path) -> Any:
    if path.suffix.lower() != ".npy":
        with opened(path) as file, np.load(file, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    beside = _answers_beside(path)
    if beside is not None:
        refuse_special(beside)
    return array if beside is None else (array, np.load(beside, mmap_mode="r", allow_pickle=False))


def arrange(
    array: NDArray[Any], *, kind: str | None = None, schema: Schema | None = None
) -> tuple[NDArray[Any], Input]:
    """Inputs [N, *shape] in the order of axes that the schema has, and that schema.

    Args:
        array: [N, ...], of one of the forms in this module's header.
        kind: what the axes mean where they do not tell.
        schema: that of a trained network, which the array must then fit.

    Raises:
        DataError: the axes mean nothing known, do not fit the schema, or a number is not finite.
    """
    if array.dtype.kind not in "biuf":
        raise DataError(
            f"Inputs must be numbers, not {array.dtype}: encode words first, or give a table file."
        )
    if schema is not None and array.shape[1:] == schema.input.shape:
        input = schema.input
    else:
        array, input = _meaning(array, kind)
    if schema is not None and (type(input) is not type(schema.input) or input.shape != schema.input.shape):
        raise DataError(
            f"The network was trained on examples of the shape {schema.input.shape}, and these have {input.shape}: "
            "give data of the same form."
        )
    check_finite(array)
    if isinstance(input, Graph):
        check_symmetric(array, input)
    if isinstance(input, Tokens):
        _check_tokens(array, schema)
        return array.astype(np.int32), input if schema is None else schema.input
    if array.dtype == np.bool_:
        array = array.astype(np.uint8)
    if not (isinstance(input, Image) and array.dtype == np.uint8) and array.dtype != np.float32:
        array = array.astype(np.float32)
    return array, input


def has_gaps(array: NDArray[Any]) -> bool:
    """Whether there is a NaN, looked for block by block."""
    if array.dtype.kind != "f":
        return False
    return any(
        np.isnan(array[start : start + _BLOCK_ROWS]).any() for start in range(0, len(array), _BLOCK_ROWS)
    )


def check_finite(array: NDArray[Any]) -> None:
    """Raises `DataError` for the first number that is not finite or too large for float32, block by block."""
    if array.dtype.kind != "f":
        return
    for start in range(0, len(array), _BLOCK_ROWS):
        block = np.asarray(array[start : start + _BLOCK_ROWS])
        good = np.abs(block) <= np.finfo(np.float32).max
        if not good.all():
            row = int(np.flatnonzero(~good.reshape(len(block), -1).all(axis=1))[0])
            value = block[row][~good[row]].ravel()[0]
            raise DataError(
                f"Example {start + row + 1} holds {value}; networks need finite numbers: "
                "fill such values in or leave those examples out."
            )


def _meaning(array: NDArray[Any], kind: str | None) -> tuple[NDArray[Any], Input]:
    shape = array.shape[1:]
    if 0 in shape:
        raise DataError(f"The inputs have the shape {array.shape}: an axis of size 0 holds no numbers.")
    if array.ndim == 2 and kind in (None, "table"):
        return array, Table(features=shape[0])
    if array.ndim == 2 and kind == "series":
        return array[:, None, :], Series(channels=1, length=shape[0])
    if array.ndim == 2 and kind == "text":
        return array, Tokens(vocabulary_size=int(array.max()) + 1, length=shape[0])
    if array.ndim == 3 and kind == "graph" and shape[0] > shape[1]:
        return array, Graph(nodes=shape[1], features=shape[0] - shape[1])
    if array.ndim == 3 and (kind == "image" or (kind is None and array.dtype == np.uint8)):
        return array[:, None], Image(channels=1, height=shape[0], width=shape[1])
    if array.ndim == 3 and kind in (None, "series"):
        return array, Series(channels=shape[0], length=shape[1])
    if array.ndim == 4 and kind in (None, "image"):
        if shape[2] in (1, 3, 4) or shape[0] not in (1, 3, 4):
            array = array.transpose(0, 3, 1, 2)
        _, channels, height, width = array.shape
        return array, Image(channels=channels, height=height, width=width)
    raise DataError(
        f"Inputs of the shape {array.shape} with kind={kind!r} mean nothing here: give [N, F] for a table, [N, C, T] "
        "for series, [N, C, H, W] for images, x [N, V, F] and adjacency [N, V, V] for graphs."
    )


def _check_tokens(array: NDArray[Any], schema: Schema | None) -> None:
    most = None if schema is None or not isinstance(schema.input, Tokens) else schema.input.vocabulary_size
    if array.dtype.kind not in "iu" or array.min() < 0 or (most is not None and array.max() >= most):
        raise DataError(
            f"Tokens must be whole numbers from 0 up to {most or 'the vocabulary'}, 0 being padding."
        )


def _is_pair(source: Any) -> bool:
    """Whether this is (x, y): two arrays, or a tuple of two lists (a list of two lists is an array of two rows)."""
    if not isinstance(source, tuple | list) or len(source) != 2:
        return False
    arrays = [hasattr(part, "__array__") for part in source]
    return all(arrays) or (isinstance(source, tuple) and all(map(_is_sequence, source)))


def _is_sequence(value: Any) -> bool:
    return hasattr(value, "__array__") or isinstance(value, list | tuple)


def _answers_beside(path: Path) -> Path | None:
    for own, other in (("x", "y"), ("X", "y"), ("inputs", "targets"), ("data", "labels")):
        if path.stem == own or path.stem.endswith((f"_{own}", f"-{own}")):
            beside = path.with_name(path.stem[: -len(own)] + other + path.suffix)
            if beside.exists():
                return beside
    return None


def _with_target_column(array: NDArray[Any], target: str | None, *, needs_targets: bool) -> ArrayPart:
    if target is None and not needs_targets:
        return ArrayPart(inputs=array, targets=None)
    if array.ndim != 2 or target is None:
        raise DataError(
            f"One array of the shape {array.shape} has no targets: give (x, y), a file with the arrays x and y, "
            "or for a table the number of the target's column."
        )
    if not target.lstrip("-").isdigit() or not -array.shape[1] <= int(target) < array.shape[1]:
        raise DataError(
            f"An array has numbered columns, 0 to {array.shape[1] - 1}, and '{printable(target)}' is none of them."
        )
    column = int(target) % array.shape[1]
    return ArrayPart(inputs=np.delete(array, column, axis=1), targets=np.asarray(array[:, column]))


def _named_parts(arrays: dict[str, NDArray[Any]], *, needs_targets: bool) -> dict[str, ArrayPart]:
    lower = {key.lower(): value for key, value in arrays.items()}
    parts = {}
    for part, spellings in {"all": ("",), **_PART_NAMES}.items():
        inputs = _lookup(lower, _INPUT_NAMES, spellings)
        targets = _lookup(lower, _TARGET_NAMES, spellings)
        if inputs is not None and (targets is not None or not needs_targets):
            parts[part] = _part(lower, spellings, inputs, targets)
    if not parts and not needs_targets and len(arrays) == 1:
        return {"all": ArrayPart(inputs=next(iter(arrays.values())), targets=None)}
    if not parts or ("all" not in parts and "train" not in parts and needs_targets):
        listed = ", ".join(f"'{printable(key)}'" for key in list(arrays)[:8]) or "none"
        raise DataError(
            f"Arrays named 'x' and 'y' (or 'x_train', 'y_train', 'x_test', 'y_test') are needed, found {listed}: "
            "rename them, for example np.savez(file, x=inputs, y=targets)."
        )
    return {"all": parts["all"]} if "all" in parts else parts


def _part(
    arrays: dict[str, NDArray[Any]],
    spellings: tuple[str, ...],
    inputs: NDArray[Any],
    targets: NDArray[Any] | None,
) -> ArrayPart:
    """With the arrays that stand beside x and y: groups, and what makes graphs of x."""
    groups = _lookup(arrays, ("groups",), spellings)
    adjacency = _lookup(arrays, ("adjacency",), spellings)
    if adjacency is None:
        return ArrayPart(inputs=inputs, targets=targets, groups=groups)
    graphs, lengths = joined(inputs, adjacency, _lookup(arrays, ("nodes",), spellings))
    return ArrayPart(inputs=graphs, targets=targets, groups=groups, lengths=lengths, kind="graph")


def _lookup(
    arrays: dict[str, NDArray[Any]], names: tuple[str, ...], parts: tuple[str, ...]
) -> NDArray[Any] | None:
    for part in parts:
        for name in names:
            for spelled in (name,) if not part else (f"{name}_{part}", f"{part}_{name}", f"{name}{part}"):
                if spelled in arrays:
                    return arrays[spelled]
    return None


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
