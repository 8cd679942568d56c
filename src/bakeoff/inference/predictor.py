"""A trained network, ready to use, and its folder: `network.safetensors` and `fitted.json`. Nothing is unpickled."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bakeoff.data.dataset import Dataset, Inputs
from bakeoff.data.encoder import NewExamples
from bakeoff.data.forms.graphs import check_fits, graphs_of_dense
from bakeoff.data.load import read_new
from bakeoff.data.packed_graphs import PackedGraphs
from bakeoff.data.scaling import Scaling
from bakeoff.data.schema import Graph, Schema
from bakeoff.data.splits import Splits
from bakeoff.errors import BakeoffError, DataError, ModelError, OptionError, StoreError, printable
from bakeoff.inference.record_form import check_form, finite_json, scaling_of, target_scaling_of
from bakeoff.models import ModelCard, build, recorded
from bakeoff.models import card as card_named
from bakeoff.models.layers.graphs import GraphBatch, network_inputs
from bakeoff.models.layers.views import arguments
from bakeoff.models.registry.options import check_recorded_options
from bakeoff.models.registry.own import is_own
from bakeoff.models.weights.files import read_weights, write_weights
from bakeoff.system.extras import first_line
from bakeoff.system.files import refuse_special, write_json
from bakeoff.tasks.base import Task
from bakeoff.tasks.outputs import dense
from bakeoff.tasks.registry import task_of
from bakeoff.tasks.target_scaling import TargetScaling, as_stored

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
        model: name in the catalogue, or a user's `file.py:NAME` or `package.module:NAME`.
        width, options: as given to `bakeoff.models.build`.
        weights: its state dict.
        scaling: of the inputs; None for tokens.
        target_scaling: of targets that are numbers; None for classes.
        encoder: the record of how raw data become inputs (`Encoder.to_json`); None where they came as arrays.
        facts: further information, as JSON (recipe, learning rate, seed, metrics, source of the data ...).
        card: of the network; None for that of `model`'s name.
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
    card: ModelCard | None = field(default=None, repr=False)

    @staticmethod
    def of(
        dataset: Dataset,
        *,
        model: str | ModelCard,
        width: int | None,
        weights: Mapping[str, Tensor],
        options: Mapping[str, Any] | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> "Predictor":
        """A network trained on this dataset; scalings and encoder are the dataset's. `model`: a name, or a card."""
        return Predictor(
            schema=dataset.schema,
            model=model if isinstance(model, str) else model.name,
            card=None if isinstance(model, str) else model,
            width=width,
            options=dict(options or {}),
            weights=dict(weights),
            scaling=dataset.scaling,
            target_scaling=task_of(dataset.schema).target_scaling(dataset),
            encoder=None if dataset.encoder is None else dataset.encoder.to_json(),
            facts=dict(facts or {}),
        )

    @property
    def task(self) -> Task:
        return task_of(self.schema)

    @cached_property
    def module(self) -> nn.Module:
        """The plain network with its weights, in evaluation mode.

        Raises:
            ModelError: it cannot be built, or is not the one that the weights were learned in.
        """
        if not is_own(self.model):
            with torch.device("meta"):  # without memory, of which a record may ask for more than there is
                self._check_weights(self._built())
        module = self._built()
        self._check_weights(module)
        module.load_state_dict(dict(self.weights))
        return module.eval()

    def _built(self) -> nn.Module:
        shown = printable(self.model, most=200)
        try:
            return build(self.card or self.model, self.schema, width=self.width, seed=0, **self.options)
        except BakeoffError:
            raise
        except Exception as error:
            raise ModelError(
                f"'{shown}' cannot be built as its record says ({printable(first_line(error))}): train it again."
            ) from error

    def _check_weights(self, module: nn.Module) -> None:
        different = _difference(module, self.weights)
        if different is not None:
            raise ModelError(
                f"The weights are not those of this '{printable(self.model, most=200)}' ({different}): was it changed "
                "since? Train it again, or name the network that was trained."
            )

    def read(self, new: Any) -> NewExamples:
        """New examples, prepared as those that the network was trained on.

        Args:
            new: of the same form: a file, a folder, a built-in name, a data frame, texts, arrays or tensors. Inputs
                like `Dataset.inputs`, arrays [N, *schema.input.shape] or packed graphs, stay as they are.

        Raises:
            DataError: they cannot be read, or are of another form.
        """
        given = new.numpy(force=True) if isinstance(new, Tensor) else new
        if isinstance(given, PackedGraphs) and isinstance(self.schema.input, Graph):
            check_fits(given, self.schema.input)
            return NewExamples(inputs=given, lengths=given.node_counts)
        if isinstance(given, np.ndarray) and given.shape[1:] == self.schema.input.shape:
            return NewExamples(inputs=given)
        return read_new(self.encoder or _PLAIN_ARRAYS, given, schema=self.schema)

    def outputs(self, inputs: Inputs, lengths: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        """Log-probabilities of the classes, or values in the data's unit: float32 [N, outputs].

        Args:
            inputs: raw, as in `Dataset.inputs`: [N, *schema.input.shape], or graphs; their dense views are taken, too.
            lengths: true lengths int64 [N]; None where every example is complete.

        Raises:
            DataError: inputs of another shape.
        """
        inputs = self._checked(inputs, lengths)
        everything = Dataset(
            name="new",
            schema=self.schema,
            inputs=inputs,
            targets=np.zeros(len(inputs), dtype=np.int64),
            splits=_NO_SPLITS,
            lengths=lengths,
            scaling=self.scaling,
        )
        parts = []
        for start in range(0, len(inputs), PREDICTION_ROWS):
            rows = np.arange(start, min(start + PREDICTION_ROWS, len(inputs)), dtype=np.int64)
            given = network_inputs(everything.inputs_at(rows), self.schema.input)
            true_lengths = everything.lengths_at(rows)
            parts.append(
                self._outputs(given, None if true_lengths is None else torch.from_numpy(true_lengths))
            )
        return np.concatenate(parts) if parts else np.zeros((0, self.schema.outputs), np.float32)

    def _checked(self, inputs: Inputs, lengths: NDArray[np.int64] | None) -> Inputs:
        """The inputs, if this network takes such."""
        shape, kind = self.schema.input.shape, self.schema.input
        if isinstance(inputs, PackedGraphs):
            if isinstance(kind, Graph):
                check_fits(inputs, kind)
                return inputs
            raise DataError(f"These are graphs, and this network takes {('N', *shape)}: give it such arrays.")
        if inputs.ndim != len(shape) + 1 or inputs.shape[1:] != shape:
            raise DataError(
                f"The inputs have the shape {tuple(inputs.shape)}, and this network takes {('N', *shape)}: "
                "prepare them as the training data were."
            )
        return graphs_of_dense(inputs, kind, lengths) if isinstance(kind, Graph) else inputs

    @torch.no_grad()
    def _outputs(self, inputs: Tensor | GraphBatch, lengths: Tensor | None) -> NDArray[np.float32]:
        raw = self.module(*arguments(self.module, inputs, lengths))
        values = self.task.in_unit_of_data(raw.double(), self.target_scaling)
        return as_stored(values, self.target_scaling).numpy()

    def predict_proba(self, new: Any, lengths: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        """Probability of every class, float32 [N, K].

        Args:
            new: see `read`.
            lengths: true lengths int64 [N] of padded arrays; None where `new` says so itself, or all are complete.

        Raises:
            DataError: the targets are numbers, or `new` is of another form.
        """
        if not self.task.has_probabilities:
            raise DataError("This network gives numbers, not classes: use `predict`.")
        return np.exp(self._outputs_of(new, lengths))

    def predict(self, new: Any, lengths: NDArray[np.int64] | None = None) -> NDArray[Any]:
        """The most probable class int64 [N], or the values float32 [N, outputs] in the data's unit.

        Classes are counted as in `schema.target.names`. Arguments and errors are those of `predict_proba`.
        """
        return dense(self.task.decode(self._outputs_of(new, lengths)))

    def _outputs_of(self, new: Any, lengths: NDArray[np.int64] | None) -> NDArray[np.float32]:
        read = self.read(new)
        return self.outputs(read.inputs, read.lengths if lengths is None else lengths)

    def save(self, folder: str | Path) -> Path:
        """Write the two files into this folder, made where there is none."""
        place = Path(folder)
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"The folder '{printable(str(place), most=200)}' cannot be made ({error.strerror}): choose another."
            ) from error
        write_weights(self.weights, place / WEIGHTS_FILE)
        write_json(place / RECORD_FILE, self._record(), indent=1)
        return place

    def _record(self) -> dict[str, Any]:
        target = self.target_scaling
        return {
            "format": FORMAT,
            "schema": self.schema.to_json(),
            "model": self.model,
            **({} if self.card is None or self.card.file is None else {"file": self.card.file}),
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
    def load(
        folder: str | Path,
        *,
        trust: bool = False,
        model: str | ModelCard | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> "Predictor":
        """Read what `save` wrote.

        A folder from elsewhere runs no code: its record may name the networks of the catalogue alone, with the options
        that these declare.

        Args:
            folder: with the two files.
            trust: build a network that is not of the catalogue too, if the record names one: its code is imported and
                run.
            model: the network, as a name or a card, in place of what the record names.
            options: of the network, in place of those in the record, which are then not checked.

        Raises:
            StoreError: the files are not there or not whole.
            ModelError: the record names a network that is not of the catalogue; or `model` cannot be imported.
            OptionError: the record has an option that the network does not declare.
        """
        place = Path(folder)
        for name in (RECORD_FILE, WEIGHTS_FILE):
            refuse_special(place / name, StoreError)
        try:
            record = finite_json((place / RECORD_FILE).read_text(encoding="utf-8"))
            weights = read_weights(place / WEIGHTS_FILE)
            check_form(record)
            schema = Schema.from_json(record["schema"])
            fitted = Predictor(
                schema=schema,
                model=record["model"],
                width=record["width"],
                options=record["options"] if options is None else dict(options),
                weights=weights,
                scaling=scaling_of(record["scaling"], schema),
                target_scaling=target_scaling_of(record["target_scaling"], schema),
                encoder=record["encoder"],
                facts=record["facts"],
            )
        except FileNotFoundError as error:
            raise StoreError(
                f"There is no trained network in '{printable(str(place), most=200)}': `bakeoff fit` or `compare` "
                "writes one."
            ) from error
        except StoreError:
            raise
        except (OSError, ValueError, KeyError, TypeError, ArithmeticError, RecursionError) as error:
            raise StoreError(
                f"The trained network in '{printable(str(place), most=200)}' cannot be read ({first_line(error)}): "
                "train it again."
            ) from error
        if isinstance(model, ModelCard):
            card = model
        elif model is not None:
            card = card_named(model)
        else:
            card = recorded(fitted.model, record.get("file"), where=str(place), trust=trust)
        if options is None:
            _check_options(place, card, fitted)
        return replace(fitted, model=card.name, card=card)


def _check_options(place: Path, card: ModelCard, fitted: Predictor) -> None:
    """Those of the record are declared by the network, and the network can be built for the record's schema."""
    shown = printable(str(place), most=200)
    try:
        check_recorded_options(card, fitted.schema, fitted.options)
    except OptionError as error:
        raise OptionError(f"The network in '{shown}' cannot be used: {error}") from error
    except BakeoffError:
        raise
    except Exception as error:  # its code runs on whatever schema the record has
        raise StoreError(
            f"The network in '{shown}' cannot be built ({printable(first_line(error))}): train it again."
        ) from error


def _difference(module: nn.Module, weights: Mapping[str, Tensor]) -> str | None:
    """The first tensor that is missing, surplus or of another shape; None where there is none."""
    wanted = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    given = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    for name, shape in wanted.items():
        if given.get(name) != shape:
            found = "missing" if name not in given else "x".join(map(str, given[name]))
            return f"'{printable(name)}' should be {'x'.join(map(str, shape)) or 'one number'} and is {found}"
    surplus = next((name for name in given if name not in wanted), None)
    return None if surplus is None else f"'{printable(surplus)}' is none of its tensors"
