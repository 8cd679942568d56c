"""Where the processes of this program look for code: never first in the current folder.

Python puts the current folder before the standard library for `python -m` and `python -c`, in a notebook, and for an
empty entry of `PYTHONPATH`. There lie people's data, and beside them a `random.py` or `torch.py` of theirs that nobody
asked to run. So every process that is started here has a safe path (`-P`, `PYTHONSAFEPATH`). What the user wrote down
himself stays: a folder that `PYTHONPATH` names, wherever it is.

Imports nothing that is not loaded when Python starts, so that `python -m bakeoff` can call it first.
"""

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence

_PATH, _SAFE = "PYTHONPATH", "PYTHONSAFEPATH"
#: The folder this package lies in is code of ours, even where it is the current one (a checkout).
_OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def command(*arguments: str) -> list[str]:
    """The command that runs Python with these arguments and a safe path. Goes together with `environment`."""
    return [sys.executable, "-P", *arguments]


def environment() -> dict[str, str]:
    """This process's environment, for a child with a safe path."""
    return {**os.environ, **safe_variables()}


def safe_variables() -> dict[str, str]:
    """The variables that give a Python process a safe path: an empty entry of `PYTHONPATH` is the current folder."""
    named = os.environ.get(_PATH, "").split(os.pathsep)
    without = {} if all(named) else {_PATH: os.pathsep.join(filter(None, named))}
    return {_SAFE: "1", **(without if _PATH in os.environ else {})}


def leave_out_current_folder() -> None:
    """In the command line: neither this process nor one that it starts looks for code in the current folder."""
    sys.path[:] = _safe_path(sys.path, keep=False)
    os.environ.update(safe_variables())


@contextlib.contextmanager
def safe_start() -> Iterator[None]:
    """While processes start that take over this one's environment and `sys.path`: both of them safe.

    In a notebook or a script the path belongs to the user, so the current folder goes to its end for as long, and
    networks defined in a file there are still found.
    """
    path, safe = sys.path, _safe_path(sys.path, keep=True)
    before = {name: os.environ.get(name) for name in (_PATH, _SAFE)}
    os.environ.update(safe_variables())
    if safe != path:
        sys.path = safe
    try:
        yield
    finally:
        sys.path = path
        _restore(before)


def _restore(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _safe_path(path: Sequence[str], *, keep: bool) -> list[str]:
    """`path` with the current folder last, or left out, where it stands before the standard library."""
    try:
        current = os.path.realpath(os.getcwd())
    except OSError:  # the folder is gone
        current = ""
    library = os.path.dirname(os.__file__)
    end = list(path).index(library) if library in path else len(path)
    moved = [
        place < end and (not entry or os.path.realpath(entry) == current) and not _is_named(entry)
        for place, entry in enumerate(path)
    ]
    rest = [entry for entry, unsafe in zip(path, moved, strict=True) if not unsafe]
    keep = keep or current == os.path.realpath(_OWN)
    return [*rest, *([current] if current and keep and any(moved) and current not in rest else [])]


def _is_named(entry: str) -> bool:
    """Whether `PYTHONPATH` names this folder."""
    named = filter(None, os.environ.get(_PATH, "").split(os.pathsep))
    return bool(entry) and entry in map(os.path.abspath, named) and not sys.flags.ignore_environment
