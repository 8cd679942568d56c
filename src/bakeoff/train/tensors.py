"""The tensors that a training reads, made from a `Dataset` once.

Small sets are scaled and kept in memory; the batches of large ones are gathered from the dataset (perhaps a file
mapped into memory) and scaled when they are needed. Targets that are numbers are standardised with the training
split's mean and deviation, so that one learning rate fits all units.
"""

import math
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from bakeoff.data.dataset import Dataset, training_order
from bakeoff.data.schema import Tokens
from bakeoff.data.splits import Indices
from bakeoff.tasks.registry import task_of

#: A dataset whose scaled examples take no more than this is held in memory as tensors.
RESIDENT_BYTES = 256 * 2**20


class Batch(NamedTuple):
    """Inputs [B, ...], targets int64 [B] or standardised [B, outputs], true lengths int64 [B] or None."""

    inputs: Tensor
    targets: Tensor
    lengths: Tensor | None


@runtime_checkable
class Examples(Protocol):
    """One split.

    Attributes:
        resident: whether all its examples are in memory as tensors.
    """

    resident: bool

    def __len__(self) -> int: ...

    def at(self, positions: Tensor) -> Batch:
        """The examples at these positions, int64 [B]."""
        ...


class Resident:
    """All examples of a split as tensors.

    Attributes:
        everything: the whole split as one batch.
    """

    resident = True

    def __init__(self, everything: Batch) -> None:
        self.everything = everything

    def __len__(self) -> int:
        return len(self.everything.targets)

    def at(self, positions: Tensor) -> Batch:
        inputs, targets, lengths = self.everything
        positions = positions.to(inputs.device)
        return Batch(
            inputs.index_select(0, positions),
            targets.index_select(0, positions),
            None if lengths is None else lengths.index_select(0, positions),
        )


class _Streamed:
    """A split whose examples are gathered and scaled when they are asked for."""

    resident = False

    def __init__(self, source: "TrainingData", indices: Indices) -> None:
        self._source, self._indices = source, indices

    def __len__(self) -> int:
        return len(self._indices)

    def at(self, positions: Tensor) -> Batch:
        return self._source.gather(self._indices[positions.cpu().numpy()])


class TrainingData:
    """A dataset's three splits, ready for training.

    Args:
        dataset: where the examples come from.
        dtype: of inputs and of targets that are numbers; float64 in tests.
        device: where resident tensors and batches live.
        resident_bytes: larger datasets are gathered batch by batch.

    Attributes:
        schema, task: the dataset's.
        train, validation, test: `Examples`; positions of `train` count the training indices in ascending order.
        target_scaling: None for classes.
    """

    def __init__(
        self,
        dataset: Dataset,
        *,
        dtype: torch.dtype = torch.float32,
        device: str | torch.device = "cpu",
        resident_bytes: int = RESIDENT_BYTES,
    ) -> None:
        self.dataset, self.schema, self.dtype, self.device = (
            dataset,
            dataset.schema,
            dtype,
            torch.device(device),
        )
        self._train_indices = np.sort(dataset.splits.train)
        self._orders: dict[int, Tensor] = {}
        self.task = task_of(self.schema)
        self.target_scaling = self.task.target_scaling(dataset)
        item = 8 if isinstance(self.schema.input, Tokens) else dtype.itemsize
        self.resident = len(dataset) * math.prod(self.schema.input.shape) * item <= resident_bytes
        self.train = self._examples(self._train_indices)
        self.validation = self._examples(dataset.splits.validation)
        self.test = self._examples(dataset.splits.test)

    @property
    def outputs(self) -> int:
        return self.schema.outputs

    def _examples(self, indices: Indices) -> Examples:
        return Resident(self.gather(indices)) if self.resident else _Streamed(self, indices)

    def gather(self, indices: Indices) -> Batch:
        """Scaled inputs, standardised targets and lengths of these examples of the dataset."""
        inputs = torch.from_numpy(self.dataset.inputs_at(indices))
        targets = torch.from_numpy(np.ascontiguousarray(self.dataset.targets_at(indices)))
        lengths = self.dataset.lengths_at(indices)
        if inputs.is_floating_point():
            inputs = inputs.to(self.dtype)
        if self.target_scaling is not None:
            targets = self.target_scaling.apply(targets).to(self.dtype)
        else:
            targets = targets.to(torch.int64)
        return Batch(
            self._send(inputs),
            self._send(targets),
            None if lengths is None else self._send(torch.from_numpy(np.ascontiguousarray(lengths))),
        )

    def _send(self, tensor: Tensor) -> Tensor:
        if self.device.type == "cuda":
            return tensor.pin_memory().to(self.device, non_blocking=True)
        return tensor.to(self.device)

    def subset(self, *, seed: int, examples: int, fold: int | None = None) -> Tensor:
        """Positions in `train`, int64 [examples], of the training set of this seed and size; all of one fold."""
        if seed not in self._orders:
            order = training_order(self.dataset, seed=seed)
            self._orders[seed] = torch.from_numpy(np.searchsorted(self._train_indices, order))
        return self._orders[seed][:examples]

    def validation_rows(self, fold: int | None) -> slice:
        """Where a replica's examples lie in `validation` (in `FoldedData`, those of its fold)."""
        return slice(None)

    def test_rows(self, fold: int | None) -> slice:
        """Where a replica's examples lie in `test`."""
        return slice(None)

    def validation_targets(self) -> Tensor:
        """As they are in the data: int64 [N], or [N, size]."""
        return torch.from_numpy(self.dataset.targets_at(self.dataset.splits.validation))

    def in_unit_of_data(self, outputs: Tensor, fold: int | None = None) -> Tensor:
        """Log-probabilities of the classes, or values in the data's unit, from a network's outputs [..., outputs]."""
        return self.task.in_unit_of_data(outputs, self.target_scaling)


def read_ahead(examples: Examples, positions: Iterable[Tensor]) -> Iterator[Batch]:
    """The batches at these positions, each gathered by a thread while the previous one is used.

    Batches for CUDA are copied on a stream of their own, from pinned memory, during the running step. Examples that are
    in memory anyway (`examples.resident`) are not gathered ahead.
    """
    if examples.resident:
        yield from map(examples.at, positions)
        return
    side = torch.cuda.Stream() if torch.cuda.is_available() else None  # type: ignore[no-untyped-call]

    def gather(place: Tensor) -> tuple[Batch, torch.cuda.Event | None]:
        if side is None:
            return examples.at(place), None
        with torch.cuda.stream(side):
            return examples.at(place), side.record_event()

    def ready(future: "Future[tuple[Batch, torch.cuda.Event | None]]") -> Batch:
        batch, copied = future.result()
        if copied is not None:
            torch.cuda.current_stream().wait_event(copied)
            for part in batch:
                if part is not None and part.is_cuda:
                    part.record_stream(torch.cuda.current_stream())
        return batch

    with ThreadPoolExecutor(max_workers=1) as pool:
        waiting = None
        for place in positions:
            coming = pool.submit(gather, place)
            if waiting is not None:
                yield ready(waiting)
            waiting = coming
        if waiting is not None:
            yield ready(waiting)
