"""Predictions on the test examples: confusion matrix or residuals, rates of each class, and the leader's mistakes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.schema import Image, Table, Tokens
from bakeoff.messages import say
from bakeoff.report.content.answer_figures import (
    ConfusionFigure,
    ResidualFigure,
    class_rows,
    confusion_figure,
    largest_confusions,
    residual_figure,
)
from bakeoff.report.content.examples import Example, example_of
from bakeoff.report.content.figures import HorizonFigure, Style, entrant_styles, horizon_figure
from bakeoff.report.words.text import clean, significant
from bakeoff.study.results.comparison import Comparison, Mistake
from bakeoff.tasks.base import Task
from bakeoff.tasks.registry import task_of


@dataclass(frozen=True, kw_only=True)
class ClassWords:
    """One row of the table of classes, formatted."""

    name: str
    examples: str
    precision: str
    recall: str
    f1: str
    mistaken_for: str


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """The confusion matrix where it is small enough, else the most frequent mistakes; and a row for each class."""

    note: str
    figure: ConfusionFigure
    pairs: tuple[tuple[str, str, str], ...]
    classes: tuple[ClassWords, ...]

    @property
    def matrix(self) -> bool:
        return self.figure.fits_a_matrix


@dataclass(frozen=True, kw_only=True)
class Residuals:
    note: str
    figure: ResidualFigure
    horizon: HorizonFigure | None


@dataclass(frozen=True, kw_only=True)
class MistakeCard:
    """One mistake: the example (`shown`), the predicted and the true class or value, and details; `name` names it."""

    shown: Example | None
    name: str
    answer: str
    truth: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class Mistakes:
    title: str
    note: str
    rows: tuple[MistakeCard, ...]
    wide: bool


def answering(comparison: Comparison) -> str | None:
    """The entrant whose predictions are shown: the leader, else the first one that has any."""
    leader = comparison.verdict.leader
    if leader in comparison.test_outputs:
        return leader
    return next(iter(comparison.test_outputs), None)


def confusion(comparison: Comparison) -> Confusion | None:
    """The confusion of the leader's classes; None for values, and where no entrant has predictions."""
    name = answering(comparison)
    if name is None:
        return None
    task = task_of(comparison.dataset.schema)
    return confusion_of(name, task, comparison.test_targets, comparison.test_outputs[name])


def confusion_of(
    name: str, task: Task, targets: NDArray[Any], outputs: NDArray[np.float32]
) -> Confusion | None:
    """The confusion of one network's classes, from the test targets [N] and its log-probabilities [N, K]."""
    if "confusion" not in task.shows:
        return None
    figure = confusion_figure(
        name, task.class_names, np.asarray(targets, np.int64), np.asarray(outputs, np.float64)
    )
    key = "report.note.confusion" if figure.fits_a_matrix else "report.note.confusion_pairs"
    return Confusion(
        note=say(key, entrant=clean(name), count=len(task.class_names)),
        figure=figure,
        pairs=tuple(
            (clean(true), clean(taken), f"{count:,}") for true, taken, count in largest_confusions(figure)
        ),
        classes=tuple(
            ClassWords(
                name=clean(row.name),
                examples=f"{row.examples:,}",
                precision=_percent(row.precision),
                recall=_percent(row.recall),
                f1=_percent(row.f1),
                mistaken_for="" if row.mistaken_for is None else clean(row.mistaken_for),
            )
            for row in class_rows(figure)
        ),
    )


def _percent(share: float | None) -> str:
    return say("report.no_score") if share is None else f"{100 * share:.1f} %"


def residuals(comparison: Comparison) -> Residuals | None:
    """The residuals of the leader's values; None for classes, and where no entrant has predictions."""
    name = answering(comparison)
    if name is None:
        return None
    task, drawn = task_of(comparison.dataset.schema), entrant_styles(comparison.entrants)
    return residuals_of(name, task, comparison.test_targets, comparison.test_outputs, drawn)


def residuals_of(
    name: str,
    task: Task,
    test_targets: NDArray[Any],
    test_outputs: Mapping[str, NDArray[np.float32]],
    drawn: Mapping[str, Style],
) -> Residuals | None:
    """The residuals of `name`, and the error at each step ahead of everybody; None for classes.

    Args:
        name: whose residuals are shown.
        task: of the data.
        test_targets: [N] or [N, size]. test_outputs: of each entrant, of the same shape.
        drawn: the style of each entrant.
    """
    if "residuals" not in task.shows:
        return None
    targets = _columns(test_targets)
    outputs = {entrant: _columns(values) for entrant, values in test_outputs.items()}
    figure = residual_figure(name, targets, outputs[name])
    note = say(
        "report.note.residuals",
        entrant=clean(name),
        shown=f"{len(figure.true):,}",
        count=f"{figure.shown_of:,}",
    )
    horizon = horizon_figure(drawn, targets, outputs) if "horizon" in task.shows else None
    return Residuals(note=note, figure=figure, horizon=horizon)


def _columns(values: NDArray[Any]) -> NDArray[np.float64]:
    array = np.asarray(values, np.float64)
    return array.reshape(len(array), -1)


def mistakes(comparison: Comparison) -> Mistakes | None:
    """The most confident mistakes with their examples; None where there are none."""
    name = answering(comparison)
    if not comparison.mistakes or name is None:
        return None
    is_sure = task_of(comparison.dataset.schema).has_probabilities
    key = "report.note.mistakes" if is_sure else "report.note.large_errors"
    return Mistakes(
        title=say("report.section.mistakes" if is_sure else "report.section.errors"),
        note=say(key, entrant=clean(name)),
        rows=tuple(_card(comparison, mistake, is_sure) for mistake in comparison.mistakes),
        wide=not isinstance(comparison.dataset.schema.input, Image),
    )


def _card(comparison: Comparison, mistake: Mistake, is_sure: bool) -> MistakeCard:
    if is_sure:
        detail = say("report.mistake.sure", share=f"{100 * mistake.confidence:.0f} %")
    else:
        detail = say("report.mistake.deviations", count=significant(mistake.confidence, 2))
    return example_card(comparison, mistake.index, answer=mistake.answer, truth=mistake.truth, detail=detail)


def example_card(comparison: Comparison, index: int, *, answer: str, truth: str, detail: str) -> MistakeCard:
    """An example of the dataset beside an answer that its label contradicts."""
    label = _label(comparison, index)
    is_text = isinstance(comparison.dataset.schema.input, Tokens)
    name = say("report.mistake.example", index=index) if is_text or not label else label
    return MistakeCard(
        shown=_shown(comparison, index, label),
        name=name,
        answer=clean(answer),
        truth=clean(truth),
        detail=f"{detail} · {name}",
    )


def _label(comparison: Comparison, index: int) -> str:
    labels = comparison.dataset.labels
    return "" if labels is None else clean(labels[index])


def _shown(comparison: Comparison, index: int, label: str) -> Example | None:
    kind = comparison.dataset.schema.input
    if isinstance(kind, Tokens):
        return example_of(label or " ".join(map(str, comparison.dataset.rows_at(index).tolist())))
    lengths = comparison.dataset.lengths
    return example_of(
        comparison.example_at(index),
        columns=_column_names(comparison) if isinstance(kind, Table) else (),
        kind=kind,
        length=None if lengths is None else int(lengths[index]),
    )


def _column_names(comparison: Comparison) -> Sequence[str]:
    """Names of a table's features, where its encoder has them."""
    names: Sequence[str] = getattr(comparison.dataset.encoder, "feature_names", ())
    return names
