"""The columns of a table as a reader wants them: there, with answers, and in new data as in the old."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bakeoff.data.dataset import Finding
from bakeoff.data.forms.cells.missing import is_missing_word
from bakeoff.data.forms.cells.numbers import NumberForm, number_form_of
from bakeoff.data.forms.cells.reading import NO_HINTS, Hints
from bakeoff.data.forms.columns import as_numbers, as_words
from bakeoff.data.forms.frames import is_frame, joined_frame, to_polars
from bakeoff.data.forms.pandas_frames import with_index_columns
from bakeoff.data.forms.table_file import read_table_file
from bakeoff.data.forms.targets import MOST_NUMERIC_CLASSES, known_targets, read_target
from bakeoff.data.forms.unicode import column_name, composed_frame
from bakeoff.data.schema import Target
from bakeoff.errors import DataError, OptionError, printable, suggest


def open_table(
    source: Any, *, words: Collection[str] = (), target: str | None = None
) -> tuple[pl.DataFrame, list[Finding], str]:
    """(frame, findings, name) of a table file or of a data frame of any package.

    Args:
        words: columns whose cells stay words as a file of text has them, whatever they look like.
        target: the column whose labels keep their spelling (007, true) where it is not that of their values.

    Raises:
        DataError: it cannot be read, or it has no rows or no columns.
    """
    if isinstance(source, str | Path):
        frame, findings = read_table_file(Path(source), words=words, target=target)
        described = Path(source).name
    else:
        frame, findings, described = to_polars(source), [], "frame"
    if frame.width == 0 or frame.height == 0:
        raise DataError(
            f"'{printable(described)}' has {frame.height} rows and {frame.width} columns: give some data."
        )
    frame = composed_frame(frame.with_columns(pl.selectors.float().fill_nan(None)))
    return frame, findings, described


def with_answers(source: Any, target: str | None) -> tuple[Any, str | None]:
    """A table and the name of its target: of a pair (frame, answers) both in one frame, else what was given."""
    if isinstance(source, tuple | list):
        return joined_frame(*source)
    return source, target


def require_column(frame: pl.DataFrame, column: str | None, *, option: str) -> str:
    """The column's name, if the frame has it; `DataError` with the nearest names, `OptionError` if none was given."""
    if column is None:
        raise OptionError(
            f"Which column is to be predicted? Name it with --{option} (from Python {option}=...). "
            f"{suggest('', frame.columns)}"
        )
    column = column_name(column)
    if column not in frame.columns:
        raise DataError(f"There is no column '{printable(column)}'. {suggest(column, frame.columns)}")
    return column


def with_joined_groups(frame: pl.DataFrame, group: str | None) -> pl.DataFrame:
    """The frame whose groups are named by one column: of the keys "shop,item" that name, and the words of both."""
    if group is None or group in frame.columns or "," not in group:
        return frame
    keys = [require_column(frame, key.strip(), option="group") for key in group.split(",")]
    words = [as_words(frame[key]).fill_null("") for key in keys]
    joined = pl.select(pl.concat_str(*map(pl.lit, words), separator=" / ")).to_series().alias(group)
    return frame.drop(keys).with_columns(joined)


def column_words(frame: pl.DataFrame, column: str) -> NDArray[Any]:
    """The cells of a column as words [N], "" where one is missing."""
    return as_words(frame[column]).fill_null("").to_numpy().astype(str)


def without_missing(frame: pl.DataFrame, target: str) -> tuple[pl.DataFrame, list[Finding]]:
    """The rows that have an answer, and a finding that counts the others.

    Raises:
        DataError: more than half of the answers are missing.
    """
    missing = frame[target].null_count()
    if missing == 0:
        return frame, []
    if missing * 2 > len(frame):
        raise DataError(
            f"The target '{printable(target)}' is missing in {missing} of {len(frame)} rows, more than half: "
            "fill it in, or name another column."
        )
    values = {"column": printable(target), "count": missing, "of": len(frame)}
    finding = Finding(kind="target_missing", severity="fault", values=values)
    return frame.filter(pl.col(target).is_not_null()), [finding]


def target_form(answers: pl.Series, *, task: str | None, hints: Hints = NO_HINTS) -> NumberForm | None:
    """How the numbers of a target are written that holds words; None where it holds no words, or classes."""
    if answers.dtype != pl.String or task == "classes":
        return None
    form = number_form_of(answers, decimal=hints.decimal)
    if form is None or task == "value" or answers.n_unique() > MOST_NUMERIC_CLASSES:
        return form
    numbers = form.read(answers).drop_nulls()
    return form if (numbers != numbers.round(0)).any() else None


def missing_beside_numbers(frame: pl.DataFrame, target: str, form: NumberForm | None) -> pl.DataFrame:
    """The frame whose target of numbers is null where it has a word for "missing"."""
    if form is None:
        return frame
    unknown = is_missing_word(frame[target])
    return frame.with_columns(pl.when(unknown).then(None).otherwise(pl.col(target)).alias(target))


def column_target(
    answers: pl.Series, *, task: str | None, form: NumberForm | None = None
) -> tuple[NDArray[Any], Target]:
    """Targets of a column without missing values, of which `form` says how its numbers are written."""
    if answers.dtype.is_temporal() or answers.dtype.is_nested() or answers.dtype == pl.Binary:
        raise DataError(
            f"The target '{printable(answers.name)}' holds {answers.dtype}, which is neither a class nor a number: "
            "name another column (to forecast a series, name its times with --time)."
        )
    if isinstance(answers.dtype, pl.Decimal):
        answers = answers.cast(pl.Float64)
    if answers.dtype.is_numeric() or answers.dtype == pl.Boolean:
        values = answers.to_numpy()
    else:
        form = form or target_form(answers, task=task)
        if form is not None:
            values = _numbers_in_words(answers, form)
        else:
            values = as_words(answers).to_numpy().astype(str)
    return read_target(values, task=task, what=f"target '{printable(answers.name)}'")


def _numbers_in_words(answers: pl.Series, form: NumberForm) -> NDArray[np.float64]:
    """Numbers that were written as words; `DataError` names the first that is none."""
    numbers = as_numbers(answers, form, where_from=answers.name, share=0.0)
    words = numbers.is_null().arg_true()
    if len(words):
        row = int(words[0])
        raise DataError(
            f"The target '{printable(answers.name)}' has words where numbers are: '{printable(str(answers[row]))}' in "
            f"row {row + 1} ({len(words)} of {len(answers)}): correct them, or leave those cells empty."
        )
    return numbers.to_numpy()


def new_frame(source: Any, columns: Sequence[str], *, words: Collection[str] = ()) -> pl.DataFrame:
    """New data as a frame that has at least these columns.

    Args:
        source: a file, a frame, or an array [N, len(columns)] in their order.
        words: the columns, also beside these, that held words in training.
    """
    if isinstance(source, Mapping) or (not isinstance(source, str | Path) and not is_frame(source)):
        return _frame_of_arrays(source, columns)
    frame, _, described = open_table(with_index_columns(source, columns), words=words)
    # A record of an earlier version may hold a name as its file had it.
    spelled = {column_name(column): column for column in columns if column not in frame.columns}
    frame = frame.rename({name: spelled[name] for name in frame.columns if name in spelled})
    lost = [column for column in columns if column not in frame.columns]
    if lost:
        raise DataError(
            f"'{printable(described)}' has no column '{printable(lost[0])}', which the network was trained on "
            f"({len(lost)} missing in all). {suggest(lost[0], frame.columns)}"
        )
    return frame


def new_targets(
    frame: pl.DataFrame, target: str, schema_target: Target, *, form: NumberForm | None = None
) -> NDArray[Any] | None:
    """The answers of new data, or None where they have none (or not all); `form` says how numbers are written."""
    if target not in frame.columns or frame[target].null_count() == len(frame):
        return None
    answers = frame[target]
    is_plain = answers.dtype.is_numeric() or answers.dtype == pl.Boolean
    if form is not None and not is_plain:
        answers, is_plain = form.read(as_words(answers)), True
    values = answers.to_numpy() if is_plain else as_words(answers).to_numpy()
    if answers.null_count():
        values = np.array([None] * len(answers), dtype=object)
    return known_targets(values, schema_target)


def _frame_of_arrays(source: Any, columns: Sequence[str]) -> pl.DataFrame:
    from bakeoff.data.forms.array_conversion import as_array, polars_takes
    from bakeoff.data.forms.array_values import check_finite

    if isinstance(source, Mapping) and set(columns) <= set(source):
        return pl.DataFrame({str(key): polars_takes(as_array(value)) for key, value in source.items()})
    array = as_array(source[0] if isinstance(source, tuple) else source)
    array = array[None] if array.ndim == 1 and len(array) == len(columns) else array
    if array.ndim != 2 or array.shape[1] != len(columns):
        raise DataError(
            f"The network was trained on {len(columns)} columns, and the array has the shape {array.shape}: "
            f"give [N, {len(columns)}], or a table with the columns by name."
        )
    check_finite(
        np.nan_to_num(array, nan=0.0, posinf=np.inf, neginf=-np.inf) if array.dtype.kind == "f" else array
    )
    array = polars_takes(array)
    return pl.DataFrame({column: array[:, place] for place, column in enumerate(columns)})
