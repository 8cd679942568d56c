"""The parts (train, validation, test) of arrays: from pairs, dictionaries, `.npz` and `.npy` files."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Inputs
from bakeoff.data.forms.array_values import as_array
from bakeoff.data.forms.graphs import graphs_of_edges, graphs_of_matrices
from bakeoff.data.packed_graphs import PackedGraphs
from bakeoff.errors import DataError, printable
from bakeoff.system.files import opened, refuse_special

_INPUT_NAMES = ("x", "inputs", "data", "images", "features", "arr_0")
_TARGET_NAMES = ("y", "targets", "labels", "target", "label", "arr_1")
_PART_NAMES = {"train": ("train",), "validation": ("validation", "valid", "val"), "test": ("test",)}


@dataclass(frozen=True, kw_only=True, eq=False)
class ArrayPart:
    """The arrays of one part (train, validation, test or all).

    Attributes:
        inputs: [N, ...]; or graphs, where an array of edges or of adjacency matrices says so.
        targets: [N] or [N, size]; None where there are none.
        groups: [N], or None.
    """

    inputs: Inputs
    targets: NDArray[Any] | None
    groups: NDArray[Any] | None = None

    @property
    def rows(self) -> NDArray[Any]:
        """The inputs as one array.

        Raises:
            DataError: they are graphs.
        """
        if isinstance(self.inputs, PackedGraphs):
            raise DataError("These are graphs, and an array of numbers was needed: leave out their edges.")
        return self.inputs


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
    """The distinct shapes of a list's members; empty where one of them is ragged."""
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
    """The part with its further arrays: groups, and the edges or adjacency matrices that make graphs of x."""

    def found(name: str) -> NDArray[Any] | None:
        return _lookup(arrays, (name,), spellings)

    groups, adjacency, edges = found("groups"), found("adjacency"), found("edges")
    graphs: Inputs = inputs
    if edges is not None:
        graphs = graphs_of_edges(inputs, edges, found("nodes"), found("weights"))
    elif adjacency is not None:
        graphs = graphs_of_matrices(inputs, adjacency, found("nodes"))
    return ArrayPart(inputs=graphs, targets=targets, groups=groups)


def _lookup(
    arrays: dict[str, NDArray[Any]], names: tuple[str, ...], parts: tuple[str, ...]
) -> NDArray[Any] | None:
    for part in parts:
        for name in names:
            for spelled in (name,) if not part else (f"{name}_{part}", f"{part}_{name}", f"{name}{part}"):
                if spelled in arrays:
                    return arrays[spelled]
    return None
