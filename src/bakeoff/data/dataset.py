"""A `Dataset`: schema, arrays, and the three splits, made once. It knows no network.

The arrays stay as they were read (images as bytes, perhaps memory-mapped on disk); `Dataset.inputs_at` turns the
examples that a batch needs into scaled float32. The scaling is learned from the training split alone.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.schema import Classes, Forecast, Graph, Schema, Tokens
from bakeoff.errors import DataError

Indices = NDArray[np.int64]

#: Statistics are taken from at most this many training examples, evenly spread, so that nothing needs the whole set.
STATISTICS_EXAMPLES = 20_000
#: So many numbers are float64 at a time while statistics are taken.
STATISTICS_BLOCK_NUMBERS = 1 << 20
#: A split never needs more examples than this to judge by (a score's standard error is then under 0.5 points).
LARGEST_TEST, LARGEST_VALIDATION = 10_000, 5_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Splits:
    """Which examples are for training, for choosing (validation) and for the final table (test).

    `train` is in an order that any prefix of it may be used as a smaller training set (see `nested_order`).
    """

    train: Indices
    validation: Indices
    test: Indices
    how: str = "given"


@dataclass(frozen=True, kw_only=True, eq=False)
class Scaling:
    """`(x - mean) / std`, per channel or feature, broadcast over the rest of an example's axes."""

    mean: NDArray[np.float32]
    std: NDArray[np.float32]

    def apply(self, inputs: NDArray[Any]) -> NDArray[np.float32]:
        """Inputs [B, C, ...] of any number type to float32 of the same shape."""
        axes = (1, -1) + (1,) * (inputs.ndim - 2)
        out = inputs.astype(np.float32)
        out -= self.mean.reshape(axes)
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
        constant = std < 1e-7 * np.maximum(np.abs(mean), 1.0)
        return Scaling(mean=mean.astype(np.float32), std=np.where(constant, 1.0, std).astype(np.float32))

    def to_json(self) -> dict[str, list[float]]:
        return {"mean": self.mean.tolist(), "std": self.std.tolist()}

    @staticmethod
    def from_json(record: dict[str, list[float]]) -> "Scaling":
        return Scaling(mean=np.asarray(record["mean"], np.float32), std=np.asarray(record["std"], np.float32))


def _blocks(
    inputs: NDArray[Any], lengths: NDArray[np.int64] | None
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Some examples at a time as float64 [B, C, ...], with 1 where a step is real and 0 where it is padding."""
    rows = max(1, STATISTICS_BLOCK_NUMBERS // max(1, int(np.prod(inputs.shape[1:]))))
    for start in range(0, len(inputs), rows):
        values = np.asarray(inputs[start : start + rows]).astype(np.float64)
        real = np.ones((1,) * values.ndim)
        if lengths is not None:
            real = (np.arange(values.shape[-1]) < lengths[start : start + rows, None])[:, None, :].astype(
                np.float64
            )
        yield values, real


class Encoder(Protocol):
    """How raw data of one form (a table's columns, a folder of images ...) become the arrays of a `Dataset`.

    Learned on the training split when the data are first loaded, kept with a trained network as JSON
    (`to_json` has a key "kind"), and applied by `bakeoff.data.load.read_new` to new data of the same form.
    """

    def to_json(self) -> dict[str, Any]: ...


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something about the data that a person should know before believing a comparison.

    `kind` is a key of the message catalogue ("data.finding.<kind>"); `values` fill the sentence in.
    `severity` is "note", "warning" (spoils comparisons) or "fault" (something was left out).
    """

    kind: str
    severity: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """All that a comparison needs to know of the data.

    Attributes:
        name: short, fit for a folder's name.
        schema: what one example is.
        inputs: [N, *schema.input.shape]; uint8 (images), float32 (series, tables, graphs) or int32 (tokens). May be
            a memmap.
        targets: int64 [N] for classes, else float32 [N, size] in the unit of the data.
        splits: made once.
        lengths: true lengths int64 [N] where series, texts or graphs (in nodes) are shorter than the schema says, else
            None.
        scaling: learned from the training split; None for tokens.
        encoder: how new raw data of the same form become `inputs`; None where the arrays came as they are.
        groups: one label per example where examples belong together (patients, users); never split apart.
        times: for forecasts, when each example's first target is: float64 [N], in seconds or as the data count.
        seasonal_scale: for forecasts, the mean absolute error of the seasonal-naive forecast inside the training
            split, the unit of MASE (Hyndman & Koehler 2006).
        display: how to show one example: inputs were bytes, file names, texts ... (for reports only).
        source, licence: where the data come from.
        findings: what reading them found.
    """

    name: str
    schema: Schema
    inputs: NDArray[Any]
    targets: NDArray[Any]
    splits: Splits
    lengths: NDArray[np.int64] | None = None
    scaling: Scaling | None = None
    encoder: Encoder | None = None
    groups: NDArray[Any] | None = None
    times: NDArray[np.float64] | None = None
    seasonal_scale: float | None = None
    labels: Sequence[str] | None = None
    source: str = ""
    licence: str = ""
    findings: tuple[Finding, ...] = ()

    def __len__(self) -> int:
        return len(self.targets)

    def inputs_at(self, indices: Indices) -> NDArray[Any]:
        """Scaled inputs of these examples: float32 [B, ...], padded steps exactly 0; int64 [B, T] for tokens."""
        rows = np.asarray(self.inputs[indices])
        if isinstance(self.schema.input, Tokens):
            return rows.astype(np.int64)
        assert self.scaling is not None
        scaled = self.scaling.apply(rows)
        if self.lengths is not None:
            beyond = np.arange(scaled.shape[-1]) >= self.lengths[indices][:, None]
            scaled[np.broadcast_to(beyond[:, None, :], scaled.shape)] = 0.0
        return scaled

    def targets_at(self, indices: Indices) -> NDArray[Any]:
        """Targets of these examples as they are: int64 [B] or float32 [B, size]."""
        return np.asarray(self.targets[indices])

    def lengths_at(self, indices: Indices) -> NDArray[np.int64] | None:
        return None if self.lengths is None else self.lengths[indices]

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits that change when an example, a target, the schema or the splits change."""
        digest = hashlib.blake2b(repr(self.schema).encode(), digest_size=8)
        for array in (self.inputs, self.targets, self.splits.train, self.splits.validation, self.splits.test):
            digest.update(str((array.shape, array.dtype)).encode())
            for start in range(0, len(array), 8192):
                digest.update(np.ascontiguousarray(array[start : start + 8192]).view(np.uint8).data)
        if self.lengths is not None:
            digest.update(np.ascontiguousarray(self.lengths).view(np.uint8).data)
        return digest.hexdigest()

    def changed(self, **fields: Any) -> "Dataset":
        """The same dataset with some fields replaced (the interventions use it); the original is untouched."""
        return replace(self, **fields)


def with_scaling(dataset: Dataset) -> Dataset:
    """Learn the scaling from the training split (at most `STATISTICS_EXAMPLES` of it, evenly spread)."""
    if isinstance(dataset.schema.input, Tokens):
        return dataset
    train = np.sort(dataset.splits.train)
    rows = train[
        np.unique(np.linspace(0, len(train) - 1, min(len(train), STATISTICS_EXAMPLES)).astype(np.int64))
    ]
    inputs = np.asarray(dataset.inputs[rows])
    scaling = Scaling.learn(inputs, dataset.lengths_at(rows))
    if isinstance(dataset.schema.input, Graph):
        scaling = _with_edges(scaling, inputs, dataset.schema.input.features)
    return replace(dataset, scaling=scaling)


def _with_edges(scaling: Scaling, graphs: NDArray[Any], features: int) -> Scaling:
    """No edge stays 0, and an edge counts in units of the mean weight (edges of weight 1 stay 1)."""
    weights = np.abs(graphs[:, features:])
    mean, std = scaling.mean.copy(), scaling.std.copy()
    mean[features:], std[features:] = 0.0, weights.sum() / max(np.count_nonzero(weights), 1) or 1.0
    return Scaling(mean=mean, std=std)


def nested_order(indices: Indices, targets: NDArray[Any], *, seed: int) -> Indices:
    """A shuffled order in which every prefix holds the classes in about the whole's proportions.

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
) -> Splits:
    """Splits of about 64 % training, 16 % validation and 20 % test.

    Stratified for classes; whole groups on one side where `groups` are given; the latest examples for test, those
    before them for validation where `times` are given; parts that came with the data are kept.

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
        rest = np.setdiff1d(everything, test)
    if validation is None:
        rest, validation = _divide(
            rest, targets, groups, part=0.2, largest=LARGEST_VALIDATION, schema=schema, seed=seed + 1
        )
    else:
        rest = np.setdiff1d(rest, validation)
    for name, part in (("training", rest), ("validation", validation), ("test", test)):
        if len(part) == 0:
            raise DataError(
                f"The {name} split would be empty with {count} examples: give more examples or smaller groups."
            )
    return Splits(
        train=nested_order(rest, targets, seed=seed + 2),
        validation=np.sort(validation),
        test=np.sort(test),
        how=how,
    )


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
    if isinstance(schema.target, Classes):
        labels = targets[indices]
        lonely = np.isin(labels, np.flatnonzero(np.bincount(labels, minlength=schema.target.size) < 2))
        order = nested_order(indices[~lonely], targets, seed=seed)
        chosen_indices = order[: min(wanted, max(len(order) - schema.target.size, 1))]
    else:
        chosen_indices = np.random.default_rng(seed).permutation(indices)[:wanted]
    return np.setdiff1d(indices, chosen_indices), chosen_indices


def _splits_by_time(times: NDArray[Any], *, test: Indices | None, validation: Indices | None) -> Splits:
    """The past for training, the future for judging. Training comes latest first: a prefix is the recent past."""
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


def training_order(dataset: Dataset, *, seed: int) -> Indices:
    """The training examples in the nested order of this seed: the first n are the training set of size n.

    Forecasts keep the order of time, latest first, whatever the seed.
    """
    if isinstance(dataset.schema.target, Forecast) or dataset.splits.how == "by time":
        return dataset.splits.train
    return nested_order(np.sort(dataset.splits.train), dataset.targets, seed=seed)
