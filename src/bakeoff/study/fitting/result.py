"""What `bakeoff.fit` gives back, and its record in the run's folder."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.inference.predictor import Predictor
from bakeoff.messages.statement import Statement, reason_text
from bakeoff.models import ModelCard
from bakeoff.study.analysis.uncertainty import Estimate
from bakeoff.study.results.run_folder import RunFolder
from bakeoff.system.files import write_json
from bakeoff.train.single.recipe import FitRecipe
from bakeoff.train.single.trainer import Evaluation

#: Attributes of `Fit` that `fit.json` leaves out.
_NOT_WRITTEN = ("fitted", "resumed", "test_outputs", "test_targets", "card", "options")


@dataclass(frozen=True, kw_only=True, eq=False)
class Fit:
    """One network's training on one dataset.

    Attributes:
        data, model: their names.
        examples: how many the data have, in all splits.
        folder: of the run; the network is in its folder `champion`.
        state, reason: how the training ended (as in `TrainingResult`), and one sentence about it.
        metric: the deciding one; scores are in its unit.
        test: score on the test split, with a 95 % interval over its examples (for this very network).
        validation: score on the validation split, by whose loss the weights were chosen: a little flattering.
        scores: every metric that applies, on the test split.
        learning_rate: at the top of the schedule.
        found: whether the learning-rate finder chose it (False too where it had no time and the default was taken).
        recipe: the rest of how it was trained.
        mode: "full", or "probe" where the last layer alone was trained.
        weights: where the weights came from that it began with; None where they were random.
        precision: of products and convolutions ("float32", "bfloat16", "float16").
        device: where it was trained.
        parameters, trained_parameters: how many.
        best_step: the step whose weights these are.
        history: every evaluation.
        seconds: of training, over all sittings.
        resumed: whether this call went on from a checkpoint.
        test_outputs: float32 [N, outputs] on the test split: log-probabilities, or values in the unit of the data.
        test_targets: of the same examples, [N] or [N, outputs].
        card, options: of the network that was asked for; None for what its folder names.
    """

    data: str
    examples: int
    model: str
    folder: Path
    state: str
    reason: Statement
    metric: str
    test: Estimate
    validation: float
    scores: Mapping[str, float]
    learning_rate: float
    found: bool
    recipe: FitRecipe
    mode: str
    weights: str | None
    precision: str
    device: str
    parameters: int
    trained_parameters: int
    best_step: int
    history: tuple[Evaluation, ...] = field(repr=False)
    seconds: float
    resumed: bool
    test_outputs: NDArray[np.float32] = field(repr=False)
    test_targets: NDArray[Any] = field(repr=False)
    card: ModelCard | None = field(default=None, repr=False)
    options: Mapping[str, Any] | None = field(default=None, repr=False)

    @cached_property
    def fitted(self) -> Predictor:
        """The trained network, read from the run's folder."""
        return Predictor.load(RunFolder(self.folder).champion, model=self.card, options=self.options)

    def predict(self, x: Any) -> NDArray[Any]:
        """Places in the target's class names [N], or values [N, size]; `x` as in `Predictor.read`."""
        return self.fitted.predict(x)

    def to_json(self) -> dict[str, Any]:
        record = {name: value for name, value in vars(self).items() if name not in _NOT_WRITTEN}
        return {
            **record,
            "reason": reason_text(self.reason),
            "folder": str(self.folder),
            "test": asdict(self.test),
            "scores": dict(self.scores),
            "recipe": self.recipe.to_json(),
            "history": [asdict(evaluation) for evaluation in self.history],
        }

    def write(self) -> Path:
        """Write `fit.json` into the run's folder. Raises `StoreError` where it cannot be written."""
        return write_json(RunFolder(self.folder).fit, self.to_json(), indent=1)
