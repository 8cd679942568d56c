"""A compiled library is code: nothing is loaded that somebody else could have written."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from bakeoff.train.kernels import compilation, native

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
SOMEBODY = 54321


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder and temporary files of the test's own, and operators that are compiled in no time."""
    sources, shared = tmp_path / "sources", tmp_path / "shared"
    for folder in (sources, shared, tmp_path / "temporary"):
        folder.mkdir(mode=0o700)
    (sources / "native.c").write_text("int answer(void) { return 42; }")
    monkeypatch.setattr(compilation, "SOURCES", sources)
    monkeypatch.setattr(compilation, "_PROBE", "import ctypes, sys; ctypes.CDLL(sys.argv[1])")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.delenv("BAKEOFF_NATIVE", raising=False)
    monkeypatch.setenv("BAKEOFF_CACHE", str(shared / "cache"))
    return shared / "cache"


@pytest.fixture
def planted(cache: Path, tmp_path: Path) -> Path:
    """A library of somebody else under the name that ours would have; it leaves a trace when it is loaded."""
    place = compilation.place()
    assert place is not None
    assert place.parent == cache / "native"
    place.parent.mkdir(parents=True, mode=0o700)
    code = tmp_path / "evil.c"
    code.write_text(
        "#include <stdio.h>\nint answer(void) { return 666; }\n"
        '__attribute__((constructor)) static void run(void) { FILE *f = fopen("%s", "w"); if (f) fclose(f); }'
        % (tmp_path / "pwned")
    )
    subprocess.run(["cc", "-shared", "-fPIC", str(code), "-o", str(place)], check=True)
    place.chmod(0o700)
    return place


def _answer() -> int | None:
    library, _ = native._load.__wrapped__()
    return None if library is None else library.answer()


def test_the_planted_library_would_run_if_it_were_our_own(planted: Path, tmp_path: Path) -> None:
    assert _answer() == 666
    assert (tmp_path / "pwned").exists()


def _link(path: Path) -> None:
    shutil.move(path, path.parents[2] / "elsewhere.so")
    path.symlink_to(path.parents[2] / "elsewhere.so")


SPOILT: dict[str, Callable[[Path], None]] = {
    "a file that others may write": lambda path: path.chmod(0o702),
    "a file that the group may write": lambda path: path.chmod(0o720),
    "a linked file": _link,
    "a folder that others may write": lambda path: path.parent.chmod(0o777),
    "a cache that the group may write": lambda path: path.parents[1].chmod(0o770),
    "a shared folder above the cache": lambda path: path.parents[2].chmod(0o777),
}
GIVEN: dict[str, Callable[[Path], None]] = {
    "a file of somebody else": lambda path: os.chown(path, SOMEBODY, SOMEBODY),
    "a folder of somebody else": lambda path: os.chown(path.parent, SOMEBODY, SOMEBODY),
    "a cache of somebody else": lambda path: os.chown(path.parents[1], SOMEBODY, SOMEBODY),
}


@pytest.mark.parametrize(
    "spoil",
    [
        *(pytest.param(spoil, id=name) for name, spoil in SPOILT.items()),
        *(pytest.param(spoil, id=name, marks=needs_root) for name, spoil in GIVEN.items()),
    ],
)
def test_a_library_that_somebody_else_could_have_written_is_built_again_instead(
    planted: Path, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(planted)
    assert compilation.is_wanted()
    assert _answer() == 42
    assert not (tmp_path / "pwned").exists()
    assert not compilation.is_wanted(), "the next process finds it"


def test_where_others_may_write_everywhere_it_is_built_for_this_process_alone(
    planted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted.parent.chmod(0o777)
    (tmp_path / "temporary").chmod(0o777)
    assert compilation.place() is None
    assert _answer() == 42
    assert not (tmp_path / "pwned").exists()
    assert not list((tmp_path / "temporary").iterdir()), "nothing is left"
    monkeypatch.setenv("BAKEOFF_NATIVE", "ready")
    library, reason = native._load.__wrapped__()
    assert library is None
    assert "others may write" in reason


def test_somebody_elses_folder_beside_the_temporary_files_is_not_used(cache: Path, tmp_path: Path) -> None:
    cache.parent.chmod(0o777)
    place = compilation.place()
    assert place is not None
    assert place.parent.parent == tmp_path / "temporary"
    place.parent.mkdir(mode=0o777)
    place.parent.chmod(0o777)
    assert compilation.place() is None


def test_a_library_built_under_an_open_umask_is_for_ourselves_alone(cache: Path) -> None:
    before = os.umask(0o000)
    try:
        compilation.build()
    finally:
        os.umask(before)
    place = compilation.place()
    assert place is not None
    assert [path.stat().st_mode & 0o077 for path in (place, place.parent, cache)] == [0, 0, 0]
    assert [path.name for path in place.parent.iterdir()] == [place.name]


@pytest.mark.usefixtures("cache")
def test_torch_compiles_only_where_nobody_else_can_write() -> None:
    """PyTorch loads compiled code, and includes headers, from a folder that anybody could make before us."""
    before = os.umask(0o002)
    try:
        assert compilation.torch_compiles_in_private()
    finally:
        os.umask(before)
    (folder,) = Path(tempfile.gettempdir()).glob("torchinductor_*")
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o777)
    assert not compilation.torch_compiles_in_private()
    folder.chmod(0o700)
    assert compilation.torch_compiles_in_private()
    folder.rename(folder.with_name("elsewhere"))
    folder.symlink_to("elsewhere")
    assert not compilation.torch_compiles_in_private()
