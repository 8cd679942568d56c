"""A trained network, ready to use, and its folder: `network.safetensors` and `fitted.json`. Nothing is unpickled."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from bakeoff.data.dataset import Dataset
from bakeoff.data.encoder import NewExamples
from bakeoff.data.load import read_new
from bakeoff.data.scaling import Scaling
from bakeoff.data.schema import Schema
from bakeoff.data.splits import Splits
from bakeoff.errors import DataError, StoreError
from bakeoff.models import build, takes_lengths
from bakeoff.train.tensors import TargetScaling

WEIGHTS_FILE, RECORD_FILE = "network.safetensors", "fitted.json"
#: Version of the record's format.
FORMAT = 1
#: Examples that go through the network at once.
PREDICTION_ROWS = 250
#: The encoder's record for networks that were trained on arrays, which have no encoder of their own.
_PLAIN_ARRAYS = {"kind": "arrays", "axes": None}
_NO_SPLITS = Splits(train=np.zeros(0, np.int64), validation=np.zeros(0, np.int64), test=np.zeros(0, np.int64))


@dataclass(frozen=True, kw_only=True, eq=False)
class Predictor:
    """A trained network with everything that is needed to predict from raw inputs.

    Attributes:
        schema: what goes in and comes out.
        model: name in the catalogue, or a user's `package.module:factory`.
        width, options: as given to `bakeoff.models.build`.
        weights: its state dict.
        scaling: of the inputs; None for tokens.
        target_scaling: of targets that are numbers; None for classes.
        encoder: the record of how raw data become inputs (`Encoder.to_json`); None where they came as arrays.
        facts: further information, as JSON (recipe, learning rate, seed, metrics, source of the data ...).
    """

    schema: Schema
    model: str
    width: int | None
    options: Mapping[str, Any] = field(default_factory=dict)
    weights: Mapping[str, Tensor] = field(repr=False)
    scaling: Scaling | None = None
    target_scaling: TargetScaling | None = None
    encoder: Mapping[str, Any] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @staticmethod
    def of(
        dataset: Dataset,
        *,
        model: str,
        width: int | None,
        weights: Mapping[str, Tensor],
        options: Mapping[str, Any] | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> "Predictor":
        """A network trained on this dataset; scalings and encoder are the dataset's."""
        targets = None
        if not dataset.schema.is_classification:
            targets = TargetScaling.learn(dataset.targets_at(np.sort(dataset.splits.train)))
        return Predictor(
            schema=dataset.schema,
            model=model,
            width=width,
            options=dict(options or {}),
            weights=dict(weights),
            scaling=dataset.scaling,
            target_scaling=targets,
            encoder=None if dataset.encoder is None else dataset.encoder.to_json(),
            facts=dict(facts or {}),
        )

    @cached_property
    def module(self) -> nn.Module:
        """The plain network with its weights, in evaluation mode."""
        module = build(self.model, self.schema, width=self.width, seed=0, **self.options)
        module.load_state_dict(dict(self.weights))
        return module.eval()

    def read(self, new: Any) -> NewExamples:
        """New examples, prepared as those that the network was trained on.

        Args:
            new: of the same form: a file, a folder, a built-in name, a data frame, texts, arrays or tensors. Arrays
                of the shape of `Dataset.inputs`, [N, *schema.input.shape], stay as they are.

        Raises:
            DataError: they cannot be read, or are of another form.
        """
        given = new.numpy(force=True) if isinstance(new, Tensor) else new
        if isinstance(given, np.ndarray) and given.shape[1:] == self.schema.input.shape:
            return NewExamples(inputs=given)
        return read_new(self.encoder or _PLAIN_ARRAYS, given, schema=self.schema)

    def outputs(self, inputs: NDArray[Any], lengths: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        """Log-probabilities of the classes, or values in the data's unit: float32 [N, outputs].

        Args:
            inputs: raw, as in `Dataset.inputs`: [N, *schema.input.shape].
            lengths: true lengths int64 [N]; None where every example is complete.

        Raises:
            DataError: inputs of another shape.
        """
        shape = self.schema.input.shape
        if inputs.ndim != len(shape) + 1 or inputs.shape[1:] != shape:
            raise DataError(
                f"The inputs have the shape {tuple(inputs.shape)}, and this network takes {('N', *shape)}: "
                "prepare them as the training data were."
            )
        everything = Dataset(
            name="new",
            schema=self.schema,
            inputs=inputs,
            targets=np.zeros(len(inputs), dtype=np.int64),
            splits=_NO_SPLITS,
            lengths=lengths,
            scaling=self.scaling,
        )
        parts = [np.zeros((0, self.schema.outputs), dtype=np.float32)]
        for start in range(0, len(inputs), PREDICTION_ROWS):
            rows = np.arange(start, min(start + PREDICTION_ROWS, len(inputs)), dtype=np.int64)
            given = torch.from_numpy(everything.inputs_at(rows))
            true_lengths = everything.lengths_at(rows)
            parts.append(
                self._outputs(given, None if true_lengths is None else torch.from_numpy(true_lengths))
            )
        return np.concatenate(parts)

    @torch.no_grad()
    def _outputs(self, inputs: Tensor, lengths: Tensor | None) -> NDArray[np.float32]:
        raw = self.module(inputs, lengths) if takes_lengths(self.module) else self.module(inputs)
        scaled = raw.double()
        out = scaled.log_softmax(dim=1) if self.target_scaling is None else self.target_scaling.undo(scaled)
        return out.float().numpy()

    def predict_proba(self, new: Any, lengths: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        """Probability of every class, float32 [N, K].

        Args:
            new: see `read`.
            lengths: true lengths int64 [N] of padded arrays; None where `new` says so itself, or all are complete.

        Raises:
            DataError: the targets are numbers, or `new` is of another form.
        """
        if not self.schema.is_classification:
            raise DataError("This network gives numbers, not classes: use `predict`.")
        return np.exp(self._outputs_of(new, lengths))

    def predict(self, new: Any, lengths: NDArray[np.int64] | None = None) -> NDArray[Any]:
        """The most probable class int64 [N], or the values float32 [N, outputs] in the data's unit.

        Classes are counted as in `schema.target.names`. Arguments and errors are those of `predict_proba`.
        """
        outputs = self._outputs_of(new, lengths)
        return outputs.argmax(axis=1) if self.schema.is_classification else outputs

    def _outputs_of(self, new: Any, lengths: NDArray[np.int64] | None) -> NDArray[np.float32]:
        read = self.read(new)
        return self.outputs(read.inputs, read.lengths if lengths is None else lengths)

    def save(self, folder: str | Path) -> Path:
        """Write the two files into this folder, made where there is none."""
        place = Path(folder)
        try:
            place.mkdir(parents=True, exist_ok=True)
            save_file(
                {name: tensor.contiguous().clone() for name, tensor in self.weights.items()},
                place / WEIGHTS_FILE,
            )
            text = json.dumps(self._record(), ensure_ascii=False, indent=1, allow_nan=False)
            (place / RECORD_FILE).write_text(text, encoding="utf-8")
        except OSError as error:
            raise StoreError(
                f"The network cannot be written to '{place}' ({error}): choose another folder."
            ) from error
        return place

    def _record(self) -> dict[str, Any]:
        target = self.target_scaling
        return {
            "format": FORMAT,
            "schema": self.schema.to_json(),
            "model": self.model,
            "width": self.width,
            "options": dict(self.options),
            "scaling": None if self.scaling is None else self.scaling.to_json(),
            "target_scaling": None
            if target is None
            else {"mean": target.mean.tolist(), "std": target.std.tolist()},
            "encoder": self.encoder,
            "facts": dict(self.facts),
        }

    @staticmethod
    def load(folder: str | Path) -> "Predictor":
        """Read what `save` wrote. Raises `StoreError` where it is missing or damaged."""
        place = Path(folder)
        try:
            record = json.loads((place / RECORD_FILE).read_text(encoding="utf-8"))
            weights = load_file(place / WEIGHTS_FILE)
            return Predictor(
                schema=Schema.from_json(record["schema"]),
                model=record["model"],
                width=record["width"],
                options=record["options"],
                weights=weights,
                scaling=_read(record["scaling"], Scaling.from_json),
                target_scaling=_read(record["target_scaling"], _target_scaling),
                encoder=record["encoder"],
                facts=record["facts"],
            )
        except FileNotFoundError as error:
            raise StoreError(
                f"There is no trained network in '{place}': `bakeoff fit` or `compare` writes one."
            ) from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(
                f"The trained network in '{place}' cannot be read ({error}): train it again."
            ) from error
        except (
            Exception
        ) as error:  # safetensors has an error class of its own that derives from Exception alone
            if type(error).__name__ != "SafetensorError":
                raise
            raise StoreError(
                f"The weights in '{place}' are damaged ({error}): train the network again."
            ) from error


def _read(record: Any, make: Callable[[Any], Any]) -> Any:
    return None if record is None else make(record)


def _target_scaling(record: Mapping[str, Any]) -> TargetScaling:
    return TargetScaling(*(torch.tensor(record[name], dtype=torch.float64) for name in ("mean", "std")))
