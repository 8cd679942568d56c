"""`ReadingOptions`: how data are to be read, in one record whose fields are keywords of `load` and flags.

Which kinds of data an option applies to is declared by the readers (`bakeoff.data.readers`), not here.
"""

from dataclasses import dataclass, field
from numbers import Integral
from pathlib import Path
from typing import Any

from bakeoff.errors import OptionError, printable, suggest

KINDS = ("image", "series", "table", "text")
DECIMALS = ("comma", "point")
DATE_ORDERS = ("dmy", "mdy", "ymd", "off")
TASKS = ("classes", "value")
#: The largest height and width that images may be resized to, in pixels.
MOST_PIXELS = 1024


@dataclass(frozen=True, kw_only=True)
class ReadingOptions:
    """How data are to be read; None where nothing was said. `load` describes each option."""

    target: str | None = field(default=None, metadata={"help": "The column to predict."})
    time: str | None = field(default=None, metadata={"help": "The column of times: forecasts the target."})
    horizon: int | None = field(default=None, metadata={"help": "How many steps to forecast."})
    window: int | None = field(default=None, metadata={"help": "How many past steps a forecast sees."})
    group: str | None = field(
        default=None,
        metadata={
            "help": "The column that says which rows belong together (never divided); give it twice for two keys.",
            "several": True,
        },
    )
    size: int | str | tuple[int, int] | None = field(
        default=None, metadata={"help": "Size of images: 32, or 32x48 (height x width)."}
    )
    kind: str | None = field(
        default=None, metadata={"help": "image, series, table or text, where the data do not tell."}
    )
    task: str | None = field(
        default=None, metadata={"help": "classes or value, where the target does not tell."}
    )
    text: str | None = field(default=None, metadata={"help": "The column of free text to learn from."})
    tokenizer: str | Path | None = field(
        default=None,
        metadata={"help": "Folder, file or Hugging Face id of the tokenizer that published weights need."},
    )

    decimal: str | None = field(
        default=None, metadata={"help": "comma or point, where a column's numbers can be read either way."}
    )
    dates: str | None = field(
        default=None, metadata={"help": "dmy, mdy or ymd, where dates do not tell; off reads none."}
    )

    order: str | None = field(
        default=None,
        metadata={"help": "The column of times by which rows are divided: the latest are the test."},
    )

    def given(self) -> dict[str, Any]:
        """All options by name, as `bakeoff.load` takes them."""
        return dict(vars(self))

    @property
    def pixels(self) -> tuple[int, int] | None:
        """(height, width) that `size` asks for. Raises `OptionError` where it is no size."""
        return parse_size(self.size)

    def check(self) -> None:
        """Raises `OptionError` for a value that no kind of data takes."""
        parse_size(self.size)
        _check_choice("kind", self.kind, KINDS)
        _check_choice("task", self.task, TASKS)
        _check_choice("decimal", self.decimal, DECIMALS)
        _check_choice("dates", self.dates, DATE_ORDERS)


def parse_size(size: int | str | tuple[int, int] | None) -> tuple[int, int] | None:
    """(height, width) in pixels from 32, "32", "32x48" or (32, 48).

    Raises:
        OptionError: not one of these, or not between 1 and 1024.

    >>> parse_size("32x48")
    (32, 48)
    """
    if size is None:
        return None
    try:
        parts = size.lower().split("x") if isinstance(size, str) else size
        numbers = [int(part) for part in (parts if isinstance(parts, list | tuple) else (parts,))]
        height, width = numbers if len(numbers) == 2 else numbers * 2
    except (ValueError, TypeError) as error:
        raise OptionError(
            f"size must be like 32 or 32x48 (height x width), not '{printable(str(size))}'."
        ) from error
    if not (1 <= height <= MOST_PIXELS and 1 <= width <= MOST_PIXELS):
        raise OptionError(f"size must be from 1 to {MOST_PIXELS} pixels, not {height}x{width}.")
    return height, width


def _check_choice(option: str, value: str | None, choices: tuple[str, ...]) -> None:
    if value is not None and value not in choices:
        raise OptionError(f"{option} cannot be '{printable(str(value))}'. {suggest(str(value), choices)}")


#: NumPy and scikit-learn take seeds of 32 bits.
LARGEST_SEED = 2**32 - 1


def check_seed(seed: Any) -> None:
    """Refuse what no random generator can begin with.

    Raises:
        OptionError: it is no whole number from 0 to `LARGEST_SEED`.
    """
    whole = isinstance(seed, Integral) and not isinstance(seed, bool)
    if not whole or not 0 <= seed <= LARGEST_SEED:
        raise OptionError(
            f"seed is a whole number from 0 to {LARGEST_SEED}, not {printable(str(seed))}: write --seed 0."
        )
