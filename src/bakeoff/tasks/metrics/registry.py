"""Every metric by its name. Which of them decides is said by the task."""

from bakeoff.data.schema import Classes, Forecast, Value
from bakeoff.tasks.metrics.kinds import (
    Accuracy,
    AreaUnderPrecisionRecall,
    AreaUnderROC,
    BalancedAccuracy,
    LogLoss,
    MacroF1,
    MeanAbsoluteError,
    MeanAbsoluteScaledError,
    RootMeanSquaredError,
    RSquared,
)
from bakeoff.tasks.metrics.metric import NO_CONTEXT, Floats, Metric, MetricContext

__all__ = [
    "METRICS",
    "NO_CONTEXT",
    "Floats",
    "Metric",
    "MetricContext",
    "register",
]

_CLASSES, _NUMBERS = (Classes,), (Value, Forecast)


def _share(kind: type[Metric], name: str, *, binary: bool = False) -> Metric:
    """A metric of classes between 0 (worst) and 1 (best)."""
    return kind(name=name, higher_is_better=True, percent=True, best=1.0, targets=_CLASSES, binary=binary)


def _error(kind: type[Metric], name: str, targets: tuple[type, ...]) -> Metric:
    """A metric that is 0 for a perfect answer and has no upper end."""
    return kind(name=name, higher_is_better=False, percent=False, best=0.0, targets=targets)


#: Every metric by its name.
METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        _share(Accuracy, "accuracy"),
        _share(BalancedAccuracy, "balanced_accuracy"),
        _error(LogLoss, "log_loss", _CLASSES),
        _share(MacroF1, "macro_f1"),
        _share(AreaUnderROC, "auroc", binary=True),
        _share(AreaUnderPrecisionRecall, "auprc", binary=True),
        _error(RootMeanSquaredError, "rmse", _NUMBERS),
        _error(MeanAbsoluteError, "mae", _NUMBERS),
        RSquared(name="r2", higher_is_better=True, percent=False, best=1.0, targets=_NUMBERS),
        _error(MeanAbsoluteScaledError, "mase", (Forecast,)),
    )
}


def register(metric: Metric) -> None:
    """Add a metric; it is offered wherever it applies.

    Raises:
        ValueError: the name is taken.
    """
    if metric.name in METRICS:
        raise ValueError(f"There is a metric called '{metric.name}' already.")
    METRICS[metric.name] = metric
