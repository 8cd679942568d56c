"""bakeoff: which neural network fits your data, what does it cost, and would more data change the answer?

Public names are imported when they are first used, so that `import bakeoff` and `bakeoff --help` stay fast.
"""

import importlib

TYPE_CHECKING = False
if TYPE_CHECKING:  # `python -m bakeoff` must import nothing yet: it would look in the current folder first
    from typing import Any

__version__ = "0.1.0"

#: Public name -> module that holds it. `__init__.pyi` says the same to type checkers.
_PUBLIC = {
    "BakeoffError": "bakeoff.errors",
    "Comparison": "bakeoff.study.results.comparison",
    "Cost": "bakeoff.cost",
    "Dataset": "bakeoff.data.dataset",
    "Fit": "bakeoff.study.fitting.result",
    "ModelCard": "bakeoff.models",
    "Predictor": "bakeoff.inference.predictor",
    "Schema": "bakeoff.data.schema",
    "Why": "bakeoff.explain.biases.records",
    "build": "bakeoff.models",
    "compare": "bakeoff.api.compare",
    "cost_of": "bakeoff.cost",
    "fit": "bakeoff.api.fit",
    "load": "bakeoff.data.load",
    "why": "bakeoff.api.why",
}

__all__ = sorted([*_PUBLIC, "__version__"])


def __getattr__(name: str) -> "Any":
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'bakeoff' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
