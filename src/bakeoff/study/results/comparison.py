"""`Comparison`: all that a comparison found out, in one frozen record, ready to be shown, written or asked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.card import DataCard
from bakeoff.data.dataset import Dataset
from bakeoff.data.packed_graphs import PackedGraphs
from bakeoff.errors import StoreError
from bakeoff.messages.statement import Statement, reason_text
from bakeoff.study.design.entrants import Entrant
from bakeoff.study.results.outcome import Skipped
from bakeoff.study.results.records import (
    CurvePoint,
    EntrantResult,
    Evidence,
    Testing,
    Verdict,
    finite,
    result_json,
)

if TYPE_CHECKING:
    import polars

    from bakeoff.inference.predictor import Predictor
    from bakeoff.models import ModelCard


@dataclass(frozen=True, kw_only=True)
class TrialSummary:
    """One training, without its outputs.

    `validation_score` and `training_score` (on its own training examples; None where unknown) are in the deciding
    metric. `fold` is None without folds.
    """

    entrant: str
    examples: int
    seed: int
    setting: float | None
    steps: int
    state: str
    reason: Statement | None
    validation_score: float | None
    seconds: float
    history: tuple[tuple[int, float], ...] = ()
    fold: int | None = None
    training_score: float | None = None


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """A test example that the leader got wrong: with high confidence, or by a large error.

    Attributes:
        index: of the example in the dataset.
        truth, answer: class names, or values as text.
        confidence: probability of the answer; for values the error in standard deviations of all errors.
    """

    index: int
    truth: str
    answer: str
    confidence: float


@dataclass(frozen=True, kw_only=True)
class Champion:
    """The network that is handed over: `folder` holds its weights, its schema and its preprocessing.

    Attributes:
        entrant: its name. folder: where it lies.
        is_winner: False where the verdict's leader is no network; then this is the best of the networks.
        card: of the network that took part; None for what the folder names, which must then be of the catalogue.
    """

    entrant: str
    folder: Path
    is_winner: bool
    card: "ModelCard | None" = field(default=None, repr=False, compare=False)

    @cached_property
    def fitted(self) -> "Predictor":
        """The loaded network."""
        from bakeoff.inference.predictor import Predictor

        return Predictor.load(self.folder, model=self.card)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes in the order of the columns of `predict_proba`; empty where targets are numbers."""
        return self.fitted.task.class_names

    def predict(self, x: Any) -> NDArray[Any]:
        """Places in `classes` [N], or values [N, size].

        Args:
            x: new data of the form that was compared: a data frame, arrays, texts, a file or folder, or raw inputs
                like those of the dataset.
        """
        return self.fitted.predict(x)

    def predict_proba(self, x: Any) -> NDArray[np.float32]:
        """Class probabilities [N, K]; `x` as for `predict`."""
        return self.fitted.predict_proba(x)


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """What `bakeoff.compare` returns.

    Attributes:
        name: of the data. folder: of the run.
        data_card: what the data are.
        metric: the deciding one.
        seconds: from start to verdict. budget_seconds: that were allowed; None without a clock.
        steps: optimiser steps of every training; None where networks have different numbers.
        seeds: how many the protocol asked for.
        equal: what every network had equally much of: "steps", "parameters", "flops" or "seconds".
        equal_amount: how much: steps, parameters, FLOPs or seconds (of one training at full size).
        verdict: the answer. entrants: everyone, best first. trials: every training. skipped: what was not done.
        warnings: sentences.
        environment: versions and hardware.
        testing: on which examples everybody was tested: a test split, or all of them in folds.
        test_indices: [N] of the test split, or of all folds. test_targets: [N, ...].
        test_outputs: of each judged entrant, its best seed's outputs on these.
        mistakes: of the leader.
        champion: None where no network was judged.
        interrupted: whether it was stopped before its time.
        why: evidence of why it came out so; None where it was left out or there is nothing to explain.
        participants: who took part, by name: what its network is, to build it again.
        show: makes the HTML of a notebook; None prints plain text.
    """

    name: str
    folder: Path
    dataset: Dataset = field(repr=False)
    data_card: DataCard = field(repr=False)
    metric: str
    seconds: float
    budget_seconds: float | None
    seed: int
    seeds: int
    steps: int | None
    verdict: Verdict
    entrants: tuple[EntrantResult, ...] = field(repr=False)
    trials: tuple[TrialSummary, ...] = field(repr=False)
    skipped: tuple[Skipped, ...] = field(repr=False)
    warnings: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    test_indices: NDArray[np.int64] = field(repr=False)
    test_targets: NDArray[Any] = field(repr=False)
    test_outputs: Mapping[str, NDArray[np.float32]] = field(repr=False)
    mistakes: tuple[Mistake, ...] = field(repr=False)
    champion: Champion | None = None
    testing: Testing = field(default_factory=Testing)
    interrupted: bool = False
    equal: str = "steps"
    equal_amount: float = 0.0
    why: Evidence | None = field(default=None, repr=False)
    participants: Mapping[str, Entrant] = field(default_factory=dict, repr=False)
    show: Callable[["Comparison"], str] | None = field(default=None, repr=False)

    @property
    def curves(self) -> dict[str, tuple[CurvePoint, ...]]:
        """The measured learning curve of each judged entrant."""
        return {entrant.name: entrant.curve for entrant in self.entrants if entrant.curve}

    @property
    def compared(self) -> tuple[str, ...]:
        """The entrants that were judged, baselines aside: with fewer than two, nothing was compared."""
        return tuple(one.name for one in self.entrants if one.judged and one.kind != "baseline")

    def entrant(self, name: str) -> EntrantResult:
        """One entrant's result. Raises `StoreError` where nobody has that name."""
        for entrant in self.entrants:
            if entrant.name == name:
                return entrant
        raise StoreError(f"Nobody called '{name}' took part: {', '.join(e.name for e in self.entrants)} did.")

    @property
    def training_indices(self) -> NDArray[np.int64]:
        """Of the training split; with folds, of the first one."""
        splits = self.dataset.folds[0] if self.testing.folds else self.dataset.splits
        return splits.train[: self.testing.training_examples or None]

    def example_at(self, index: int) -> NDArray[Any] | PackedGraphs:
        """The raw input of an example of the dataset, as it was read; a graph as one of one."""
        inputs = self.dataset.inputs
        return inputs[index : index + 1] if isinstance(inputs, PackedGraphs) else np.asarray(inputs[index])

    def table(self) -> "polars.DataFrame":
        """One row an entrant, best first: name, kind, score with interval, parameters, FLOPs, seconds, probability."""
        import polars

        rows = [
            {
                "name": entrant.name,
                "kind": entrant.kind,
                "score": entrant.score,
                "low": entrant.low,
                "high": entrant.high,
                "probability_best": self.verdict.probability_best.get(entrant.name),
                "parameters": entrant.parameters,
                "flops_per_example": entrant.flops_per_example,
                "train_seconds": entrant.train_seconds,
                "learning_rate": entrant.learning_rate,
                "state": str(entrant.state),
            }
            for entrant in self.entrants
        ]
        return polars.DataFrame(rows, infer_schema_length=None)

    def to_json(self) -> dict[str, Any]:
        """The whole result for programs; numbers that JSON has no sign for become null."""
        record = {
            **result_json(self.verdict, self.entrants, seconds=self.seconds, warnings=self.warnings),
            "data": self.data_card.to_json(),
            "budget_seconds": self.budget_seconds,
            "seed": self.seed,
            "cv": self.testing.to_json(),
            "steps": self.steps,
            "equal": self.equal,
            "equal_amount": self.equal_amount,
            "skipped": [_in_words(entry) for entry in self.skipped],
            "trials": [_in_words(trial) for trial in self.trials],
            "environment": self.environment,
            "interrupted": self.interrupted,
            "why": None if self.why is None else self.why.to_json(),
            "champion": None if self.champion is None else str(self.champion.folder),
            "folder": str(self.folder),
        }
        plain: dict[str, Any] = finite(record)
        return plain

    def _repr_html_(self) -> str:
        return self.show(self) if self.show is not None else f"<pre>{escape(repr(self))}</pre>"


def _in_words(record: Skipped | TrialSummary) -> dict[str, Any]:
    """Its fields, with the reason as text in the language in force."""
    return vars(record) | {"reason": reason_text(record.reason)}
