"""From the command line to a `Dataset`, DATA passes through few modules: a stranger can follow it."""

import sys
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from bakeoff.cli.main import app

MOST_MODULES = 10
DATA = "shop/sales.csv"


class _ReadError(Exception):
    """The dataset is being made."""


class Way:
    """Modules of bakeoff that are called with DATA among their arguments, in order, until the dataset is made."""

    def __init__(self) -> None:
        self.modules: list[str] = []

    def called(self, frame: FrameType, event: str, _: Any) -> None:
        module = frame.f_globals.get("__name__", "")
        if event != "call" or not module.startswith("bakeoff."):
            return
        if frame.f_code.co_name == "make_dataset":
            raise _ReadError
        if module not in self.modules and any(map(_is_data, _arguments(frame))):
            self.modules.append(module)


def _arguments(frame: FrameType) -> list[Any]:
    """What the call was given, one level into tuples and dictionaries."""
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 4) + bool(code.co_flags & 8)
    found: list[Any] = []
    for value in (frame.f_locals.get(name) for name in code.co_varnames[:count]):
        found += value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else [value]
    return found


def _is_data(value: Any) -> bool:
    return isinstance(value, str | Path) and str(value) == DATA


def test_data_passes_through_at_most_ten_modules_before_it_is_a_dataset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("shop").mkdir()
    Path(DATA).write_text("a,y\n" + "".join(f"{row},{'uv'[row % 2]}\n" for row in range(60)))
    monkeypatch.setattr(
        "bakeoff.study.workers.startup.start_workers",
        lambda *given, **more: SimpleNamespace(close=lambda: None),
    )
    way, before = Way(), sys.getprofile()
    sys.setprofile(way.called)
    try:
        result = CliRunner().invoke(app, ["compare", DATA, "--target", "y", "--budget", "none"])
    finally:
        sys.setprofile(before)
    assert isinstance(result.exception, _ReadError), result.output
    assert way.modules[0] == "bakeoff.cli.options"
    assert "bakeoff.data.forms.table_file" in way.modules
    between = [module for module in way.modules if not module.startswith("bakeoff.cli.")]
    assert len(between) <= MOST_MODULES, between
