"""Every metric by its name, which of them fit which targets, and which one decides."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from bakeoff.data.schema import Classes, Forecast, Schema, Value
from bakeoff.errors import OptionError, suggest
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
    "applicable",
    "default_metric",
    "metric_named",
    "score_all",
]

_CLASSES, _NUMBERS = (Classes,), (Value, Forecast)


def _share(kind: type[Metric], name: str, *, binary: bool = False) -> Metric:
    """A metric of classes between 0 (worst) and 1 (best)."""
    return kind(name=name, higher_is_better=True, percent=True, best=1.0, targets=_CLASSES, binary=binary)


def _error(kind: type[Metric], name: str, targets: tuple[type, ...]) -> Metric:
    """A metric that is 0 for a perfect answer and has no upper end."""
    return kind(name=name, higher_is_better=False, percent=False, best=0.0, targets=targets)


#: Every metric by its name.
METRICS: Mapping[str, Metric] = {
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


def applicable(schema: Schema, context: MetricContext = NO_CONTEXT) -> tuple[Metric, ...]:
    """The metrics that can score this kind of target."""
    return tuple(metric for metric in METRICS.values() if metric.applies(schema, context))


def default_metric(schema: Schema, context: MetricContext = NO_CONTEXT) -> Metric:
    """What decides unless the user says otherwise: accuracy, RMSE, or MASE for forecasts with a known scale."""
    if schema.is_classification:
        return METRICS["accuracy"]
    mase = METRICS["mase"]
    return mase if mase.applies(schema, context) else METRICS["rmse"]


def metric_named(name: str | None, schema: Schema, context: MetricContext = NO_CONTEXT) -> Metric:
    """The metric that the user named, or the default one where None.

    Raises:
        OptionError: no such metric, or it cannot score this kind of target.
    """
    if name is None:
        return default_metric(schema, context)
    usable = [metric.name for metric in applicable(schema, context)]
    if name not in METRICS:
        raise OptionError(f"--metric: there is no metric called '{name}'. {suggest(name, usable)}")
    if name not in usable:
        raise OptionError(
            f"--metric: '{name}' cannot score these targets; choose one of {', '.join(usable)}."
        )
    return METRICS[name]


def preference(
    metric: Metric, outputs: NDArray[Any], targets: NDArray[Any], context: MetricContext = NO_CONTEXT
) -> tuple[float, float]:
    """What to choose between answers to the same examples by: the greater, the better, whatever the metric.

    The score first; of equal ones the lower log loss. A few hundred validation examples leave several learning rates
    with exactly as many errors each, and taking any of them is drawing lots: which one depends on the seed.
    """
    score = metric.sign * metric.score(outputs, targets, context)
    is_classes = Classes in metric.targets
    return score, -METRICS["log_loss"].score(outputs, targets, context) if is_classes else 0.0


def score_all(
    outputs: NDArray[Any], targets: NDArray[Any], schema: Schema, context: MetricContext = NO_CONTEXT
) -> dict[str, float]:
    """Every metric that applies, by name."""
    return {metric.name: metric.score(outputs, targets, context) for metric in applicable(schema, context)}
