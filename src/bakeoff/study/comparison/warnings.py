"""What a reader should know of a comparison's trainings before the verdict is taken for granted."""

from collections.abc import Iterator, Sequence

from bakeoff.data.dataset import Dataset
from bakeoff.data.findings import dominant_class
from bakeoff.errors import printable
from bakeoff.messages import say
from bakeoff.messages.statement import reason_text
from bakeoff.study.analysis.summary import Summary
from bakeoff.study.design.states import EntrantState
from bakeoff.study.protocol import TOLD_SLOWDOWN
from bakeoff.study.results.records import EntrantResult
from bakeoff.tasks.registry import task_of


def training_warnings(summary: Summary, *, seeds: int) -> Iterator[str]:
    """Who was trained with one seed only, with fewer steps than the protocol asks for, or could not be trained.

    Args:
        seeds: how many the protocol asks for.
    """
    networks = [entrant.name for entrant in summary.entrants if entrant.kind == "network" and entrant.judged]
    single = [name for name in networks if len(summary.judged[name]) == 1]
    if single and seeds > 1:
        yield say("study.warning.one_seed", names=", ".join(single))
    yield from _undertrained(summary.entrants)
    for entrant in summary.entrants:
        if not entrant.judged and entrant.state in (EntrantState.FAILED, EntrantState.DIVERGED):
            yield say("study.warning.fault", name=entrant.name, reason=reason_text(entrant.reason))


def busy_warnings(slowdown: float, budget_seconds: float | None, spent_seconds: float) -> Iterator[str]:
    """What other programs on this machine took away of a budget, and whether it was kept.

    Args:
        slowdown: see `bakeoff.system.hardware.slowdown`.
        spent_seconds: of the budget, until the verdict.
    """
    if budget_seconds is None or (slowdown < TOLD_SLOWDOWN and spent_seconds <= budget_seconds):
        return
    values = {
        "share": 1 / max(slowdown, 1.0),
        "budget": f"{budget_seconds:.0f}",
        "seconds": f"{spent_seconds:.0f}",
    }
    is_late = spent_seconds > budget_seconds
    yield say("study.warning.late" if is_late else "study.warning.busy", **values)


def metric_warnings(dataset: Dataset, metric: str) -> Iterator[str]:
    """That another metric than the usual one was chosen, why, and how to have the usual one."""
    found, usual = dominant_class(dataset), task_of(dataset.schema).default_metric().name
    if found is not None and metric != usual:
        yield say(
            "study.warning.metric",
            largest=printable(found[0]),
            share=found[1],
            metric=say(f"verdict.metric.{metric}"),
            usual=say(f"verdict.metric.{usual}"),
            option=f"--metric {usual}",
        )


def _undertrained(entrants: Sequence[EntrantResult]) -> Iterator[str]:
    """Who took fewer steps than the protocol asks for, since the budget allowed no more: a sentence a number."""
    by_steps: dict[tuple[int, int], list[str]] = {}
    for entrant in entrants:
        if entrant.undertrained and entrant.steps is not None and entrant.protocol_steps is not None:
            by_steps.setdefault((entrant.steps, entrant.protocol_steps), []).append(entrant.name)
    for (steps, protocol), names in by_steps.items():
        yield say(
            "study.warning.undertrained", names=", ".join(names), steps=f"{steps:,}", protocol=f"{protocol:,}"
        )
