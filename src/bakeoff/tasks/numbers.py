"""What the tasks with numbers share: outputs, targets and answers are values [N, size] in the unit of the data."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Dataset
from bakeoff.tasks.base import Mistake, Task, TrainingLoss
from bakeoff.tasks.metrics.metric import Floats
from bakeoff.tasks.outputs import OutputsLike, dense

if TYPE_CHECKING:
    from torch import Tensor

    from bakeoff.tasks.target_scaling import TargetScaling

#: Values of one answer that are written out.
_SHOWN = 4


@dataclass(frozen=True, kw_only=True)
class Numbers(Task):
    """Squared error of standardised values decides in training. Abstract: what is resampled and scored is not said."""

    estimator_type = "regressor"

    def training_loss(self, *, label_smoothing: float = 0.0) -> TrainingLoss:
        """Mean squared error; there are no labels to smooth."""
        from torch.nn import functional as F

        return F.mse_loss

    def target_scaling(self, dataset: Dataset) -> "TargetScaling":
        from bakeoff.tasks.target_scaling import TargetScaling

        return TargetScaling.learn(dataset.targets_at(np.sort(dataset.splits.train)))

    def in_unit_of_data(self, raw: "Tensor", scaling: "TargetScaling | None") -> "Tensor":
        assert scaling is not None, "values are standardised in training"
        return scaling.undo(raw)

    def decode(self, outputs: OutputsLike) -> NDArray[Any]:
        return dense(outputs)

    def headline(self, answer: Any) -> float:
        return float(np.ravel(answer)[0])

    def text(self, answer: Any) -> str:
        shown = ", ".join(f"{float(value):.4g}" for value in np.ravel(answer)[:_SHOWN])
        return shown + (" ..." if np.size(answer) > _SHOWN else "")

    def columns(self, outputs: OutputsLike, targets: OutputsLike | None) -> dict[str, Any]:
        """`predicted` and `true`; several values or steps ahead are `predicted_1`, `predicted_2` ... `true_1` ..."""
        found: dict[str, Any] = {}
        for heading, values in (("predicted", outputs), ("true", targets)):
            if values is None:
                continue
            numbers = np.asarray(dense(values), np.float64).reshape(len(outputs), -1)
            several = numbers.shape[1] > 1
            for place in range(numbers.shape[1]):
                found[f"{heading}_{place + 1}" if several else heading] = numbers[:, place]
        return found

    def errors(self, outputs: OutputsLike, targets: OutputsLike) -> Floats:
        """Squared errors, a mean over the values of a unit."""
        values = np.asarray(dense(targets), dtype=np.float64).reshape(len(outputs), -1)
        return np.asarray(((dense(outputs) - values) ** 2).mean(axis=1), dtype=np.float64)

    def plain_scores(self, outputs: OutputsLike, targets: OutputsLike) -> Floats:
        """Absolute errors, a mean over the values of a unit, in the unit of the data."""
        values = np.asarray(dense(targets), dtype=np.float64).reshape(len(outputs), -1)
        found = np.asarray(dense(outputs), dtype=np.float64).reshape(values.shape)
        return np.asarray(np.abs(found - values).mean(axis=1), dtype=np.float64)

    def mean_loss(self, outputs: OutputsLike, targets: OutputsLike) -> float:
        outputs = dense(outputs)
        return float(((outputs - dense(targets).reshape(outputs.shape)) ** 2).mean())

    def worst(self, outputs: OutputsLike, targets: OutputsLike, *, most: int) -> tuple[Mistake, ...]:
        outputs = dense(outputs)
        truth = dense(targets).reshape(outputs.shape)
        errors = np.abs(outputs - truth).mean(axis=1)
        spread = float((outputs - truth).std()) or 1.0
        return tuple(
            Mistake(place=int(i), truth=truth[i], answer=outputs[i], confidence=float(errors[i] / spread))
            for i in np.argsort(-errors, kind="stable")[:most]
        )

    def combine(self, neighbours: NDArray[Any]) -> NDArray[Any]:
        """The mean of the neighbours' values."""
        return neighbours.reshape(*neighbours.shape[:2], -1).mean(axis=1)
