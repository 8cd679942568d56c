"""Racing: which entrants may still win or tie, judged on validation before the test split is read."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bakeoff.tasks.metrics.metric import Floats

#: An entrant more than this many standard errors behind the best on validation is out of the race.
ELIMINATION_ERRORS = 3.0


def survivors(
    outputs: Mapping[str, NDArray[np.float32]], truth: NDArray[np.generic], *, is_classification: bool
) -> set[str]:
    """The entrants that are at most `ELIMINATION_ERRORS` standard errors behind the best.

    Args:
        outputs: of each entrant at its best setting: log-probabilities or values [N, outputs].
        truth: classes [N], or values [N] or [N, outputs].
        is_classification: an example's loss is 0 or 1 (a wrong class) where True, the squared error otherwise.
    """
    losses = {name: _losses(given, truth, is_classification) for name, given in outputs.items()}
    if not losses:
        return set()
    leader = min(losses, key=lambda name: losses[name].mean())
    return {name for name, loss in losses.items() if _may_lead(loss - losses[leader])}


def _may_lead(behind: Floats) -> bool:
    """Whether these paired differences of losses to the leader's [N] are compatible with a mean of 0."""
    count = len(behind)
    error = max(behind.std(), 1e-12) / np.sqrt(count) + (behind.max() if behind.any() else 0) / count
    return bool(behind.mean() <= ELIMINATION_ERRORS * error)


def _losses(outputs: NDArray[np.float32], truth: NDArray[np.generic], is_classification: bool) -> Floats:
    if is_classification:
        return (outputs.argmax(axis=1) != truth).astype(np.float64)
    values = np.asarray(truth, dtype=np.float64).reshape(len(outputs), -1)
    return np.asarray(((outputs - values) ** 2).mean(axis=1), dtype=np.float64)
