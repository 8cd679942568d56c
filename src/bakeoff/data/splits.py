"""Splits, made once: which examples are for training, for choosing, and for the final table."""

from dataclasses import dataclass
from itertools import pairwise
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
#: Part of the distinct times after which the first fold of a forecast begins: what is before is for training alone.
FIRST_ORIGIN = 0.6


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


def make_folds(
    schema: Schema,
    targets: NDArray[Any],
    *,
    count: int,
    seed: int = 0,
    groups: NDArray[Any] | None = None,
    times: NDArray[Any] | None = None,
    horizon: int = 1,
    same: NDArray[np.int64] | None = None,
) -> tuple[Splits, ...]:
    """`count` splits of the same examples, each with its own test part; no example is in two of these.

    Every example is tested once: in stratified folds for classes, with whole groups where `groups` are given. With
    `times` the folds are rolling origins: the latest part of the distinct times (`FIRST_ORIGIN`) is cut into blocks,
    and each is forecast from what was known before it. A fifth of what a fold may train on is its validation part.

    Args:
        count: at least 2.
        seed: of the division.
        groups: [N], labels of examples that stay together.
        times: [N], when each example's first target is.
        horizon: with `times`: how many steps a target reaches; what reaches into a later part is left out.
        same: [N], for each example the first one that equals it: exact copies stay together.

    Raises:
        DataError: there are too few examples, groups or times for so many folds.
    """
    if times is not None:
        return _rolling_origins(times, count=count, horizon=horizon)
    available = len(targets) if groups is None else len(np.unique(groups))
    if available < 2 * count:
        unit = "examples" if groups is None else "groups"
        raise DataError(
            f"There are {available} {unit}; {count} folds need at least {2 * count}: give a smaller --cv, or --cv no."
        )
    place = _fold_of(targets, groups, count=count, seed=seed)
    if same is not None and groups is None:
        place = place[same]
    return tuple(
        _one_fold(schema, targets, groups, same, place, fold=fold, seed=seed) for fold in range(count)
    )


def _fold_of(
    targets: NDArray[Any], groups: NDArray[Any] | None, *, count: int, seed: int
) -> NDArray[np.int64]:
    """The fold of each example [N]: even parts of a nested order; of groups the largest first, to the emptiest fold."""
    place = np.empty(len(targets), np.int64)
    if groups is None:
        order = nested_order(np.arange(len(targets), dtype=np.int64), targets, seed=seed)
        for fold, part in enumerate(np.array_split(order, count)):
            place[part] = fold
        return place
    _, inverse = np.unique(groups, return_inverse=True)
    sizes = np.bincount(inverse)
    shuffled = np.random.default_rng(seed).permutation(len(sizes))
    filled, of_group = np.zeros(count, np.int64), np.empty(len(sizes), np.int64)
    for group in shuffled[np.argsort(-sizes[shuffled], kind="stable")]:
        of_group[group] = int(filled.argmin())
        filled[of_group[group]] += sizes[group]
    return of_group[inverse]


def _one_fold(
    schema: Schema,
    targets: NDArray[Any],
    groups: NDArray[Any] | None,
    same: NDArray[np.int64] | None,
    place: NDArray[np.int64],
    *,
    fold: int,
    seed: int,
) -> Splits:
    rest, test = np.flatnonzero(place != fold), np.flatnonzero(place == fold)
    own = seed + 1 + fold
    train, validation = _divide(
        rest, targets, groups, part=0.2, largest=LARGEST_VALIDATION, schema=schema, seed=own
    )
    if same is not None and groups is None:
        copied = np.isin(same[train], same[validation])
        train, validation = train[~copied], np.concatenate([validation, train[copied]])
    if min(len(train), len(validation), len(test)) == 0:
        raise DataError(f"Fold {fold + 1} would have an empty part: give a smaller --cv, or --cv no.")
    return Splits(
        train=nested_order(train, targets, seed=own), validation=np.sort(validation), test=test, how="fold"
    )


def _rolling_origins(times: NDArray[Any], *, count: int, horizon: int) -> tuple[Splits, ...]:
    """Each block of the latest times is a test part; before it are validation and training, as in one split by time."""
    distinct, inverse = np.unique(times, return_inverse=True)
    tick = inverse.reshape(-1)
    cuts = np.linspace(round(FIRST_ORIGIN * len(distinct)), len(distinct), count + 1).round().astype(np.int64)
    folds = []
    for start, stop in pairwise(cuts):
        test = np.flatnonzero((tick >= start) & (tick < stop))
        middle = start - max(round(0.2 * start), 1)
        # The targets of a window end before the next part begins.
        validation = np.flatnonzero((tick >= middle) & (tick + horizon <= start))
        train = np.flatnonzero(tick + horizon <= middle)
        if min(len(train), len(validation), len(test)) == 0:
            raise DataError(
                f"{len(distinct)} moments are too few for {count} folds in time with a horizon of {horizon}: give a "
                "smaller --cv, or --cv no."
            )
        latest_first = train[np.argsort(-tick[train], kind="stable")]
        folds.append(Splits(train=latest_first, validation=validation, test=test, how="by time"))
    return tuple(folds)
