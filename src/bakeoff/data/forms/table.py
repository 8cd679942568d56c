"""Tables: rows of numbers, categories and dates become float32 [N, F], by encodings learned from the training rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bakeoff.data.assembly import make_dataset
from bakeoff.data.dataset import Dataset, Finding
from bakeoff.data.encoder import FormEncoder, NewExamples, check_shape
from bakeoff.data.forms.columns import (
    CategoryColumn,
    Column,
    as_words,
    column_from_json,
    column_to_json,
    date_format_of,
    feature_names,
    is_read_as_words,
    learn_column,
    looks_like_numbers,
)
from bakeoff.data.forms.frame_columns import (
    column_target,
    new_frame,
    new_targets,
)
from bakeoff.data.forms.targets import guess_findings
from bakeoff.data.schema import Schema, Table, Target
from bakeoff.data.splits import Indices, make_splits
from bakeoff.errors import DataError, listed, printable

#: A column of strings is an identifier, not a category, where more than this share of its filled cells are distinct.
IDENTIFIER_SHARE = 0.5
#: Names that a column of row numbers may have.
_ROW_NUMBER_NAMES = (
    *("", "index", "id", "row", "rownum", "row_number", "unnamed: 0", "no", "no.", "번호"),
    "__index_level_0__",
)
#: Of these, the names under which pandas saves the index of a frame, which may have been shuffled.
_SAVED_INDEX_NAMES = ("", "unnamed: 0", "__index_level_0__", "index")


@dataclass(frozen=True, kw_only=True)
class TableEncoder(FormEncoder):
    """The encoding of each used column, in order, and the name of the target's column."""

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
        columns = tuple(map(column_from_json, record["columns"]))
        return super().from_json({**record, "columns": columns})

    def check(self, schema: Schema) -> None:
        check_shape((len(self.feature_names),), schema)

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

    def read(self, source: Any, schema: Schema) -> NewExamples:
        words = [column.name for column in self.columns if is_read_as_words(column)]
        frame = new_frame(
            source,
            [column.name for column in self.columns],
            words=[*words, self.target] if schema.is_classification else words,
        )
        return NewExamples(
            inputs=self.encode(frame),
            targets=new_targets(frame, self.target, schema.target),
            names=[str(row + 1) for row in range(len(frame))],
        )


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
    """A dataset from the columns of `frame` and its targets (without missing ones).

    Args:
        test, validation: the rows of parts that came with the data; None makes them here.
    """
    targets, schema_target = column_target(answers, task=task)
    schema = Schema(input=Table(features=1), target=schema_target)
    splits = make_splits(schema, targets, seed=seed, groups=groups, test=test, validation=validation)
    frame, usable_findings = _usable(frame)
    encoder, constant = _learn(frame, np.sort(splits.train), target=target)
    inputs = encoder.encode(frame)
    return make_dataset(
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
        findings=[*findings, *guess_findings_of(answers, schema_target, task), *usable_findings, *constant],
    )


def guess_findings_of(answers: pl.Series, target: Target, task: str | None) -> list[Finding]:
    """What was guessed of a column of answers."""
    return guess_findings(answers.to_numpy(), target, task=task) if answers.dtype.is_numeric() else []


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


def _usable(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Finding]]:
    """The frame without columns that say nothing: row numbers, identifiers, texts and nested values; with findings."""
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
    name = column.name.strip().lower()
    if column.dtype.is_integer() and name in _ROW_NUMBER_NAMES:
        if len(column) > 1 and (column.diff().drop_nulls() == 1).all():
            return "row_number"
        return "saved_index" if name in _SAVED_INDEX_NAMES and _numbers_rows_once(column) else None
    if column.dtype != pl.String:
        return None
    filled = column.drop_nulls()
    distinct = filled.n_unique()
    if distinct <= 20 or distinct <= IDENTIFIER_SHARE * len(filled):
        return None
    if looks_like_numbers(filled) or date_format_of(filled):
        return None
    return "identifier"


def _numbers_rows_once(column: pl.Series) -> bool:
    """Whether these are the places of rows in some order, perhaps of a larger table: from 0 on, each at most once."""
    lowest = column.min()
    is_distinct = len(column) > 1 and column.null_count() == 0 and column.n_unique() == len(column)
    return is_distinct and isinstance(lowest, int) and lowest >= 0


def _lumped(column: Column | None, words: pl.Series) -> list[Finding]:
    """How many values of a category have no feature of their own, and in how many training rows they are."""
    if not isinstance(column, CategoryColumn):
        return []
    counts = as_words(words).drop_nulls().rename("word").value_counts(name="count")
    others = counts.filter(~pl.col("word").is_in(list(column.categories)))
    if len(others) == 0:
        return []
    values = {
        "column": printable(column.name),
        "kept": len(column.categories),
        "count": len(others),
        "of": len(counts),
        "share": float(others["count"].sum()) / len(words),
    }
    return [Finding(kind="levels_lumped", severity="warning", values=values)]


def _learn(
    frame: pl.DataFrame, train: NDArray[np.int64], *, target: str
) -> tuple[TableEncoder, list[Finding]]:
    rows = frame[train]
    columns, constant = [], []
    lumped: list[Finding] = []
    for name in frame.columns:
        learned = learn_column(rows[name])
        lumped += _lumped(learned, rows[name])
        if learned is None:
            constant.append(name)
        else:
            columns.append(learned)
    if not columns:
        raise DataError("No column is left to learn from: all are constant, identifiers or empty.")
    findings = lumped
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
