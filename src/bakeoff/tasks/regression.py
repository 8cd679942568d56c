"""One or several real numbers."""

from dataclasses import dataclass

from bakeoff.tasks.baselines import MEAN, Baseline
from bakeoff.tasks.metrics.metric import NO_CONTEXT, Metric, MetricContext
from bakeoff.tasks.metrics.registry import METRICS
from bakeoff.tasks.numbers import Numbers


@dataclass(frozen=True, kw_only=True)
class Regression(Numbers):
    """RMSE decides; the mean of the training targets must be beaten."""

    kind = "values"
    shows = ("residuals",)

    def default_metric(self, context: MetricContext = NO_CONTEXT) -> Metric:
        return METRICS["rmse"]

    @property
    def metric_of_new_data(self) -> Metric:
        return METRICS["rmse"]

    def baselines(self) -> tuple[Baseline, ...]:
        return (MEAN,)
