"""From JSON to frozen records: a file may say anything, so the type of every field is checked.

Values stay as they stand there (a whole number in the place of a fraction stays whole, for keys are hashes of them);
only lists become tuples, and names the members of their enumeration.
"""

import dataclasses
import functools
from collections.abc import Mapping
from enum import Enum
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

Record = TypeVar("Record")


def record_of(described: type[Record], found: Any) -> Record:
    """The record that these fields make.

    Raises:
        ValueError: it is no object of JSON, or a field is missing, unknown or of another type.

    >>> from bakeoff.data.schema import Table
    >>> record_of(Table, {"features": 3})
    Table(features=3)
    >>> record_of(Table, {"features": "3"})
    Traceback (most recent call last):
    ValueError: 'features' is '3', where a whole number belongs
    """
    if not isinstance(found, Mapping):
        raise ValueError(f"{_shown(found)} stands where a {described.__name__} belongs")
    hints: dict[str, Any] = _hints(described)  # type: ignore[arg-type]
    unknown = next((name for name in found if name not in hints), None)
    if unknown is not None:
        raise ValueError(f"{_shown(unknown)} is no part of a {described.__name__}")
    missing = next((name for name in _needed(described) if name not in found), None)
    if missing is not None:
        raise ValueError(f"'{missing}' is missing")
    return described(**{name: typed(value, hints[name], name) for name, value in found.items()})


def typed(value: Any, hint: Any, name: str) -> Any:
    """The value, if it is of this type. Raises `ValueError`, in which it has this name, where it is not."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _one_of(value, arguments, name)
    if origin is tuple and isinstance(value, list | tuple):
        parts = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else arguments
        if len(parts) == len(value):
            return tuple(typed(one, part, name) for one, part in zip(value, parts, strict=True))
    elif origin is Mapping and isinstance(value, Mapping):
        return {typed(key, arguments[0], name): typed(one, arguments[1], name) for key, one in value.items()}
    elif isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    elif dataclasses.is_dataclass(hint) and isinstance(hint, type) and isinstance(value, Mapping):
        return record_of(hint, value)
    elif hint is Any or _is_plain(value, hint):
        return value
    raise ValueError(f"'{name}' is {_shown(value)}, where {_WORDS.get(hint, 'something else')} belongs")


def _one_of(value: Any, hints: tuple[Any, ...], name: str) -> Any:
    """The value as the first of these types that it is."""
    if value is None and NoneType in hints:
        return None
    rest = [hint for hint in hints if hint is not NoneType]
    for hint in rest[:-1]:
        try:
            return typed(value, hint, name)
        except ValueError:
            continue
    return typed(value, rest[-1], name)


def _is_plain(value: Any, hint: Any) -> bool:
    """Whether it is of this class. A truth value is no number here, and a number too large for a float is no float."""
    if hint is float:
        return isinstance(value, float) or (
            isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1e300
        )
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(hint, type) and isinstance(value, hint)


_WORDS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


@functools.cache
def _hints(described: Any) -> dict[str, Any]:
    """The type of every field."""
    known = get_type_hints(described)
    return {one.name: known[one.name] for one in dataclasses.fields(described) if one.init}


def _needed(described: type[Any]) -> list[str]:
    return [
        one.name
        for one in dataclasses.fields(described)
        if one.init and one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING
    ]


def _shown(value: Any) -> str:
    """The value, in few letters."""
    if isinstance(value, list | tuple | Mapping):
        return f"a {'list' if isinstance(value, list | tuple) else 'table'}"
    words = repr(value)
    return words if len(words) <= 40 else words[:37] + "..."
