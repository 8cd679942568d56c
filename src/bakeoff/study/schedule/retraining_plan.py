"""How much of the evidence fits into the time: which entrants are trained again on which changes, with which seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bakeoff.study.protocol import EVIDENCE_PLANNED_PART, FEWEST_PAIRED_SEEDS
from bakeoff.study.results.facts import Fact
from bakeoff.system.json_records import record_of


@dataclass(frozen=True, kw_only=True)
class RetrainableEntrant:
    """An entrant that can be trained again.

    Attributes:
        name: of the entrant.
        seconds: of one training on one worker, as measured.
        seeds: those that the comparison has trained on the unchanged data.
    """

    name: str
    seconds: float
    seeds: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What is trained again.

    Attributes:
        seeds: of every training.
        requests: (entrant, change), the most informative first; empty where nothing fits.
        seconds: predicted wall-clock seconds.
        needed_seconds: predicted for the smallest useful part: one leader on the first change.
    """

    seeds: tuple[int, ...] = ()
    requests: tuple[tuple[str, str], ...] = ()
    seconds: float = 0.0
    needed_seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """What a continued run needs to train the same."""
        return {
            "seeds": list(self.seeds),
            "needed_seconds": self.needed_seconds,
            "wishes": [list(request) for request in self.requests],
        }

    @staticmethod
    def from_json(record: Mapping[str, Any]) -> "Selection":
        """Raises `ValueError` or `KeyError` where it is none."""
        parts = {name: record[name] for name in ("seeds", "needed_seconds")}
        return record_of(Selection, {**parts, "requests": record["wishes"]})


#: The selection of a run, by which a continued one trains the same.
SELECTION = Fact(name="why", to_json=Selection.to_json, from_json=Selection.from_json)


def select(
    entrants: Sequence[RetrainableEntrant],
    changes: Sequence[str],
    *,
    seeds: Sequence[int],
    seconds_left: float | None,
    workers: int,
) -> Selection:
    """The most informative trainings that fit into the time.

    The first change for all entrants comes first, then the second, and so on. More than `FEWEST_PAIRED_SEEDS` seeds are
    used only where the comparison has trained them for all entrants and everything fits; else what does not fit is left
    out.

    Args:
        entrants: the leaders, then the control.
        changes: the most informative first.
        seeds: of the comparison, in order.
        seconds_left: for all of it; None without a clock.
        workers: processes that train at the same time.
    """
    requests = [(entrant.name, change) for change in changes for entrant in entrants]
    known = {entrant.name: entrant for entrant in entrants}
    shared = [seed for seed in seeds if all(seed in entrant.seeds for entrant in entrants)]
    first, *_ = (*seeds, 0)
    fewest = tuple(seeds[:FEWEST_PAIRED_SEEDS]) if len(seeds) >= FEWEST_PAIRED_SEEDS else (first, first + 1)
    choices = [tuple(shared[:count]) for count in range(len(shared), FEWEST_PAIRED_SEEDS, -1)]
    available_seconds = None if seconds_left is None else EVIDENCE_PLANNED_PART * max(seconds_left, 0.0)
    for chosen in choices:
        cost = _wall_seconds(requests, known, chosen, workers)
        if available_seconds is None or cost <= available_seconds:
            return Selection(seeds=chosen, requests=tuple(requests), seconds=cost)
    fitting: list[tuple[str, str]] = []
    for request in requests:
        if (
            available_seconds is None
            or _wall_seconds([*fitting, request], known, fewest, workers) <= available_seconds
        ):
            fitting.append(request)
    least = min(
        (
            _wall_seconds([(entrant.name, changes[0])], known, fewest, workers)
            for entrant in entrants[:-1] or entrants
        ),
        default=0.0,
    )
    if not any(name == entrant.name for name, _ in fitting for entrant in entrants[:-1] or entrants):
        return Selection(seeds=fewest, needed_seconds=least / EVIDENCE_PLANNED_PART)
    return Selection(
        seeds=fewest,
        requests=tuple(fitting),
        seconds=_wall_seconds(fitting, known, fewest, workers),
        needed_seconds=least / EVIDENCE_PLANNED_PART,
    )


def _wall_seconds(
    requests: Sequence[tuple[str, str]],
    known: Mapping[str, RetrainableEntrant],
    seeds: Sequence[int],
    workers: int,
) -> float:
    """Predicted wall-clock seconds: a stack of all seeds a request, and the seeds missing on unchanged data."""
    tasks = [len(seeds) * known[name].seconds for name, _ in requests]
    for name in dict.fromkeys(name for name, _ in requests):
        missing = [seed for seed in seeds if seed not in known[name].seeds]
        if missing:
            tasks.append(len(missing) * known[name].seconds)
    return max(sum(tasks) / workers, max(tasks, default=0.0))
