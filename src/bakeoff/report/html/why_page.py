"""The page of `why`: what each network loses with each assumption, as sentences and tables; a page without scripts."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bakeoff.explain.biases.records import Why, grouped
from bakeoff.messages import say
from bakeoff.messages.statement import Statement
from bakeoff.report.content.drop_heatmap import HeatMap, full_title, heat_map
from bakeoff.report.html.document import document
from bakeoff.report.words.reasons import reason_text
from bakeoff.report.words.text import bound, clean
from bakeoff.system.files import write_text


@dataclass(frozen=True, kw_only=True)
class WhyPage:
    """Everything on the page: `tables` as (id, heading, note, table), `left_out` as (names, reason)."""

    data_name: str
    sentences: tuple[str, ...]
    tables: tuple[tuple[str, str, str, HeatMap], ...]
    left_out: tuple[tuple[str, str], ...]


def write_why(why: Why, path: Path) -> Path:
    """Write the table, its sentences and the advice into a file. Raises `StoreError` where it cannot be written."""
    page = WhyPage(
        data_name=clean(why.name),
        sentences=tuple(bound(clean(sentence)) for sentence in why.sentences),
        tables=tuple(_tables(why)),
        left_out=_by_reason(why.left_out),
    )
    return write_text(path, document("why.html.j2", title=full_title(why), page=page))


def _tables(why: Why) -> list[tuple[str, str, str, HeatMap]]:
    kinds = (
        ("trained", say("why.figure.heat"), full_title(why), heat_map(why)),
        ("tested", say("report.section.tested"), say("why.table.tested_title"), heat_map(why, tested=True)),
    )
    return [(id, heading, note, drawn) for id, heading, note, drawn in kinds if drawn is not None]


def _by_reason(left_out: Mapping[str, Statement]) -> tuple[tuple[str, str], ...]:
    """(names, reason) of what was not measured, each reason once."""
    alike: dict[str, list[str]] = {}
    for name, reason in left_out.items():
        alike.setdefault(reason_text(reason), []).append(clean(name))
    return tuple((", ".join(grouped(names)), reason) for reason, names in alike.items())
