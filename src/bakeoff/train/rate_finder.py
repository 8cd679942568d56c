"""The learning-rate finder: a short training whose rate grows from tiny to far too large (Smith 2017, 1506.01186).

The loss, smoothed, first stands still, then falls, then grows. The rate taken is a tenth of the one with the lowest
smoothed loss, as far from the edge as the common rule has it.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bakeoff.train.single import SingleRun

LOWEST, HIGHEST, STEPS = 1e-6, 1.0, 80
SMOOTHING = 0.9
#: The test ends when the smoothed loss is so many times the lowest.
FAR_TOO_LARGE = 4.0
#: Steps that are not timed: the first ones are slow.
UNTIMED = 3
#: Where no rate made the loss fall.
FALLBACK = 1e-3


@dataclass(frozen=True, kw_only=True)
class RateTest:
    """What the finder saw.

    Attributes:
        learning_rate: the one to train with.
        rates, losses: of each step; the losses are those of single batches, not smoothed.
        step_seconds: the median time of a step.
    """

    learning_rate: float
    rates: tuple[float, ...]
    losses: tuple[float, ...]
    step_seconds: float


def find_rate(
    make_run: Callable[[float], SingleRun],
    *,
    steps: int = STEPS,
    deadline: float | None = None,
) -> RateTest:
    """Train with growing rates and say which to use.

    Args:
        make_run: rate -> a fresh run at that constant rate, never continued; its weights are thrown away.
        steps: at most so many.
        deadline: on the monotonic clock; the rates seen until then decide.
    """
    run = make_run(LOWEST)
    rates, losses, times = [], [], []
    lowest = math.inf
    for step in range(steps):
        rate = LOWEST * (HIGHEST / LOWEST) ** (step / (steps - 1))
        run.replica = replace(run.replica, learning_rate=rate)
        started = time.monotonic()
        finite = run.advance(step + 1)
        times.append(time.monotonic() - started)
        loss = run.drain_losses()
        if not finite or not math.isfinite(loss):
            break
        rates.append(rate)
        losses.append(loss)
        now = smoothed(losses)[-1]
        lowest = min(lowest, now)
        if step > 10 and now > FAR_TOO_LARGE * lowest:
            break
        if deadline is not None and time.monotonic() > deadline:
            break
    timed = sorted(times[UNTIMED:] or times)
    return RateTest(
        learning_rate=best_rate(rates, losses),
        rates=tuple(rates),
        losses=tuple(losses),
        step_seconds=timed[len(timed) // 2],
    )


def best_rate(rates: Sequence[float], losses: Sequence[float]) -> float:
    """A tenth of the rate at the lowest smoothed loss; `FALLBACK` where the loss never fell by a twentieth.

    >>> best_rate([1e-4, 1e-3, 1e-2, 1e-1], [4.0, 2.0, 0.1, 9.0])
    0.001
    """
    if len(losses) < 2:
        return FALLBACK
    curve = smoothed(losses)
    lowest = min(range(len(curve)), key=curve.__getitem__)
    if curve[lowest] > 0.95 * curve[0]:
        return FALLBACK
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
