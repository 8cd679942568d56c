"""Records of the figures about predictions: confusion matrix, rates of each class, residuals."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: A confusion matrix of more classes than this is shown by its largest cells only.
MOST_CLASSES_IN_MATRIX = 24
#: At most this many points in a scatter of predicted against true values.
MOST_SCATTER_POINTS = 1500


@dataclass(frozen=True, kw_only=True)
class ConfusionFigure:
    """How many test examples of each true class (row) one entrant predicted as each class (column)."""

    entrant: str
    names: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    @property
    def fits_a_matrix(self) -> bool:
        return len(self.names) <= MOST_CLASSES_IN_MATRIX


@dataclass(frozen=True, kw_only=True)
class ResidualFigure:
    """Predicted against true values of one entrant's test examples, in the unit of the target."""

    entrant: str
    true: tuple[float, ...]
    predicted: tuple[float, ...]
    shown_of: int


@dataclass(frozen=True, kw_only=True)
class ClassRow:
    """One class in the table per class; rates are None where their denominator is zero."""

    name: str
    examples: int
    precision: float | None
    recall: float | None
    f1: float | None
    mistaken_for: str | None


def confusion_figure(
    entrant: str, names: Sequence[str], targets: NDArray[np.int64], outputs: Floats
) -> ConfusionFigure:
    """From true classes [N] and log-probabilities [N, K]."""
    size = len(names)
    counts = np.bincount(targets * size + outputs.argmax(axis=1), minlength=size * size).reshape(size, size)
    return ConfusionFigure(
        entrant=entrant, names=tuple(names), counts=tuple(tuple(row) for row in counts.tolist())
    )


def largest_confusions(figure: ConfusionFigure, *, most: int = 20) -> list[tuple[str, str, int]]:
    """(true class, predicted class, how often), the most frequent mistakes first."""
    counts = np.array(figure.counts)
    np.fill_diagonal(counts, 0)
    order = np.argsort(-counts, axis=None, kind="stable")[:most]
    rows, columns = np.unravel_index(order, counts.shape)
    return [
        (figure.names[row], figure.names[column], int(counts[row, column]))
        for row, column in zip(rows, columns, strict=True)
        if counts[row, column]
    ]


def class_rows(figure: ConfusionFigure) -> list[ClassRow]:
    """Precision, recall and F1 of each class from the confusion matrix, in the order of the classes."""
    counts = np.array(figure.counts)
    right, true, taken = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    wrong = counts - np.diag(right)
    rows = []
    for index, name in enumerate(figure.names):
        worst = int(wrong[index].argmax())
        rows.append(
            ClassRow(
                name=name,
                examples=int(true[index]),
                precision=_rate(right[index], taken[index]),
                recall=_rate(right[index], true[index]),
                f1=_rate(2 * right[index], true[index] + taken[index]),
                mistaken_for=figure.names[worst] if wrong[index, worst] else None,
            )
        )
    return rows


def _rate(part: int, total: int) -> float | None:
    return float(part) / float(total) if total else None


def residual_figure(entrant: str, targets: Floats, outputs: Floats) -> ResidualFigure:
    """From true and predicted values [N, size]; evenly spread examples where there are very many."""
    true, predicted = targets.reshape(-1), outputs.reshape(-1)
    chosen = np.unique(np.linspace(0, len(true) - 1, min(len(true), MOST_SCATTER_POINTS)).astype(np.int64))
    return ResidualFigure(
        entrant=entrant,
        true=tuple(true[chosen].tolist()),
        predicted=tuple(predicted[chosen].tolist()),
        shown_of=len(true),
    )
