"""Built-in data, by name."""

from collections.abc import Sequence
from typing import Any

from bakeoff.data.dataset import Dataset
from bakeoff.data.options import ReadingOptions
from bakeoff.data.readers.base import Claim, Reader


def _names() -> Sequence[str]:
    from bakeoff.data.builtin import builtin_names

    return builtin_names()


def _read(source: Any, options: ReadingOptions, *, seed: int, name: str | None) -> Dataset:
    from bakeoff.data.builtin import load_builtin

    return load_builtin(source, seed=seed)


BUILTIN = Reader(
    described="built-in data",
    plural="built-in data",
    claims=(Claim(names=_names),),
    options=frozenset(),
    read=_read,
)
