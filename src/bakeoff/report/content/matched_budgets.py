"""What was made equal among the networks of a comparison, in a sentence, and what each was allocated, in a table."""

from dataclasses import dataclass

from bakeoff.messages import say
from bakeoff.report.content.figures import Style, entrant_styles
from bakeoff.report.words.text import amount, clean, duration
from bakeoff.study.results.comparison import Comparison
from bakeoff.study.results.records import EntrantResult

#: Networks whose parameters differ from the common number by more than this part of it are named.
CLOSE = 0.1


@dataclass(frozen=True, kw_only=True)
class GivenRow:
    """One network's parameters, and the steps, FLOPs and seconds of each of its trainings; "" where unknown."""

    name: str
    style: Style
    parameters: str
    steps: str
    flops: str
    seconds: str


def given_rows(comparison: Comparison) -> tuple[GivenRow, ...]:
    """One row a network that was given steps, in the order of the results."""
    styles = entrant_styles(comparison.entrants)
    return tuple(
        GivenRow(
            name=clean(entrant.name),
            style=styles[entrant.name],
            parameters="" if entrant.parameters is None else amount(entrant.parameters),
            steps=f"{entrant.steps:,}",
            flops="" if entrant.training_flops is None else amount(entrant.training_flops),
            seconds="" if entrant.training_seconds is None else duration(entrant.training_seconds),
        )
        for entrant in comparison.entrants
        if entrant.steps is not None
    )


def equal_sentences(comparison: Comparison) -> list[str]:
    """Sentences on what all networks were allocated equally, and on exceptions; [] where no network took part."""
    networks = [entrant for entrant in comparison.entrants if entrant.steps is not None]
    if not networks:
        return []
    equal, common = comparison.equal, comparison.equal_amount
    shown = {"steps": f"{common:,.0f}", "seconds": duration(common)}.get(equal, amount(common))
    said = [say(f"report.equal.{equal}", amount=shown)]
    capped = [clean(entrant.name) for entrant in networks if entrant.capped]
    if capped:
        said.append(say("report.equal.capped", names=", ".join(capped)))
    if equal == "parameters":
        others = [_with_size(entrant) for entrant in networks if not _is_close(entrant, common)]
        if others:
            said.append(say("report.equal.other_sizes", names=", ".join(others)))
    return said


def _is_close(entrant: EntrantResult, common: float) -> bool:
    return entrant.parameters is None or abs(entrant.parameters / max(common, 1.0) - 1) <= CLOSE


def _with_size(entrant: EntrantResult) -> str:
    return f"{clean(entrant.name)} ({amount(entrant.parameters or 0)})"
