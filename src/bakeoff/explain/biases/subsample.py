"""A part of large data that is enough for a table of biases."""

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Dataset
from bakeoff.study.protocol import WHY_MOST_TEST_EXAMPLES, WHY_MOST_TRAINING_EXAMPLES


def limited(dataset: Dataset) -> Dataset:
    """The dataset in memory, with at most `WHY_MOST_TRAINING_EXAMPLES` training examples, and at most
    `WHY_MOST_TEST_EXAMPLES` in either other split."""
    splits = dataset.splits
    parts = [splits.train[:WHY_MOST_TRAINING_EXAMPLES], _thinned(splits.validation), _thinned(splits.test)]
    if sum(map(len, parts)) == len(dataset):
        return dataset
    rows = np.sort(np.concatenate(parts))
    train, validation, test = (np.searchsorted(rows, part) for part in parts)
    chosen = type(splits)(train=train, validation=validation, test=test, how=splits.how)
    return dataset.subset(rows, chosen)


def _thinned(part: NDArray[np.int64]) -> NDArray[np.int64]:
    if len(part) <= WHY_MOST_TEST_EXAMPLES:
        return part
    return part[np.linspace(0, len(part) - 1, WHY_MOST_TEST_EXAMPLES).astype(np.int64)]
