"""The leader's predictions on the test examples: confusion matrix or residuals, rates of each class, and mistakes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
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
from bakeoff.report.content.examples import show_example
from bakeoff.report.content.figures import HorizonFigure, horizon_figure
from bakeoff.report.words.text import clean, significant
from bakeoff.study.results.comparison import Comparison, Mistake
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
    """One mistake: the example drawn (`shown`), the predicted and the true class or value, and details."""

    shown: Markup | None
    answer: Markup
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
    task, name = task_of(comparison.dataset.schema), answering(comparison)
    if "confusion" not in task.shows or name is None:
        return None
    outputs = np.asarray(comparison.test_outputs[name], np.float64)
    figure = confusion_figure(name, task.class_names, np.asarray(comparison.test_targets, np.int64), outputs)
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
    task, name = task_of(comparison.dataset.schema), answering(comparison)
    if "residuals" not in task.shows or name is None:
        return None
    targets = _columns(comparison.test_targets)
    outputs = {entrant: _columns(values) for entrant, values in comparison.test_outputs.items()}
    figure = residual_figure(name, targets, outputs[name])
    note = say(
        "report.note.residuals",
        entrant=clean(name),
        shown=f"{len(figure.true):,}",
        count=f"{figure.shown_of:,}",
    )
    horizon = horizon_figure(comparison.entrants, targets, outputs) if "horizon" in task.shows else None
    return Residuals(note=note, figure=figure, horizon=horizon)


def _columns(values: NDArray[np.float32]) -> NDArray[np.float64]:
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
    truth, answer = clean(mistake.truth), clean(mistake.answer)
    label = _label(comparison, mistake.index)
    details = [say("report.mistake.sure", share=f"{100 * mistake.confidence:.0f} %")] if is_sure else []
    if not is_sure:
        details.append(say("report.mistake.deviations", count=significant(mistake.confidence, 2)))
    strong = {name: Markup("<b>{}</b>").format(word) for name, word in (("truth", truth), ("answer", answer))}
    line = Markup(say("report.mistake.pair", **strong))
    is_text = isinstance(comparison.dataset.schema.input, Tokens)
    details.append(say("report.mistake.example", index=mistake.index) if is_text or not label else label)
    return MistakeCard(
        shown=_shown(comparison, mistake.index, label), answer=line, detail=" · ".join(details)
    )


def _label(comparison: Comparison, index: int) -> str:
    labels = comparison.dataset.labels
    return "" if labels is None else clean(labels[index])


def _shown(comparison: Comparison, index: int, label: str) -> Markup | None:
    kind = comparison.dataset.schema.input
    if isinstance(kind, Tokens):
        return (
            show_example(label)
            if label
            else show_example(" ".join(map(str, comparison.dataset.rows_at(index).tolist())))
        )
    lengths = comparison.dataset.lengths
    return show_example(
        comparison.example_at(index),
        columns=_column_names(comparison) if isinstance(kind, Table) else (),
        kind=kind,
        length=None if lengths is None else int(lengths[index]),
    )


def _column_names(comparison: Comparison) -> Sequence[str]:
    """Names of a table's features, where its encoder has them."""
    names: Sequence[str] = getattr(comparison.dataset.encoder, "feature_names", ())
    return names
