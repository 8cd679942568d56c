"""Builds the optional compiled operators (the C files beside this one), once on this machine, by its own C compiler.

Nothing has to be installed. The library lies in the user's cache folder under a hash of the sources, the flags, the
compiler and the processor. It is written under another name and renamed, after it was tried in a process of its own, so
that a library built for another processor cannot kill this one. The build takes 15 to 20 s of one core. Imports nothing
heavy: a command can ask whether the library is there before PyTorch is imported.

A library is code: one that somebody else could have put there or changed is never loaded (`bakeoff.system.private`).
Where others may write into the cache folder, the library is kept in a folder of our own beside the temporary files;
where they may write into that too, a process that needs it builds it in a new folder and removes it after loading.
"""

import ctypes
import functools
import getpass
import hashlib
import os
import platform
import re
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from bakeoff.system import processes
from bakeoff.system.cache import cache_folder
from bakeoff.system.hardware import processor_facts
from bakeoff.system.private import is_private, make_private, open_in, open_own_folder, open_private

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
_NEW = "new.so"

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
    """The file of the library for these sources, flags, compiler and processor, built or not.

    None without a compiler, and where there is no place for it that nobody else can write.

    Raises:
        OSError, subprocess.SubprocessError: the compiler cannot be asked for its version.
    """
    program = compiler()
    folder = next(filter(is_private, _folders()), None)
    if program is None or folder is None:
        return None
    digest = hashlib.blake2b(digest_size=12)
    for part in (*(source.read_bytes() for source in _sources()), repr(_flags()).encode(), _processor()):
        digest.update(part)
    digest.update(version(program).encode())
    return folder / f"{digest.hexdigest()}.so"


def is_wanted() -> bool:
    """Whether the library is missing and can be built."""
    if os.environ.get("BAKEOFF_NATIVE", "1") == "0":
        return False
    try:
        path = place()
    except (OSError, subprocess.SubprocessError):
        return False
    return path is not None and not _is_built(path)


def load(*, may_build: bool) -> ctypes.CDLL | None:
    """The library, built first where it is not there; None where it is not there and may not be built.

    Raises:
        OSError, subprocess.SubprocessError: no compiler, or it fails, or its result does.
    """
    path = place()
    if path is not None:
        found = open_private(path)
        if found is None and may_build:
            build()
            found = open_private(path)
        return None if found is None else ctypes.CDLL(_name(found, path))
    if not may_build:
        return None
    with tempfile.TemporaryDirectory() as folder:
        return ctypes.CDLL(_name(_compiled(Path(folder)), Path(folder) / _NEW))


def build() -> None:
    """Build the library beside its place, try it in a process of its own, and move it into place.

    Raises:
        OSError, subprocess.SubprocessError: no compiler, or no place, or the compiler fails, or its result does.
    """
    path = place()
    if path is None:
        raise FileNotFoundError("there is no C compiler, or no place that nobody else can write")
    make_private(path.parent)
    with tempfile.TemporaryDirectory(dir=path.parent) as beside:
        os.close(_compiled(Path(beside)))
        (Path(beside) / _NEW).replace(path)


def begin_build() -> None:
    """Start to build the library in a process that outlives this one, where it is wanted."""
    if is_wanted():
        subprocess.Popen(
            processes.command("-m", "bakeoff.train.kernels.compilation"),
            env=processes.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )


def torch_compiles_in_private() -> bool:
    """Whether the folder where `torch.compile` keeps code, and loads it again, is ours alone; it is made where missing.

    Its name beside the temporary files can be guessed, so that anybody could have made it before us.
    `TORCHINDUCTOR_CACHE_DIR` does not move all of it: precompiled headers stay there.
    """
    if os.name != "posix":  # temporary files are each user's own there
        return True
    with suppress(OSError, KeyError):  # PyTorch makes it as it is loaded, and as open as the umask lets it
        user = re.sub(r'[\\/:*?"<>|]', "_", getpass.getuser())
        make_private(Path(tempfile.gettempdir()) / f"torchinductor_{user}")
    from torch._inductor.runtime.runtime_utils import default_cache_dir  # type: ignore[attr-defined]

    folder = Path(default_cache_dir())
    try:
        make_private(folder)
    except OSError:
        return False
    return not folder.is_symlink()  # PyTorch goes by the name, and a link could lead elsewhere by then


@functools.cache
def version(program: str) -> str:
    """The first line that this compiler prints for --version."""
    return _run([program, "--version"], 10).split("\n", 1)[0]


def _folders() -> list[Path]:
    """The folders that may hold the library, best first. Others can guess the second name; it is checked as well."""
    user = os.geteuid() if hasattr(os, "geteuid") else 0
    return [cache_folder() / "native", Path(tempfile.gettempdir()) / f"bakeoff_native_{user}"]


def _is_built(path: Path) -> bool:
    found = open_private(path)
    if found is not None:
        os.close(found)
    return found is not None


def _compiled(folder: Path) -> int:
    """Build the library in this new folder of ours and try it; a descriptor of it."""
    program = compiler()
    if program is None:
        raise FileNotFoundError("there is no C compiler")
    opened = open_own_folder(folder)
    try:
        command = [program, *_flags(), str(SOURCES / "native.c"), "-o", str(folder / _NEW), "-lm"]
        _run(command, BUILD_SECONDS, umask=0o077)
        built = open_in(opened, _NEW)
    finally:
        os.close(opened)
    try:
        _run(processes.command("-c", _PROBE, _name(built, folder / _NEW)), PROBE_SECONDS, pass_fds=(built,))
    except BaseException:
        os.close(built)
        raise
    return built


def _name(descriptor: int, path: Path) -> str:
    """The name by which an opened library is loaded: that of the opened file itself, where the system has such names.

    The descriptor stays open, since the loader takes two libraries of one name for the same.
    """
    name = f"/proc/self/fd/{descriptor}"
    return name if os.path.exists(name) else str(path)


def _sources() -> list[Path]:
    return sorted(SOURCES.glob("*.c"))


def _flags() -> list[str]:
    return [flag for flag in FLAGS if flag not in X86_ONLY or platform.machine() in ("x86_64", "AMD64")]


def _run(command: list[str], seconds: float, **how: Any) -> str:
    done = subprocess.run(
        command,
        env=processes.environment(),
        check=True,
        capture_output=True,
        text=True,
        timeout=seconds,
        **how,
    )
    return done.stdout


def _processor() -> bytes:
    """What distinguishes processors for which the compiler would build different code."""
    facts = processor_facts("model name", "flags", "Features", "CPU implementer", "CPU part")
    return "\n".join(facts or [repr((platform.machine(), platform.processor()))]).encode()


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(19)  # nobody waits for this build
    build()
