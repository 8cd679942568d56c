"""What several commands share: their options, when the process began, and how options are read."""

import functools
import inspect
import os
import re
import time
from collections.abc import Callable
from dataclasses import Field, fields
from pathlib import Path
from typing import Annotated, Any

import typer

from bakeoff.data.options import ReadingOptions as ReadingOptions
from bakeoff.errors import OptionError, printable

_IMPORTED = time.monotonic()
DATA_HELP = "A built-in name, a folder of images, a table, text, series or array file."
DataArgument = Annotated[str, typer.Argument(metavar="DATA", help=DATA_HELP)]
BudgetOption = Annotated[
    str, typer.Option("--budget", help="Time allowed, as 90s, 5m or 1h; 'none' for no clock.")
]
StepsOption = Annotated[int | None, typer.Option("--steps", help="Optimiser steps of every training.")]
DeviceOption = Annotated[str, typer.Option("--device", help="Where to train: auto, cpu, cuda or mps.")]
WorkersOption = Annotated[
    int | None, typer.Option("--workers", help="Worker processes; as many as cores if not given.")
]
TrustOption = Annotated[
    bool,
    typer.Option(
        "--trust", help="Also import and run a network that the run names and that is not of the catalogue."
    ),
]
NetworkOption = Annotated[
    str | None,
    typer.Option(
        "--model", help="The run's network, if it is your own: file.py:NAME or package.module:NAME."
    ),
]

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def reads_data(command: Callable[..., None]) -> Callable[..., None]:
    """A command with the parameters `data`, which is looked for before anything slow begins, and `reading`.

    `reading` is a `ReadingOptions`, where typer shall see that record's single options.
    """
    names = [field.name for field in fields(ReadingOptions)]
    single = [_flag(field) for field in fields(ReadingOptions)]
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command).parameters.values():
        parameters += single if parameter.name == "reading" else [parameter]

    @functools.wraps(command)
    def as_typed(**given: Any) -> None:
        from bakeoff.data.load import check_source

        reading = ReadingOptions(**{name: _joined(given.pop(name)) for name in names})
        if "data" in given:
            check_source(given["data"])
        command(reading=reading, **given)

    by_name = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]
    as_typed.__signature__ = inspect.Signature(by_name)  # type: ignore[attr-defined]
    as_typed.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return as_typed


def _flag(option: "Field[Any]") -> inspect.Parameter:
    """The flag of an option of reading: whole numbers are checked by typer, all else is words, perhaps several."""
    kind = option.type if option.type == int | None else str | None
    kind = list[str] | None if option.metadata.get("several") else kind
    annotation = Annotated[kind, typer.Option(help=option.metadata["help"])]  # type: ignore[valid-type]
    return inspect.Parameter(option.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _joined(value: Any) -> Any:
    """What a flag that may be given several times says: "a,b" of -a and -b; None where it was not given."""
    return ",".join(value) or None if isinstance(value, list) else value


def started() -> float:
    """When this process began, on the monotonic clock: the interpreter's own start counts in a budget."""
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        uptime = float(Path("/proc/uptime").read_text().split()[0])
        age = uptime - int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return _IMPORTED
    return min(time.monotonic() - max(age, 0.0), _IMPORTED)


def parse_margin(text: str) -> float:
    """What is practically equal, as a part of 1.

    >>> parse_margin("1%"), parse_margin("0.02")
    (0.01, 0.02)

    Raises:
        OptionError: it is no number above 0 and below 1 (100 %).
    """
    number = text.strip().removesuffix("%").strip()
    try:
        share = float(number) / (100 if text.strip().endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0 < share < 1:
        raise OptionError(f"--margin is a part of a score, as 1% or 0.01, not '{printable(text)}'.")
    return share


def parse_cv(text: str) -> str | int:
    """Folds as a person writes them: a number, or a word that is checked where it is used.

    >>> parse_cv("5"), parse_cv("no")
    (5, 'no')
    """
    word = text.strip().lower()
    return int(word) if word.isdecimal() else word


def parse_budget(text: str) -> float | None:
    """Seconds of a budget as a person writes it; None for "none".

    >>> parse_budget("90s"), parse_budget("1.5m"), parse_budget("none")
    (90.0, 90.0, None)

    Raises:
        OptionError: it is no length of time.
    """
    if text.strip().lower() == "none":
        return None
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|m|min|h|)\s*", text.lower())
    if not match or float(match[1]) <= 0:
        raise OptionError(
            f"The budget '{text}' is no length of time: write 60s, 5m or 1h, or 'none' for no clock."
        )
    return float(match[1]) * _UNITS[match[2]]
