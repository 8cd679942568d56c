"""The contract of encoders: each converts one form of raw data to inputs, is learned once and applied to new data.

Each form has one `FormEncoder`, a frozen record that is written as JSON beside a trained network. Nothing is pickled:
`encoder_from_json` looks the record's "kind" up in a fixed table and fills in that record's fields.
"""

import importlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Finding, Inputs
from bakeoff.data.schema import Schema
from bakeoff.errors import DataError, printable
from bakeoff.system.json_records import record_of

#: "kind" of an encoder's record -> module:class.
_ENCODERS = {
    "arrays": "bakeoff.data.forms.arrays:ArrayEncoder",
    "table": "bakeoff.data.forms.table:TableEncoder",
    "text": "bakeoff.data.forms.text:TextEncoder",
    "tokenizer": "bakeoff.data.forms.tokenizer:PublishedTokenEncoder",
    "images": "bakeoff.data.forms.images:ImageEncoder",
    "series": "bakeoff.data.forms.series:SeriesEncoder",
    "forecast": "bakeoff.data.forms.forecast:ForecastEncoder",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class NewExamples:
    """New examples, with inputs like those of `Dataset.inputs` (not scaled).

    Attributes:
        inputs: [N, *schema.input.shape], or graphs.
        lengths: true lengths int64 [N], or None where all are complete.
        targets: as `Dataset.targets`, or None where the new data have no (usable) targets. Of forecasts, rows whose
            future is not in the data are NaN: they can be predicted, but not scored.
        names: one label per example (a file's name, a row's number).
        findings: what reading them found.
    """

    inputs: Inputs
    lengths: NDArray[np.int64] | None = None
    targets: NDArray[Any] | None = None
    names: Sequence[str] = ()
    findings: Sequence[Finding] = ()

    def __len__(self) -> int:
        return len(self.inputs)


class FormEncoder(ABC):
    """The contract: `from_json(to_json())` equals the encoder, and `read` converts new data as training data were."""

    kind: ClassVar[str]

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """A JSON record with the key "kind"."""

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """The encoder that wrote the record; `ValueError`, `KeyError` or `TypeError` where it is not one."""
        return record_of(cls, {name: value for name, value in record.items() if name != "kind"})

    @abstractmethod
    def check(self, schema: Schema) -> None:
        """Raises `ValueError` where it does not make inputs of this schema."""

    @abstractmethod
    def read(self, source: Any, schema: Schema) -> NewExamples:
        """New data of the same form.

        Raises:
            DataError: the source cannot be read, or is not of the form that was trained on.
        """


def check_shape(made: tuple[int, ...], schema: Schema) -> None:
    """Raises `ValueError` where an encoder that makes examples of this shape does not serve this schema."""
    if made != schema.input.shape:
        raise ValueError(f"it makes inputs of the shape {made}, where the network takes {schema.input.shape}")


def encoder_from_json(record: dict[str, Any], schema: Schema) -> FormEncoder:
    """The encoder that a network of this schema was saved with.

    Raises:
        DataError: the record is damaged, of an unknown kind or of another schema.
    """
    try:
        module, _, name = _ENCODERS[record["kind"]].partition(":")
        encoder: FormEncoder = getattr(importlib.import_module(module), name).from_json(record)
        encoder.check(schema)
    except DataError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        words = printable(str(error), most=160)
        raise DataError(
            f"This is not an encoder that bakeoff wrote ({words}): train the network again."
        ) from error
    return encoder
