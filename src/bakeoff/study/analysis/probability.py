"""How probable it is of each entrant that it is the best, so that of those said with 40 %, 40 of 100 are.

The share of the replicates in which an entrant comes first is too bold where entrants are alike: the one that was
lucky on these examples is lucky in its replicates too. So how far the entrants truly lie apart is estimated together
with where they lie: the true scores are draws around a common level with a spread of their own, which is not known and
averaged over (empirical Bayes, as in Efron & Morris 1975, JASA 70:311; the spread as in Gelman 2006, Bayesian Anal.
1:515). Where the scores differ by no more than chance explains, all come out about equally probable; where they lie
far apart the data speak alone. Only those near the top count: a hopeless entrant says nothing of how far apart the
good ones are. E entrants.
"""

import numpy as np

from bakeoff.tasks.metrics.registry import Floats

#: True spreads that are thought possible, in units of the standard error of a difference, all equally probable.
SPREADS = np.geomspace(0.05, 20.0, 17)
#: Standard errors behind the first from which on an entrant says nothing of the spread among the good ones.
FAR = 4.0
DRAWS = 4000


def best_probabilities(
    scores: Floats, covariance: Floats, rng: np.random.Generator, draws: int = DRAWS
) -> Floats:
    """Of each entrant, [E]; they sum to 1.

    Args:
        scores: [E], larger is better.
        covariance: [E, E], of the errors of the scores.

    >>> far = best_probabilities(np.array([0.9, 0.5]), np.eye(2) * 1e-4, np.random.default_rng(0))
    >>> far.round(2).tolist()
    [1.0, 0.0]
    """
    top = int(scores.argmax())
    errors = np.sqrt(np.maximum(covariance[top, top] + np.diag(covariance) - 2 * covariance[top], 0.0))
    near = np.flatnonzero(scores[top] - scores <= FAR * errors + 1e-15)
    found = np.zeros(len(scores))
    if len(near) == 1:
        found[top] = 1.0
        return found
    others = near[near != top]
    unit = float(np.sqrt(np.mean(errors[others] ** 2)))
    if unit <= 0:
        found[near] = 1 / len(near)
        return found
    found[near] = _among(scores[near], covariance[np.ix_(near, near)], unit, rng, draws)
    return found


def _among(scores: Floats, covariance: Floats, unit: float, rng: np.random.Generator, draws: int) -> Floats:
    count = len(scores)
    covariance = covariance + np.eye(count) * (1e-4 * unit) ** 2
    fits = [_given_spread(scores, covariance, spread * unit) for spread in SPREADS]
    logs = np.array([fit[0] for fit in fits])
    weights = np.exp(logs - logs.max())
    shares = rng.multinomial(draws, weights / weights.sum())
    wins = np.zeros(count)
    for (_, mean, spread), share in zip(fits, shares, strict=True):
        drawn = mean + rng.standard_normal((share, count)) @ spread.T
        wins += np.bincount(drawn.argmax(axis=1), minlength=count)
    return wins / draws


def _given_spread(scores: Floats, covariance: Floats, spread: float) -> tuple[float, Floats, Floats]:
    """For true scores that spread by so much: log evidence, and mean [E] and root of the covariance [E, E] of them."""
    count = len(scores)
    total = covariance + np.eye(count) * spread**2
    inverse = np.linalg.inv(total)
    weight = inverse.sum(axis=0)
    level = float(weight @ scores / weight.sum())
    residual = scores - level
    evidence = -0.5 * (np.linalg.slogdet(total)[1] + np.log(weight.sum()) + residual @ inverse @ residual)
    pull = covariance @ inverse
    mean = scores - pull @ residual
    known = pull.sum(axis=1)
    left = covariance - pull @ covariance + np.outer(known, known) / weight.sum()
    values, vectors = np.linalg.eigh((left + left.T) / 2)
    return float(evidence), mean, vectors * np.sqrt(np.maximum(values, 0.0))
