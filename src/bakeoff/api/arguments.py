"""What the verbs share: an argument that a verb does not have, or a seed that is none, is refused before "
"anything slow begins."""

import functools
import inspect
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from bakeoff.data.options import check_seed
from bakeoff.errors import UnknownArgumentError, printable, suggest

P = ParamSpec("P")
R = TypeVar("R")


def refuses_unknown_arguments(verb: Callable[P, R]) -> Callable[P, R]:
    """The same verb, which answers an unknown keyword with the nearest name that it has, and checks the seed.

    Raises:
        UnknownArgumentError: when the verb is called with such a keyword. OptionError: with a seed that is none.

    >>> @refuses_unknown_arguments
    ... def half(number: float, *, digits: int = 3) -> float:
    ...     return round(number / 2, digits)
    >>> half(5.0, digit=1)
    Traceback (most recent call last):
    bakeoff.errors.UnknownArgumentError: half() has no argument 'digit'. Did you mean 'digits'?
    """
    signature = inspect.signature(verb)
    known = tuple(signature.parameters)

    @functools.wraps(verb)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        for name in kwargs:
            if name not in known:
                raise UnknownArgumentError(
                    f"{verb.__name__}() has no argument '{printable(name)}'. {suggest(name, known)}"
                )
        given = signature.bind_partial(*args, **kwargs).arguments
        if "seed" in given:
            check_seed(given["seed"])
        return verb(*args, **kwargs)

    return checked
