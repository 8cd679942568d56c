"""The next values of a series. Windows share most of their past and future, so blocks of time are resampled."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Dataset
from bakeoff.data.schema import Forecast, Series
from bakeoff.data.splits import Indices
from bakeoff.tasks.baselines import LAST_VALUE, SEASONAL_NAIVE, Baseline
from bakeoff.tasks.metrics.metric import NO_CONTEXT, Metric, MetricContext
from bakeoff.tasks.metrics.registry import METRICS
from bakeoff.tasks.numbers import Numbers

#: Blocks of time are made shorter, down to one horizon, where the test split would have fewer blocks than this.
FEWEST_BLOCKS = 5
#: There are no more blocks than these: long ones hold what windows far apart still share (an error that stays for a
#: while), and Student's quantile for eight blocks is only a fifth above that for any number.
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

    def _dependent(self, dataset: Dataset, part: Indices) -> NDArray[Any] | None:
        target, kind = self.schema.target, self.schema.input
        if dataset.times is None:
            return None
        assert isinstance(target, Forecast)
        assert isinstance(kind, Series)
        return time_blocks(dataset.times[part], horizon=target.horizon, window=kind.length)


def time_blocks(times: NDArray[Any], *, horizon: int, window: int) -> NDArray[np.int64]:
    """Labels [N] of the windows of a forecast: the block of time in which each begins, the same for all series.

    A block is `horizon + window` steps long: windows that begin so far apart share no inputs and no targets. It is
    longer where there would be more than `MOST_BLOCKS`, and shorter, but not shorter than the horizon, where there
    would be fewer than `FEWEST_BLOCKS`.

    Args:
        times: [N], when each window's first target is.

    >>> time_blocks(np.arange(8), horizon=1, window=1)
    array([0, 0, 1, 1, 2, 2, 3, 3])
    """
    distinct, places = np.unique(times, return_inverse=True)
    wanted = max(horizon + window, len(distinct) // MOST_BLOCKS)
    length = min(wanted, max(len(distinct) // FEWEST_BLOCKS, horizon), max(len(distinct) // 2, 1))
    blocks = max(len(distinct) // length, 1)
    return np.minimum(places.reshape(-1) // length, blocks - 1).astype(np.int64)
