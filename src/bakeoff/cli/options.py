"""What several commands share: their options, when the process began, and how options are read."""

import json
import os
import re
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from bakeoff.errors import OptionError, StoreError

_IMPORTED = time.monotonic()
DATA_HELP = "A built-in name, a folder of images, a table, text, series or array file."
DataArgument = Annotated[str, typer.Argument(metavar="DATA", help=DATA_HELP)]
TargetOption = Annotated[str | None, typer.Option("--target", help="The column to predict.")]
TimeOption = Annotated[str | None, typer.Option("--time", help="The column of times: forecasts the target.")]
HorizonOption = Annotated[int | None, typer.Option("--horizon", help="How many steps to forecast.")]
WindowOption = Annotated[int | None, typer.Option("--window", help="How many past steps a forecast sees.")]
GroupOption = Annotated[
    str | None,
    typer.Option("--group", help="The column that says which rows belong together (never divided)."),
]
SizeOption = Annotated[
    str | None, typer.Option("--size", help="Size of images: 32, or 32x48 (height x width).")
]
KindOption = Annotated[
    str | None, typer.Option("--kind", help="image, series, table or text, where the data do not tell.")
]
TaskOption = Annotated[
    str | None, typer.Option("--task", help="classes or value, where the target does not tell.")
]
TextOption = Annotated[str | None, typer.Option("--text", help="The column of free text to learn from.")]
BudgetOption = Annotated[
    str, typer.Option("--budget", help="Time allowed, as 90s, 5m or 1h; 'none' for no clock.")
]
StepsOption = Annotated[int | None, typer.Option("--steps", help="Optimiser steps of every training.")]
WorkersOption = Annotated[
    int | None, typer.Option("--workers", help="Worker processes; as many as cores if not given.")
]

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def started() -> float:
    """When this process began, on the monotonic clock: the interpreter's own start counts in a budget."""
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        uptime = float(Path("/proc/uptime").read_text().split()[0])
        age = uptime - int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return _IMPORTED
    return min(time.monotonic() - max(age, 0.0), _IMPORTED)


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


def check_writable(path: Path | None) -> None:
    """Before a long run: can the file that it is to end in be written at all?

    Raises:
        StoreError: it cannot.
    """
    if path is None:
        return
    partial = _partial(path)
    try:
        partial.touch()
        partial.unlink()
    except OSError as error:
        raise _unwritable(path, error) from error


def write_json(path: Path, record: Any) -> None:
    """Write a record as JSON, whole or not at all.

    Raises:
        StoreError: the file cannot be written.
    """
    partial = _partial(path)
    try:
        partial.write_text(
            json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
        )
        partial.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error


def _partial(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def _unwritable(path: Path, error: OSError) -> StoreError:
    return StoreError(f"'{path}' cannot be written ({error.strerror}): name another file.")
