"""A `Dataset`: schema, arrays and the three splits. It does not depend on any network.

The arrays stay as they were read (images as bytes, perhaps memory-mapped on disk); `Dataset.inputs_at` turns the
examples that a batch needs into scaled float32. The scaling is learned from the training split alone.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.scaling import Scaling
from bakeoff.data.schema import Forecast, Schema, Tokens
from bakeoff.data.splits import Indices, Splits, nested_order


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
        inputs: [N, *schema.input.shape]; uint8 (images), float32 (series, tables, graphs) or int32 (tokens). May be
            a memmap.
        targets: int64 [N] for classes, else float32 [N, size] in the unit of the data.
        splits: indices of the training, validation and test examples.
        folds: the splits of a cross-validation; () where there is none (see `bakeoff.data.folds`).
        lengths: true lengths int64 [N] where series, texts or graphs (in nodes) are shorter than the schema says, else
            None.
        scaling: learned from the training split; None for tokens.
        encoder: how new raw data of the same form become `inputs`; None where the arrays came as they are.
        groups: [N], one label per example where examples belong together (patients, users); a group is in one split.
        times: for forecasts, the time of each example's first target: float64 [N], in seconds or in the data's unit.
        seasonal_scale: for forecasts, the mean absolute error of the seasonal-naive forecast inside the training
            split, the unit of MASE (Hyndman & Koehler 2006).
        labels: one short label per example (a file's name, the start of a text), for reports and predictions;
            None where an example has no name but its number. No class names: those stand in `schema.target`.
        source, licence: where the data come from.
        findings: of the reader.
    """

    name: str
    schema: Schema
    inputs: NDArray[Any]
    targets: NDArray[Any]
    splits: Splits
    folds: tuple[Splits, ...] = ()
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
        splits = [
            part for one in (self.splits, *self.folds) for part in (one.train, one.validation, one.test)
        ]
        for array in (self.inputs, self.targets, *splits):
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
    """The training examples in the nested order of this seed: the first n are the training set of size n.

    Forecasts keep the order of time, latest first, whatever the seed.
    """
    if isinstance(dataset.schema.target, Forecast) or dataset.splits.how == "by time":
        return dataset.splits.train
    return nested_order(np.sort(dataset.splits.train), dataset.targets, seed=seed)
