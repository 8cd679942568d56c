"""Tables: rows of numbers, categories and dates become float32 [N, F], by encodings learned from the training rows."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bakeoff.data.assembly import make_dataset
from bakeoff.data.dataset import Dataset, Finding
from bakeoff.data.encoder import FormEncoder, NewExamples, check_shape
from bakeoff.data.forms.cells.numbers import PLAIN, NumberForm
from bakeoff.data.forms.cells.reading import (
    NO_HINTS,
    Form,
    Hints,
    column_forms,
    form_findings,
    odd_cells,
)
from bakeoff.data.forms.columns import (
    Column,
    DateColumn,
    NumberColumn,
    column_from_json,
    column_to_json,
    feature_names,
    first_of_each,
    is_read_as_words,
    learn_column,
)
from bakeoff.data.forms.forecast_times import read_times
from bakeoff.data.forms.frame_columns import column_target, new_frame, new_targets, target_form
from bakeoff.data.forms.targets import guess_findings
from bakeoff.data.forms.usable_columns import division_findings, lumped_levels, usable_frame
from bakeoff.data.schema import Schema, Table, Target
from bakeoff.data.splits import Indices, make_splits
from bakeoff.errors import DataError, listed, printable


@dataclass(frozen=True, kw_only=True)
class TableEncoder(FormEncoder):
    """The encoding of each used column, in order, the name of the target's column, and how its numbers are written."""

    kind: ClassVar[str] = "table"
    columns: tuple[Column, ...]
    target: str
    target_form: NumberForm | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "target": self.target,
            "target_form": None if self.target_form is None else asdict(self.target_form),
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
        as_written = schema.is_classification or self.target_form is not None
        frame = new_frame(
            source,
            [column.name for column in self.columns],
            words=[*words, self.target] if as_written else words,
        )
        return NewExamples(
            inputs=self.encode(frame),
            targets=new_targets(frame, self.target, schema.target, form=self.target_form),
            names=[str(row + 1) for row in range(len(frame))],
            findings=self._odd_cells(frame),
        )

    def _odd_cells(self, frame: pl.DataFrame) -> list[Finding]:
        """New cells that count as missing because they are no numbers, or no dates, as training had them."""
        findings = []
        for column in self.columns:
            if isinstance(column, NumberColumn) and not column.truth:
                findings += odd_cells(frame[column.name], column.form or PLAIN)
            elif isinstance(column, DateColumn) and column.form is not None:
                findings += odd_cells(frame[column.name], column.form)
        return findings


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
    forms: Mapping[str, Form] | None = None,
    hints: Hints = NO_HINTS,
    order: str | None = None,
) -> Dataset:
    """A dataset from the columns of `frame` and its targets (without missing ones).

    Args:
        forms: of the columns, where they are known already.
        hints: what the user says of cells that can be read in several ways.
        order: the column of times by which the rows are divided, the latest for the test.
        test, validation: the rows of parts that came with the data; None makes them here.
    """
    answer_form = target_form(answers, task=task, hints=hints)
    targets, schema_target = column_target(answers, task=task, form=answer_form)
    schema = Schema(input=Table(features=1), target=schema_target)
    known = column_forms(frame, hints) if forms is None else forms
    forms = {name: form for name, form in known.items() if name in frame.columns}
    usable, usable_findings = usable_frame(frame, forms)
    originals = first_of_each(usable) if usable.width else None
    splits = make_splits(
        schema,
        targets,
        seed=seed,
        groups=groups,
        test=test,
        validation=validation,
        times=None if order is None else read_times(frame[order], None, hints).ticks,
        originals=originals,
    )
    kept = {name: form for name, form in forms.items() if name in usable.columns}
    all_columns = frame if answer_form is None else frame.with_columns(answers)
    own = {} if answer_form is None else {answers.name: answer_form}
    noticed = form_findings(all_columns, {**own, **kept})
    encoder, constant = _learn(usable, kept, np.sort(splits.train), target=target, answers=answer_form)
    if groups is None and splits.how in ("stratified", "random"):
        noticed += division_findings(usable, encoder.columns, forms)
    frame = usable
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
        originals=originals,
        source=source,
        licence=licence,
        findings=[
            *findings,
            *guess_findings_of(answers, schema_target, task),
            *noticed,
            *usable_findings,
            *constant,
        ],
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


def _learn(
    frame: pl.DataFrame,
    forms: Mapping[str, Form],
    train: NDArray[np.int64],
    *,
    target: str,
    answers: NumberForm | None,
) -> tuple[TableEncoder, list[Finding]]:
    rows = frame[train]
    columns, constant = [], []
    lumped: list[Finding] = []
    for name in frame.columns:
        learned = learn_column(rows[name], forms.get(name))
        lumped += lumped_levels(learned, rows[name])
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
    return TableEncoder(columns=tuple(columns), target=target, target_form=answers), findings
