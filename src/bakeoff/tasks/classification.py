"""One of K named classes: outputs are log-probabilities [N, K], targets and answers the places of classes int64 [N]."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Dataset
from bakeoff.data.findings import dominant_class
from bakeoff.tasks.base import Mistake, Task, TrainingLoss
from bakeoff.tasks.baselines import MAJORITY, Baseline
from bakeoff.tasks.metrics.metric import NO_CONTEXT, Floats, Metric, MetricContext
from bakeoff.tasks.metrics.registry import METRICS
from bakeoff.tasks.outputs import OutputsLike, dense

if TYPE_CHECKING:
    from torch import Tensor

    from bakeoff.tasks.target_scaling import TargetScaling


@dataclass(frozen=True, kw_only=True)
class Classification(Task):
    """Cross-entropy decides in training, accuracy afterwards."""

    kind = "classes"
    shows = ("confusion",)
    has_probabilities = True
    takes_label_smoothing = True
    scores_are_shares = True
    survives_augmentation = True
    estimator_type = "classifier"

    def training_loss(self, *, label_smoothing: float = 0.0) -> TrainingLoss:
        """Mean cross-entropy of classes int64 [B], or of mixed ones float [B, K]."""
        from torch.nn import functional as F

        def loss(outputs: "Tensor", targets: "Tensor") -> "Tensor":
            return F.cross_entropy(outputs, targets, label_smoothing=label_smoothing)

        return loss

    def target_scaling(self, dataset: Dataset) -> None:
        return None

    def in_unit_of_data(self, raw: "Tensor", scaling: "TargetScaling | None") -> "Tensor":
        return raw.log_softmax(dim=-1)

    def decode(self, outputs: OutputsLike) -> NDArray[Any]:
        return dense(outputs).argmax(axis=1)

    def headline(self, answer: Any) -> str:
        return self.class_names[int(answer)]

    def text(self, answer: Any) -> str:
        return str(self.class_names[int(answer)])

    def columns(self, outputs: OutputsLike, targets: OutputsLike | None) -> dict[str, Any]:
        """`predicted`, `true` where known, and `probability_<class>` for each class."""
        found: dict[str, Any] = {"predicted": [self.headline(answer) for answer in self.decode(outputs)]}
        if targets is not None:
            found["true"] = [self.headline(code) for code in dense(targets)]
        probabilities = np.exp(dense(outputs).astype(np.float64))
        for place, name in enumerate(self.class_names):
            found[f"probability_{name}"] = probabilities[:, place]
        return found

    def default_metric(self, context: MetricContext = NO_CONTEXT) -> Metric:
        return METRICS["accuracy"]

    def default_on(self, dataset: Dataset, context: MetricContext = NO_CONTEXT) -> Metric:
        """Balanced accuracy where one class outweighs the others, so that saying it always would look good."""
        return METRICS["accuracy" if dominant_class(dataset) is None else "balanced_accuracy"]

    @property
    def metric_of_new_data(self) -> Metric:
        return METRICS["accuracy"]

    @property
    def tie_breaker(self) -> Metric:
        return METRICS["log_loss"]

    def errors(self, outputs: OutputsLike, targets: OutputsLike) -> Floats:
        """1 where the class is wrong, else 0."""
        return (dense(outputs).argmax(axis=1) != dense(targets)).astype(np.float64)

    def plain_scores(self, outputs: OutputsLike, targets: OutputsLike) -> Floats:
        """1 where the class is right, else 0."""
        return 1.0 - self.errors(outputs, targets)

    def classes_of(self, targets: OutputsLike) -> NDArray[Any]:
        return dense(targets)

    def mean_loss(self, outputs: OutputsLike, targets: OutputsLike) -> float:
        return float(-dense(outputs)[np.arange(len(targets)), dense(targets)].mean())

    def worst(self, outputs: OutputsLike, targets: OutputsLike, *, most: int) -> tuple[Mistake, ...]:
        outputs, targets = dense(outputs), dense(targets)
        answers, confidence = outputs.argmax(axis=1), np.exp(outputs.max(axis=1))
        wrong = np.flatnonzero(answers != targets)
        return tuple(
            Mistake(place=int(i), truth=targets[i], answer=answers[i], confidence=float(confidence[i]))
            for i in wrong[np.argsort(-confidence[wrong], kind="stable")][:most]
        )

    def baselines(self) -> tuple[Baseline, ...]:
        return (MAJORITY,)

    def combine(self, neighbours: NDArray[Any]) -> NDArray[np.float32]:
        """Votes, smoothed by one vote spread over all classes."""
        count = self.schema.outputs
        votes = (neighbours[:, :, None] == np.arange(count)).sum(axis=1)
        return np.log((votes + 1 / count) / (neighbours.shape[1] + 1)).astype(np.float32)
