"""The eighteen cases of `benchmarks/cost_cases.py`, for the tests: one list judges us and the peers."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


cost_cases = _load(ROOT / "benchmarks" / "cost_cases.py")
held_memory = _load(ROOT / "tests" / "cost" / "held_memory.py")
