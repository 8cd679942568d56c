"""Which size: the best network again at half and at twice its width, with the same seeds, rate and steps."""

from collections.abc import Sequence
from dataclasses import replace

from bakeoff.explain.biases.drop_table import LossTable
from bakeoff.explain.biases.perturbation_study import ChangedStudy
from bakeoff.explain.biases.records import Size
from bakeoff.explain.biases.score_drops import Pair, losses, with_claims
from bakeoff.explain.biases.sentences import figures, is_negligible, turned_round
from bakeoff.explain.biases.worker_tasks import train_changed
from bakeoff.explain.network.anatomy import Anatomy, anatomy
from bakeoff.messages.statement import Statement
from bakeoff.study.workers.queue import Task
from bakeoff.tasks.metrics.registry import Metric

#: A network of twice the width takes up to so many times as long a training.
DEARER = 4.0


def look_at(study: ChangedStudy, names: Sequence[str], *, field: bool) -> dict[str, Anatomy]:
    """The anatomy of these networks; one that cannot be looked at is left out."""
    shared = study.pool.share(study.dataset)
    networks = [entrant for entrant in study.entrants if entrant.kind == "network" and entrant.name in names]
    tasks = [Task(anatomy, (shared, entrant, field), entrant.name) for entrant in networks]
    return {
        name: found for name, found in study.work_off("sizes", tasks) if not isinstance(found, BaseException)
    }


def try_sizes(study: ChangedStudy, table: LossTable, name: str) -> tuple[Size, ...]:
    """Train this entrant at half and at twice its width, as far as there is time."""
    known = look_at(study, [name], field=False).get(name)
    before = study.results[name, None]
    if known is None or known.width is None or not before.outputs:
        return ()
    widths = [width for width in known.parameters if width != known.width]
    ratio = {width: DEARER if width > known.width else 1.0 for width in widths}
    tasks = [
        Task(
            train_changed,
            (
                study.pool.share(study.dataset),
                replace(before.training, entrant=replace(before.training.entrant, width=width), test_on=()),
                study.deadline,
                study.deadline is None,
            ),
            width,
        )
        for width in widths
        if study.has_time(ratio[width] * before.seconds)
    ]
    trained = {
        width: found.outputs
        for width, found in study.work_off("sizes", tasks)
        if not isinstance(found, BaseException) and found.outputs
    }
    pairs = [
        Pair(before=before.outputs, after=trained[width], targets=table.targets, targets_after=table.targets)
        for width in sorted(trained)
    ]
    # Each by itself: a network that is far too small spreads widely from seed to seed, and says nothing of another.
    found = [losses([pair], table.metric, context=table.context)[0] for pair in pairs]
    claims = with_claims([loss.p_value for loss in found])
    return tuple(
        Size(
            entrant=name,
            width=width,
            usual=known.width,
            parameters=known.parameters[width],
            loss=replace(loss, shown=claim),
        )
        for width, loss, claim in zip(sorted(trained), found, claims, strict=True)
    )


def size_advice(sizes: Sequence[Size], metric: Metric) -> tuple[Statement, ...]:
    """At which size: larger where that was shown to pay, smaller where it surely costs next to nothing."""
    smaller = next((size for size in sizes if size.width < size.usual), None)
    larger = next((size for size in sizes if size.width > size.usual), None)
    if larger is not None and larger.loss.shown and larger.loss.loss < 0:
        return (_said("larger", larger, figures(turned_round(larger.loss), metric)),)
    if smaller is not None and is_negligible(smaller.loss, metric):
        return (_said("smaller", smaller, figures(smaller.loss, metric)),)
    if smaller is not None and smaller.loss.shown and smaller.loss.loss > 0:
        return (_said("not_smaller", smaller, figures(smaller.loss, metric)),)
    return ()


def _said(what: str, size: Size, shown: dict[str, Statement | str]) -> Statement:
    values = {"entrant": size.entrant, "width": size.width, "usual": size.usual}
    return Statement(
        key=f"why.advice.{what}", values={**values, "parameters": f"{size.parameters:,}", **shown}
    )
