"""The data card: what the data are, how they are split, and which findings may spoil a comparison."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bakeoff.data.dataset import Dataset, Finding
from bakeoff.data.findings import findings_of
from bakeoff.data.forms.table import TableEncoder
from bakeoff.data.packed_graphs import PackedGraphs
from bakeoff.data.schema import Classes, Forecast, Graph, Image, Schema, Series, Tokens
from bakeoff.errors import listed, printable
from bakeoff.messages import say

#: Classes that the card lists by name, the most frequent first; the rest are counted.
LISTED_CLASSES = 12


@dataclass(frozen=True, kw_only=True)
class DataCard:
    """What `bakeoff data` shows.

    Attributes:
        name, source, licence: as in the dataset.
        kind: "images", "series", "forecast", "text", "graphs" or "table".
        schema: what one example is.
        examples: how many there are.
        classes: (name, examples) in the schema's order; () where the target is no class.
        target_range: (lowest, mean, highest) of a value or forecast, in the unit of the data; None for classes.
        splits: {"train": n, "validation": n, "test": n}.
        how: how the splits were made.
        lengths: (shortest, median, longest) where examples differ in length (graphs: in nodes), else None.
        edges: the mean number of edges of a graph, or None.
        columns: (name, kind, number of features) of each column of a table with named columns.
        groups: how many groups there are, or None.
        findings: everything found, worst first.
        fingerprint: of the dataset.
    """

    name: str
    kind: str
    schema: Schema
    examples: int
    classes: tuple[tuple[str, int], ...]
    target_range: tuple[float, float, float] | None
    splits: dict[str, int]
    how: str
    lengths: tuple[int, int, int] | None
    edges: float | None
    columns: tuple[tuple[str, str, int], ...]
    groups: int | None
    findings: tuple[Finding, ...]
    source: str
    licence: str
    fingerprint: str

    def rows(self) -> tuple[tuple[str, str], ...]:
        """(heading, text) of each line, in the language in force; user text is made safe for a terminal."""
        rows = [
            (say("data.card.kind"), self._input_text()),
            (say("data.card.examples"), f"{self.examples:,}"),
            (say("data.card.target"), self._target_text()),
        ]
        if self.classes:
            rows.append((say("data.card.class_counts"), self._class_text()))
        if self.columns:
            rows.append((say("data.card.columns"), listed([name for name, _, _ in self.columns], most=12)))
        if self.lengths:
            shortest, median, longest = self.lengths
            text = say("data.card.lengths_text", shortest=shortest, median=median, longest=longest)
            key = "data.card.lengths" if self.edges is None else "data.card.nodes"
            rows.append((say(key), text))
        if self.edges is not None:
            rows.append((say("data.card.edges"), say("data.card.edges_text", mean=f"{self.edges:.1f}")))
        if self.groups is not None:
            rows.append((say("data.card.groups"), f"{self.groups:,}"))
        how = say("data.card.how." + self.how.replace(" ", "_"))
        rows.append((say("data.card.splits"), say("data.card.splits_text", how=how, **self.splits)))
        for key, text in (("source", self.source), ("licence", self.licence)):
            if text:
                rows.append((say(f"data.card.{key}"), printable(text, most=200)))
        return tuple(rows)

    def sentences(self) -> tuple[tuple[str, str], ...]:
        """(severity, sentence) of each finding, in the language in force."""
        return tuple((finding.severity, finding_sentence(finding)) for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Plain values for `json.dumps`; each finding with its sentence."""
        record = {field: getattr(self, field) for field in self.__dataclass_fields__}
        return {
            **record,
            "schema": self.schema.to_json(),
            "classes": [{"name": name, "examples": count} for name, count in self.classes],
            "columns": [
                dict(zip(("name", "kind", "features"), column, strict=True)) for column in self.columns
            ],
            "findings": [
                {**asdict(finding), "sentence": finding_sentence(finding)} for finding in self.findings
            ],
        }

    def _input_text(self) -> str:
        input = self.schema.input
        if isinstance(input, Image):
            return say("data.card.image", channels=input.channels, height=input.height, width=input.width)
        if isinstance(input, Series):
            return say("data.card.series", channels=input.channels, length=input.length)
        if isinstance(input, Tokens):
            return say("data.card.tokens", length=input.length, vocabulary=input.vocabulary_size)
        if isinstance(input, Graph):
            return say("data.card.graph", nodes=input.nodes, features=input.features)
        return say("data.card.table", features=input.features)

    def _target_text(self) -> str:
        target = self.schema.target
        if isinstance(target, Classes):
            return say("data.card.classes", count=target.size)
        if isinstance(target, Forecast):
            key = "data.card.forecast_season" if target.season > 1 else "data.card.forecast"
            return say(key, horizon=target.horizon, season=target.season)
        if target.size > 1 or self.target_range is None:
            return say("data.card.values", size=target.size)
        low, mean, high = self.target_range
        digits = _digits_apart(low, high)
        shown = {name: f"{number:.{digits}g}" for name, number in zip(_RANGE, (low, mean, high), strict=True)}
        return say("data.card.value", **shown)

    def _class_text(self) -> str:
        ranked = (
            sorted(self.classes, key=lambda pair: -pair[1])
            if len(self.classes) > LISTED_CLASSES
            else self.classes
        )
        text = ", ".join(f"{printable(name, most=40)}: {count:,}" for name, count in ranked[:LISTED_CLASSES])
        more = len(self.classes) - LISTED_CLASSES
        return text + (", " + say("data.card.more_classes", count=more) if more > 0 else "")


_RANGE = ("low", "mean", "high")


def _digits_apart(low: float, high: float) -> int:
    """Significant digits that tell the ends of a range apart: four, and more where there is a large offset."""
    offset = max(abs(low), abs(high)) / (high - low) if high > low else 1.0
    return 4 + max(int(np.log10(max(offset, 1.0))) - 1, 0)


def data_card(dataset: Dataset) -> DataCard:
    """The card of a dataset: one pass over its arrays, block by block.

    >>> from bakeoff.data.load import load
    >>> card = data_card(load("iris"))
    >>> card.kind, card.examples, card.classes[0]
    ('table', 150, ('setosa', 50))
    """
    target = dataset.schema.target
    classes: tuple[tuple[str, int], ...] = ()
    target_range = None
    if target.class_names:
        counts = np.bincount(dataset.targets, minlength=target.size)
        classes = tuple(zip(target.class_names, counts.tolist(), strict=True))
    else:
        values = dataset.targets
        target_range = (float(values.min()), float(values.mean(dtype=np.float64)), float(values.max()))
    lengths = None
    if dataset.lengths is not None:
        lengths = (int(dataset.lengths.min()), int(np.median(dataset.lengths)), int(dataset.lengths.max()))
    rank = {"fault": 0, "warning": 1, "note": 2}
    return DataCard(
        name=dataset.name,
        kind=_kind(dataset.schema),
        schema=dataset.schema,
        examples=len(dataset),
        classes=classes,
        target_range=target_range,
        splits={part: len(getattr(dataset.splits, part)) for part in ("train", "validation", "test")},
        how=dataset.splits.how,
        lengths=lengths,
        edges=float(dataset.inputs.edge_counts.mean()) if isinstance(dataset.inputs, PackedGraphs) else None,
        columns=_columns(dataset),
        groups=None if dataset.groups is None else len(np.unique(dataset.groups)),
        findings=tuple(sorted(findings_of(dataset), key=lambda finding: rank[finding.severity])),
        source=dataset.source,
        licence=dataset.licence,
        fingerprint=dataset.fingerprint,
    )


def finding_sentence(finding: Finding) -> str:
    """The finding in words, in the language in force."""
    return say(f"data.finding.{finding.kind}", **finding.values)


def _kind(schema: Schema) -> str:
    return "forecast" if schema.target.looks_ahead else schema.input.plural


def _columns(dataset: Dataset) -> tuple[tuple[str, str, int], ...]:
    if not isinstance(dataset.encoder, TableEncoder):
        return ()
    words = {"NumberColumn": "number", "CategoryColumn": "category", "DateColumn": "date"}
    return tuple(
        (column.name, words[type(column).__name__], len(column.features))
        for column in dataset.encoder.columns
    )
