"""The public face of the package: its names are pinned, and importing it imports nothing heavy."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import bakeoff

NAMES = [
    "BakeoffError",
    "Comparison",
    "Cost",
    "Dataset",
    "Fit",
    "ModelCard",
    "Predictor",
    "Schema",
    "Why",
    "__version__",
    "build",
    "compare",
    "cost_of",
    "fit",
    "load",
    "why",
]


def test_the_public_names_are_these() -> None:
    assert bakeoff.__all__ == NAMES
    assert set(NAMES) <= set(dir(bakeoff))


@pytest.mark.parametrize("name", [name for name in NAMES if name != "__version__"])
def test_each_is_the_thing_of_that_name(name: str) -> None:
    assert getattr(bakeoff, name).__name__ == name


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'compere'"):
        bakeoff.compere  # noqa: B018


def test_type_checkers_see_the_same_names_from_the_same_modules() -> None:
    stub = ast.parse(Path(bakeoff.__file__).with_suffix(".pyi").read_text())
    seen = {
        alias.asname: node.module
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == bakeoff._PUBLIC


@pytest.mark.parametrize("start", ["import bakeoff", "import bakeoff.cli.main"])
def test_nothing_heavy_is_imported_before_it_is_used(start: str) -> None:
    heavy = "('torch', 'numpy', 'polars', 'sklearn', 'scipy', 'plotly')"
    code = f"{start}; import sys; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
