"""Logging of a fit to TensorBoard or MLflow, for those who use them: `log_to(name, folder, facts)` gives a `Log`."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bakeoff.errors import BakeoffWarning, OptionError, StoreError, printable, suggest
from bakeoff.system.extras import first_line, package
from bakeoff.train.single.trainer import Evaluation

LOGS = ("tensorboard", "mlflow")
EXTRA = "track"
#: Writes one number: its name, its value, the step.
Write = Callable[[str, float, int], None]


class Log:
    """Writes evaluations and scores to another package. Where writing fails, it warns once and the training continues.

    Args:
        name: of the log, for the warning.
        write: writes one number; None writes nothing.
    """

    def __init__(self, name: str = "", write: Write | None = None) -> None:
        self._name, self._write, self._step = name, write, 0

    def evaluation(self, evaluation: Evaluation) -> None:
        """Write one evaluation."""
        self._step = evaluation.step
        self._each(
            {
                "loss/training": evaluation.training_loss,
                "loss/validation": evaluation.validation_loss,
                "learning_rate": evaluation.learning_rate,
            }
        )

    def scores(self, scores: Mapping[str, float]) -> None:
        """Write the scores on the test examples, given by the metrics' names."""
        self._each({f"test/{metric}": score for metric, score in scores.items()})

    def _each(self, numbers: Mapping[str, float]) -> None:
        if self._write is None:
            return
        try:
            for tag, value in numbers.items():
                self._write(tag, value, self._step)
        except Exception as error:  # another package's: any kind
            self._write = None
            warnings.warn(
                f"The log to {self._name} ends at step {self._step}, since it could not be written "
                f"({printable(first_line(error))}); the training goes on, and its record is whole.",
                BakeoffWarning,
                stacklevel=2,
            )


def check_log(name: str | None) -> None:
    """Raises `OptionError` for an unknown name, and `MissingExtraError` where its package is not installed."""
    if name is None:
        return
    if name not in LOGS:
        raise OptionError(f"There is no log called '{name}'. {suggest(name, LOGS)}")
    package(name, EXTRA)


@contextmanager
def log_to(name: str | None, folder: Path, facts: Mapping[str, Any]) -> Iterator[Log]:
    """A log, open as long as the context.

    Args:
        name: "tensorboard" writes events into `<folder>/tensorboard`, "mlflow" to wherever MLflow is set to track;
            None writes nothing.
        folder: of the run; its name is the run's name.
        facts: settings, logged once.

    Raises:
        StoreError: MLflow cannot begin a run there.
    """
    check_log(name)
    if name is None:
        yield Log()
        return
    with (_tensorboard if name == "tensorboard" else _mlflow)(folder, facts) as write:
        yield Log(name, write)


@contextmanager
def _tensorboard(folder: Path, facts: Mapping[str, Any]) -> Iterator[Write]:
    with package("torch.utils.tensorboard", EXTRA).SummaryWriter(str(folder / "tensorboard")) as writer:
        writer.add_text("settings", "\n".join(f"    {key}: {value}" for key, value in facts.items()))
        yield writer.add_scalar


@contextmanager
def _mlflow(folder: Path, facts: Mapping[str, Any]) -> Iterator[Write]:
    mlflow: Any = package("mlflow", EXTRA)
    try:
        run = mlflow.start_run(run_name=folder.name)
    except Exception as error:  # of MLflow, or of whatever it stores runs with
        place, reason = (printable(text) for text in (str(mlflow.get_tracking_uri()), first_line(error)))
        raise StoreError(
            f"MLflow cannot begin a run at '{place}' ({reason}): "
            f"set MLFLOW_TRACKING_URI to a place where it can, or pip install 'bakeoff[{EXTRA}]' for one on this disk."
        ) from error
    with run:
        mlflow.log_params({key: str(value)[:500] for key, value in facts.items()})
        yield lambda tag, value, step: mlflow.log_metric(tag, value, step=step)
