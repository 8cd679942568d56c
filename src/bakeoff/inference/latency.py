"""How long a network takes to answer on this machine: measured, on one thread, from raw inputs to outputs."""

import time
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from bakeoff.data.dataset import Dataset, Inputs
from bakeoff.inference.predictor import Predictor
from bakeoff.system.patches import PROCESS_LOCK

#: Calls that are timed, at least and at most; between them as many as fit into `SECONDS`.
FEWEST_CALLS, MOST_CALLS = 10, 200
SECONDS = 0.5
#: Calls before the first timed one: PyTorch chooses its kernels in the first.
WARM_UP_CALLS = 3


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Seconds of one call for a batch.

    Attributes:
        batch: examples a call.
        median_seconds, p95_seconds: median and 95th percentile over the calls.
        calls: how many were timed.
    """

    batch: int
    median_seconds: float
    p95_seconds: float
    calls: int


def latency_of(predictor: Predictor, dataset: Dataset, batch: int) -> Latency:
    """Time the answers to a batch of the dataset's test examples (repeated, where there are fewer).

    What reading a file takes is left out; scaling is in. The number of threads is set for the whole process meanwhile.

    >>> from bakeoff import load
    >>> from bakeoff.models import build
    >>> iris = load("iris")
    >>> weights = build("mlp", iris.schema).state_dict()
    >>> found = latency_of(Predictor.of(iris, model="mlp", width=None, weights=weights), iris, 2)
    >>> found.batch, 0 < found.median_seconds <= found.p95_seconds
    (2, True)
    """
    rows = np.resize(dataset.splits.test, batch)
    inputs = dataset.inputs[rows]
    lengths = None if dataset.lengths is None else np.asarray(dataset.lengths[rows])
    with PROCESS_LOCK:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            seconds = _timed(predictor, inputs, lengths)
        finally:
            torch.set_num_threads(threads)
    return Latency(
        batch=batch,
        median_seconds=float(np.median(seconds)),
        p95_seconds=float(np.percentile(seconds, 95)),
        calls=len(seconds),
    )


def _timed(predictor: Predictor, inputs: Inputs, lengths: NDArray[np.int64] | None) -> list[float]:
    for _ in range(WARM_UP_CALLS):
        predictor.outputs(inputs, lengths)
    seconds: list[float] = []
    while len(seconds) < FEWEST_CALLS or (sum(seconds) < SECONDS and len(seconds) < MOST_CALLS):
        started = time.perf_counter()
        predictor.outputs(inputs, lengths)
        seconds.append(time.perf_counter() - started)
    return seconds
