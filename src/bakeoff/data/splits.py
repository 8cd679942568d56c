"""Splits, made once: which examples are for training, for choosing, and for the final table."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.schema import Schema
from bakeoff.errors import DataError

Indices = NDArray[np.int64]
#: The largest test split: the standard error of an accuracy is then at most 0.5 points.
LARGEST_TEST = 10_000
#: The largest validation split.
LARGEST_VALIDATION = 5_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Splits:
    """The indices of the predictions for training, for choosing settings (validation) and for the final scores (test).

    Any prefix of `train` may be used as a smaller training set (see `nested_order`).
    """

    train: Indices
    validation: Indices
    test: Indices
    how: str = "given"


def nested_order(indices: Indices, targets: NDArray[Any], *, seed: int) -> Indices:
    """A shuffled order in which every prefix has about the class proportions of the full set.

    Each class is shuffled, its members are spread evenly over [0, 1) from a random start, and all are sorted by
    that position: a systematic stratified sample, nested by construction. Real-valued targets are only shuffled.
    """
    rng = np.random.default_rng(seed)
    indices = rng.permutation(indices)
    if targets.dtype.kind not in "iu":
        return indices
    position = np.empty(len(indices))
    labels = targets[indices]
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        position[members] = (np.arange(len(members)) + rng.random()) / len(members)
    return indices[np.argsort(position, kind="stable")]


def make_splits(
    schema: Schema,
    targets: NDArray[Any],
    *,
    seed: int = 0,
    groups: NDArray[Any] | None = None,
    test: Indices | None = None,
    validation: Indices | None = None,
    times: NDArray[Any] | None = None,
    originals: Indices | None = None,
) -> Splits:
    """Splits of about 64 % training, 16 % validation and 20 % test.

    Stratified for classes; whole groups on one side where `groups` are given; the latest examples for test, those
    before them for validation where `times` are given; parts that came with the data are kept. Exact copies follow
    the first of them (`originals`, [N]) to its side, unless most examples are copies: then the data repeat themselves.

    Raises:
        DataError: fewer than ten examples, or a part would be empty.
    """
    count = len(targets)
    if count < 10:
        raise DataError(
            f"There are {count} examples in all; a comparison needs at least 10 (and some hundreds to mean anything). "
            "Collect more examples first."
        )
    everything = np.arange(count, dtype=np.int64)
    if times is not None:
        return _splits_by_time(times, test=test, validation=validation)
    how = "given"
    rest = everything
    if test is None:
        rest, test = _divide(
            everything, targets, groups, part=0.2, largest=LARGEST_TEST, schema=schema, seed=seed
        )
        how = "by group" if groups is not None else "stratified" if schema.is_classification else "random"
    else:
        rest = _without(everything, test)
    if validation is None:
        rest, validation = _divide(
            rest, targets, groups, part=0.2, largest=LARGEST_VALIDATION, schema=schema, seed=seed + 1
        )
    else:
        rest = _without(rest, validation)
    if originals is not None and groups is None and how != "given":
        rest, validation, test = _copies_together((rest, validation, test), targets, originals)
    for name, part in (("training", rest), ("validation", validation), ("test", test)):
        if len(part) == 0:
            if groups is not None and (known := len(np.unique(groups))) < 3:
                raise DataError(
                    f"The groups have only {known} different {'values' if known > 1 else 'value'}, and training, "
                    "validation and test need a group each: name another column, or leave the groups out."
                )
            raise DataError(
                f"The {name} split would be empty with {count} examples: give more examples or smaller groups."
            )
    return Splits(
        train=nested_order(rest, targets, seed=seed + 2),
        validation=np.sort(validation),
        test=np.sort(test),
        how=how,
    )


def _without(indices: Indices, others: Indices) -> Indices:
    """Those that are not among the others, in ascending order."""
    return np.sort(indices[~np.isin(indices, others)])


def _copies_together(
    parts: tuple[Indices, Indices, Indices], targets: NDArray[Any], originals: Indices
) -> tuple[Indices, Indices, Indices]:
    """The parts with every exact copy where the first of its kind is; unchanged where that would cost a class."""
    is_copy = originals != np.arange(len(originals))
    if not is_copy.any() or 2 * is_copy.sum() > len(originals):
        return parts
    place = np.empty(len(originals), np.int64)
    for number, part in enumerate(parts):
        place[part] = number
    place = place[originals]
    moved = tuple(np.flatnonzero(place == number) for number in range(len(parts)))
    if targets.dtype.kind in "iu" and len(np.unique(targets[moved[0]])) < len(np.unique(targets[parts[0]])):
        return parts
    return moved if all(len(part) for part in moved) else parts  # type: ignore[return-value]


def _divide(
    indices: Indices,
    targets: NDArray[Any],
    groups: NDArray[Any] | None,
    *,
    part: float,
    largest: int,
    schema: Schema,
    seed: int,
) -> tuple[Indices, Indices]:
    """(rest, part) of the indices; a class with a single example stays in the rest."""
    wanted = min(max(round(len(indices) * part), 1), largest)
    if groups is not None:
        rng = np.random.default_rng(seed)
        names, inverse = np.unique(groups[indices], return_inverse=True)
        sizes = np.bincount(inverse)[(order := rng.permutation(len(names)))]
        taken = max(1, int(np.searchsorted(np.cumsum(sizes), wanted, side="left")) + 1)
        chosen = np.isin(inverse, order[: min(taken, len(names) - 1)])
        return indices[~chosen], indices[chosen]
    if schema.is_classification:
        labels = targets[indices]
        lonely = np.isin(labels, np.flatnonzero(np.bincount(labels, minlength=schema.target.size) < 2))
        order = nested_order(indices[~lonely], targets, seed=seed)
        chosen_indices = order[: min(wanted, max(len(order) - schema.target.size, 1))]
    else:
        chosen_indices = np.random.default_rng(seed).permutation(indices)[:wanted]
    return _without(indices, chosen_indices), chosen_indices


def _splits_by_time(times: NDArray[Any], *, test: Indices | None, validation: Indices | None) -> Splits:
    """Splits by time: training first, then validation, then test.

    The training examples are in order from the latest to the earliest, so that a prefix is the recent past.
    """
    order = np.argsort(times, kind="stable").astype(np.int64)
    if test is None:
        cut = len(order) - min(max(round(len(order) * 0.2), 1), LARGEST_TEST)
        order, test = order[:cut], order[cut:]
    else:
        order = order[~np.isin(order, test)]
    if validation is None:
        cut = len(order) - min(max(round(len(order) * 0.2), 1), LARGEST_VALIDATION)
        order, validation = order[:cut], order[cut:]
    else:
        order = order[~np.isin(order, validation)]
    return Splits(train=order[::-1].copy(), validation=np.sort(validation), test=np.sort(test), how="by time")
