"""Versions and hardware that a comparison's figures came from."""

import contextlib
import os
import platform
from importlib.metadata import PackageNotFoundError, version

from bakeoff.study.workers.local import available_cores
from bakeoff.system.hardware import processor_name

#: Packages whose versions are recorded with a comparison.
_VERSIONS = ("bakeoff", "torch", "numpy", "scikit-learn", "polars")


def environment() -> dict[str, str]:
    """Versions and hardware that the figures came from."""
    found = {"python": platform.python_version(), "system": platform.platform()}
    for package in _VERSIONS:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    found["processor"] = processor_name() or f"{os.cpu_count()} cores"
    found["cores"] = str(available_cores())
    return found
