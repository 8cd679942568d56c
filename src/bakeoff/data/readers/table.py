"""Tables: files and frames of rows, read as numbers, or as texts where a column holds free text."""

from collections.abc import Mapping
from typing import Any

from bakeoff.data.dataset import Dataset, Finding
from bakeoff.data.forms.endings import TABLE_ENDINGS
from bakeoff.data.options import ReadingOptions
from bakeoff.data.readers.base import Claim, Reader
from bakeoff.errors import OptionError, listed, printable

#: With fewer columns to learn from beside sentences, a table is read as texts.
FEWEST_COLUMNS = 2
_NAME_THE_TIMES = "name the column of times (--time), or leave it out"


def _is_frame(source: Any) -> bool:
    from bakeoff.data.forms.frames import has_frame

    return has_frame(source)


def _read(source: Any, options: ReadingOptions, *, seed: int, name: str | None) -> Dataset:
    """A dataset of numbers, or of tokens where a column holds free text.

    Raises:
        DataError: no such column, nothing to learn from or towards, or the file cannot be read.
        OptionError: no target was named, or there is no text for a tokenizer.
    """
    from bakeoff.data.forms.cells.reading import Hints, column_forms
    from bakeoff.data.forms.frame_columns import (
        column_words,
        missing_beside_numbers,
        open_table,
        require_column,
        target_form,
        with_answers,
        with_joined_groups,
        without_missing,
    )
    from bakeoff.data.forms.table import build_table
    from bakeoff.data.forms.text import build_text

    table, wanted = with_answers(source, options.target)
    frame, findings, described = open_table(table, target=wanted)
    frame = with_joined_groups(frame, options.group)
    target = require_column(frame, wanted, option="target")
    if options.group is not None:
        require_column(frame, options.group, option="group")
    hints = Hints(decimal=options.decimal, dates=options.dates)
    form = target_form(frame[target], task=options.task, hints=hints)
    frame, dropped = without_missing(missing_beside_numbers(frame, target, form), target)
    apart = [target] if options.group is None else [target, options.group]
    forms = column_forms(frame.drop(apart), hints)
    texts, left_out = _texts(frame, options, apart, forms)
    common: dict[str, Any] = {
        "name": name or described.rpartition(".")[0] or described,
        "target": target,
        "task": options.task,
        "groups": None if options.group is None else column_words(frame, options.group),
        "seed": seed,
        "source": described,
        "findings": findings + dropped,
    }
    if texts and options.order is not None:
        raise OptionError("order divides the rows of tables, and this one is read as texts: leave it out.")
    if texts:
        return build_text(frame, frame[target], columns=texts, tokenizer=options.tokenizer, **common)
    if options.tokenizer is not None:
        raise OptionError(
            "A tokenizer cuts texts, and no column here is free text: name one with text=COLUMN."
        )
    if left_out:
        values = {"columns": listed(left_out), "count": len(left_out), "first": printable(left_out[0])}
        common["findings"].append(Finding(kind="left_out_text", severity="warning", values=values))
    if options.order is not None:
        require_column(frame, options.order, option="order")
    return build_table(
        frame.drop([*apart, *left_out]),
        frame[target],
        forms=forms,
        hints=hints,
        order=options.order,
        **common,
    )


def _texts(
    frame: Any, options: ReadingOptions, apart: list[str], forms: Mapping[str, Any]
) -> tuple[list[str], list[str]]:
    """(columns of text to learn from, the first of which is read; columns of text that are left out of the table).

    The table wins where it has other columns to learn from, unless the texts are sentences beside a single one.
    """
    from bakeoff.data.forms.cells.reading import column_forms
    from bakeoff.data.forms.frame_columns import require_column
    from bakeoff.data.forms.text import are_sentences, text_columns, word_columns
    from bakeoff.data.forms.usable_columns import usable_columns

    if options.text is not None:
        return [require_column(frame, options.text, option="text")], []
    if options.kind == "table":
        return [], []
    inputs = frame.drop(apart)
    words = word_columns(inputs, forms)
    found = text_columns(inputs.select(words))
    if options.kind == "text":
        group = frame.select(apart[1:])
        return found or words[:1] or word_columns(group, column_forms(group))[:1], []
    others = usable_columns(inputs.drop(found), forms)
    if not others:
        return found or words[:1], []
    if found and len(others) < FEWEST_COLUMNS and are_sentences(inputs[found[0]]):
        return found, []
    return [], found


TABLE = Reader(
    described="a table",
    plural="tables",
    claims=(
        Claim(endings=TABLE_ENDINGS),
        Claim(endings=(".txt",), needs=("target",)),
        Claim(objects=_is_frame),
    ),
    options=frozenset({"target", "group", "kind", "task", "text", "tokenizer", "decimal", "dates", "order"}),
    kinds=("table", "text"),
    instead={"horizon": _NAME_THE_TIMES, "window": _NAME_THE_TIMES},
    read=_read,
)
