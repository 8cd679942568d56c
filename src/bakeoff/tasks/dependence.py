"""For how many steps in time errors depend on each other, measured.

The lag from which on correlations are no larger than chance explains is found as for the automatic choice of block
lengths (Politis & White 2004, Econom. Rev. 23:53): the first after which several in a row are within
2 sqrt(log10 T / T) of zero. T steps in time, D series.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Correlations in a row that must be within chance.
_IN_A_ROW = 5


def dependence_lag(series: Floats) -> int:
    """The largest lag, over all series [T, D], at which values still depend; 0 where none do.

    >>> walk = np.cumsum(np.random.default_rng(0).standard_normal((100, 1)), axis=0)
    >>> dependence_lag(np.random.default_rng(1).standard_normal((100, 1))), dependence_lag(walk) > 10
    (0, True)
    """
    return max((_lag(one) for one in series.T), default=0)


def _lag(values: Floats) -> int:
    count = len(values)
    away = values - values.mean()
    if count < 3 * _IN_A_ROW or not (away**2).sum() > 0:
        return 0
    longest = count // 3
    spectrum = np.fft.rfft(away, 2 * count)
    products = np.fft.irfft(spectrum * spectrum.conj(), 2 * count)
    within = np.abs(products[1 : longest + _IN_A_ROW] / products[0]) < 2 * np.sqrt(np.log10(count) / count)
    runs = np.lib.stride_tricks.sliding_window_view(within, _IN_A_ROW).all(axis=1)
    return int(runs.argmax()) if runs.any() else longest
