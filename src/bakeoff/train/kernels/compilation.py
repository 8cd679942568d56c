"""Builds the optional compiled operators (the C files beside this one), once on this machine, by its own C compiler.

Nothing has to be installed. The library lies in the user's cache folder under a hash of the sources, the flags, the
compiler and the processor. It is written under another name and renamed, after it was tried in a process of its own, so
that a library built for another processor cannot kill this one. The build takes about 20 s of one core. Imports nothing
heavy: a command can ask whether the library is there before PyTorch is imported.
"""

import functools
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bakeoff.system.files import cache_folder

SOURCES = Path(__file__).parent
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
#: The longest that the compiler may take.
BUILD_SECONDS = 120
#: The longest that trying the new library may take.
PROBE_SECONDS = 20

_PROBE = """
import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
a, c = (ctypes.c_float * 35)(*range(35)), (ctypes.c_float * 25)()
library.product_plain_f32(*map(ctypes.c_long, (5, 5, 7)), a, 0, a, 1, c)
wanted = [sum(a[i * 7 + k] * a[j * 7 + k] for k in range(7)) for i in range(5) for j in range(5)]
sys.exit(0 if list(c) == wanted else 3)
"""


def compiler() -> str | None:
    """The C compiler of this machine (`CC`, or cc); None where there is none."""
    return shutil.which(os.environ.get("CC", "cc"))


def place() -> Path | None:
    """Where the library for these sources, flags, compiler and processor lies, built or not; None without a compiler.

    Raises:
        OSError, subprocess.SubprocessError: the compiler cannot be asked for its version.
    """
    program = compiler()
    if program is None:
        return None
    digest = hashlib.blake2b(digest_size=12)
    for part in (*(source.read_bytes() for source in _sources()), repr(_flags()).encode(), _processor()):
        digest.update(part)
    digest.update(version(program).encode())
    return cache_folder() / "native" / f"{digest.hexdigest()}.so"


def is_wanted() -> bool:
    """Whether the library is missing and can be built."""
    if os.environ.get("BAKEOFF_NATIVE", "1") == "0":
        return False
    try:
        path = place()
    except (OSError, subprocess.SubprocessError):
        return False
    return path is not None and not path.exists()


def build() -> None:
    """Build the library beside its place, try it in a process of its own, and move it into place.

    Raises:
        OSError, subprocess.SubprocessError: no compiler, or it fails, or its result does.
    """
    program, path = compiler(), place()
    if program is None or path is None:
        raise FileNotFoundError("there is no C compiler")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as beside:
        new = Path(beside) / "new.so"
        _run([program, *_flags(), str(SOURCES / "native.c"), "-o", str(new), "-lm"], BUILD_SECONDS)
        _run([sys.executable, "-c", _PROBE, str(new)], PROBE_SECONDS)
        new.replace(path)


def begin_build() -> None:
    """Start to build the library in a process that outlives this one, where it is wanted."""
    if is_wanted():
        subprocess.Popen(
            [sys.executable, "-m", "bakeoff.train.kernels.compilation"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )


@functools.cache
def version(program: str) -> str:
    """The first line that this compiler prints for --version."""
    return _run([program, "--version"], 10).split("\n", 1)[0]


def _sources() -> list[Path]:
    return sorted(SOURCES.glob("*.c"))


def _flags() -> list[str]:
    return [flag for flag in FLAGS if flag not in X86_ONLY or platform.machine() in ("x86_64", "AMD64")]


def _run(command: list[str], seconds: float) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=seconds).stdout


def _processor() -> bytes:
    """What distinguishes processors for which the compiler would build different code."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return repr((platform.machine(), platform.processor())).encode()
    wanted = ("model name", "flags", "Features", "CPU implementer", "CPU part")
    return "\n".join(sorted({line for line in lines if line.startswith(wanted)})).encode()


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(19)  # nobody waits for this build
    build()
