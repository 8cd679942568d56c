"""Made-up comparisons whose truth is known: shares and errors, any number of entrants, seeds and examples.

Shares: an example is right for a seed of an entrant where its difficulty falls below the entrant's threshold. The
difficulty is a sum of three normal parts, of which one is shared by all entrants, one by the seeds of an entrant, and
one is a seed's own; so entrants agree on many examples, as networks do. A seed moves the threshold of its network, by
the same amount on validation and test. Errors: the same three parts, times the entrant's size of error, with normal,
Laplace or Student's tails (which an example has in common for all entrants).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]

#: Parts of the difficulty that all entrants share, and that the seeds of one share.
SHARED, OWN = 0.6, 0.15


@dataclass(frozen=True, kw_only=True)
class World:
    """One draw: what `standing` is given, and the truth.

    Attributes:
        entrants: outputs of each seed on the test split, by name ("e0", "e1" ...). targets: of the test split.
        validation: mean score over seeds on validation, by name.
        truth: expected score of each entrant over seeds. networks: of the very networks trained, their mean.
    """

    entrants: dict[str, list[Floats]]
    targets: NDArray[np.generic]
    validation: dict[str, float]
    truth: dict[str, float]
    networks: dict[str, float]


def shares(
    rng: np.random.Generator,
    accuracies: Sequence[float],
    examples: int,
    *,
    seeds: int = 3,
    seed_spread: float = 0.005,
    validation: int | None = None,
    rare: float = 0.0,
) -> World:
    """Entrants with these expected accuracies; `seed_spread` is the standard deviation of a network's true accuracy.

    `rare`: the share of a second class, on which all have the same recall as on the first; two examples at least.
    """
    checked = examples if validation is None else validation
    total = examples + checked
    targets = np.zeros(examples, dtype=np.int64)
    targets[: max(round(rare * examples), 2) if rare else 0] = 1
    shared = rng.standard_normal(total) * np.sqrt(SHARED)
    entrants: dict[str, list[Floats]] = {}
    validated, networks = {}, {}
    for index, accuracy in enumerate(accuracies):
        own = rng.standard_normal(total) * np.sqrt(OWN)
        level = np.clip(accuracy + seed_spread * rng.standard_normal(seeds), 0.001, 0.999)
        rest = rng.standard_normal((seeds, total)) * np.sqrt(1 - SHARED - OWN)
        right = shared + own + rest < special.ndtri(level)[:, None]
        name = f"e{index}"
        validated[name] = float(right[:, examples:].mean())
        networks[name] = float(level.mean())
        given = right[:, :examples] == (targets == 0)  # whether the first class is the answer
        entrants[name] = [np.where(row[:, None], [[-0.1, -2.4]], [[-2.4, -0.1]]) for row in given]
    return World(
        entrants=entrants,
        targets=targets,
        validation=validated,
        truth={f"e{index}": float(accuracy) for index, accuracy in enumerate(accuracies)},
        networks=networks,
    )


def errors(
    rng: np.random.Generator,
    sizes: Sequence[float],
    examples: int,
    *,
    seeds: int = 3,
    seed_spread: float = 0.03,
    tail: str = "normal",
    validation: int | None = None,
) -> World:
    """Entrants with these expected RMSEs; `seed_spread` is relative. `tail`: see `_tail`."""
    checked = examples if validation is None else validation
    total = examples + checked
    stretch = _tail(rng, tail, total)
    shared = rng.standard_normal(total) * np.sqrt(SHARED)
    entrants: dict[str, list[Floats]] = {}
    validated, networks = {}, {}
    for index, size in enumerate(sizes):
        own = rng.standard_normal(total) * np.sqrt(OWN)
        level = size * np.exp(seed_spread * rng.standard_normal(seeds) - seed_spread**2 / 2)
        rest = rng.standard_normal((seeds, total)) * np.sqrt(1 - SHARED - OWN)
        missed = (shared + own + rest) * stretch * level[:, None]
        name = f"e{index}"
        validated[name] = float(np.sqrt((missed[:, examples:] ** 2).mean(axis=1)).mean())
        networks[name] = float(level.mean())
        entrants[name] = [row[:examples, None] for row in missed]
    return World(
        entrants=entrants,
        targets=np.zeros((examples, 1)),
        validation=validated,
        truth={f"e{index}": float(size) for index, size in enumerate(sizes)},
        networks=networks,
    )


def _tail(rng: np.random.Generator, tail: str, count: int) -> Floats:
    """What a normal error is multiplied by, with mean square 1, for "normal", "laplace", "t5", "t3", "rare"."""
    if tail == "normal":
        return np.ones(count)
    if tail == "laplace":
        return np.sqrt(rng.exponential(size=count))
    if tail == "rare":  # one error in twenty is five times as large
        return np.where(rng.random(count) < 0.05, 5.0, 1.0) / np.sqrt(0.95 + 0.05 * 25)
    degrees = int(tail[1:])
    return np.sqrt((degrees - 2) / rng.chisquare(degrees, count))


def forecasts(
    rng: np.random.Generator, entrants: int, moments: int, *, horizon: int = 8, persistence: float = 0.9
) -> dict[str, list[Floats]]:
    """Errors [N, horizon] of forecasts that are equally good, in windows one step apart.

    The error j steps ahead is a sum of j shocks, of which half is shared by all, and of a level of each entrant that
    wanders (an AR(1) of variance 4 with this persistence), as of a forecast that is off for a while.
    """
    total = moments + horizon
    shared = rng.standard_normal(total)
    found = {}
    for index in range(entrants):
        walk = np.cumsum(np.sqrt(0.5) * (shared + rng.standard_normal(total)))
        ahead = np.lib.stride_tricks.sliding_window_view(walk, horizon + 1)[:moments]
        level = np.zeros(moments)
        shocks = 2 * rng.standard_normal(moments)
        level[0] = shocks[0]
        for time in range(1, moments):
            level[time] = persistence * level[time - 1] + np.sqrt(1 - persistence**2) * shocks[time]
        found[f"e{index}"] = [ahead[:, 1:] - ahead[:, :1] + level[:, None] * (persistence > 0)]
    return found
