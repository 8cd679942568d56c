"""The optional compiled path: the C files of this folder, built once on this machine by its own compiler.

Nothing has to be installed. Where there is no compiler, the build fails, the result is wrong or `BAKEOFF_NATIVE=0` is
set, the functions of this package run on torch alone, with the same results up to rounding; `describe` says which it is
and belongs into a run's record. The build takes some 20 s of one core: with `BAKEOFF_NATIVE=ready` the library is used
where it is built already and nobody waits for it; `begin_build` builds it beside whatever else is going on.

The library is kept in the user's cache folder under a hash of the sources, the flags, the compiler and the processor,
is written beside and moved into place, and is first tried in a process of its own, so that a file built for another
processor cannot kill this one.
"""

import ctypes
import functools
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

FLAGS = (
    "-O3",
    "-march=native",
    "-mprefer-vector-width=512",
    "-fopenmp-simd",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fno-signed-zeros",
    "-ffp-contract=fast",
    "-shared",
    "-fPIC",
    "-std=gnu11",
    "-w",
)
#: Flags that only some compilers and processors know.
X86_ONLY = ("-mprefer-vector-width=512",)
BUILD_SECONDS, PROBE_SECONDS = 120, 20

_PROBE = """
import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
a, c = (ctypes.c_float * 35)(*range(35)), (ctypes.c_float * 25)()
library.product_plain_f32(*map(ctypes.c_long, (5, 5, 7)), a, 0, a, 1, c)
wanted = [sum(a[i * 7 + k] * a[j * 7 + k] for k in range(7)) for i in range(5) for j in range(5)]
sys.exit(0 if list(c) == wanted else 3)
"""


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


def begin_build() -> None:
    """Start to build the library in a process that outlives this one, where it could be built and is not."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if os.environ.get("BAKEOFF_NATIVE", "1") == "0" or compiler is None or _place(compiler).exists():
        return
    subprocess.Popen(
        [sys.executable, "-m", "bakeoff.train.kernels.native"],
        env={**os.environ, "BAKEOFF_NATIVE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


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
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        return None, "pure torch (no C compiler)"
    try:
        path = _place(compiler)
        if not path.exists():
            if wish == "ready":
                return None, "pure torch (the compiled operators are not built yet)"
            _build(compiler, path)
        return ctypes.CDLL(str(path)), f"compiled ({_version(compiler)})"
    except (OSError, subprocess.SubprocessError) as error:
        return None, f"pure torch (the compiled operators failed: {type(error).__name__})"


def _sources() -> list[Path]:
    return sorted(Path(__file__).parent.glob("*.c"))


def _flags() -> list[str]:
    return [flag for flag in FLAGS if flag not in X86_ONLY or platform.machine() in ("x86_64", "AMD64")]


def _place(compiler: str) -> Path:
    """Where the library for these sources, flags, compiler and processor lies, built or not."""
    digest = hashlib.blake2b(digest_size=12)
    for part in (*(source.read_bytes() for source in _sources()), repr(_flags()).encode(), _processor()):
        digest.update(part)
    digest.update(_version(compiler).encode())
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bakeoff" / "native"
    return folder / f"{digest.hexdigest()}.so"


def _build(compiler: str, path: Path) -> None:
    """Build the library beside its place, try it in a process of its own, and move it into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as place:
        new = Path(place) / "new.so"
        main = str(Path(__file__).parent / "native.c")
        _run([compiler, *_flags(), main, "-o", str(new), "-lm"], BUILD_SECONDS)
        _run([sys.executable, "-c", _PROBE, str(new)], PROBE_SECONDS)
        new.replace(path)


def _run(command: list[str], seconds: float) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=seconds).stdout


def _version(compiler: str) -> str:
    return _run([compiler, "--version"], 10).split("\n", 1)[0]


def _processor() -> bytes:
    """What tells processors apart for which different code would be built."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return repr((platform.machine(), platform.processor())).encode()
    wanted = ("model name", "flags", "Features", "CPU implementer", "CPU part")
    return "\n".join(sorted({line for line in lines if line.startswith(wanted)})).encode()


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(19)  # whoever waits for nothing has the right of way
    print(describe())
