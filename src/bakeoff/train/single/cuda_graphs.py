"""CUDA graphs: a training step is recorded once and replayed, for small steps whose launching takes most of the time.

After `torch.cuda.CUDAGraph`'s documentation: some ordinary steps on a side stream, then the recording, then replays
on the same memory, into which each batch is copied.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from bakeoff.train.tensors import Batch

#: Ordinary steps before the recording, so that every library has chosen its kernels and the optimiser has its state.
WARM_UP_STEPS = 3
#: One training step on a batch on the device; returns the loss.
Update = Callable[[Batch], Tensor]


class GraphedStep:
    """Runs `update` as a recorded graph for batches of one shape, and directly for others (a short last batch).

    Args:
        update: one training step on a batch on the device; returns the loss.
    """

    def __init__(self, update: Update) -> None:
        self._update = update
        self._taken = 0
        self._graph: torch.cuda.CUDAGraph | None = None
        self._batch: Batch | None = None
        self._loss: Tensor | None = None

    def __call__(self, batch: Batch) -> Tensor:
        if (
            self._graph is not None
            and self._batch is not None
            and batch.array.shape == self._batch.array.shape
        ):
            self._fill(batch)
            self._graph.replay()
            assert self._loss is not None
            return self._loss.clone()
        if self._taken >= WARM_UP_STEPS and self._graph is None:
            self._record(batch)
            return self(batch)
        self._taken += 1
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            loss = self._update(batch)
        torch.cuda.current_stream().wait_stream(side)
        return loss

    def _fill(self, batch: Batch) -> None:
        assert self._batch is not None
        for own, given in zip(self._batch, batch, strict=True):
            if isinstance(own, Tensor) and isinstance(given, Tensor):
                own.copy_(given)

    def _record(self, batch: Batch) -> None:
        """Record the step without computing it; the replay that follows takes it."""
        others = (None if part is None else part.clone() for part in batch[1:])
        self._batch = Batch(batch.array.clone(), *others)  # type: ignore[arg-type]
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._loss = self._update(self._batch)
        self._graph = graph
