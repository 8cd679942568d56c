"""The verbs take what the command line takes, with the same defaults, and refuse anything else at once."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import bakeoff
from bakeoff.api.compare import compare
from bakeoff.api.cost import cost
from bakeoff.api.explain import explain
from bakeoff.api.fit import fit
from bakeoff.api.predict import predict
from bakeoff.api.runs import runs
from bakeoff.api.why import why
from bakeoff.cli import compare as cli_compare
from bakeoff.cli import cost as cli_cost
from bakeoff.cli import explain as cli_explain
from bakeoff.cli import fit as cli_fit
from bakeoff.cli import predict as cli_predict
from bakeoff.cli import why as cli_why
from bakeoff.cli.options import ReadingOptions, parse_budget
from bakeoff.data.load import load
from bakeoff.errors import BakeoffError, UnknownArgumentError

#: Verb -> its command, what the command alone has and what the verb alone has.
_VERBS: dict[Callable[..., Any], tuple[Callable[..., Any], set[str], set[str]]] = {
    # `--model` adds to `--models`; the record is returned and not written
    compare: (
        cli_compare.compare,
        {"json", "model"},
        {"listener", "on_data", "started", "pool", "report"},
    ),
    fit: (
        cli_fit.fit,
        {"json"},
        {"listener", "on_data", "started", "save_seconds", "threads", "width", "options"},
    ),
    # `--out` is a page, which `write_why` writes; the folder of `name` is a comparison's
    why: (cli_why.why, {"json", "out"}, {"listener", "started", "pool", "sizes", "name"}),
    # what is returned writes itself
    predict: (cli_predict.predict, {"out"}, {"on_network"}),
    explain: (cli_explain.explain, {"out"}, {"on_network"}),
    # how much of the layers is shown
    cost: (cli_cost.network, {"json_file", "train", "every"}, set()),
}
_OTHER_WORD = {"budget": "budget_seconds"}
_IDS = [verb.__name__ for verb in _VERBS]


def _parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(function).parameters)


def _options_of(command: Callable[..., Any]) -> dict[str, Any]:
    """Name -> default of everything that can be typed, by the verb's words."""
    found = {name: parameter.default for name, parameter in _parameters(command).items()}
    if isinstance(found.get("budget"), str):
        found["budget"] = parse_budget(found["budget"])
    return {_OTHER_WORD.get(name, name): value for name, value in found.items()}


def _plain(default: Any) -> Any:
    return str(default) if isinstance(default, Path) else default


@pytest.mark.parametrize("verb", _VERBS, ids=_IDS)
def test_a_verb_has_the_options_of_its_command(verb: Callable[..., Any]) -> None:
    command, command_alone, verb_alone = _VERBS[verb]
    typed, taken = set(_options_of(command)), set(_parameters(verb))
    assert command_alone <= typed
    assert verb_alone <= taken
    assert typed - command_alone == taken - verb_alone


@pytest.mark.parametrize("verb", _VERBS, ids=_IDS)
def test_their_defaults_are_equal(verb: Callable[..., Any]) -> None:
    command, _, _ = _VERBS[verb]
    options, parameters = _options_of(command), _parameters(verb)
    common = options.keys() & parameters.keys()
    assert len(common) > 4
    assert {name: _plain(options[name]) for name in common} == {
        name: _plain(parameters[name].default) for name in common
    }


@pytest.mark.parametrize("verb", [compare, fit, why], ids=["compare", "fit", "why"])
def test_the_options_of_reading_are_those_of_load_by_name_type_and_default(verb: Callable[..., Any]) -> None:
    wanted, taken = _parameters(load), _parameters(verb)
    for name in ReadingOptions().given():
        assert taken[name].kind is inspect.Parameter.KEYWORD_ONLY
        assert (taken[name].annotation, taken[name].default) == (
            wanted[name].annotation,
            wanted[name].default,
        )


@pytest.mark.parametrize("verb", [*_VERBS, runs], ids=[*_IDS, "runs"])
def test_every_argument_has_a_name_and_a_type(verb: Callable[..., Any]) -> None:
    for parameter in _parameters(verb).values():
        assert parameter.kind not in (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
        assert parameter.annotation is not inspect.Parameter.empty
        assert parameter.name in (inspect.getdoc(verb) or ""), f"{parameter.name} is not documented"


def test_the_order_of_what_may_be_given_without_a_name_stays() -> None:
    def ordered(verb: Callable[..., Any]) -> list[str]:
        found = _parameters(verb).values()
        return [parameter.name for parameter in found if parameter.kind is not parameter.KEYWORD_ONLY]

    assert ordered(compare) == ordered(why) == ["data", "models", "budget_seconds", "seed"]
    assert ordered(fit) == ["data", "model"]


@pytest.mark.parametrize(
    ("verb", "wrong", "right"),
    [
        (bakeoff.compare, "budget", "budget_seconds"),
        (bakeoff.compare, "targets", "target"),
        (bakeoff.why, "change", "changes"),
    ],
)
def test_an_unknown_keyword_is_answered_with_the_nearest_before_a_worker_starts(
    monkeypatch: pytest.MonkeyPatch, verb: Callable[..., Any], wrong: str, right: str
) -> None:
    def started(*given: Any, **options: Any) -> None:
        pytest.fail("a worker was started")

    monkeypatch.setattr("bakeoff.study.workers.startup.start_workers", started)
    with pytest.raises(
        UnknownArgumentError, match=f"has no argument '{wrong}'. Did you mean .*'{right}'"
    ) as told:
        verb("iris", **{wrong: 30})
    assert isinstance(told.value, BakeoffError)
    assert isinstance(told.value, TypeError), "as Python's own"


def test_an_unknown_keyword_of_fit_is_answered_before_the_data_are_read() -> None:
    with pytest.raises(
        UnknownArgumentError, match=r"fit\(\) has no argument 'epoch'\. Did you mean 'epochs'"
    ):
        bakeoff.fit("there/is/no/such/file", "mlp", epoch=3)
    with pytest.raises(BakeoffError, match="There is no file or folder"):
        bakeoff.fit("there/is/no/such/file", "mlp", epochs=3)
