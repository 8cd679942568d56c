"""The learning-rate finder: a short training whose rate grows from tiny to far too large (Smith 2017, 1506.01186).

The smoothed loss is first constant, then falls, then grows. The rate chosen is a tenth of the one with the lowest
smoothed loss, which is the usual rule.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bakeoff.train.single.run import SingleTraining

#: The learning rate of the first step of the test ...
LOWEST = 1e-6
#: ... and of the last.
HIGHEST = 0.3
#: Steps of the test for a network.
STEPS = 80
#: Factor of the exponential moving average of the losses.
SMOOTHING = 0.9
#: The test ends when the smoothed loss is this many times the lowest one.
FAR_TOO_LARGE = 4.0
#: Steps at the lowest rate by which the time of a step is measured.
TIMED = 5
#: The test is not made where the time allows fewer steps than this.
FEWEST = 20
#: The learning rate of a network where no test was made, or no rate made the loss fall.
FALLBACK = 1e-3
#: The same for a last layer on stored features (linear probing), which is a convex problem and allows a larger rate.
PROBE_FALLBACK = 1e-2
#: Steps of the test for such a layer, which cost very little.
PROBE_STEPS = 400


@dataclass(frozen=True, kw_only=True)
class RateTest:
    """The result of the learning-rate finder.

    Attributes:
        learning_rate: the one to train with.
        rates, losses: of each step; the losses are those of single batches, not smoothed.
        step_seconds: lower quartile of the time of a step.
    """

    learning_rate: float
    rates: tuple[float, ...]
    losses: tuple[float, ...]
    step_seconds: float


def find_rate(
    make_run: Callable[[float], SingleTraining],
    *,
    steps: int = STEPS,
    seconds: float = math.inf,
    fallback: float = FALLBACK,
) -> RateTest:
    """Train with growing learning rates and choose one.

    Args:
        make_run: rate -> a new training at that constant rate; its weights are discarded.
        steps: of the test; with 0 only the time of a step is measured.
        seconds: that the test may take: it has fewer steps, or none where that would be under `FEWEST`.
        fallback: the rate where no test was made, or where no rate made the loss fall.
    """
    training = make_run(LOWEST)
    step_seconds = _timed(training, TIMED)
    affordable = seconds / max(step_seconds, 1e-9)
    count = int(min(steps, affordable)) if affordable >= FEWEST else 0
    rates, losses, times = [], [], [step_seconds]
    lowest = math.inf
    for step in range(count):
        rate = LOWEST * (HIGHEST / LOWEST) ** (step / max(count - 1, 1))
        training.replica = replace(training.replica, learning_rate=rate)
        times.append(_timed(training, 1))
        loss = training.drain_losses()
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


def _timed(training: SingleTraining, steps: int) -> float:
    """Seconds of the fastest of these steps: other work on the machine can only make a step slower."""
    times = []
    for _ in range(steps):
        started = time.monotonic()
        training.advance(training.steps_done + 1)
        if steps > 1:
            training.drain_losses()
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
