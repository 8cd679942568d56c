"""Findings that may spoil a comparison: small classes, imbalance, duplicates, leaks of the target, ordered data."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.copies import first_equal
from bakeoff.data.dataset import Dataset, Finding
from bakeoff.data.forms.images import ImageEncoder
from bakeoff.data.forms.table import TableEncoder
from bakeoff.data.schema import Series, Table
from bakeoff.errors import listed, printable

#: A class with fewer examples than this is small.
FEW_EXAMPLES = 10
#: Ratio of the most and the least frequent class from which classes are imbalanced.
HEAVY_IMBALANCE = 10.0
#: Such an imbalance decides by itself what accuracy says where the largest class has at least this share ...
DOMINANT_SHARE = 0.5
#: ... and classes can be counted alike where each has at least this many test examples.
FEWEST_OF_A_CLASS = 5
#: Findings by which every score flatters.
LEAKS = ("duplicates_across", "gives_target_away")
#: A column leaks the target where it alone closes this part of the gap between the baseline and a perfect score.
GIVEN_AWAY = 0.98
#: Or where it separates the classes without an error, in at least this many examples.
FEWEST_SEPARATED = 100
#: A test split with fewer examples than this is small.
SMALL_TEST = 100
#: The most columns that are checked for leaks ...
_MOST_COLUMNS = 200
#: ... on at most this many rows of each split.
_MOST_ROWS = 5000
#: Rows that are read at once.
_BLOCK = 8192


def findings_of(dataset: Dataset) -> tuple[Finding, ...]:
    """All findings of a dataset: those of its reader, then those measured on the whole set here."""
    measured: list[Finding] = []
    if dataset.schema.is_classification:
        measured += class_findings(dataset)
    if not dataset.schema.target.looks_ahead and dataset.offsets is None:
        measured += duplicate_findings(dataset)
    if isinstance(dataset.schema.input, Table):
        measured += column_findings(dataset)
    measured += constant_findings(dataset)
    test = len(dataset.splits.test)
    if test < SMALL_TEST:
        values = {"count": test, "margin": 1.96 * float(np.sqrt(0.9 * 0.1 / test))}
        if dataset.schema.is_classification:
            measured.append(Finding(kind="small_test", severity="note", values=values))
        else:
            measured.append(Finding(kind="small_test_values", severity="note", values={"count": test}))
    return (*dataset.findings, *measured)


def class_findings(dataset: Dataset) -> Iterator[Finding]:
    """Small classes, classes without training examples, imbalance, and an order that follows the class."""
    names = dataset.schema.target.class_names
    counts = np.bincount(dataset.targets, minlength=len(names))
    small = [names[place] for place in np.flatnonzero(counts < FEW_EXAMPLES)]
    if small:
        values = {"count": len(small), "names": listed(small)}
        yield Finding(kind="small_classes", severity="warning", values=values)
    alike = _names_alike(names)
    if alike:
        values = {"count": len(alike), "names": listed(alike)}
        yield Finding(kind="classes_alike", severity="warning", values=values)
    in_training = np.bincount(dataset.targets[dataset.splits.train], minlength=len(names))
    unseen = [names[place] for place in np.flatnonzero((in_training == 0) & (counts > 0))]
    if unseen:
        values = {"count": len(unseen), "names": listed(unseen)}
        yield Finding(kind="class_not_in_training", severity="warning", values=values)
    ratio = float(counts.max() / max(counts[counts > 0].min(), 1))
    if ratio >= HEAVY_IMBALANCE:
        largest = int(counts.argmax())
        share = float(counts[largest] / counts.sum())
        values = {"largest": printable(names[largest]), "share": share, "ratio": ratio}
        yield Finding(kind="imbalance", severity="warning", values=values)
    if not isinstance(dataset.encoder, ImageEncoder):
        yield from _order(dataset, counts / counts.sum())


def _names_alike(names: Sequence[str]) -> list[str]:
    """Those that capitals and blanks alone tell from another: 'yes', 'Yes '."""
    folded = [" ".join(name.casefold().split()) for name in names]
    counts = Counter(folded)
    return [name for name, plain in zip(names, folded, strict=True) if counts[plain] > 1]


def dominant_class(dataset: Dataset) -> tuple[str, float] | None:
    """The class that so outweighs the others that whoever always says it looks good, with its share; else None.

    None as well where a class is so rare in the test split that a score by classes would hang on single examples.
    """
    if not dataset.schema.is_classification:
        return None
    counts = np.bincount(dataset.targets)
    tested = np.bincount(dataset.targets_at(dataset.splits.test), minlength=len(counts))[counts > 0]
    largest, share = int(counts.argmax()), float(counts.max() / max(counts.sum(), 1))
    heavy = counts.max() >= HEAVY_IMBALANCE * counts[counts > 0].min() and share >= DOMINANT_SHARE
    if not heavy or tested.min() < FEWEST_OF_A_CLASS:
        return None
    return dataset.schema.target.class_names[largest], share


def leaks(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those of a weight that every score flatters."""
    return tuple(one for one in findings if one.kind in LEAKS and one.severity != "note")


def duplicate_findings(dataset: Dataset) -> Iterator[Finding]:
    """Exact copies: in all, of test examples elsewhere, and with contradicting targets."""
    first = first_equal(dataset.inputs) if dataset.originals is None else dataset.originals
    count = len(first)
    copies = int((first != np.arange(count)).sum())
    if not copies:
        return
    elsewhere = np.zeros(count, bool)
    elsewhere[first[dataset.splits.train]] = elsewhere[first[dataset.splits.validation]] = True
    leaked = int(elsewhere[first[dataset.splits.test]].sum())
    if not leaked and dataset.splits.how in ("stratified", "random"):
        yield Finding(kind="duplicates_together", severity="note", values={"count": copies, "of": count})
    else:
        yield Finding(kind="duplicates", severity="note", values={"count": copies, "of": count})
    if leaked:
        test = len(dataset.splits.test)
        severity = "warning" if leaked >= 0.01 * test else "note"
        yield Finding(kind="duplicates_across", severity=severity, values={"count": leaked, "of": test})
    targets = dataset.targets.reshape(count, -1)
    contradictions = int((targets != targets[first]).any(axis=1).sum())
    if contradictions:
        yield Finding(kind="contradictions", severity="warning", values={"count": contradictions})


def column_findings(dataset: Dataset) -> Iterator[Finding]:
    """Columns of which a single one lets a small tree predict the validation split almost perfectly, with its score.

    Learned on at most 5000 training rows; of more than 200 columns, the 200 that vary most with the target.
    """
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    train, held = np.sort(dataset.splits.train[:_MOST_ROWS]), dataset.splits.validation[:_MOST_ROWS]
    x_train, x_held = dataset.rows_at(train), dataset.rows_at(held)
    y_train, y_held = dataset.targets[train], dataset.targets[held]
    is_classes = dataset.schema.is_classification
    if is_classes:
        baseline = float((y_held == np.bincount(y_train).argmax()).mean())
        leaves = max(2 * dataset.schema.outputs, 4)
        tree = DecisionTreeClassifier(max_leaf_nodes=leaves, min_samples_leaf=2, random_state=0)
    else:
        baseline = 0.0
        tree = DecisionTreeRegressor(max_leaf_nodes=256, min_samples_leaf=2, random_state=0)
    if baseline >= 0.999 or len(held) < FEW_EXAMPLES:
        return
    for name, places in _columns(dataset):
        score = float(tree.fit(x_train[:, places], y_train).score(x_held[:, places], y_held))
        is_given_away = score - baseline >= GIVEN_AWAY * (1 - baseline)
        if is_given_away or (is_classes and _separates(dataset, places)):
            values = {
                "column": printable(name),
                "metric": "accuracy" if is_classes else "R²",
                "score": score,
                "baseline": max(baseline, 0.0),
            }
            yield Finding(kind="gives_target_away", severity="warning", values=values)


def _separates(dataset: Dataset, places: list[int]) -> bool:
    """Whether a tree with one leaf a class separates the classes by this column, in `FEWEST_SEPARATED` examples."""
    from sklearn.tree import DecisionTreeClassifier

    rows = np.sort(
        np.concatenate([dataset.splits.train[:_MOST_ROWS], dataset.splits.validation[:_MOST_ROWS]])
    )
    if len(rows) < FEWEST_SEPARATED:
        return False
    x, y = dataset.rows_at(rows)[:, places], dataset.targets[rows]
    tree = DecisionTreeClassifier(max_leaf_nodes=max(dataset.schema.outputs, 2), random_state=0)
    return float(tree.fit(x, y).score(x, y)) == 1.0


def constant_findings(dataset: Dataset) -> Iterator[Finding]:
    """Constant features of a table, or channels of series, in training (the reader of table files finds its own)."""
    if not isinstance(dataset.schema.input, Table | Series) or isinstance(dataset.encoder, TableEncoder):
        return
    train = np.sort(dataset.splits.train)
    lowest = highest = dataset.rows_at(train[0])
    for start in range(0, len(train), _BLOCK):
        block = dataset.rows_at(train[start : start + _BLOCK])
        lowest, highest = np.minimum(lowest, block.min(axis=0)), np.maximum(highest, block.max(axis=0))
    same = (lowest == highest).reshape(len(lowest), -1).all(axis=1)
    if isinstance(dataset.schema.input, Series):
        same &= lowest.min(axis=-1) == lowest.max(axis=-1)
    if same.any():
        values = {"count": int(same.sum()), "of": len(same)}
        yield Finding(kind="constant_features", severity="note", values=values)


def _order(dataset: Dataset, shares: NDArray[np.float64]) -> Iterator[Finding]:
    labels = dataset.targets
    share = float((labels[1:] == labels[:-1]).mean())
    expected = float((shares**2).sum())
    if len(labels) < 20 or share < expected + 0.5 * (1 - expected):
        return
    values = {"share": share, "expected": expected}
    if dataset.splits.how == "given":
        yield Finding(kind="order_follows_class_split", severity="note", values=values)
    else:
        yield Finding(kind="order_follows_class", severity="note", values=values)


def _columns(dataset: Dataset) -> list[tuple[str, list[int]]]:
    """Each column's name and the places of its features; the 200 most promising where there are more."""
    if isinstance(dataset.encoder, TableEncoder):
        columns, place = [], 0
        for column in dataset.encoder.columns:
            columns.append((column.name, list(range(place, place + len(column.features)))))
            place += len(column.features)
    else:
        columns = [(f"column {place}", [place]) for place in range(dataset.schema.input.shape[0])]
    if len(columns) <= _MOST_COLUMNS:
        return columns
    rows = np.sort(dataset.splits.train[:_MOST_ROWS])
    inputs, targets = (
        dataset.rows_at(rows).astype(np.float64),
        dataset.targets[rows].reshape(len(rows), -1),
    )
    centred = inputs - inputs.mean(axis=0)
    answers = targets[:, 0]
    if dataset.schema.is_classification:
        between = np.zeros(inputs.shape[1])
        for label in np.unique(answers):
            between += (answers == label).sum() * centred[answers == label].mean(axis=0) ** 2
    else:
        between = ((answers - answers.mean()) @ centred) ** 2
    strength = between / np.maximum((centred**2).sum(axis=0), 1e-12)
    best = sorted(columns, key=lambda column: -float(strength[column[1]].max()))
    return best[:_MOST_COLUMNS]
