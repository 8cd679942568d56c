"""Racing: which entrants may still win or tie, judged on validation before the test split is read."""

from collections.abc import Mapping

import numpy as np

from bakeoff.study.protocol import ELIMINATION_ERRORS
from bakeoff.tasks.metrics.metric import Floats


def survivors(errors: Mapping[str, Floats]) -> set[str]:
    """The entrants that are at most `ELIMINATION_ERRORS` standard errors behind the best.

    Args:
        errors: of each entrant at its best setting, one an example [N], paired (`Task.errors`).
    """
    if not errors:
        return set()
    leader = min(errors, key=lambda name: errors[name].mean())
    return {name for name, own in errors.items() if _may_lead(own - errors[leader])}


def _may_lead(behind: Floats) -> bool:
    """Whether these paired differences of errors to the leader's [N] are compatible with a mean of 0."""
    count = len(behind)
    error = max(behind.std(), 1e-12) / np.sqrt(count) + (behind.max() if behind.any() else 0) / count
    return bool(behind.mean() <= ELIMINATION_ERRORS * error)
