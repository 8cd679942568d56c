"""Tables: rows of numbers, categories and dates become float32 [N, F], by what the training rows taught."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bakeoff.data.columns import (
    Column,
    as_numbers,
    as_words,
    column_from_json,
    column_to_json,
    date_format_of,
    feature_names,
    learn_column,
    looks_like_numbers,
)
from bakeoff.data.dataset import Dataset, Finding, Indices, make_splits
from bakeoff.data.encoding import FormEncoder, NewData
from bakeoff.data.finish import finish
from bakeoff.data.frames import is_frame, to_polars
from bakeoff.data.schema import Schema, Table, Target
from bakeoff.data.table_file import read_table_file
from bakeoff.data.targets import MOST_NUMERIC_CLASSES, known_targets, read_target
from bakeoff.errors import DataError, OptionError, listed, printable, suggest

#: Words are an identifier, not a category, where more than this share of the filled rows are different.
IDENTIFIER_SHARE = 0.5
_ROW_NUMBER_NAMES = ("", "index", "id", "row", "rownum", "row_number", "unnamed: 0", "no", "no.", "번호")


@dataclass(frozen=True, kw_only=True)
class TableEncoder(FormEncoder):
    """What each used column becomes, in order, and the column of answers."""

    kind: ClassVar[str] = "table"
    columns: tuple[Column, ...]
    target: str

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "target": self.target,
            "columns": [column_to_json(column) for column in self.columns],
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        columns = tuple(column_from_json(column) for column in record["columns"])
        return cls(columns=columns, target=record["target"])

    @property
    def feature_names(self) -> tuple[str, ...]:
        return feature_names(self.columns)

    def encode(self, frame: pl.DataFrame) -> NDArray[np.float32]:
        """float32 [N, F] of the frame's rows; `DataError` where a column is missing or no longer holds numbers."""
        encoded = np.empty((len(frame), len(self.feature_names)), np.float32)
        place = 0
        for column in self.columns:
            for feature in column.encode(frame[column.name]):
                encoded[:, place] = feature.to_numpy()
                place += 1
        return encoded

    def read(self, source: Any, schema: Schema) -> NewData:
        frame = new_frame(source, [column.name for column in self.columns])
        return NewData(
            inputs=self.encode(frame),
            targets=new_targets(frame, self.target, schema.target),
            names=[str(row + 1) for row in range(len(frame))],
        )


def load_table(
    source: Any,
    *,
    target: str | None,
    group: str | None = None,
    kind: str | None = None,
    task: str | None = None,
    text: str | None = None,
    tokenizer: str | Path | None = None,
    seed: int = 0,
    name: str | None = None,
) -> Dataset:
    """A dataset from a table file or a frame: numbers, or tokens where a column holds free text.

    Raises:
        DataError: no such column, nothing to learn from or towards, or the file cannot be read.
        OptionError: no target was named.
    """
    if kind not in (None, "table", "text"):
        raise OptionError(f"A table can be read as kind 'table' or 'text', not '{printable(kind)}'.")
    frame, findings, described = open_table(source)
    target = require_column(frame, target, option="target")
    if group is not None:
        require_column(frame, group, option="group")
    frame, dropped = without_missing(frame, target)
    findings += dropped
    answers = frame[target]
    texts = [] if kind == "table" else text_columns(frame.drop([target] + ([group] if group else [])))
    if text is not None:
        texts = [require_column(frame, text, option="text")]
    if kind == "text" and not texts:
        texts = [column for column in frame.columns if frame[column].dtype == pl.String and column != target][
            :1
        ]
    common: dict[str, Any] = {
        "name": name or described.rpartition(".")[0] or described,
        "target": target,
        "task": task,
        "groups": None if group is None else as_words(frame[group]).fill_null("").to_numpy().astype(str),
        "seed": seed,
        "source": described,
        "findings": findings,
    }
    if texts:
        from bakeoff.data.text import build_text

        return build_text(frame, answers, columns=texts, tokenizer=tokenizer, **common)
    if tokenizer is not None:
        raise OptionError(
            "A tokenizer cuts texts, and no column here is free text: name one with text=COLUMN."
        )
    return build_table(frame.drop([target] + ([group] if group else [])), answers, **common)


def build_table(
    frame: pl.DataFrame,
    answers: pl.Series,
    *,
    name: str,
    target: str,
    task: str | None = None,
    groups: NDArray[Any] | None = None,
    test: Indices | None = None,
    validation: Indices | None = None,
    seed: int = 0,
    source: str = "",
    licence: str = "",
    findings: Sequence[Finding] = (),
) -> Dataset:
    """A dataset from the columns of `frame` and the answers beside them (no missing ones).

    Args:
        test, validation: the rows of parts that came with the data; None makes them here.
    """
    targets, schema_target = column_target(answers, task=task)
    schema = Schema(input=Table(features=1), target=schema_target)
    splits = make_splits(schema, targets, seed=seed, groups=groups, test=test, validation=validation)
    frame, told = _usable(frame)
    encoder, constant = _learn(frame, np.sort(splits.train), target=target)
    inputs = encoder.encode(frame)
    return finish(
        name=name,
        input=Table(features=inputs.shape[1]),
        target=schema_target,
        inputs=inputs,
        targets=targets,
        encoder=encoder,
        splits=splits,
        groups=groups,
        source=source,
        licence=licence,
        findings=[*findings, *told, *constant],
    )


def load_frame_columns(
    columns: Mapping[str, NDArray[Any]],
    answers: NDArray[Any],
    *,
    name: str,
    task: str,
    seed: int = 0,
    source: str = "",
    licence: str = "",
) -> Dataset:
    """A table from named arrays [N] and answers [N] (the built-in tables; its target column is called "target")."""
    return build_table(
        pl.DataFrame(dict(columns)),
        pl.Series("target", answers),
        name=name,
        target="target",
        task=task,
        seed=seed,
        source=source,
        licence=licence,
    )


def open_table(source: Any) -> tuple[pl.DataFrame, list[Finding], str]:
    """The frame of a file or of anybody's frame, what reading it found, and how to call it.

    Raises:
        DataError: it cannot be read, or it has no rows or no columns.
    """
    if isinstance(source, str | Path):
        frame, findings = read_table_file(Path(source))
        described = Path(source).name
    else:
        frame, findings, described = to_polars(source), [], "frame"
    if frame.width == 0 or frame.height == 0:
        raise DataError(
            f"'{printable(described)}' has {frame.height} rows and {frame.width} columns: give some data."
        )
    return frame.with_columns(pl.selectors.float().fill_nan(None)), findings, described


def require_column(frame: pl.DataFrame, column: str | None, *, option: str) -> str:
    """The column's name, if the frame has it; `DataError` with the nearest names, `OptionError` if none was given."""
    if column is None:
        raise OptionError(
            f"Which column is to be predicted? Name it with --{option} (from Python {option}=...). "
            f"{suggest('', frame.columns)}"
        )
    if column not in frame.columns:
        raise DataError(f"There is no column '{printable(column)}'. {suggest(column, frame.columns)}")
    return column


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


def column_target(answers: pl.Series, *, task: str | None) -> tuple[NDArray[Any], Target]:
    """Targets of a column without missing values."""
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
        values = as_words(answers).to_numpy().astype(str)
        if task != "classes" and answers.n_unique() > MOST_NUMERIC_CLASSES and looks_like_numbers(answers):
            values = _numbers_in_words(answers)
    return read_target(values, task=task, what=f"target '{printable(answers.name)}'")


def _numbers_in_words(answers: pl.Series) -> NDArray[np.float64]:
    """Numbers that were written as words; `DataError` names the first that is none."""
    numbers = as_numbers(answers, where_from=answers.name)
    words = numbers.is_null().arg_true()
    if len(words):
        row = int(words[0])
        raise DataError(
            f"The target '{printable(answers.name)}' has words where numbers are: '{printable(str(answers[row]))}' in "
            f"row {row + 1} ({len(words)} of {len(answers)}): correct them, or leave those cells empty."
        )
    return numbers.to_numpy()


def new_frame(source: Any, columns: Sequence[str]) -> pl.DataFrame:
    """New data as a frame that has at least these columns.

    Args:
        source: a file, a frame, or an array [N, len(columns)] in their order.
    """
    if isinstance(source, Mapping) or (not isinstance(source, str | Path) and not is_frame(source)):
        return _frame_of_arrays(source, columns)
    frame, _, described = open_table(source)
    lost = [column for column in columns if column not in frame.columns]
    if lost:
        raise DataError(
            f"'{printable(described)}' has no column '{printable(lost[0])}', which the network was trained on "
            f"({len(lost)} missing in all). {suggest(lost[0], frame.columns)}"
        )
    return frame


def new_targets(frame: pl.DataFrame, target: str, schema_target: Target) -> NDArray[Any] | None:
    """The answers of new data, or None where they have none (or not all)."""
    if target not in frame.columns or frame[target].null_count() == len(frame):
        return None
    answers = frame[target]
    is_plain = answers.dtype.is_numeric() or answers.dtype == pl.Boolean
    values = answers.to_numpy() if is_plain else as_words(answers).to_numpy()
    if answers.null_count():
        values = np.array([None] * len(answers), dtype=object)
    return known_targets(values, schema_target)


def text_columns(frame: pl.DataFrame) -> list[str]:
    """The columns of free text, the longest first (see `bakeoff.data.text.is_free_text`)."""
    from bakeoff.data.text import is_free_text

    free = [
        column for column in frame.columns if frame[column].dtype == pl.String and is_free_text(frame[column])
    ]
    lengths = {column: frame[column].str.len_chars().mean() or 0.0 for column in free}
    return sorted(free, key=lambda column: -float(str(lengths[column])))


def _frame_of_arrays(source: Any, columns: Sequence[str]) -> pl.DataFrame:
    from bakeoff.data.arrays import as_array, check_finite

    if isinstance(source, Mapping) and set(columns) <= set(source):
        return pl.DataFrame({str(key): as_array(value) for key, value in source.items()})
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
    return pl.DataFrame({column: array[:, place] for place, column in enumerate(columns)})


def _usable(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Finding]]:
    """The frame without what no network can learn from: row numbers, identifiers, texts and nested values."""
    left_out: dict[str, list[str]] = {}
    for name in frame.columns:
        reason = _reason_to_leave_out(frame[name])
        if reason:
            left_out.setdefault(reason, []).append(name)
    findings = [
        Finding(
            kind=f"left_out_{reason}", severity="note", values={"columns": listed(names), "count": len(names)}
        )
        for reason, names in left_out.items()
    ]
    return frame.drop([name for names in left_out.values() for name in names]), findings


def _reason_to_leave_out(column: pl.Series) -> str | None:
    if column.dtype.is_nested() or column.dtype in (pl.Binary, pl.Object):
        return "nested"
    if column.dtype.is_integer() and column.name.strip().lower() in _ROW_NUMBER_NAMES:
        return "row_number" if len(column) > 1 and (column.diff().drop_nulls() == 1).all() else None
    if column.dtype != pl.String:
        return None
    filled = column.drop_nulls()
    distinct = filled.n_unique()
    if distinct <= 20 or distinct <= IDENTIFIER_SHARE * len(filled):
        return None
    if looks_like_numbers(filled) or date_format_of(filled):
        return None
    return "identifier"


def _learn(
    frame: pl.DataFrame, train: NDArray[np.int64], *, target: str
) -> tuple[TableEncoder, list[Finding]]:
    rows = frame[train]
    columns, constant = [], []
    for name in frame.columns:
        learned = learn_column(rows[name])
        if learned is None:
            constant.append(name)
        else:
            columns.append(learned)
    if not columns:
        raise DataError("No column is left to learn from: all are constant, identifiers or empty.")
    findings = []
    if constant:
        values = {"columns": listed(constant), "count": len(constant)}
        findings.append(Finding(kind="constant_columns", severity="note", values=values))
    missing = {name: count for name in frame.columns if (count := frame[name].null_count())}
    if missing:
        worst = max(missing, key=lambda name: missing[name])
        filled = {
            "count": sum(missing.values()),
            "columns": len(missing),
            "worst": printable(worst),
            "most": missing[worst],
        }
        findings.append(Finding(kind="missing_filled", severity="note", values=filled))
    return TableEncoder(columns=tuple(columns), target=target), findings
