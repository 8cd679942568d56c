"""Which options a network's `build` takes, of which types, and the error for one that it does not take."""

import functools
import inspect
import math
import re
import types
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin

import torch

from bakeoff.data.schema import Schema
from bakeoff.errors import OptionError, printable, suggest
from bakeoff.models.registry.card import ModelCard
from bakeoff.models.registry.external import is_external
from bakeoff.models.registry.own import FactoryBuild
from bakeoff.system.patches import PROCESS_LOCK

#: What `build` itself hands on, which no option may set again.
_OWN = ("schema", "width", "outputs", "channels", "self")
_REFUSED = re.compile(
    r"unexpected keyword argument '(\w+)'|multiple values for (?:keyword )?argument '(\w+)'"
)
#: Options of other packages that say what is loaded, from where and by whose code: never taken from a file.
_LOADING = re.compile(
    r"trust|remote|pretrained|weights|safetensors|kernel|download|hub|files|load_|from_|script|export|path|cache|"
    r"config|cfg|quant|adapter|auto_map|attn_implementation|^(use_auth_)?token$|^_"
)
_WORD = re.compile(r"\w{1,40}")


def _declared(card: ModelCard, schema: Schema) -> dict[str, inspect.Parameter]:
    """The parameters that the options of `bakeoff.models.build` go to, by name.

    Where the card's `build` hands its options on, they are those of the network's own constructor.
    """
    if isinstance(card.build, FactoryBuild):
        return {name: one for name, one in card.build.parameters().items() if one.default is not one.empty}
    fixed = card.build.keywords if isinstance(card.build, functools.partial) else {}
    found: dict[str, inspect.Parameter] = {}
    for parameter in inspect.signature(card.build).parameters.values():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            with PROCESS_LOCK, torch.device("meta"), torch.random.fork_rng(devices=[]):
                module = card.build(schema, width=card.width)
            found |= _keywords(type(module))
        elif parameter.name not in fixed:
            found[parameter.name] = parameter
    return {name: parameter for name, parameter in found.items() if name not in _OWN}


def _keywords(kind: type) -> dict[str, inspect.Parameter]:
    """Arguments of the constructor that have a default."""
    parameters = inspect.signature(kind).parameters
    return {name: one for name, one in parameters.items() if one.default is not inspect.Parameter.empty}


def check_recorded_options(card: ModelCard, schema: Schema, options: Mapping[str, Any]) -> None:
    """Options that a file holds are those that the network declares, with values of the declared types.

    Networks of other packages declare none: there a file may set numbers, truth values and single words, and nothing
    that says what is loaded, from where, or by whose code (`trust_remote_code`).

    Raises:
        OptionError: one is unknown, or of another type.
    """
    if not options:
        return
    if is_external(card.name):
        for name, value in options.items():
            _check_external(card, name, value)
        return
    declared = _declared(card, schema)
    for name, value in options.items():
        if name not in declared:
            raise _unknown(card, name, declared)
        if not _fits(value, _type_of(declared[name])):
            raise OptionError(
                f"The option '{printable(name)}' of '{printable(card.name)}' cannot be "
                f"{printable(repr(value))}: it is a value like {declared[name].default!r}."
            )


def _check_external(card: ModelCard, name: str, value: Any) -> None:
    is_plain = isinstance(value, int | float) or (isinstance(value, str) and _WORD.fullmatch(value))
    if _LOADING.search(name.lower()) or not name.isidentifier() or not is_plain:
        raise OptionError(
            f"The option '{printable(name)}' of '{printable(card.name)}' may not come from a file, since it can say "
            "what is loaded and run: give it where you build the network, in Python."
        )


def _type_of(parameter: inspect.Parameter) -> Any:
    """Its annotation; the type of its default where it has none that says something."""
    annotation = parameter.annotation
    if annotation is inspect.Parameter.empty or annotation is Any or isinstance(annotation, str):
        return Any if parameter.default in (None, parameter.empty) else type(parameter.default)
    return annotation


def _fits(value: Any, kind: Any) -> bool:
    """Whether a value from JSON is of this type.

    >>> _fits(3, int | None), _fits(True, int), _fits(3, float), _fits("a", Literal["a", "b"]), _fits("x", int)
    (True, False, True, True, False)
    """
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return any(_fits(value, part) for part in get_args(kind))
    if origin is Literal:
        return any(value == part and type(value) is type(part) for part in get_args(kind))
    if kind in (None, type(None)):
        return value is None
    if kind is Any:
        return value is None or isinstance(value, bool | int | float | str)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind in (bool, str):
        return isinstance(value, kind)
    if kind in (tuple, list) or origin in (tuple, list):
        return isinstance(value, list) and all(_fits(part, Any) for part in value)
    return False


def option_error(
    card: ModelCard, schema: Schema, options: Mapping[str, Any], error: TypeError
) -> OptionError | None:
    """What to say where a network's `build` refused an option; None where the error is about something else."""
    found = _REFUSED.search(str(error))
    refused = next((name for name in found.groups() if name), "") if found else ""
    return _unknown(card, refused, _declared(card, schema)) if refused in options else None


def _unknown(card: ModelCard, refused: str, declared: Mapping[str, Any]) -> OptionError:
    known = sorted(name for name in declared if name != refused)
    advice = suggest(refused, known) if known else "It has none."
    return OptionError(f"'{printable(card.name)}' has no option '{printable(refused)}'. {advice}")
