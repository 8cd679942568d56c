"""What would decide a comparison that is open: how many test examples or seeds, and what the present ones can show."""

import math

from scipy import special

from bakeoff.study.results.records import Deciding

#: Of the claim, and how often it should come out where it is true.
CLAIM_LEVEL, POWER = 0.95, 0.8
#: Beyond this many test examples no number is given.
MOST_EXAMPLES = 1_000_000


def what_would_decide(
    first: str,
    second: str,
    *,
    gap: float,
    margin: float,
    example_variance: float,
    seed_variance: float,
    examples: int,
    seeds: int,
) -> Deciding:
    """How much more would show that one is better, or that the two differ by less than the margin.

    The nearer of the two answers is meant. A difference D is shown, at level 95 % in 80 % of all cases, where its
    standard error is at most `D / (1.64 + 0.84)`. The examples' part of its square falls with the number of test
    examples, the seeds' part with the number of seeds; where the seeds alone hold more than half of what is
    allowed, both must grow.

    Args:
        gap: signed, positive where the first is better.
        example_variance, seed_variance: of the difference, with `examples` test examples and `seeds` seeds.

    >>> what_would_decide("a", "b", gap=0.02, margin=0.01, example_variance=1e-4, seed_variance=0.0, examples=360,
    ...                   seeds=3).examples
    557
    """
    reach = float(special.ndtri(CLAIM_LEVEL) + special.ndtri(POWER))
    smallest = reach * math.sqrt(example_variance + seed_variance)
    target = max(abs(gap), margin - abs(gap))
    if target <= 0:
        return Deciding(first=first, second=second, gap=gap, examples=None, seeds=None, smallest=smallest)
    allowed = (target / reach) ** 2
    wanted_seeds = seeds
    left = allowed - seed_variance
    if left < allowed / 2:
        left = allowed / 2
        wanted_seeds = math.ceil(seed_variance * seeds / left)
    wanted = max(math.ceil(example_variance * examples / left), examples)
    known = wanted <= MOST_EXAMPLES
    return Deciding(
        first=first,
        second=second,
        gap=gap,
        examples=wanted if known else None,
        seeds=wanted_seeds if known else None,
        smallest=smallest,
    )
