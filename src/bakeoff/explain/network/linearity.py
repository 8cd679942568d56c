"""How much of a network's outputs a linear map of its inputs explains."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Ridge penalties of which generalised cross-validation chooses one.
PENALTIES = tuple(10.0**power for power in range(-4, 5))
#: Bootstrap replicates of the interval.
REPLICATES = 500


@dataclass(frozen=True, kw_only=True)
class LinearShare:
    """The part of the outputs' variance that a linear map of the inputs explains, on examples that it was not fitted
    to, with a 95 % interval over those. 1 for a linear network; it may be below 0 where the map is worse than the mean.
    """

    share: float
    low: float
    high: float


def linear_share(inputs: NDArray[Any], outputs: NDArray[Any], *, seed: int = 0) -> LinearShare:
    """Fit a ridge regression on one half of the examples and judge it on the other.

    Args:
        inputs: [N, ...], scaled. outputs: [N, K]; for classes logits or log-probabilities (their mean over the
            classes says nothing and is taken off).
    """
    from sklearn.linear_model import RidgeCV

    x = inputs.reshape(len(inputs), -1).astype(np.float64)
    y = outputs.astype(np.float64)
    if y.shape[1] > 1:
        y = y - y.mean(axis=1, keepdims=True)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(x))
    fit, judge = order[: len(x) // 2], order[len(x) // 2 :]
    line = RidgeCV(alphas=PENALTIES).fit(x[fit], y[fit])
    guess = np.asarray(line.predict(x[judge])).reshape(len(judge), -1)
    missed = ((y[judge] - guess) ** 2).sum(axis=1)
    spread = ((y[judge] - y[fit].mean(axis=0)) ** 2).sum(axis=1)
    drawn = rng.integers(0, len(judge), (REPLICATES, len(judge)))
    floor = 1e-300
    shares = 1 - missed[drawn].sum(axis=1) / np.maximum(spread[drawn].sum(axis=1), floor)
    share = float(1 - missed.sum() / max(float(spread.sum()), floor))
    low, high = np.quantile(shares, (0.025, 0.975))
    return LinearShare(share=share, low=min(float(low), share), high=max(float(high), share))
