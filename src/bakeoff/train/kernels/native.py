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
from collections.abc import Sequence

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
    wish = os.environ.get("BAKEOFF_NATIVE", "1")
    if wish == "0":
        return None, "pure torch (BAKEOFF_NATIVE=0)"
    compiler = compilation.compiler()
    if compiler is None:
        return None, "pure torch (no C compiler)"
    try:
        library = compilation.load(may_build=wish != "ready")
        if library is not None:
            return library, f"compiled ({compilation.version(compiler)})"
        if compilation.place() is None:
            return None, "pure torch (others may write wherever the compiled operators could be kept)"
        return None, "pure torch (the compiled operators are not built yet)"
    except (OSError, subprocess.SubprocessError) as error:
        return None, f"pure torch (the compiled operators failed: {type(error).__name__})"
