"""The best network at half and at twice its width, with the same seeds, learning rate and steps."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from bakeoff.explain.biases.drop_table import DropTable
from bakeoff.explain.biases.records import Size
from bakeoff.explain.biases.score_drops import Pair, score_drops, with_claims
from bakeoff.explain.biases.sentences import as_gain, figures, is_negligible
from bakeoff.explain.network.anatomy import Anatomy, AnatomyRequest, anatomy
from bakeoff.messages.statement import Statement
from bakeoff.study.design.entrants import Entrant
from bakeoff.study.design.jobs import Job
from bakeoff.study.protocol import DOUBLE_WIDTH_RATIO
from bakeoff.study.schedule.perturbation_study import PerturbationStudy
from bakeoff.study.workers.queue import WorkerTask
from bakeoff.tasks.metrics.registry import Metric


def look_at(study: PerturbationStudy, names: Sequence[str], *, field: bool) -> dict[str, Anatomy]:
    """The anatomy of these networks; those that cannot be built are left out."""
    networks = [entrant for entrant in study.entrants if entrant.kind == "network" and entrant.name in names]
    tasks = [
        WorkerTask(
            task=anatomy,
            request=AnatomyRequest(dataset=study.runner.shared, entrant=entrant, field=field),
            payload=entrant.name,
        )
        for entrant in networks
    ]
    return {
        name: found for name, found in study.run_tasks("sizes", tasks) if not isinstance(found, BaseException)
    }


def try_sizes(study: PerturbationStudy, table: DropTable, name: str) -> tuple[Size, ...]:
    """Train this entrant at half and at twice its width, as far as there is time."""
    known = look_at(study, [name], field=False).get(name)
    before = study.results[name, None]
    if known is None or known.width is None or not before.outputs:
        return ()
    widths = [width for width in known.parameters if width != known.width]
    trained = _trained_at(study, name, widths, usual=known.width)
    pairs = [
        Pair(before=before.outputs, after=trained[width], targets=table.targets, targets_after=table.targets)
        for width in sorted(trained)
    ]
    # One at a time: the variance over seeds of a network that is far too small must not be pooled with the other's.
    found = [score_drops([pair], table.metric, context=table.context)[0] for pair in pairs]
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


def _trained_at(
    study: PerturbationStudy, name: str, widths: Sequence[int], *, usual: int
) -> dict[int, tuple[NDArray[Any], ...]]:
    """Test outputs of this entrant at other widths, one array a seed, as far as there is time."""
    entrant = next(one for one in study.entrants if one.name == name)
    jobs: dict[int, tuple[Job, Entrant]] = {}
    for width in widths:
        ratio = DOUBLE_WIDTH_RATIO if width > usual else 1.0
        if study.has_time(ratio * study.results[name, None].seconds):
            # The name of a job is that of its entrant: another width has another one.
            other = replace(entrant, name=f"{name}@{width}", width=width)
            jobs[width] = study.paired_job(other, None, setting=study.settings[name]), other
    wanted = {job.name: width for width, (job, _) in jobs.items()}
    found = study.train("sizes", list(jobs.values()))
    return {wanted[job.name]: done.outputs for job, done in found if done.outputs}


def size_advice(sizes: Sequence[Size], metric: Metric) -> tuple[Statement, ...]:
    """Advice on the width: larger where a gain was shown, smaller where the drop is negligible."""
    smaller = next((size for size in sizes if size.width < size.usual), None)
    larger = next((size for size in sizes if size.width > size.usual), None)
    if larger is not None and larger.loss.shown and larger.loss.loss < 0:
        return (_said("larger", larger, figures(as_gain(larger.loss), metric)),)
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
