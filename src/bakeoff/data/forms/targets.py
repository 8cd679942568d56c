"""From a column of answers to targets: classes, real values, or an error.

The rule, where the user does not say (`task="classes"` or `"value"`): strings and truth values are classes; whole
numbers are classes where there are at most `MOST_NUMERIC_CLASSES` distinct ones, or where they are exactly 0 ... K-1
with `LEAST_EXAMPLES_A_CLASS` examples each on average; everything else is a value.
"""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Finding
from bakeoff.data.forms.unicode import composed
from bakeoff.data.forms.written import same_words, value_of
from bakeoff.data.scaling import LARGE_OFFSET, without_loss
from bakeoff.data.schema import Classes, Target, Value
from bakeoff.errors import BakeoffWarning, DataError, OptionError, printable

#: Whole numbers with at most this many distinct values are classes.
MOST_NUMERIC_CLASSES = 20
#: Whole numbers 0 ... K-1 are classes where there are at least this many examples for each.
LEAST_EXAMPLES_A_CLASS = 5
#: The most classes of a target.
MOST_CLASSES = 1000
TASKS = ("classes", "value")


def read_target(
    values: NDArray[Any], *, task: str | None = None, what: str = "target"
) -> tuple[NDArray[Any], Target]:
    """Targets and their schema from answers [N] of any type, or real numbers [N, size].

    Args:
        values: words, truth values or numbers; one per example.
        task: "classes" or "value" where the user says so; None decides by the rule above.
        what: the name of the column, for messages.

    Returns:
        int64 codes [N] with `Classes`, or float32 [N, size] with `Value` (float64 where float32 would round away what
        varies beside a large offset).

    Raises:
        DataError: no examples, one class, a class with one example, or numbers that are not finite.
        OptionError: an unknown task.

    >>> codes, target = read_target(np.array(["no", "yes"] * 5))
    >>> target.names, codes[:3].tolist()
    (('no', 'yes'), [0, 1, 0])
    """
    if task is not None and task not in TASKS:
        raise OptionError(f"task must be 'classes' or 'value', not '{printable(task)}'.")
    values = np.asarray(values)
    if len(values) == 0:
        raise DataError(f"The {what} has no values: there is not one example.")
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim > 2:
        raise DataError(f"The {what} must have one axis or two, not the shape {values.shape}.")
    values = _plain(values, what=what)
    if task != "value" and (codes := from_one_hot(values)) is not None:
        values, task = codes, "classes"
    as_classes = task == "classes" or (task is None and _looks_like_classes(values))
    return _classes(values, what=what) if as_classes else _values(values, what=what)


def from_one_hot(values: NDArray[Any]) -> NDArray[np.int64] | None:
    """Class numbers [N] of one-hot answers [N, K], K of at least 2: each row one 1, else 0; None where they are not."""
    values = np.asarray(values)
    if values.ndim != 2 or values.shape[1] < 2 or values.dtype.kind not in "biuf" or len(values) == 0:
        return None
    ones = values == 1
    if not (ones | (values == 0)).all() or not (ones.sum(axis=1) == 1).all():
        return None
    return ones.argmax(axis=1).astype(np.int64)


def guess_findings(answers: NDArray[Any], target: Target, *, task: str | None) -> list[Finding]:
    """What was guessed of the answers where the user does not say: one-hot columns, whole numbers that may be classes.

    Args:
        answers: as given, [N] or [N, size].
        target: what `read_target` made of them.
    """
    if task is not None:
        return []
    if isinstance(target, Classes):
        if np.ndim(answers) == 2 and np.shape(answers)[1] > 1:
            values = {"columns": np.shape(answers)[1]}
            return [Finding(kind="target_one_hot", severity="warning", values=values)]
        return []
    numbers = np.asarray(answers).reshape(len(answers), -1)
    if numbers.shape[1] > 1 and numbers.dtype.kind in "biuf" and np.isin(numbers, (0, 1)).all():
        values = {"columns": numbers.shape[1]}
        return [Finding(kind="target_multi_label", severity="warning", values=values)]
    if numbers.shape[1] != 1 or numbers.dtype.kind not in "iuf":
        return []
    distinct = np.unique(numbers)
    low, high = float(distinct[0]), float(distinct[-1])
    counts = low in (0, 1) and high - low == len(distinct) - 1 and (distinct == np.round(distinct)).all()
    if not counts or len(distinct) > MOST_CLASSES or len(numbers) < LEAST_EXAMPLES_A_CLASS * len(distinct):
        return []
    values = {"low": int(low), "high": int(high)}
    return [Finding(kind="target_may_be_classes", severity="warning", values=values)]


def known_targets(values: NDArray[Any], target: Target) -> NDArray[Any] | None:
    """Targets of new data, coded as a trained network's `target`; None (with a warning) where that is not possible.

    Predictions need no targets, so that with a class unknown to the network only the score is missing.
    """
    values = np.asarray(values)
    if not isinstance(target, Classes):
        try:
            numbers = values.astype(np.float64).reshape(len(values), -1)
            if np.abs(numbers).max(initial=0.0) < LARGE_OFFSET:
                numbers = numbers.astype(np.float32)
        except (ValueError, TypeError):
            numbers = np.empty((0, 0))
        if numbers.shape != (len(values), target.size) or not np.isfinite(numbers).all():
            _unscored("some answers in the new data are missing or not numbers")
            return None
        return numbers
    if (codes := from_one_hot(values)) is not None:
        values = codes
    if values.ndim != 1:
        _unscored(f"the answers have the shape {values.shape}")
        return None
    code = {name: index for index, name in enumerate(target.names)}
    spelled = same_words(target.names)
    names = [
        name if name in code else spelled.get(value_of(name), name)
        for name in _class_names(_plain(values, what="target"))
    ]
    unknown = sorted({name for name in names if name not in code})
    if unknown:
        _unscored(f"training never saw the class '{printable(unknown[0])}'")
        return None
    return np.array([code[name] for name in names], np.int64)


def check_classes(codes: NDArray[np.int64], target: Classes, *, what: str = "target") -> None:
    """Raises `DataError` for one class, or for classes that have a single example."""
    counts = np.bincount(codes, minlength=target.size)
    if target.size < 2 and len(codes) >= 10:
        name = printable(target.names[0]) if target.names else ""
        raise DataError(
            f"All {len(codes)} examples are of one class, '{name}'; telling classes apart needs at least two."
        )
    lonely = [printable(name) for name, count in zip(target.names, counts, strict=True) if count == 1]
    if len(lonely) == 1 and len(codes) >= 10:
        raise DataError(
            f"The class '{lonely[0]}' has one example only, and a class needs one to learn from and one to be tested "
            "on (better ten of each): leave it out or collect more of it."
        )
    if lonely and len(codes) >= 10:
        shown = ", ".join(f"'{name}'" for name in lonely[:5]) + (" ..." if len(lonely) > 5 else "")
        raise DataError(
            f"{len(lonely)} of {target.size} classes of the {what} have one example only ({shown}), and a class needs "
            "one to learn from and one to be tested on (better ten of each): leave them out, put them together, or "
            "name another column if these are no classes."
        )


def _unscored(reason: str) -> None:
    warnings.warn(f"The predictions are not scored: {reason}.", BakeoffWarning, stacklevel=3)


def _plain(values: NDArray[Any], *, what: str) -> NDArray[Any]:
    """Objects become words or numbers; bytes become words."""
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", errors="replace")
    if values.dtype.kind == "U":
        return _composed(values)
    if values.dtype.kind == "O":
        if any(value is None or value != value for value in values.ravel()):
            raise DataError(f"The {what} has missing values; fill them in or leave those examples out.")
        if all(isinstance(value, int | float | np.number) for value in values.ravel()):
            return values.astype(np.float64)
        return _composed(values.astype(str))
    return values


def _composed(words: NDArray[Any]) -> NDArray[Any]:
    """Words in NFC; each different one is looked at once."""
    distinct, places = np.unique(words, return_inverse=True)
    if all(map(str.isascii, distinct.tolist())):
        return words
    return np.array([composed(word) for word in distinct.tolist()])[places.reshape(words.shape)]


def _looks_like_classes(values: NDArray[Any]) -> bool:
    if values.ndim == 2:
        return False
    if values.dtype.kind in "USb":
        return True
    if values.dtype.kind not in "iuf" or not np.isfinite(values).all() or (values != np.round(values)).any():
        return False
    distinct = np.unique(values)
    if len(distinct) <= MOST_NUMERIC_CLASSES:
        return True
    counts_from_zero = distinct[0] == 0 and distinct[-1] == len(distinct) - 1
    return bool(
        values.dtype.kind in "iu"
        and counts_from_zero
        and len(distinct) <= MOST_CLASSES
        and len(values) >= LEAST_EXAMPLES_A_CLASS * len(distinct)
    )


def _class_names(values: NDArray[Any]) -> list[str]:
    if values.dtype.kind == "f" and np.isfinite(values).all() and (values == np.round(values)).all():
        values = values.astype(np.int64)
    return [str(value) for value in values.tolist()]


def _classes(values: NDArray[Any], *, what: str) -> tuple[NDArray[np.int64], Classes]:
    if values.ndim == 2:
        raise DataError(f"The {what} has {values.shape[1]} columns; classes need one label per example.")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise DataError(f"The {what} has missing or infinite values; leave those examples out.")
    distinct, codes = np.unique(values, return_inverse=True)
    if len(distinct) > MOST_CLASSES:
        raise DataError(
            f"The {what} has {len(distinct)} different values in {len(values)} examples, too many for classes "
            f"(at most {MOST_CLASSES}): name another column, or give numbers as task='value'."
        )
    target = Classes(names=tuple(_class_names(distinct)))
    codes = codes.reshape(-1).astype(np.int64)
    check_classes(codes, target, what=what)
    return codes, target


def _values(values: NDArray[Any], *, what: str) -> tuple[NDArray[Any], Value]:
    try:
        numbers = values.astype(np.float64)
    except ValueError as error:
        raise DataError(
            f"The {what} has words where a value needs numbers ({printable(str(error))})."
        ) from error
    bad = ~np.isfinite(numbers)
    if bad.any():
        row = int(np.flatnonzero(bad.reshape(len(bad), -1).any(axis=1))[0])
        raise DataError(
            f"The {what} has {int(bad.sum())} missing or infinite values (the first in row {row + 1}): "
            "fill them in or leave those examples out."
        )
    numbers = numbers.reshape(len(numbers), -1)
    if (numbers == numbers[0]).all():
        raise DataError(f"The {what} is {numbers[0, 0]:g} in every example; there is nothing to learn.")
    if np.abs(numbers).max() > np.finfo(np.float32).max:
        raise DataError(
            f"The {what} has values beyond 3e38, more than a network can hold: give it in a larger unit."
        )
    return without_loss(numbers), Value(size=numbers.shape[1])
