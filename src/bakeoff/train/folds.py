"""The tensors of several folds side by side, so that trainings of all of them are one stack.

Each fold scales its examples by its own training part, so an example lies here once for each fold that reads it. That
is little: data with folds are small. A replica of a fold is drawn from that fold's training part alone, goes through
the evaluation of all, and only its own rows are read.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from bakeoff.data.dataset import Dataset
from bakeoff.data.schema import Schema
from bakeoff.errors import DataError
from bakeoff.models.layers.graphs import GraphBatch, joined_batches
from bakeoff.train.tensors import Batch, Examples, Resident, TrainingData


class FoldedData:
    """What a stack reads of `TrainingData`, of all folds together.

    Args:
        folds: the tensors of each fold, all in memory (`TrainingData.resident`).

    Attributes:
        train, validation, test: those of the folds, one after another.
    """

    def __init__(self, folds: Mapping[int, TrainingData]) -> None:
        assert folds
        assert all(data.resident for data in folds.values())
        self.folds = dict(folds)
        first = next(iter(self.folds.values()))
        self.dataset: Dataset = first.dataset
        self.schema: Schema = first.schema
        self.dtype, self.device, self.target_scaling = first.dtype, first.device, first.target_scaling
        self.outputs = first.outputs
        self.train: Examples = _joined([data.train for data in self.folds.values()])
        self.validation: Examples = _joined([data.validation for data in self.folds.values()])
        self.test: Examples = _joined([data.test for data in self.folds.values()])

    def subset(self, *, seed: int, examples: int, fold: int | None = None) -> Tensor:
        """Positions in `train` of this fold's training set of this seed and size; of the first fold where None."""
        fold = next(iter(self.folds)) if fold is None else fold
        return self._rows("train", fold).start + self.folds[fold].subset(seed=seed, examples=examples)

    def validation_rows(self, fold: int | None) -> slice:
        """Where this fold's examples lie in `validation`."""
        return slice(None) if fold is None else self._rows("validation", fold)

    def test_rows(self, fold: int | None) -> slice:
        """Where this fold's examples lie in `test`."""
        return slice(None) if fold is None else self._rows("test", fold)

    def _rows(self, part: str, fold: int) -> slice:
        start = 0
        for name, data in self.folds.items():
            size = len(getattr(data, part))
            if name == fold:
                return slice(start, start + size)
            start += size
        raise KeyError(fold)

    def validation_targets(self) -> Tensor:
        """Of all folds, one after another, as they are in the data."""
        return torch.cat([data.validation_targets() for data in self.folds.values()])

    def in_unit_of_data(self, outputs: Tensor, fold: int | None = None) -> Tensor:
        """As `TrainingData.in_unit_of_data`, with the scaling of this fold's targets."""
        return self.of_fold(fold).in_unit_of_data(outputs)

    def stored(self, outputs: Tensor, fold: int | None = None) -> np.ndarray:
        """As `TrainingData.stored`, with the scaling of this fold's targets."""
        return self.of_fold(fold).stored(outputs)

    def read_by(self, module: nn.Module) -> "FoldedData":
        """These data as this network reads them (`TrainingData.read_by`).

        Raises:
            DataError: dense views of the graphs of all folds do not fit into memory.
        """
        read = {fold: data.read_by(module) for fold, data in self.folds.items()}
        if all(data is self.folds[fold] for fold, data in read.items()):
            return self
        if not all(data.resident for data in read.values()):
            raise DataError(
                "This network reads no edges, and its dense views of the graphs are too large for folds: give --cv no."
            )
        return FoldedData(read)

    def evaluation_places(self, examples: Examples, rows: int) -> Sequence[Tensor]:
        """Positions of a split in parts of so many predictions."""
        return torch.arange(len(examples)).split(max(rows, 1))  # type: ignore[no-untyped-call, no-any-return]

    def of_fold(self, fold: int | None) -> TrainingData:
        """What a training of this fold alone would read; of the first fold where None."""
        return self.folds[next(iter(self.folds)) if fold is None else fold]


#: What a stack trains on.
StackData = TrainingData | FoldedData


def _joined(parts: list[Examples]) -> Resident:
    batches = [_everything(part) for part in parts]
    graphs = [batch.inputs for batch in batches if isinstance(batch.inputs, GraphBatch)]
    known = [batch.lengths for batch in batches if batch.lengths is not None]
    return Resident(
        Batch(
            joined_batches(graphs) if graphs else torch.cat([batch.array for batch in batches]),
            torch.cat([batch.targets for batch in batches]),
            torch.cat(known) if known else None,
        )
    )


def _everything(part: Examples) -> Batch:
    assert isinstance(part, Resident)
    return part.everything
