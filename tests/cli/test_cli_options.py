"""Options of reading are one record that every command with data shares."""

import inspect
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from bakeoff.cli.main import app
from bakeoff.cli.options import ReadingOptions, parse_margin
from bakeoff.data.load import load
from bakeoff.errors import DataError, OptionError

#: Each command with data: what it hands its options to, and what it needs besides.
_COMMANDS = {
    "data": ("bakeoff.data.load.load", []),
    "compare": ("bakeoff.api.compare.compare", ["--budget", "none"]),
    "fit": ("bakeoff.api.fit.fit", ["--model", "mlp"]),
    "why": ("bakeoff.api.why.why", []),
}
_TYPED = {
    "target": "y",
    "time": "day",
    "horizon": 3,
    "window": 9,
    "group": "patient",
    "size": "8x9",
    "kind": "table",
    "task": "value",
    "text": "note",
    "tokenizer": "folder",
    "decimal": "comma",
    "dates": "dmy",
    "order": "day",
}


class _ReachedError(Exception):
    """The command called what it hands its options to."""


@pytest.mark.parametrize("command", _COMMANDS)
def test_every_option_of_reading_reaches_the_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sales.csv").write_text("x,y\n1,2\n")
    given: dict[str, Any] = {}

    def reached(data: str, *rest: str, **options: Any) -> SimpleNamespace:
        given.update(options, data=data)
        raise _ReachedError

    place, more = _COMMANDS[command]
    monkeypatch.setattr(place, reached)
    words = [word for name, value in _TYPED.items() for word in (f"--{name}", str(value))]
    result = CliRunner().invoke(app, [command, "sales.csv", *more, *words])
    assert isinstance(result.exception, _ReachedError), result.output
    assert given["data"] == "sales.csv"
    assert {name: given[name] for name in _TYPED} == _TYPED


def test_a_group_that_is_given_twice_has_two_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sales.csv").write_text("x,y\n1,2\n")
    given: dict[str, Any] = {}
    monkeypatch.setattr("bakeoff.data.load.load", lambda data, **options: given.update(options))
    for words in (["--group", "shop", "--group", "item"], ["--group", "shop,item"]):
        CliRunner().invoke(app, ["data", "sales.csv", *words])
        assert given.pop("group") == "shop,item"
    CliRunner().invoke(app, ["data", "sales.csv"])
    assert given.pop("group") is None


@pytest.mark.parametrize("command", [name for name in _COMMANDS if name != "data"])
def test_data_that_are_not_there_are_refused_before_anything_slow_begins(
    monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    place, more = _COMMANDS[command]
    monkeypatch.setattr(place, lambda *given, **options: pytest.fail("begun"))
    result = CliRunner().invoke(app, [command, "digitz", *more])
    assert isinstance(result.exception, DataError)
    assert "Did you mean 'digits'" in str(result.exception)


def test_the_record_holds_what_load_takes() -> None:
    assert set(ReadingOptions().given()) == set(inspect.signature(load).parameters) - {
        "source",
        "seed",
        "name",
    }
    assert set(_TYPED) == set(ReadingOptions().given())
    assert not any(ReadingOptions().given().values())


def test_what_is_no_option_of_reading_is_refused() -> None:
    result = CliRunner().invoke(app, ["why", "iris", "--window", "many"])
    assert result.exit_code == 2
    assert "Invalid value for '--window'" in result.output


def test_a_margin_is_a_part_of_a_score() -> None:
    assert parse_margin("1%") == parse_margin(" 0.01 ") == 0.01
    for wrong in ("1", "0", "-1%", "100%", "much", "nan%"):
        with pytest.raises(OptionError, match=r"as 1% or 0\.01"):
            parse_margin(wrong)
