"""The parts (train, validation, test) of arrays: from pairs, dictionaries, `.npz` and `.npy` files."""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Finding, Inputs
from bakeoff.data.forms.array_conversion import as_array, conversion_findings, is_array_like
from bakeoff.data.forms.graphs import graphs_of_edges, graphs_of_matrices
from bakeoff.data.forms.size_checks import check_fits, check_growth
from bakeoff.data.packed_graphs import PackedGraphs
from bakeoff.errors import DataError, listed, printable
from bakeoff.system.files import opened, refuse_special

_INPUT_NAMES = ("x", "inputs", "data", "images", "features", "arr_0")
_TARGET_NAMES = ("y", "targets", "labels", "target", "label", "arr_1")
#: Further arrays: which examples belong together, and the graphs that x belongs to.
_OTHER_NAMES = ("groups", "adjacency", "edges", "weights", "nodes")
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
        parts = _named_parts(source, needs_targets=needs_targets)
    elif isinstance(source, tuple) and len(source) == 2 and source[1] is None:
        raise DataError("The targets are None: give one target for each input, as in (x, y).")
    elif _is_pair(source):
        parts = {"all": ArrayPart(inputs=_padded(source[0]), targets=as_array(source[1]))}
    else:
        parts = {"all": _with_target_column(as_array(source), target, needs_targets=needs_targets)}
    for part, arrays in parts.items():
        _check_counts(part, arrays)
    return parts


def source_findings(source: Any) -> list[Finding]:
    """What reading a source leaves out or changes: arrays that were not asked for, masks, sparse matrices."""
    if isinstance(source, str | Path):
        source = read_array_file(Path(source))
    if isinstance(source, ArrayArchive):
        return _ignored(list(source))
    if isinstance(source, Mapping):
        used = [value for key, value in source.items() if _is_known(str(key))]
        return [*_ignored(list(map(str, source))), *conversion_findings(used)]
    return conversion_findings(source if _is_pair(source) else [source])


class ArrayArchive(Mapping[str, NDArray[Any]]):
    """The arrays of an `.npz` file, each read when it is asked for: what nobody asks for is never read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with opened(path) as file, np.load(file, allow_pickle=False) as archive:
            self._names = tuple(archive.files)
            members = archive.zip.infolist()
        self._packed = {each.filename.removesuffix(".npy"): each for each in members}

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self._names:
            raise KeyError(name)
        if name in self._packed:
            packed, size = self._packed[name].compress_size, self._packed[name].file_size
            check_growth(packed, size, self._path.name)
            check_fits(size, f"The array '{printable(name)}' of '{printable(self._path.name)}'")
        with _reading(self._path), opened(self._path) as file, np.load(file, allow_pickle=False) as archive:
            return archive[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _check_counts(part: str, arrays: ArrayPart) -> None:
    """Raises `DataError` where there is not one target, or not one group, for each input."""
    if isinstance(arrays.inputs, np.ndarray) and arrays.inputs.ndim == 0:
        raise DataError("The inputs are a single number and no array: give one example a row.")
    for what, answers in (("targets", arrays.targets), ("groups", arrays.groups)):
        if answers is not None and len(answers) != len(arrays.inputs):
            raise DataError(
                f"There are {len(arrays.inputs)} inputs and {len(answers)} {what} ({part}): "
                f"give one {what[:-1]} for each input, the examples on the first axis of both."
            )


def _is_known(name: str) -> bool:
    """Whether arrays of this name are asked for: x, y_train, groups_test ..."""
    return name.lower() in _KNOWN_NAMES


def _ignored(names: list[str]) -> list[Finding]:
    others = [name for name in names if not _is_known(name)]
    if not others:
        return []
    values = {"count": len(others), "names": listed(others)}
    return [Finding(kind="arrays_ignored", severity="note", values=values)]


def _padded(inputs: Any) -> NDArray[Any]:
    """Inputs as one array; a list of series [T] or [C, T] of different lengths is padded with NaN at the end."""
    if getattr(inputs, "is_nested", False):
        inputs = list(inputs.unbind())
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
    """The arrays of an `.npz` (by name) or `.npy` file (memory-mapped; with its y.npy if it is named x.npy)."""
    refuse_special(path)
    if path.suffix.lower() == ".npy":
        beside = _answers_beside(path)
        if beside is None:
            return _mapped(path)
        refuse_special(beside)
        return _mapped(path), _mapped(beside)
    with _reading(path):
        return ArrayArchive(path)


def _mapped(path: Path) -> NDArray[Any]:
    with _reading(path):
        return np.load(path, mmap_mode="r", allow_pickle=False)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Inside, any exception of NumPy's and zipfile's readers, which raise many types, becomes a `DataError`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy's remark on a header that Python 2 wrote
            yield
    except DataError:
        raise
    except Exception as error:
        if "allow_pickle" in str(error) or "Python objects" in str(error):
            raise DataError(
                f"'{printable(path.name)}' holds Python objects, and bakeoff never unpickles (a pickle can run code): "
                "save plain arrays of numbers or fixed-width strings, such as np.savez(file, x=x, y=y.astype(str))."
            ) from error
        raise DataError(
            f"'{printable(path.name)}' is damaged or not a NumPy file ({printable(str(error))}): save it again."
        ) from error


def _is_pair(source: Any) -> bool:
    """Whether this is (x, y): two arrays, or a tuple of two lists (a list of two lists is an array of two rows)."""
    if not isinstance(source, tuple | list) or len(source) != 2:
        return False
    arrays = [is_array_like(part) for part in source]
    return all(arrays) or (isinstance(source, tuple) and all(map(_is_sequence, source)))


def _is_sequence(value: Any) -> bool:
    return is_array_like(value) or isinstance(value, list | tuple)


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


def _named_parts(arrays: Mapping[Any, Any], *, needs_targets: bool) -> dict[str, ArrayPart]:
    keys = {str(key).lower(): key for key in arrays}
    parts = {}
    for part, spellings in _PARTS.items():
        inputs, targets = _key(keys, _INPUT_NAMES, spellings), _key(keys, _TARGET_NAMES, spellings)
        if inputs is not None and (targets is not None or not needs_targets):
            parts[part] = _part(arrays, keys, spellings, inputs, targets)
    if not parts and not needs_targets and len(arrays) == 1:
        return {"all": ArrayPart(inputs=_padded(next(iter(arrays.values()))), targets=None)}
    if not parts or ("all" not in parts and "train" not in parts and needs_targets):
        listed_names = ", ".join(f"'{printable(str(key))}'" for key in list(arrays)[:8]) or "none"
        raise DataError(
            f"Arrays named 'x' and 'y' (or 'x_train', 'y_train', 'x_test', 'y_test') are needed, found {listed_names}: "
            "rename them, for example np.savez(file, x=inputs, y=targets)."
        )
    return {"all": parts["all"]} if "all" in parts else parts


def _part(
    arrays: Mapping[Any, Any], keys: Mapping[str, Any], spellings: tuple[str, ...], inputs: Any, targets: Any
) -> ArrayPart:
    """The part with its further arrays: groups, and the edges or adjacency matrices that make graphs of x.

    Args:
        keys: lower-case name -> key of `arrays`. inputs, targets: keys; None where there are no targets.
    """

    def further(name: str) -> NDArray[Any] | None:
        key = _key(keys, (name,), spellings)
        return None if key is None else as_array(arrays[key])

    features = _padded(arrays[inputs])
    answers = None if targets is None else as_array(arrays[targets])
    groups, adjacency, edges = further("groups"), further("adjacency"), further("edges")
    graphs: Inputs = features
    if edges is not None:
        graphs = graphs_of_edges(features, edges, further("nodes"), further("weights"))
    elif adjacency is not None:
        graphs = graphs_of_matrices(features, adjacency, further("nodes"))
    return ArrayPart(inputs=graphs, targets=answers, groups=groups)


def _key(keys: Mapping[str, Any], names: tuple[str, ...], parts: tuple[str, ...]) -> Any:
    """The key of the first of these names in one of the spellings of a part, or None."""
    return next((keys[name] for name in _spelled(names, parts) if name in keys), None)


def _spelled(names: tuple[str, ...], parts: tuple[str, ...]) -> Iterator[str]:
    for part in parts:
        for name in names:
            yield from (name,) if not part else (f"{name}_{part}", f"{part}_{name}", f"{name}{part}")


#: Part -> its spellings; "" is that of arrays that are not divided.
_PARTS = {"all": ("",), **_PART_NAMES}
_KNOWN_NAMES = frozenset(
    name
    for spellings in _PARTS.values()
    for name in _spelled((*_INPUT_NAMES, *_TARGET_NAMES, *_OTHER_NAMES), spellings)
)
