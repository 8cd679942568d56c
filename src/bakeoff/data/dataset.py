"""A `Dataset`: schema, arrays and the three splits. It does not depend on any network.

The arrays stay as they were read (images as bytes, perhaps memory-mapped on disk); `Dataset.inputs_at` turns the
examples that a batch needs into scaled float32. The scaling is learned from the training split alone.

What is counted, split and scored are *predictions*. Mostly an example has one, and the two words mean the same; of one
large graph each node is predicted, and `Dataset.offsets` says which predictions belong to which example.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.packed_graphs import PackedGraphs, offsets_of
from bakeoff.data.scaling import Scaling, scaled_graphs
from bakeoff.data.schema import Graph, Schema, Tokens
from bakeoff.data.splits import Indices, Splits, nested_order

#: Examples, one a row of an array; or graphs.
Inputs = NDArray[Any] | PackedGraphs


class Encoder(Protocol):
    """Converts raw data of one form (a table's columns, a folder of images ...) to the arrays of a `Dataset`.

    Learned on the training split when the data are first loaded, stored with a trained network as JSON
    (`to_json` has a key "kind"), and applied by `bakeoff.data.load.read_new` to new data of the same form.
    """

    def to_json(self) -> dict[str, Any]: ...


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A property of the data that matters for a comparison.

    Attributes:
        kind: a key of the message catalogue under "data.finding.".
        severity: "note", "warning" (may spoil comparisons) or "fault" (something was left out).
        values: that fill in the sentence.
    """

    kind: str
    severity: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """The data, with everything that training and evaluation need to know of them.

    Attributes:
        name: short, fit for a folder's name.
        schema: what one example is.
        inputs: [N, *schema.input.shape]; uint8 (images), float32 (series, tables; float64 where float32 would round
            away what varies beside a large offset) or int32 (tokens); graphs are packed, edge by edge. May be a memmap.
        targets: one a prediction: int64 [N] for classes, else float32 (or float64, as for inputs) [N, size] in the unit
            of the data.
        splits: indices of the training, validation and test predictions.
        folds: the splits of a cross-validation; () where there is none (see `bakeoff.data.folds`).
        offsets: where an example has several predictions, int64 [examples + 1]: those of example i are the targets from
            `offsets[i]` up to the next offset, in the order in which a network gives them (of a graph, its nodes). None
            where every example has one.
        lengths: true lengths int64 [N] where series, texts or graphs (in nodes) are shorter than the schema says, else
            None.
        scaling: learned from the training split; None for tokens.
        encoder: how new raw data of the same form become `inputs`; None where the arrays came as they are.
        groups: [N], one label per example where examples belong together (patients, users); a group is in one split.
        times: for forecasts, the time of each example's first target: float64 [N], in seconds or in the data's unit.
        seasonal_scale: for forecasts, the mean absolute error of the seasonal-naive forecast inside the training
            split, the unit of MASE (Hyndman & Koehler 2006).
        originals: int64 [N], the first example that equals each as the data came, where that is not to be seen from the
            inputs (a table's rare words become one value); else None.
        labels: one short label per example (a file's name, the start of a text), for reports and predictions;
            None where an example has no name but its number. No class names: those stand in `schema.target`.
        source, licence: where the data come from.
        findings: of the reader.
    """

    name: str
    schema: Schema
    inputs: Inputs
    targets: NDArray[Any]
    splits: Splits
    offsets: NDArray[np.int64] | None = None
    folds: tuple[Splits, ...] = ()
    lengths: NDArray[np.int64] | None = None
    scaling: Scaling | None = None
    encoder: Encoder | None = None
    groups: NDArray[Any] | None = None
    times: NDArray[np.float64] | None = None
    seasonal_scale: float | None = None
    originals: NDArray[np.int64] | None = None
    labels: Sequence[str] | None = None
    source: str = ""
    licence: str = ""
    findings: tuple[Finding, ...] = ()

    def __len__(self) -> int:
        """The number of predictions."""
        return len(self.targets)

    @property
    def graphs(self) -> PackedGraphs:
        """The inputs, which are graphs."""
        assert isinstance(self.inputs, PackedGraphs), "these are no graphs"
        return self.inputs

    def rows_at(self, indices: Indices | slice | int) -> NDArray[Any]:
        """Raw inputs of these examples, which are no graphs, as one array."""
        assert not isinstance(self.inputs, PackedGraphs), "graphs are not rows of an array"
        return np.asarray(self.inputs[indices])

    def inputs_at(self, indices: Indices) -> Inputs:
        """Scaled inputs of these examples: float32 [B, ...], padded steps exactly 0; int64 [B, T] of tokens; graphs."""
        if isinstance(self.schema.input, Tokens):
            return self.rows_at(indices).astype(np.int64)
        assert self.scaling is not None
        if isinstance(self.schema.input, Graph):
            return scaled_graphs(self.graphs[indices], self.scaling)
        scaled = self.scaling.apply(self.rows_at(indices))
        if self.lengths is not None:
            beyond = np.arange(scaled.shape[-1]) >= self.lengths[indices][:, None]
            scaled[np.broadcast_to(beyond[:, None, :], scaled.shape)] = 0.0
        return scaled

    def targets_at(self, indices: Indices) -> NDArray[Any]:
        """Targets of these predictions as they are: int64 [B] or float32 [B, size]."""
        return np.asarray(self.targets[indices])

    def lengths_at(self, indices: Indices) -> NDArray[np.int64] | None:
        return None if self.lengths is None else self.lengths[indices]

    def examples_of(self, predictions: Indices) -> tuple[Indices, Indices]:
        """The examples that these predictions belong to, each once, and their places among all predictions of those.

        Returns:
            (examples [B] in ascending order, places [P]): a network that is given these examples one after another
            answers prediction i in row `places[i]`.
        """
        if self.offsets is None:
            return predictions, np.arange(len(predictions))
        owners = np.searchsorted(self.offsets, predictions, side="right") - 1
        examples, inverse = np.unique(owners, return_inverse=True)
        begins = offsets_of(np.diff(self.offsets)[examples])[:-1]
        return examples, begins[inverse.reshape(-1)] + predictions - self.offsets[owners]

    def subset(self, rows: Indices, splits: Splits) -> "Dataset":
        """The examples of these rows, in memory and in this order, with splits that count them anew."""
        assert self.offsets is None, "examples with several predictions are not cut"
        return self.changed(
            inputs=self.graphs[rows] if isinstance(self.inputs, PackedGraphs) else self.rows_at(rows),
            targets=self.targets_at(rows),
            lengths=self.lengths_at(rows),
            groups=None if self.groups is None else np.asarray(self.groups)[rows],
            labels=None if self.labels is None else [self.labels[row] for row in rows],
            splits=splits,
        )

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits that change when an example, a target, the schema or the splits change."""
        digest = hashlib.blake2b(repr(self.schema).encode(), digest_size=8)
        inputs = self.inputs.arrays().values() if isinstance(self.inputs, PackedGraphs) else (self.inputs,)
        splits = [
            part for one in (self.splits, *self.folds) for part in (one.train, one.validation, one.test)
        ]
        for array in (*inputs, self.targets, *splits, *(() if self.offsets is None else (self.offsets,))):
            digest.update(str((array.shape, array.dtype)).encode())
            for start in range(0, len(array), 8192):
                digest.update(np.ascontiguousarray(array[start : start + 8192]).view(np.uint8).data)
        if self.lengths is not None:
            digest.update(np.ascontiguousarray(self.lengths).view(np.uint8).data)
        return digest.hexdigest()

    def changed(self, **fields: Any) -> "Dataset":
        """The same dataset with some fields replaced (the interventions use it); the original is untouched."""
        return replace(self, **fields)


def training_order(dataset: Dataset, *, seed: int) -> Indices:
    """The training predictions in the nested order of this seed: the first n are the training set of size n.

    Forecasts keep the order of time, latest first, whatever the seed.
    """
    if dataset.schema.target.looks_ahead or dataset.splits.how == "by time":
        return dataset.splits.train
    return nested_order(np.sort(dataset.splits.train), dataset.targets, seed=seed)
