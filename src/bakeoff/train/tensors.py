"""The tensors that a training reads, made from a `Dataset` once.

Small sets are scaled and kept in memory; the batches of large ones are gathered from the dataset (perhaps a file
mapped into memory) and scaled when they are needed. Targets that are numbers are standardised with the training
split's mean and deviation, so that one learning rate fits all units.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

from bakeoff.data.dataset import Dataset, training_order
from bakeoff.data.packed_graphs import PackedGraphs
from bakeoff.data.schema import Graph, Tokens
from bakeoff.data.splits import Indices
from bakeoff.models.layers.graphs import GraphBatch, network_inputs, tensors_of
from bakeoff.models.layers.views import dense, takes_graphs
from bakeoff.tasks.registry import task_of
from bakeoff.tasks.target_scaling import as_stored

#: A dataset whose scaled examples take no more than this is held in memory as tensors.
RESIDENT_BYTES = 256 * 2**20


class Batch(NamedTuple):
    """Some predictions to make, and what a network is given for them.

    Attributes:
        inputs: of the examples, [B, ...], or graphs.
        targets: int64 [P] or standardised [P, outputs], one a prediction.
        lengths: true lengths int64 [B], or None.
        places: the rows of the network's outputs that are predictions of this batch, int64 [P]; None where they are all
            its rows, one an example.
    """

    inputs: Tensor | GraphBatch
    targets: Tensor
    lengths: Tensor | None
    places: Tensor | None = None

    @property
    def array(self) -> Tensor:
        """The inputs, which are no graphs, as one tensor [B, ...]."""
        assert isinstance(self.inputs, Tensor), "graphs are no array"
        return self.inputs

    def answers(self, outputs: Tensor) -> Tensor:
        """Those of a network's outputs that belong to the targets."""
        return outputs if self.places is None else outputs.index_select(0, self.places)


@runtime_checkable
class Examples(Protocol):
    """One split.

    Attributes:
        resident: whether all its examples are in memory as tensors.
    """

    resident: bool

    def __len__(self) -> int: ...

    def at(self, positions: Tensor) -> Batch:
        """The predictions at these positions, int64 [P]."""
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
        inputs, targets, lengths, _ = self.everything
        positions = positions.to(targets.device)
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
        is_dense: whether graphs are given as dense views, for networks that read no edges.

    Attributes:
        schema, task: the dataset's.
        train, validation, test: `Examples`; positions of `train` count the training indices in ascending order.
        target_scaling: None for classes.
        is_dense: whether inputs are arrays even where the examples are graphs.
    """

    def __init__(
        self,
        dataset: Dataset,
        *,
        dtype: torch.dtype = torch.float32,
        device: str | torch.device = "cpu",
        resident_bytes: int = RESIDENT_BYTES,
        is_dense: bool = False,
    ) -> None:
        self.dataset, self.schema, self.dtype, self.device = (
            dataset,
            dataset.schema,
            dtype,
            torch.device(device),
        )
        self._resident_bytes, self.is_dense = resident_bytes, is_dense
        self._train_indices = np.sort(dataset.splits.train)
        self._orders: dict[int, Tensor] = {}
        self._kept: tuple[Indices, Tensor | GraphBatch] | None = None
        self.task = task_of(self.schema)
        self.target_scaling = self.task.target_scaling(dataset)
        self.resident = dataset.offsets is None and self._input_bytes() <= resident_bytes
        self.train = self._examples(self._train_indices)
        self.validation = self._examples(dataset.splits.validation)
        self.test = self._examples(dataset.splits.test)

    @property
    def outputs(self) -> int:
        return self.schema.outputs

    def evaluation_places(self, examples: Examples, rows: int) -> Sequence[Tensor]:
        """Positions of a split in parts of so many predictions; one part where one pass over an example gives many."""
        count = len(examples) if self.dataset.offsets is not None else rows
        return torch.arange(len(examples)).split(max(count, 1))  # type: ignore[no-untyped-call, no-any-return]

    def read_by(self, module: nn.Module) -> "TrainingData":
        """These data as this network reads them: graphs edge by edge, or as dense views where it reads no edges."""
        if not isinstance(self.schema.input, Graph) or takes_graphs(module) or self.is_dense:
            return self
        return self._dense

    @cached_property
    def _dense(self) -> "TrainingData":
        return TrainingData(
            self.dataset,
            dtype=self.dtype,
            device=self.device,
            resident_bytes=self._resident_bytes,
            is_dense=True,
        )

    def _input_bytes(self) -> int:
        """Of all examples, as a network is given them."""
        inputs, kind = self.dataset.inputs, self.schema.input
        if isinstance(inputs, PackedGraphs) and not self.is_dense:
            return sum(array.size for array in inputs.arrays().values()) * 8
        item = 8 if isinstance(kind, Tokens) else self.dtype.itemsize
        return len(inputs) * math.prod(kind.shape) * item

    def _examples(self, indices: Indices) -> Examples:
        return Resident(self.gather(indices)) if self.resident else _Streamed(self, indices)

    def gather(self, indices: Indices) -> Batch:
        """Scaled inputs, standardised targets and lengths of these predictions of the dataset."""
        examples, places = self.dataset.examples_of(indices)
        inputs = self._inputs(examples)
        targets = torch.from_numpy(np.ascontiguousarray(self.dataset.targets_at(indices)))
        if self.target_scaling is not None:
            targets = self.target_scaling.apply(targets).to(self.dtype)
        else:
            targets = targets.to(torch.int64)
        lengths = self.dataset.lengths_at(examples)
        return Batch(
            inputs,
            self._send(targets),
            None if lengths is None else self._send(torch.from_numpy(np.ascontiguousarray(lengths))),
            None if self.dataset.offsets is None else self._send(torch.from_numpy(places)),
        )

    def _inputs(self, examples: Indices) -> Tensor | GraphBatch:
        """The inputs of these examples; those with several predictions are kept until others are asked for."""
        if self._kept is not None and np.array_equal(self._kept[0], examples):
            return self._kept[1]
        inputs = network_inputs(self.dataset.inputs_at(examples), self.schema.input)
        if isinstance(inputs, GraphBatch):
            inputs = inputs.each(self._send)
            inputs = dense(inputs) if self.is_dense else inputs
        else:
            inputs = self._send(inputs)
        self._kept = None if self.dataset.offsets is None else (examples, inputs)
        return inputs

    def _send(self, tensor: Tensor) -> Tensor:
        """The tensor on the device, numbers in the format of the training."""
        if tensor.is_floating_point():
            tensor = tensor.to(self.dtype)
        if self.device.type == "cuda":
            return tensor.pin_memory().to(self.device, non_blocking=True)
        return tensor.to(self.device)

    def subset(self, *, seed: int, examples: int, fold: int | None = None) -> Tensor:
        """Positions in `train`, int64 [examples], of the training set of this seed and size; all of one fold."""
        if seed not in self._orders:
            order = training_order(self.dataset, seed=seed)
            self._orders[seed] = torch.from_numpy(np.searchsorted(self._train_indices, order))
        return self._orders[seed][:examples]

    def of_fold(self, fold: int | None) -> "TrainingData":
        """These data: all of one fold (in `FoldedData`, those of this fold)."""
        return self

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

    def stored(self, outputs: Tensor, fold: int | None = None) -> np.ndarray:
        """The same on the CPU, as they are stored: float32, or float64 where float32 would round the targets."""
        return as_stored(self.in_unit_of_data(outputs.cpu().double()), self.target_scaling).numpy()


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
            for part in (*tensors_of(batch.inputs), *batch[1:]):
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
