"""Predictions of a trained network on new data, as a table that can be written, shown and scored."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.encoder import NewExamples
from bakeoff.data.schema import Schema
from bakeoff.errors import OptionError, printable
from bakeoff.system.files import atomic_write
from bakeoff.tasks.base import Task
from bakeoff.tasks.metrics.registry import METRICS, MetricContext
from bakeoff.tasks.outputs import Outputs
from bakeoff.tasks.registry import task_of

if TYPE_CHECKING:
    import polars

#: How a file is written, by its ending.
_WRITERS: dict[str, Callable[["polars.DataFrame", io.BytesIO], Any]] = {
    ".csv": lambda frame, file: frame.write_csv(file),
    ".tsv": lambda frame, file: frame.write_csv(file, separator="\t"),
    ".jsonl": lambda frame, file: frame.write_ndjson(file),
    ".ndjson": lambda frame, file: frame.write_ndjson(file),
    ".parquet": lambda frame, file: frame.write_parquet(file),
}


def _text(value: Any) -> Any:
    """A word that any file can hold: what is no text (bytes of a file's name that are not UTF-8) as `\\udcff`."""
    return value.encode("utf-8", "backslashreplace").decode("utf-8") if isinstance(value, str) else value


@dataclass(frozen=True, kw_only=True, eq=False)
class Predictions:
    """A network's predictions for new examples.

    Attributes:
        schema: of the network.
        names: of the examples: file names or row numbers.
        outputs: float32 [N, outputs]: log-probabilities, or values in the unit of the data.
        targets: as in `NewExamples`; None where the new data have no answers.
    """

    schema: Schema
    names: tuple[str, ...]
    outputs: NDArray[np.float32]
    targets: NDArray[Any] | None = None

    @staticmethod
    def of(schema: Schema, new: NewExamples, outputs: NDArray[np.float32]) -> "Predictions":
        names = tuple(map(str, new.names)) or tuple(str(row + 1) for row in range(len(new)))
        return Predictions(schema=schema, names=names, outputs=outputs, targets=new.targets)

    def at(self, rows: NDArray[np.bool_]) -> "Predictions":
        """The predictions for some of the examples."""
        places = np.flatnonzero(rows)
        targets = None if self.targets is None else self.targets[places]
        names = tuple(self.names[place] for place in places)
        return Predictions(schema=self.schema, names=names, outputs=self.outputs[places], targets=targets)

    def __len__(self) -> int:
        return len(self.outputs)

    @property
    def task(self) -> Task:
        return task_of(self.schema)

    @property
    def answers(self) -> list[Any]:
        """The most probable class's name, or the first value, of each example."""
        answers = Outputs.of(self.task.decode(self.outputs))
        return [self.task.headline(answers.of_example(row)) for row in range(len(answers))]

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """[N, K]; they sum to 1. For classes only."""
        assert self.task.has_probabilities
        return np.exp(self.outputs.astype(np.float64))

    def frame(self) -> "polars.DataFrame":
        """One row an example: `input`, `predicted`, `true` where known, and `probability_<class>` for each class.

        Several values or steps ahead are `predicted_1`, `predicted_2` ... and `true_1`, `true_2` ...
        """
        import polars

        columns = {"input": list(self.names), **self.task.columns(self.outputs, self.targets)}
        return polars.DataFrame({_text(name): [*map(_text, cells)] for name, cells in columns.items()})

    def score(self, metric: str | None) -> tuple[str, float] | None:
        """(metric, score) of the predictions; None where the answers are not known.

        Args:
            metric: the wanted one. Where it cannot be computed from new data alone (MASE needs the training data),
                or None: accuracy for classes, MAE for forecasts, RMSE for values.
        """
        if self.targets is None or not len(self):
            return None
        usual = self.task.metric_of_new_data
        wanted = METRICS.get(metric or usual.name)
        if wanted is None or not wanted.applies(self.schema, MetricContext()):
            wanted = usual
        known = np.isfinite(np.asarray(self.targets, dtype=np.float64)).reshape(len(self), -1).all(axis=1)
        if not known.any():
            return None
        return wanted.name, wanted.score(self.outputs[known], self.targets[known])


def check_ending(path: Path) -> None:
    """Raises `OptionError` where predictions cannot be written to a file of this name."""
    if path.suffix.lower() not in _WRITERS:
        raise OptionError(
            f"The predictions cannot be written to '{printable(path.name)}': name a file that ends in "
            f"{', '.join(_WRITERS)}."
        )


def write_predictions(predictions: Predictions, path: Path) -> Path:
    """Write CSV, TSV, JSON Lines or Parquet by the file's ending, atomically.

    Raises:
        OptionError: another ending. StoreError: the file cannot be written.
    """
    check_ending(path)
    written = io.BytesIO()  # Polars takes no name that is no text, and has errors of its own for a full disk
    _WRITERS[path.suffix.lower()](predictions.frame(), written)
    with atomic_write(path) as unfinished:
        unfinished.write_bytes(written.getvalue())
    return path
