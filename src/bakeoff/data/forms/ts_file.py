"""Reading time series files: `.ts` (sktime and the UEA archive) and the UCR archive's tab-separated files.

`.ts`: header lines that start with "@", then "@data", then one example a line: channels separated by ":", values by
",", the class last; "?" is a missing value. With "@timeStamps true" each value is "(time,value)".
UCR: one example a line, the class first, values separated by tabs, commas or blanks; NaN at the end is padding.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.forms.unicode import composed
from bakeoff.errors import DataError, printable
from bakeoff.system.files import opened


@dataclass(frozen=True, kw_only=True, eq=False)
class SeriesFile:
    """What one file holds.

    Attributes:
        examples: each float64 [C, T] with its own T; missing values are NaN.
        answers: the class or number of each as it was written, or None where the file has none.
        classes: the class names in the order of the header, or () where it does not list them.
        is_regression: whether the header says that the answers are numbers ("@targetlabel true").
    """

    examples: tuple[NDArray[np.float64], ...]
    answers: tuple[str, ...] | None
    classes: tuple[str, ...] = ()
    is_regression: bool = False


def read_series_file(path: Path) -> SeriesFile:
    """A `.ts` or UCR file.

    Raises:
        DataError: a line is damaged; the message names it.
    """
    with opened(path) as file:
        content = file.read()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    text = composed(text)
    if not text.strip():
        raise DataError(f"'{printable(path.name)}' is empty: give a file with one series a line.")
    return _read_ts(text, path.name) if path.suffix.lower() == ".ts" else _read_ucr(text, path.name)


def _read_ts(text: str, name: str) -> SeriesFile:
    header: dict[str, list[str]] = {}
    lines = iter(enumerate(text.splitlines(), 1))
    for number, line in lines:
        stripped = line.strip()
        if not stripped or stripped.startswith(("#", "%")):
            continue
        if not stripped.startswith("@"):
            raise DataError(
                f"Line {number} of '{printable(name)}' comes before '@data': a .ts file needs that line."
            )
        word, *values = stripped[1:].split() or [""]
        header[word.lower()] = values
        if word.lower() == "data":
            break
    if "data" not in header:
        raise DataError(
            f"'{printable(name)}' has no line '@data': it is not a .ts file, or it was cut short."
        )
    labelled, classes, is_regression = _labels_of(header)
    timed = header.get("timestamps", ["false"])[0].lower() == "true"
    examples, answers, places = [], [], []
    channels = None
    for number, line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        parts = _split_channels(line.strip(), timed=timed)
        if labelled:
            answers.append(plain_label(parts.pop().strip()))
        channels = len(parts) if channels is None else channels
        if len(parts) != channels or not parts:
            raise DataError(
                f"Line {number} of '{printable(name)}' has {len(parts)} channels where the first has {channels}: "
                "mend that line."
            )
        examples.append(_stacked([_values(part, number, name, timed=timed) for part in parts]))
        places.append(number)
    if labelled and classes:
        classes = _listed_classes(classes, answers, places, name)
    if not examples:
        raise DataError(f"'{printable(name)}' has no series after '@data'.")
    return SeriesFile(
        examples=tuple(examples),
        answers=tuple(answers) if labelled else None,
        classes=classes,
        is_regression=is_regression,
    )


def _labels_of(header: dict[str, list[str]]) -> tuple[bool, tuple[str, ...], bool]:
    """(there are answers, the listed classes, they are numbers)."""
    wanted = header.get("classlabel", ["false"])
    if wanted and wanted[0].lower() == "true":
        return True, tuple(map(plain_label, wanted[1:])), False
    numbers = header.get("targetlabel", header.get("regression", ["false"]))
    if numbers and numbers[0].lower() == "true":
        return True, (), True
    return False, (), False


def _listed_classes(
    words: tuple[str, ...], answers: list[str], places: list[int], name: str
) -> tuple[str, ...]:
    """The classes of a header, which separates them by blanks: "walking up running" may be two.

    Raises:
        DataError: a line has a class that the header does not list.
    """
    found, place = list[str](), 0
    used = set(answers)
    most_words = max((len(answer.split()) for answer in used), default=1)
    while place < len(words):
        ends = range(min(place + most_words, len(words)), place, -1)
        end = next((end for end in ends if " ".join(words[place:end]) in used), place + 1)
        found.append(" ".join(words[place:end]))
        place = end
    listed = frozenset(found)
    for answer, number in zip(answers, places, strict=True):
        if answer not in listed:
            raise DataError(
                f"Line {number} of '{printable(name)}' has the class '{printable(answer)}', which its header does not "
                "list: mend the line, or the '@classLabel' line."
            )
    return tuple(found)


def _split_channels(line: str, *, timed: bool) -> list[str]:
    """At ":", but not inside the brackets of "(2024-01-01 10:00:00,3.5)"; in one pass, however long the line is."""
    if not timed:
        return line.split(":")
    parts, start, is_inside = [], 0, False
    for sign in re.finditer(r"[():]", line):
        if sign[0] == ":" and not is_inside:
            parts.append(line[start : sign.start()])
            start = sign.end()
        elif sign[0] != ":":
            is_inside = sign[0] == "("
    return [*parts, line[start:]]


def _values(part: str, number: int, name: str, *, timed: bool) -> NDArray[np.float64]:
    if timed:
        pairs = [pair.partition("(") for pair in part.split(")")]
        part = ",".join(pair[2].rpartition(",")[2] for pair in pairs if pair[1])
    try:
        return np.array(part.replace("?", "nan").split(","), np.float64)
    except ValueError as error:
        raise DataError(
            f"Line {number} of '{printable(name)}' has a value that is no number ({printable(str(error))}): "
            "mend that line ('?' stands for a missing value)."
        ) from error


def _stacked(channels: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """[C, T]; channels that are shorter than the longest are missing at their end."""
    longest = max(len(channel) for channel in channels)
    stacked = np.full((len(channels), longest), np.nan)
    for place, channel in enumerate(channels):
        stacked[place, : len(channel)] = channel
    return stacked


def _read_ucr(text: str, name: str) -> SeriesFile:
    examples, answers = [], []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        label, *values = split_ucr_line(line)
        try:
            series = np.array([value or "nan" for value in values], np.float64)
        except ValueError as error:
            raise DataError(
                f"Line {number} of '{printable(name)}' has a value that is no number ({printable(str(error))}): "
                "a UCR file has the class first, then numbers. For a table with a header, name its --target."
            ) from error
        if not len(series):
            raise DataError(
                f"Line {number} of '{printable(name)}' has a class and no values: mend that line."
            )
        examples.append(series[None])
        answers.append(plain_label(label))
    return SeriesFile(examples=tuple(examples), answers=tuple(answers))


def split_ucr_line(line: str) -> list[str]:
    """The cells of a line: separated by tabs, else by commas, else by blanks."""
    line = line.strip("\r\n ")
    if "\t" in line:
        return [cell.strip() for cell in line.split("\t")]
    return [cell.strip() for cell in line.split(",")] if "," in line else line.split()


def plain_label(label: str) -> str:
    """Files write the class 1 as 1, 1.0 or 1.0000000e+00, and not always as their header does."""
    try:
        number = float(label)
    except ValueError:
        return label
    return str(int(number)) if number.is_integer() else label
