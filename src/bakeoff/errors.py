"""Everything bakeoff raises at its users.

    BakeoffError                     the command line prints its message and exits with status 1
    ├── DataError        (ValueError)  the data cannot be read or cannot be compared on
    ├── ModelError       (ValueError)  a network is unknown, does not fit the data or cannot be built
    ├── CostError        (ValueError)  a network cannot be costed as asked
    ├── OptionError      (ValueError)  an argument or a flag is out of its range
    │   └── UnknownArgumentError (TypeError)  a function has no argument of that name
    ├── BudgetError      (ValueError)  the time allowed is too short for any answer
    ├── StoreError       (OSError)     a run cannot be read or written
    └── MissingExtraError (ImportError) an optional package is not installed, or broken

A message names the argument, the rule, the value that came and the next step, in one sentence a beginner
understands. Broken invariants of our own are `assert`s and never one of these.
"""

from collections.abc import Iterable
from difflib import get_close_matches

#: A sign without width, which is never shown: `data.forms.unicode` ends names with it that Polars takes for patterns.
WORD_JOINER = "\u2060"


class BakeoffError(Exception):
    """Base of all errors that a user can cause and mend."""


class DataError(BakeoffError, ValueError):
    """The data cannot be read, or no comparison can be made on it."""


class ModelError(BakeoffError, ValueError):
    """A network is unknown, does not take this data, or cannot be built."""


class CostError(BakeoffError, ValueError):
    """A network cannot be costed as asked."""


class OptionError(BakeoffError, ValueError):
    """An argument or a flag is out of its range."""


class UnknownArgumentError(OptionError, TypeError):
    """A function has no argument of that name."""


class BudgetError(BakeoffError, ValueError):
    """The time allowed is too short for any answer."""


class StoreError(BakeoffError, OSError):
    """A run's folder cannot be read or written."""


class MissingExtraError(BakeoffError, ImportError):
    """An optional package is not installed, or cannot be imported.

    Args:
        module: the module that was needed.
        extra: the extra of bakeoff that brings it.
        reason: why it cannot be imported although it is there.
    """

    def __init__(self, module: str, extra: str, reason: str | None = None) -> None:
        install = f"pip install 'bakeoff[{extra}]'"
        super().__init__(
            f"This needs the package '{module}': install it with  {install}"
            if reason is None
            else f"The package '{module}' is installed and cannot be imported ({reason}): install versions of it and "
            f"of what it needs that fit this torch, for example with  {install}"
        )


class BakeoffWarning(UserWarning):
    """Something was ignored, replaced or left out, and the person should know."""


def suggest(word: str, known: Iterable[str], *, most: int = 3) -> str:
    """The end of an error message about an unknown name: the nearest known ones, or all if few.

    >>> suggest("resnet5", ["resnet50", "vgg16"])
    "Did you mean 'resnet50'?"
    >>> suggest("x", ["gru", "lstm"])
    "Known are 'gru', 'lstm'."
    """
    names = [printable(name) for name in known]
    near = get_close_matches(word, names, n=most, cutoff=0.5)
    if near:
        return "Did you mean " + " or ".join(f"'{name}'" for name in near) + "?"
    if not names:
        return "There are none."
    listed = ", ".join(f"'{name}'" for name in names[:12])
    return f"Known are {listed}{' ...' if len(names) > 12 else '.'}"


def printable(text: str, *, most: int = 80) -> str:
    """A person's own text (a file, class or column name) made safe for one line of a terminal, and not too long.

    Control characters, line breaks and marks that turn the direction of writing are spelled out.

    >>> printable("cat\\x1b[31m\\n")
    'cat\\\\x1b[31m\\\\n'
    """
    safe = "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape", "backslashreplace").decode("ascii")
        for sign in text
        if sign != WORD_JOINER
    )
    return safe if len(safe) <= most else safe[: most - 3] + "..."


def listed(names: Iterable[object], *, most: int = 5) -> str:
    """A person's own names in quotes, the first few of them, safe for one line of a terminal.

    >>> listed(["a", "b", "c"], most=2)
    "'a', 'b' and 1 more"
    """
    words = [f"'{printable(str(name), most=40)}'" for name in names]
    return ", ".join(words[:most]) + (f" and {len(words) - most} more" if len(words) > most else "")
