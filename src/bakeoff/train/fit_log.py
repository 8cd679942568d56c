"""Logging of a fit to TensorBoard or MLflow, for those who use them: `log_to(name, folder, facts)` gives a listener."""

import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from bakeoff.errors import MissingExtraError, OptionError, suggest
from bakeoff.train.fit import Listener, Moment

LOGS = ("tensorboard", "mlflow")


def check_log(name: str | None) -> None:
    """Raises `OptionError` for an unknown name, and `MissingExtraError` where its package is not installed."""
    if name is None:
        return
    if name not in LOGS:
        raise OptionError(f"There is no log called '{name}'. {suggest(name, LOGS)}")
    _package(name)


@contextmanager
def log_to(name: str | None, folder: Path, facts: Mapping[str, Any]) -> Iterator[Listener]:
    """A listener that writes every evaluation as scalars, open as long as the context.

    Args:
        name: "tensorboard" writes events into `<folder>/tensorboard`, "mlflow" to wherever MLflow is set to track;
            None writes nothing.
        folder: of the run; its name is the run's name.
        facts: settings, logged once.
    """
    check_log(name)
    if name is None:
        yield lambda moment: None
    elif name == "tensorboard":
        with _tensorboard(folder, facts) as write:
            yield _listener(write)
    else:
        with _mlflow(folder, facts) as write:
            yield _listener(write)


Write = Callable[[str, float, int], None]


def _listener(write: Write) -> Listener:
    def listen(moment: Moment) -> None:
        write("loss/training", moment.training_loss, moment.step)
        write("loss/validation", moment.validation_loss, moment.step)
        write("learning_rate", moment.learning_rate, moment.step)

    return listen


@contextmanager
def _tensorboard(folder: Path, facts: Mapping[str, Any]) -> Iterator[Write]:
    _package("tensorboard")
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(folder / "tensorboard")) as writer:  # type: ignore[no-untyped-call]
        writer.add_text("settings", "\n".join(f"    {key}: {value}" for key, value in facts.items()))  # type: ignore[no-untyped-call]
        yield lambda tag, value, step: writer.add_scalar(tag, value, step)  # type: ignore[no-untyped-call]


@contextmanager
def _mlflow(folder: Path, facts: Mapping[str, Any]) -> Iterator[Write]:
    mlflow: Any = _package("mlflow")
    with mlflow.start_run(run_name=folder.name):
        mlflow.log_params({key: str(value)[:500] for key, value in facts.items()})
        yield lambda tag, value, step: mlflow.log_metric(tag, value, step=step)


def _package(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingExtraError(name, "track") from error
