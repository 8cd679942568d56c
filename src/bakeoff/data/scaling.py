"""Scaling of inputs: mean and deviation a channel or feature, learned from the training split alone."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.packed_graphs import PackedGraphs

#: Numbers are centred before they become float32 where its rounding exceeds this part of their standard deviation.
ROUNDING_SHARE = 1e-3
#: Values that are converted to float64 at once for that.
STATISTICS_BLOCK_NUMBERS = 1 << 20
#: Rows, evenly spread, by which it is decided whether numbers need float64.
_SAMPLE_ROWS = 20_000
#: Means from which on float32 is not exact to the last whole number.
LARGE_OFFSET = float(1 << 20)


@dataclass(frozen=True, kw_only=True, eq=False)
class Scaling:
    """`(x - mean) / std`, per channel or feature, broadcast over the rest of an example's axes.

    Of graphs, the entries after those of the F features are of the weights of edges, with mean 0: no edge stays none.


    Attributes:
        mean: [C], float64: inputs in float64 are centred before they become float32, which rounds a large offset.
        std: [C].
    """

    mean: NDArray[np.float64]
    std: NDArray[np.float32]

    def apply(self, inputs: NDArray[Any]) -> NDArray[np.float32]:
        """Inputs [B, C, ...] of any number type to float32 of the same shape."""
        axes = (1, -1) + (1,) * (inputs.ndim - 2)
        mean = self.mean.reshape(axes)
        if inputs.dtype == np.float64:
            out = (inputs - mean).astype(np.float32)
        else:
            out = inputs.astype(np.float32)
            out -= mean.astype(np.float32)
        out /= self.std.reshape(axes)
        return out

    @staticmethod
    def learn(inputs: NDArray[Any], lengths: NDArray[np.int64] | None = None) -> "Scaling":
        """From training inputs [N, C, ...]; padded steps (beyond `lengths`, on the last axis) do not count.

        A channel that never changes keeps std 1, so that it becomes 0 and not infinite.
        """
        axes = (0, *range(2, inputs.ndim))
        shape = (1, -1) + (1,) * (inputs.ndim - 2)
        count, total = 0.0, np.zeros(inputs.shape[1])
        for values, real in _blocks(inputs, lengths):
            count += real.sum() if lengths is not None else values.size / inputs.shape[1]
            total += (values * real).sum(axis=axes)
        mean = total / max(count, 1.0)
        squares = np.zeros(inputs.shape[1])
        for values, real in _blocks(inputs, lengths):
            squares += (((values - mean.reshape(shape)) * real) ** 2).sum(axis=axes)
        std = np.sqrt(squares / max(count, 1.0))
        constant = std < constant_below(inputs.dtype) * np.maximum(np.abs(mean), 1.0)
        return Scaling(mean=_stored(mean), std=np.where(constant, 1.0, std).astype(np.float32))

    def to_json(self) -> dict[str, list[float]]:
        return {"mean": self.mean.tolist(), "std": self.std.tolist()}

    @staticmethod
    def from_json(record: dict[str, list[float]]) -> "Scaling":
        return Scaling(mean=np.asarray(record["mean"], np.float64), std=np.asarray(record["std"], np.float32))


def _stored(mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean as float32 has it, where that is near enough: what is stored stays short, and results the same."""
    rounded = mean.astype(np.float32).astype(np.float64)
    return np.where(np.abs(mean) < LARGE_OFFSET, rounded, mean)


def without_loss(numbers: NDArray[Any], *, axis: int | None = 1) -> NDArray[Any]:
    """The numbers in float32, or in float64 where float32 would round away what varies in one of their columns.

    Args:
        numbers: [N, ...]. axis: of the columns (features, channels); None where all are of one kind.
    """
    if numbers.dtype.kind not in "fiu" or numbers.dtype.itemsize < 4 or numbers.dtype == np.float32:
        return numbers.astype(np.float32, copy=False)
    sample = np.asarray(numbers[:: -(-len(numbers) // _SAMPLE_ROWS) or 1])
    columns = [sample] if axis is None else np.moveaxis(sample, axis, 0)
    if any(needs_centring(column[np.isfinite(column)]) for column in columns):
        return numbers.astype(np.float64, copy=False)
    return numbers.astype(np.float32)


def of_new_data(numbers: NDArray[Any]) -> NDArray[Any]:
    """New numbers in float32, or in float64 where they are so large that training may have needed it."""
    if numbers.dtype.kind not in "fiu" or numbers.dtype.itemsize < 8:
        return numbers.astype(np.float32, copy=False)
    is_far = bool(np.nanmax(np.abs(numbers), initial=0.0) >= LARGE_OFFSET)
    return numbers.astype(np.float64 if is_far else np.float32, copy=False)


def constant_below(dtype: Any) -> float:
    """Deviation, as a part of the mean, below which numbers of this type are taken for equal."""
    return 1e-13 if dtype == np.float64 else 1e-7


def scaling_of_graphs(graphs: PackedGraphs) -> Scaling:
    """That of the nodes' numbers, and for edges the mean absolute weight of an entry of the adjacency matrices."""
    nodes = Scaling.learn(graphs.features)
    unit = 1.0
    if graphs.weights is not None and len(graphs.weights):
        entries = np.where(
            graphs.edges[:, 0] == graphs.edges[:, 1], 1, 2
        )  # a loop is one entry, another edge two
        unit = float(np.average(np.abs(graphs.weights.astype(np.float64)), weights=entries))
    return Scaling(
        mean=np.append(nodes.mean, np.float32(0)), std=np.append(nodes.std, np.float32(unit or 1.0))
    )


def scaled_graphs(graphs: PackedGraphs, scaling: Scaling) -> PackedGraphs:
    """Graphs with scaled numbers of nodes and weights of edges."""
    count = graphs.features.shape[1]
    nodes = Scaling(mean=scaling.mean[:count], std=scaling.std[:count])
    unit = np.float32(scaling.std[count])
    weights = graphs.weights
    if (
        weights is None and unit != 1
    ):  # a network that was trained on graphs with weights is given some without
        weights = np.ones(len(graphs.edges), np.float32)
    return replace(
        graphs,
        features=nodes.apply(graphs.features),
        weights=None if weights is None else (weights / unit).astype(np.float32),
    )


def needs_centring(numbers: NDArray[Any]) -> bool:
    """Whether float32 would round these finite numbers away: the offset is large beside what varies."""
    if numbers.size < 2:
        return False
    values = numbers.astype(np.float64, copy=False)
    rounding = float(np.abs(values).max()) * float(np.finfo(np.float32).eps)
    return bool(0 < values.std() * ROUNDING_SHARE < rounding)


def _blocks(
    inputs: NDArray[Any], lengths: NDArray[np.int64] | None
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Blocks of examples as float64 [B, C, ...], each with a mask: 1 where a step is real, 0 where it is padding."""
    rows = max(1, STATISTICS_BLOCK_NUMBERS // max(1, int(np.prod(inputs.shape[1:]))))
    for start in range(0, len(inputs), rows):
        values = np.asarray(inputs[start : start + rows]).astype(np.float64)
        real = np.ones((1,) * values.ndim)
        if lengths is not None:
            real = (np.arange(values.shape[-1]) < lengths[start : start + rows, None])[:, None, :].astype(
                np.float64
            )
        yield values, real
