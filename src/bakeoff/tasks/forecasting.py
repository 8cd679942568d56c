"""The next values of a series. Windows share most of their past and future, so blocks of time are resampled."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Dataset
from bakeoff.data.schema import Forecast, Series
from bakeoff.data.splits import Indices
from bakeoff.tasks.baselines import LAST_VALUE, SEASONAL_NAIVE, Baseline
from bakeoff.tasks.dependence import dependence_lag
from bakeoff.tasks.metrics.metric import NO_CONTEXT, Floats, Metric, MetricContext
from bakeoff.tasks.metrics.registry import METRICS
from bakeoff.tasks.numbers import Numbers

#: Blocks of time are made shorter, down to one horizon, where the test split would have fewer blocks than this.
FEWEST_BLOCKS = 5
#: A block is so many times as long as errors were seen to depend: 2 to 3 gave false winners in 7 to 10 %
#: (docs/benchmarks/validity.md), since a dependence that fades slowly is seen for a part of its length only.
BLOCK_LAGS = 4
#: Where the dependence is not measured there are no more blocks than these: long ones hold what windows far apart
#: still share (an error that stays for a while), and Student's quantile for eight blocks is only a fifth above that
#: for any number.
MOST_BLOCKS = 8


@dataclass(frozen=True, kw_only=True)
class Forecasting(Numbers):
    """MASE decides where its unit is known, else RMSE; the last value and the season before must be beaten."""

    kind = "forecast"
    shows = ("residuals", "horizon")

    def default_metric(self, context: MetricContext = NO_CONTEXT) -> Metric:
        mase = METRICS["mase"]
        return mase if mase.applies(self.schema, context) else METRICS["rmse"]

    @property
    def metric_of_new_data(self) -> Metric:
        return METRICS["mae"]

    def baselines(self) -> tuple[Baseline, ...]:
        assert isinstance(self.schema.target, Forecast)
        return (LAST_VALUE, SEASONAL_NAIVE) if self.schema.target.season > 1 else (LAST_VALUE,)

    def _dependent(self, dataset: Dataset, part: Indices, errors: Floats | None) -> NDArray[Any] | None:
        target, kind = self.schema.target, self.schema.input
        if dataset.times is None:
            return None
        assert isinstance(target, Forecast)
        assert isinstance(kind, Series)
        times = np.asarray(dataset.times[part])
        lag = None if errors is None else dependence_lag(_by_time(times, errors))
        return time_blocks(times, horizon=target.horizon, window=kind.length, lag=lag)


def _by_time(times: NDArray[Any], errors: Floats) -> Floats:
    """Mean errors at each moment [T, E], and of each entrant what it differs by from the mean of all, [T, 2 E]."""
    _, places, counts = np.unique(times, return_inverse=True, return_counts=True)
    sums = np.stack([np.bincount(places.reshape(-1), column) for column in errors.T], axis=1)
    means = sums / counts[:, None]
    return np.concatenate([means, means - means.mean(axis=1, keepdims=True)], axis=1)


def time_blocks(
    times: NDArray[Any], *, horizon: int, window: int, lag: int | None = None
) -> NDArray[np.int64]:
    """Labels [N] of the windows of a forecast: the block of time in which each begins, the same for all series.

    A block is `horizon + window` steps long: windows that begin so far apart share no inputs and no targets. It is
    longer where errors depend for longer: `BLOCK_LAGS` times the measured `lag`, or where that is not known so long
    that there are no more than `MOST_BLOCKS`. It is shorter, but not shorter than the horizon, where there would be
    fewer than `FEWEST_BLOCKS`.

    Args:
        times: [N], when each window's first target is.
        lag: steps for which errors depend on each other, measured (`bakeoff.tasks.dependence`).

    >>> time_blocks(np.arange(8), horizon=1, window=1)
    array([0, 0, 1, 1, 2, 2, 3, 3])
    """
    distinct, places = np.unique(times, return_inverse=True)
    dependent = len(distinct) // MOST_BLOCKS if lag is None else BLOCK_LAGS * lag
    wanted = max(horizon + window, dependent)
    length = min(wanted, max(len(distinct) // FEWEST_BLOCKS, horizon), max(len(distinct) // 2, 1))
    blocks = max(len(distinct) // length, 1)
    return np.minimum(places.reshape(-1) // length, blocks - 1).astype(np.int64)
