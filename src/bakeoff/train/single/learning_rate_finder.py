"""The learning-rate finder: a short training whose rate grows from tiny to far too large (Smith 2017, 1506.01186).

The loss, smoothed, first stands still, then falls, then grows. The rate taken is a tenth of the one with the lowest
smoothed loss, as far from the edge as the common rule has it.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bakeoff.train.single.run import SingleRun

LOWEST, HIGHEST, STEPS = 1e-6, 0.3, 80
SMOOTHING = 0.9
#: The test ends when the smoothed loss is so many times the lowest.
FAR_TOO_LARGE = 4.0
#: Steps at the lowest rate that tell how long a step takes; and the fewest that make a test.
TIMED, FEWEST = 5, 20
#: Where no rate made the loss fall: for a network, and for a last layer on features that are known already. Steps of
#: such a layer cost next to nothing, and its problem is convex, so that the test is longer and the rate may be larger.
FALLBACK, PROBE_FALLBACK = 1e-3, 1e-2
PROBE_STEPS = 400


@dataclass(frozen=True, kw_only=True)
class RateTest:
    """What the finder saw.

    Attributes:
        learning_rate: the one to train with.
        rates, losses: of each step; the losses are those of single batches, not smoothed.
        step_seconds: the time of a step, from the faster ones.
    """

    learning_rate: float
    rates: tuple[float, ...]
    losses: tuple[float, ...]
    step_seconds: float


def find_rate(
    make_run: Callable[[float], SingleRun],
    *,
    steps: int = STEPS,
    seconds: float = math.inf,
    fallback: float = FALLBACK,
) -> RateTest:
    """Train with growing rates and say which to use.

    Args:
        make_run: rate -> a fresh run at that constant rate, never continued; its weights are thrown away.
        steps: of the test; 0 takes the time of a step only.
        seconds: for the test; fewer steps are taken where they would take longer, and none where that leaves under
            `FEWEST`.
        fallback: the rate where no test was made, or where no rate made the loss fall.
    """
    run = make_run(LOWEST)
    step_seconds = _timed(run, TIMED)
    affordable = seconds / max(step_seconds, 1e-9)
    count = int(min(steps, affordable)) if affordable >= FEWEST else 0
    rates, losses, times = [], [], [step_seconds]
    lowest = math.inf
    for step in range(count):
        rate = LOWEST * (HIGHEST / LOWEST) ** (step / max(count - 1, 1))
        run.replica = replace(run.replica, learning_rate=rate)
        times.append(_timed(run, 1))
        loss = run.drain_losses()
        if not math.isfinite(loss):
            break
        rates.append(rate)
        losses.append(loss)
        now = smoothed(losses)[-1]
        lowest = min(lowest, now)
        if step > count / 8 and now > FAR_TOO_LARGE * lowest:
            break
    return RateTest(
        learning_rate=best_rate(rates, losses, fallback),
        rates=tuple(rates),
        losses=tuple(losses),
        step_seconds=sorted(times)[len(times) // 4],
    )


def _timed(run: SingleRun, steps: int) -> float:
    """Seconds of a step, the least of so many: what else the machine does can only make it longer."""
    times = []
    for _ in range(steps):
        started = time.monotonic()
        run.advance(run.steps_done + 1)
        if steps > 1:
            run.drain_losses()
        times.append(time.monotonic() - started)
    return min(times)


def best_rate(rates: Sequence[float], losses: Sequence[float], fallback: float = FALLBACK) -> float:
    """A tenth of the rate at the lowest smoothed loss; `fallback` where the loss never fell by a twentieth.

    >>> best_rate([1e-4, 1e-3, 1e-2, 1e-1], [4.0, 2.0, 0.1, 9.0])
    0.001
    """
    if len(losses) < 2:
        return fallback
    curve = smoothed(losses)
    lowest = min(range(len(curve)), key=curve.__getitem__)
    if curve[lowest] > 0.95 * curve[0]:
        return fallback
    return rates[lowest] / 10


def smoothed(losses: Sequence[float], factor: float = SMOOTHING) -> list[float]:
    """The exponential moving average of the losses, corrected for its start (as in Adam).

    >>> smoothed([1.0, 1.0, 1.0])
    [1.0, 1.0, 1.0]
    """
    average, found = 0.0, []
    for count, loss in enumerate(losses, start=1):
        average = factor * average + (1 - factor) * loss
        found.append(round(average / (1 - factor**count), 12))
    return found
