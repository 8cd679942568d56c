"""The chance of one case: everything about it follows from its seed and number."""

import random
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")


class Dice:
    """Draws of one case.

    Attributes:
        rng: for arrays.
    """

    def __init__(self, seed: int, number: int) -> None:
        self.rng = np.random.default_rng([seed, number])
        self._random = random.Random(f"{seed}:{number}")

    def chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def one_of(self, values: Sequence[T]) -> T:
        return self._random.choice(values)

    def weighted(self, weights: Mapping[T, float]) -> T:
        return self._random.choices(list(weights), list(weights.values()))[0]

    def some_of(self, values: Sequence[T], count: int) -> list[T]:
        """Different ones, as many as there are at most."""
        return self._random.sample(list(values), min(count, len(values)))

    def whole(self, low: int, high: int) -> int:
        """From `low` to `high`, both included."""
        return self._random.randint(low, high)

    def normal(self, *shape: int) -> Any:
        return self.rng.normal(size=shape)
