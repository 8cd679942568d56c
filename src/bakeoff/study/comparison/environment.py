"""Versions and hardware that a comparison's figures came from."""

import contextlib
import platform
from importlib.metadata import PackageNotFoundError, version

from bakeoff.system.hardware import available_cores, processor_name

#: Packages whose versions are recorded with a comparison.
_VERSIONS = ("bakeoff", "torch", "numpy", "scikit-learn", "polars")


def environment() -> dict[str, str]:
    """Versions and hardware that the figures came from."""
    found = {"python": platform.python_version(), "system": platform.platform()}
    for package in _VERSIONS:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    found["processor"] = processor_name() or f"{available_cores()} cores"
    found["cores"] = str(available_cores())
    return found
