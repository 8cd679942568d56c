"""The seasonal period of a series, by its autocorrelation, and the unit of MASE."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

#: The smallest autocorrelation of a period, after the linear trend is removed.
LEAST_CORRELATION = 0.3
#: Repeating the values of a period ago must have less than this part of the error of those of half a period ago.
LEAST_GAIN = 0.9
#: The longest period, in steps.
LONGEST_PERIOD = 2000


def seasonal_period(series: Sequence[NDArray[np.float64]]) -> int:
    """The seasonal period of the series in steps, or 1 where there is none.

    The linear trend of each series is removed and the (biased) autocorrelations are averaged. A candidate is a local
    maximum of at least `LEAST_CORRELATION` whose period fits three times into the series; it is accepted only if the
    values one period ago predict better than those half a period ago. That second test rejects random walks, whose
    autocorrelation has local maxima too.

    >>> seasonal_period([np.sin(2 * np.pi * np.arange(200) / 12)])
    12
    """
    usable = [values for values in series if len(values) >= 8 and np.ptp(values) > 0]
    if not usable:
        return 1
    longest = min(max(len(values) for values in usable) // 3, LONGEST_PERIOD)
    correlation = np.zeros(longest + 2)
    weight = np.zeros(longest + 2)
    for values in usable:
        own = autocorrelation(values, longest + 1)
        correlation[: len(own)] += own * len(values)
        weight[: len(own)] += len(values)
    correlation /= np.maximum(weight, 1)
    lags = np.arange(2, longest + 1)
    is_peak = (correlation[lags] > correlation[lags - 1]) & (correlation[lags] >= correlation[lags + 1])
    candidates = lags[is_peak & (correlation[lags] >= LEAST_CORRELATION)]
    for period in candidates[np.argsort(-correlation[candidates], kind="stable")][:5]:
        half = max(1, int(period) // 2)
        if repeat_error(usable, int(period)) < LEAST_GAIN * repeat_error(usable, half):
            return int(period)
    return 1


def autocorrelation(values: NDArray[np.float64], most_lag: int) -> NDArray[np.float64]:
    """Biased autocorrelation at lags 0 ... min(most_lag, T - 1), after the linear trend is removed, by FFT."""
    steps = np.arange(len(values)) - (len(values) - 1) / 2
    centred = values - values.mean()
    rest = centred - steps * (steps @ centred) / max(float(steps @ steps), 1e-12)
    size = 1 << (2 * len(rest) - 1).bit_length()
    spectrum = np.abs(np.fft.rfft(rest, size)) ** 2
    covariance = np.fft.irfft(spectrum, size)[: min(most_lag + 1, len(rest))]
    return covariance / max(float(covariance[0]), 1e-300)


def repeat_error(
    series: Sequence[NDArray[np.float64]], lag: int, *, is_known: Sequence[NDArray[np.bool_]] | None = None
) -> float:
    """Mean absolute error of "the same as `lag` steps ago" over all series; infinite where none is longer.

    With lag = the season, on the training part, this is the unit of MASE (Hyndman & Koehler 2006).

    Args:
        series: values [T] of each.
        lag: in steps.
        is_known: bool [T] of each series: only these values are compared with those before; by default all.
    """
    masks = is_known or [np.ones(len(values), bool) for values in series]
    errors = [
        np.abs(values[lag:] - values[:-lag])[known[lag:]]
        for values, known in zip(series, masks, strict=True)
        if len(values) > lag
    ]
    joined = np.concatenate(errors) if errors else np.zeros(0)
    return float(joined.mean()) if len(joined) else float("inf")
