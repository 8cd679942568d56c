"""Folds of a dataset: whether there can be any, a fold as a dataset of its own, and what all folds test together."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bakeoff.data.assembly import with_scaling
from bakeoff.data.copies import first_equal
from bakeoff.data.dataset import Dataset
from bakeoff.data.schema import Forecast
from bakeoff.data.splits import Indices, Splits, make_folds


def with_folds(dataset: Dataset, count: int, *, seed: int) -> Dataset:
    """The dataset with `count` folds: by group, by time or stratified, as its split is.

    Raises:
        DataError: there are too few examples, groups or times for so many folds.
    """
    by_time = isinstance(dataset.schema.target, Forecast)
    folds = make_folds(
        dataset.schema,
        dataset.targets,
        count=count,
        seed=seed,
        groups=None if by_time else dataset.groups,
        times=dataset.times if by_time else None,
        horizon=dataset.schema.target.horizon if isinstance(dataset.schema.target, Forecast) else 1,
        same=None if by_time else first_equal(dataset.inputs),
    )
    return replace(dataset, folds=folds)


def of_fold(dataset: Dataset, fold: int | None) -> Dataset:
    """The dataset as a training of this fold sees it: its splits, and inputs scaled by its training part alone.

    Args:
        fold: None for the dataset as it is.
    """
    if fold is None:
        return dataset
    return with_scaling(replace(dataset, splits=dataset.folds[fold], folds=()))


def fold_training_size(dataset: Dataset) -> int:
    """The training size of all folds: that of the smallest one, so that scores of folds are of equal sizes."""
    return min(len(fold.train) for fold in dataset.folds)


def pooled(dataset: Dataset, folds: Sequence[int]) -> Dataset:
    """The dataset whose test (and validation) part is that of these folds, one after another."""
    parts = [dataset.folds[fold] for fold in folds]
    splits = Splits(
        train=dataset.splits.train,
        validation=np.concatenate([part.validation for part in parts]),
        test=np.concatenate([part.test for part in parts]),
        how="folds",
    )
    return replace(dataset, splits=splits)


def fold_labels(dataset: Dataset, folds: Sequence[int]) -> Indices:
    """The fold of each tested example, in the order of `pooled`."""
    return np.concatenate([np.full(len(dataset.folds[fold].test), fold, np.int64) for fold in folds])


def for_all_examples(dataset: Dataset) -> Dataset:
    """The dataset on which the network that is handed over is trained, when the folds have said how good it is.

    Nothing is left out for a test. What would have been validation still decides when to stop; all else is for
    training. (The test part repeats the validation part, since a training computes it; nobody reads it.)
    """
    splits = dataset.splits
    train = np.concatenate([splits.train, splits.test])
    if splits.how == "by time" or isinstance(dataset.schema.target, Forecast):
        train = train[np.argsort(-_times(dataset)[train], kind="stable")]
    final = Splits(train=train, validation=splits.validation, test=splits.validation, how=splits.how)
    return with_scaling(replace(dataset, splits=final, folds=()))


def _times(dataset: Dataset) -> Indices:
    assert dataset.times is not None
    return np.asarray(dataset.times)
