"""Data or labels, which part needs data most, and who is best within limits: as sentences and formatted rows."""

from dataclasses import dataclass

from bakeoff.messages import say
from bakeoff.report.content.answers import MistakeCard, example_card
from bakeoff.report.content.figures import Style, entrant_styles
from bakeoff.report.words.text import bound, clean
from bakeoff.study.analysis.answers import Answers
from bakeoff.study.analysis.limits import BestThatFits, Needs, shown
from bakeoff.study.analysis.needs_data import NeedsData, PartScore
from bakeoff.study.results.comparison import Comparison
from bakeoff.tasks.registry import task_of

#: Parts in the table, the worst first; the rest is in `verdict.json`.
MOST_PARTS = 20


@dataclass(frozen=True, kw_only=True)
class PartRow:
    """One class or group; "" where nothing is known."""

    name: str
    score: str
    interval: str
    tested: str
    trained: str


@dataclass(frozen=True, kw_only=True)
class LabelsPart:
    """The section: sentences, the examples whose labels look wrong, and the score on each class or group."""

    sentences: tuple[str, ...]
    suspicious: tuple[MistakeCard, ...]
    parts: tuple[PartRow, ...]


@dataclass(frozen=True, kw_only=True)
class LimitRow:
    """What one entrant takes; "" where it was not measured. `best`: who is put forward within the limits."""

    name: str
    style: Style
    best: bool
    amounts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class LimitsPart:
    sentences: tuple[str, ...]
    rows: tuple[LimitRow, ...]


def labels_part(comparison: Comparison, answers: Answers) -> LabelsPart | None:
    """The section on labels and parts; None where neither can be answered."""
    said = [one.statement() for one in (answers.labels, answers.parts) if one is not None]
    sentences = tuple(bound(clean(statement.text())) for statement in said if statement is not None)
    if not sentences:
        return None
    return LabelsPart(
        sentences=sentences,
        suspicious=_suspicious(comparison, answers),
        parts=() if answers.parts is None else tuple(_part_rows(answers.parts)),
    )


def _suspicious(comparison: Comparison, answers: Answers) -> tuple[MistakeCard, ...]:
    """Only where wrong labels are shown: a list of doubts about right ones would be believed."""
    if answers.labels is None or answers.labels.ceiling is None:
        return ()
    names = task_of(comparison.dataset.schema).class_names
    return tuple(
        example_card(
            comparison,
            int(comparison.test_indices[one.row]),
            answer=names[one.answer],
            truth=names[one.label],
            detail=say("report.mistake.sure", share=f"{100 * one.confidence:.0f} %"),
        )
        for one in answers.labels.suspicious
    )


def _part_rows(found: NeedsData) -> list[PartRow]:
    return [_part_row(part, found.shares) for part in found.parts[:MOST_PARTS] if part.tested]


def _part_row(part: PartScore, shares: bool) -> PartRow:
    def show(value: float | None) -> str:
        return "" if value is None else f"{100 * value:.1f} %" if shares else f"{value:#.4g}"

    return PartRow(
        name=clean(part.name),
        score=show(part.score),
        interval=say("report.verdict.between", low=show(part.low), high=show(part.high)),
        tested=f"{part.tested:,}",
        trained="" if part.trained is None else f"{part.trained:,}",
    )


def limits_part(comparison: Comparison, answer: BestThatFits | None) -> LimitsPart | None:
    """The section on limits; None where none were given."""
    if answer is None:
        return None
    drawn = entrant_styles(comparison.entrants)
    return LimitsPart(
        sentences=tuple(bound(clean(sentence)) for sentence in answer.sentences),
        rows=tuple(
            LimitRow(name=clean(name), style=drawn[name], best=name == answer.best, amounts=amounts_of(needs))
            for name, needs in answer.needs.items()
        ),
    )


#: Headings of what an entrant takes, as keys under "report.limits.".
LIMIT_COLUMNS = ("one", "p95", "hundred", "parameters", "flops", "memory")


def amounts_of(needs: Needs) -> tuple[str, ...]:
    """What one entrant takes, a text for each of `LIMIT_COLUMNS`, whose headings name what is counted."""
    amounts = (
        ("latency_seconds", needs.median_seconds),
        ("latency_seconds", needs.latency_seconds),
        ("latency_seconds", needs.batch_seconds),
        ("parameters", needs.parameters),
        ("flops", needs.flops),
        ("memory_bytes", needs.memory_bytes),
    )
    texts = ("" if amount is None else shown(kind, amount) for kind, amount in amounts)
    return tuple(text.removesuffix(" parameters").removesuffix(" FLOPs") for text in texts)
