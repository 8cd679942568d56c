"""Which options a network's `build` takes, and the error for one that it does not."""

import functools
import inspect
import re
from collections.abc import Mapping
from typing import Any

import torch

from bakeoff.data.schema import Schema
from bakeoff.errors import OptionError, printable, suggest
from bakeoff.models.registry.card import ModelCard

#: What `build` itself hands on, which no option may set again.
_OWN = ("schema", "width", "outputs", "channels", "self")
_REFUSED = re.compile(
    r"unexpected keyword argument '(\w+)'|multiple values for (?:keyword )?argument '(\w+)'"
)


def known_options(card: ModelCard, schema: Schema) -> tuple[str, ...]:
    """Names that `bakeoff.models.build(card, schema, **options)` takes, sorted.

    Where the card's `build` hands its options on, they are those of the network's own constructor.
    """
    fixed = card.build.keywords if isinstance(card.build, functools.partial) else {}
    names = set()
    for parameter in inspect.signature(card.build).parameters.values():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            with torch.device("meta"), torch.random.fork_rng(devices=[]):
                module = card.build(schema, width=card.width)
            names |= _keywords(type(module))
        elif parameter.name not in fixed:
            names.add(parameter.name)
    return tuple(sorted(names - set(_OWN)))


def _keywords(kind: type) -> set[str]:
    """Arguments of the constructor that have a default."""
    parameters = inspect.signature(kind).parameters.values()
    return {parameter.name for parameter in parameters if parameter.default is not inspect.Parameter.empty}


def option_error(
    card: ModelCard, schema: Schema, options: Mapping[str, Any], error: TypeError
) -> OptionError | None:
    """What to say where a network's `build` refused an option; None where the error is about something else."""
    found = _REFUSED.search(str(error))
    refused = next((name for name in found.groups() if name), "") if found else ""
    if refused not in options:
        return None
    known = [name for name in known_options(card, schema) if name != refused]
    advice = suggest(refused, known) if known else "It has none."
    return OptionError(f"'{printable(card.name)}' has no option '{printable(refused)}'. {advice}")
