"""The contract of a `Task`: everything that depends on the kind of target, in one class a kind.

A task is made for a schema (`task_of(schema)` in `bakeoff.tasks.registry`) and answers, without a network and without
a trainer: what is minimised, what an output is and how it is read, what is resampled, how it is scored, which trivial
answers it must beat, and what a report shows. A new kind of target is a new class here and an entry in the registry;
nothing above asks of which kind a target is.

Three forms of one answer go through it:

    raw        what the network gives: logits, or standardised values
    outputs    what is stored and scored: log-probabilities, or values in the unit of the data (float32)
    answers    decoded outputs, in the form of `Dataset.targets`: places of classes, or values

The first axis counts the *units*: what is weighted when scores are resampled, and what a target belongs to. It is the
example for classes, values and forecasts. The contract says no more than that about shapes, so that other kinds fit:

- Sequences out: outputs are ragged (`Outputs` with offsets), a row a step. In training the network is given the targets
  besides the inputs (teacher forcing), so `training_loss` compares raw outputs with the targets of the same steps;
  steps that are padding carry a target that the loss leaves out. `decode` turns outputs into sequences. The unit is the
  sequence: a sequence is drawn whole.
- Samples out: there is no true answer to an example. Targets are the examples held back, `decode` gives samples, and
  `worst` finds none; metrics compare the two sets.
- Open sets: an output has one more column, the score of "none of these", and `decode` may give -1, which is shown by a
  word of its own.
- Nodes: one example of the dataset is a graph with many predictions. `Dataset.offsets` says which predictions belong to
  which example; splits, targets and outputs count predictions, and a network gives one row for each node of the graphs
  that it is given, of which a batch takes those that it asks for. `resampled_together` says which nodes hang together.
  *Followed in `tests/tasks/test_node_task.py`.*

N units, K classes.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Dataset
from bakeoff.data.schema import Schema
from bakeoff.data.splits import Indices
from bakeoff.errors import OptionError, suggest
from bakeoff.tasks.baselines import Baseline
from bakeoff.tasks.metrics.metric import NO_CONTEXT, Floats, Metric, MetricContext
from bakeoff.tasks.metrics.registry import METRICS
from bakeoff.tasks.outputs import OutputsLike

if TYPE_CHECKING:  # PyTorch is not loaded where only scores are computed
    from torch import Tensor

    from bakeoff.tasks.target_scaling import TargetScaling

#: A loss for training: (raw outputs, targets) to a scalar.
TrainingLoss = Callable[["Tensor", "Tensor"], "Tensor"]


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """One answer that is wrong, or far from the truth.

    Attributes:
        place: of the unit among those that were judged.
        truth, answer: in the form of `Dataset.targets`.
        confidence: probability of the answer; for values the error in standard deviations of all errors.
    """

    place: int
    truth: Any
    answer: Any
    confidence: float


@dataclass(frozen=True, kw_only=True)
class Task(ABC):
    """What is to be learned of the examples of a schema.

    Attributes:
        schema: of the examples.
        kind: a word for records and keys of messages.
        shows: the parts of a report about the answers: "confusion", "residuals", "horizon" (errors a step ahead).
        has_probabilities: whether outputs are log-probabilities, so that an answer has a confidence.
        scores_are_shares: whether an answer is right or wrong, so that scores are shares of right answers.
        takes_label_smoothing: whether `training_loss` can smooth the labels.
        survives_augmentation: whether the target of a slightly changed picture may be taken for that of the original.
        estimator_type: which of scikit-learn's kinds of estimator answers it, "classifier" or "regressor" (one a
            column of the targets); None where neither does, and the classical entrants are left out.
    """

    schema: Schema
    kind: ClassVar[str]
    shows: ClassVar[tuple[str, ...]] = ()
    has_probabilities: ClassVar[bool] = False
    scores_are_shares: ClassVar[bool] = False
    takes_label_smoothing: ClassVar[bool] = False
    survives_augmentation: ClassVar[bool] = False
    estimator_type: ClassVar[Literal["classifier", "regressor"] | None] = None

    # Training

    @abstractmethod
    def training_loss(self, *, label_smoothing: float = 0.0) -> TrainingLoss:
        """What is minimised, a mean over the units of a batch (the stacks compute the same in closed form)."""

    @abstractmethod
    def target_scaling(self, dataset: Dataset) -> "TargetScaling | None":
        """How the targets are standardised, from the training split alone; None where they stay as they are."""

    @abstractmethod
    def in_unit_of_data(self, raw: "Tensor", scaling: "TargetScaling | None") -> "Tensor":
        """Outputs from what the network gives, [..., outputs]; the rows are independent."""

    # What an output is

    @abstractmethod
    def decode(self, outputs: OutputsLike) -> OutputsLike:
        """The answers, in the form of `Dataset.targets`, one a unit."""

    @abstractmethod
    def headline(self, answer: Any) -> Any:
        """One answer in a word or a number, for tables: the name of a class, or the first value."""

    @abstractmethod
    def text(self, answer: Any) -> str:
        """One answer as a person reads it."""

    @abstractmethod
    def columns(self, outputs: OutputsLike, targets: OutputsLike | None) -> Mapping[str, Any]:
        """The columns of a table of predictions, by heading; with those of the truth where it is known."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes in the order of the columns of outputs; empty where there are none."""
        return self.schema.target.class_names

    # Scores

    @abstractmethod
    def default_metric(self, context: MetricContext = NO_CONTEXT) -> Metric:
        """What decides unless the user says otherwise; it applies under this context."""

    def default_on(self, dataset: Dataset, context: MetricContext = NO_CONTEXT) -> Metric:
        """What decides on these data unless the user says otherwise."""
        return self.default_metric(context)

    @property
    @abstractmethod
    def metric_of_new_data(self) -> Metric:
        """What scores new data, where nothing is known of the training data."""

    @property
    def tie_breaker(self) -> Metric | None:
        """What chooses between answers with the same score; None where equal scores hardly happen."""
        return None

    @abstractmethod
    def errors(self, outputs: OutputsLike, targets: OutputsLike) -> Floats:
        """One error a unit [N], lower is better: racing compares entrants by their paired differences."""

    @abstractmethod
    def plain_scores(self, outputs: OutputsLike, targets: OutputsLike) -> Floats:
        """One score a unit [N] as a person reads it: the share that is right if `scores_are_shares`, else an error."""

    def classes_of(self, targets: OutputsLike) -> NDArray[Any] | None:
        """The class of each unit [N], for scores by class; None where a unit has no single class."""
        return None

    @abstractmethod
    def mean_loss(self, outputs: OutputsLike, targets: OutputsLike) -> float:
        """The loss of outputs, in the unit of the data: what a model that is no network is stopped by."""

    @abstractmethod
    def worst(self, outputs: OutputsLike, targets: OutputsLike, *, most: int) -> tuple[Mistake, ...]:
        """The most confident wrong answers, or the largest errors, worst first."""

    def metrics(self, context: MetricContext = NO_CONTEXT) -> tuple[Metric, ...]:
        """The metrics that can score this kind of target."""
        return tuple(metric for metric in METRICS.values() if metric.applies(self.schema, context))

    def metric_named(self, name: str | None, context: MetricContext = NO_CONTEXT) -> Metric:
        """The metric that the user named, or the default one where None.

        Raises:
            OptionError: no such metric, or it cannot score this kind of target.
        """
        if name is None:
            return self.default_metric(context)
        usable = [metric.name for metric in self.metrics(context)]
        if name not in METRICS:
            raise OptionError(f"--metric: there is no metric called '{name}'. {suggest(name, usable)}")
        if name not in usable:
            raise OptionError(
                f"--metric: '{name}' cannot score these targets; choose one of {', '.join(usable)}."
            )
        return METRICS[name]

    def scores(
        self, outputs: OutputsLike, targets: OutputsLike, context: MetricContext = NO_CONTEXT
    ) -> dict[str, float]:
        """Every metric that applies, by name."""
        return {metric.name: metric.score(outputs, targets, context) for metric in self.metrics(context)}

    def preference(
        self,
        metric: Metric,
        outputs: OutputsLike,
        targets: OutputsLike,
        context: MetricContext = NO_CONTEXT,
    ) -> tuple[float, float]:
        """What to choose between answers to the same examples by: the greater, the better, whatever the metric.

        The score first; of equal ones the better by `tie_breaker`. A few hundred validation examples leave several
        learning rates with exactly as many errors each, and taking any of them is drawing lots: which one depends on
        the seed.
        """
        score, second = metric.sign * metric.score(outputs, targets, context), self.tie_breaker
        return score, 0.0 if second is None else second.sign * second.score(outputs, targets, context)

    # Resampling

    def resampled_together(
        self, dataset: Dataset, part: Indices, errors: Floats | None = None
    ) -> NDArray[Any] | None:
        """Labels [N] of what is resampled together of these units: groups, or what depends; None for single units.

        Args:
            errors: [N, E], of E entrants on these units, from which their dependence is measured; None assumes it.
        """
        if dataset.groups is not None:
            return np.asarray(dataset.groups)[part]
        return self._dependent(dataset, part, errors)

    def _dependent(self, dataset: Dataset, part: Indices, errors: Floats | None) -> NDArray[Any] | None:
        """Labels [N] of units whose errors depend on each other although no groups are given."""
        return None

    # Other entrants

    @abstractmethod
    def baselines(self) -> tuple[Baseline, ...]:
        """The trivial answers, cheapest first."""

    @abstractmethod
    def combine(self, neighbours: NDArray[Any]) -> NDArray[np.float32]:
        """Outputs [N, outputs] from the targets of each unit's k nearest training examples, [N, k] or [N, k, size]."""
