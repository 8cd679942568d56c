"""A `Trial`: one training, given by everything that its result depends on; and its `TrialResult`."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from bakeoff.messages.statement import Statement, to_stored
from bakeoff.study.design.states import TrialState
from bakeoff.system.json_records import record_of
from bakeoff.tasks.outputs import Outputs

#: Fields of a `Trial` that are neither stored nor hashed while they are None: they came after the first runs were
#: stored, whose keys stay what they were.
_LATER_FIELDS = ("intervention", "fold")


@dataclass(frozen=True, kw_only=True)
class SeededIntervention:
    """A change of the data, as a trial records it.

    Attributes:
        name: of the intervention, with its amount (see `bakeoff.data.interventions.catalogue`).
        seed: of what is random in it.
    """

    name: str
    seed: int


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One training.

    Attributes:
        entrant: a network of the catalogue, `file.py:NAME`, `package.module:NAME`, or a classical or baseline entrant.
        setting: the one number that is tuned: the learning rate (networks, boosting) or the number of neighbours;
            None for baselines, which have none.
        examples: size of the training set, a prefix of the seed's nested order.
        seed: of the subset, of the order of the batches and of the initial weights.
        steps: optimiser steps; 0 for entrants that have none.
        width: of the network's layers; None for its default.
        intervention: the change of the data that it is trained and tested on; None for the data as they are.
        fold: of the dataset's folds, the one whose splits it has; None for the dataset's own.
    """

    entrant: str
    setting: float | None
    examples: int
    seed: int
    steps: int = 0
    width: int | None = None
    intervention: SeededIntervention | None = None
    fold: int | None = None

    @property
    def point(self) -> tuple[str, int, int]:
        """(entrant, examples, seed): the point of a learning curve, of which each fold has a trial."""
        return self.entrant, self.examples, self.seed

    def key(self, context: str) -> str:
        """A hash of everything the trial depends on; `context` stands for data, protocol and version."""
        text = json.dumps([context, self.to_json()], sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Its fields by name, as they are stored and hashed."""
        return {
            name: value
            for name, value in asdict(self).items()
            if name not in _LATER_FIELDS or value is not None
        }

    @staticmethod
    def from_json(record: Mapping[str, Any]) -> "Trial":
        """Raises `ValueError` where it is none."""
        return record_of(Trial, record)


@dataclass(frozen=True, kw_only=True, eq=False)
class TrialResult:
    """The result of a trial.

    Attributes:
        validation_outputs, test_outputs: float32, log-probabilities or values in the unit of the data (arrays
            [N, outputs] are taken as they are); None where the trial ended before it could be evaluated.
        validation_loss: at the best evaluation.
        seconds: its share of the time of the stack in which it was trained.
        parameters, flops_per_example: of the network or classical model, where known.
        training_score: in the deciding metric, on (at most 1,000 of) its own training examples; None where it was not
            computed, as for entrants that are no networks and in runs stored before there was such a figure.
        tested: test outputs of the trained network on test data changed by other interventions, by their names.
    """

    trial: Trial
    state: TrialState
    reason: Statement | None = None
    steps_done: int = 0
    seconds: float = 0.0
    validation_loss: float | None = None
    validation_outputs: Outputs | None = None
    test_outputs: Outputs | None = None
    history: tuple[tuple[int, float], ...] = ()
    parameters: int | None = None
    flops_per_example: int | None = None
    training_score: float | None = None
    tested: Mapping[str, Outputs] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("validation_outputs", "test_outputs"):
            if (given := getattr(self, name)) is not None:
                object.__setattr__(self, name, Outputs.of(given))

    @property
    def evaluated(self) -> bool:
        return self.validation_outputs is not None and self.test_outputs is not None

    @property
    def counts(self) -> bool:
        """Whether it had the protocol's full training, and was evaluated."""
        return self.evaluated and self.state.counts

    def facts(self) -> dict[str, Any]:
        """Everything but the arrays, for JSON."""
        return {
            "trial": self.trial.to_json(),
            "state": str(self.state),
            "reason": to_stored(self.reason),
            "steps_done": self.steps_done,
            "seconds": self.seconds,
            "validation_loss": self.validation_loss,
            "history": [list(point) for point in self.history],
            "parameters": self.parameters,
            "flops_per_example": self.flops_per_example,
            "training_score": self.training_score,
        }
