"""The optional compiled path: the library that `bakeoff.train.kernels.compilation` builds, as Python calls it.

Where there is no compiler, the build fails, the result is wrong or `BAKEOFF_NATIVE=0` is set, the functions of this
package run on torch alone, with the same results up to rounding; `describe` says which it is and belongs into a run's
record. With `BAKEOFF_NATIVE=ready` the library is used where it is built already, and nobody waits for it.
"""

import ctypes
import functools
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bakeoff.train.kernels import compilation


def available() -> bool:
    """Whether the compiled operators are in use in this process."""
    return _load()[0] is not None


def describe() -> str:
    """For a run's record: "compiled (gcc ...)" or "pure torch (why)"."""
    return _load()[1]


def takes(*tensors: Tensor | None) -> bool:
    """Whether the compiled operators can work on these tensors: on the CPU, float32 or float64, all alike."""
    given = [tensor for tensor in tensors if tensor is not None]
    kind = given[0].dtype
    return (
        kind in _SUFFIX
        and all(tensor.dtype == kind and tensor.device.type == "cpu" for tensor in given)
        and available()
    )


def call(name: str, sizes: Sequence[int], tensors: Sequence[Tensor | None], kind: torch.dtype) -> None:
    """Run `name` for numbers of this kind. The tensors are contiguous, or the sizes say how they lie."""
    library = _load()[0]
    assert library is not None
    pointers = (ctypes.c_void_p * len(tensors))(
        *(None if tensor is None else tensor.data_ptr() for tensor in tensors)
    )
    getattr(library, name + _SUFFIX[kind])((ctypes.c_long * len(sizes))(*sizes), pointers)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the library says of itself (limits.c); no number of it is written in Python.

    Attributes:
        op_kinds: number of each kind of op of a program, by its name in small letters.
        in_parts: kinds whose gradients can be added up over the microbatches of a batch.
        relu_places: for the kinds that can include a ReLU, the place of that choice among their sizes.
        header_words, op_words: integers that begin a program, and that describe one op.
        most_ops, most_parameters: of a program.
        most_words: the largest vocabulary of an embedding.
        largest_windows: numbers in the windows of one example that a convolution writes down on its way back.
        cells: number of each kind of recurrent cell, by its name in small letters.
        cell_saved: values saved for the way back of each hidden unit and step, by cell.
    """

    op_kinds: Mapping[str, int]
    in_parts: frozenset[str]
    relu_places: Mapping[str, int]
    header_words: int
    op_words: int
    most_ops: int
    most_parameters: int
    most_words: int
    largest_windows: int
    cells: Mapping[str, int]
    cell_saved: Mapping[str, int]


@functools.cache
def limits() -> Limits:
    """The limits of the library that is in use; only where `available`."""
    library = _load()[0]
    assert library is not None

    def number(symbol: str) -> int:
        return ctypes.c_long.in_dll(library, symbol).value

    def numbers(symbol: str, names: Sequence[str]) -> dict[str, int]:
        return dict(zip(names, (ctypes.c_long * len(names)).in_dll(library, symbol), strict=True))

    def names(symbol: str, count: int) -> list[str]:
        found = (ctypes.c_char_p * count).in_dll(library, symbol)
        return [(name or b"").decode().lower() for name in found]

    ops, cells = names("op_names", number("op_kinds")), names("cell_names", number("cell_kinds"))
    alone = ("header_words", "op_words", "most_ops", "most_parameters", "most_words", "largest_windows")
    return Limits(
        op_kinds={name: place for place, name in enumerate(ops)},
        in_parts=frozenset(name for name, yes in numbers("op_in_parts", ops).items() if yes),
        relu_places={name: place for name, place in numbers("op_relu_places", ops).items() if place >= 0},
        cells={name: place for place, name in enumerate(cells)},
        cell_saved=numbers("cell_saved", cells),
        **{symbol: number(symbol) for symbol in alone},
    )


def saved_of_op(words: Sequence[int]) -> int:
    """How many values of an example the op that these words describe keeps for the way back, besides its output."""
    library = _load()[0]
    assert library is not None
    library.op_saved.restype = ctypes.c_long
    return library.op_saved((ctypes.c_long * len(words))(*words))


def keep_memory() -> bool:
    """Let the C allocator keep freed memory, so that every step reuses warm pages. Returns whether it could.

    glibc gives large blocks back to the system when they are freed, and the next step pays a page fault every 4 KB.
    Meant for worker processes: the process holds its peak memory until it ends.
    """
    if platform.system() != "Linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    m_trim_threshold, m_top_pad, m_mmap_max = -1, -2, -4
    set_all = [mallopt(m_mmap_max, 0), mallopt(m_trim_threshold, 2**31 - 1), mallopt(m_top_pad, 64 << 20)]
    return all(set_all)


_SUFFIX = {torch.float32: "_f32", torch.float64: "_f64"}


@functools.cache
def _load() -> tuple[ctypes.CDLL | None, str]:
    """The library and a description, or None and the reason why not."""
    setting = os.environ.get("BAKEOFF_NATIVE", "1")
    if setting == "0":
        return None, "pure torch (BAKEOFF_NATIVE=0)"
    compiler = compilation.compiler()
    if compiler is None:
        return None, "pure torch (no C compiler)"
    try:
        library = compilation.load(may_build=setting != "ready")
        if library is not None:
            return library, f"compiled ({compilation.version(compiler)})"
        if compilation.place() is None:
            return None, "pure torch (others may write wherever the compiled operators could be kept)"
        return None, "pure torch (the compiled operators are not built yet)"
    except (OSError, subprocess.SubprocessError) as error:
        return None, f"pure torch (the compiled operators failed: {type(error).__name__})"
