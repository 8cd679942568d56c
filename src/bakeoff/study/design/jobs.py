"""What is to be trained: the definition of a study, and its jobs.

A *job* is the work of one entrant that runs as one program: a stack of replicas, or some classical fits. Each
entrant has first a tuning job (every setting, at full size, with the first seed) and then curve jobs (more sizes and
seeds, at the setting that did best on validation).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bakeoff.data.dataset import Dataset
from bakeoff.study.design.entrants import LEARNING_RATES, Entrant
from bakeoff.study.design.trial import Trial

#: Part of a trial's key: raised when the same trial would give other figures.
PROTOCOL = 2
#: After each of these parts of the steps the worst of the learning rates leaves.
REJECTIONS = (0.25, 0.5)
BATCH = 100
#: The whole protocol trains for this many epochs at full size, within these bounds of steps.
EPOCHS, FEWEST_STEPS, MOST_STEPS = 120, 1000, 6000
#: Under a clock no network is judged on fewer steps than this.
SHORTEST_TRAINING = 150
#: Evaluations of a training. It stops where so many in a row brought nothing better, or changed no answer.
EVALUATIONS, PATIENCE, SETTLED = 12, 8, 3
SIZES, SEEDS = 5, 3
#: Jobs of a climb are called ENTRANT/rung-EXAMPLES.
RUNG = "rung-"
#: Tuning may take this part of the time that is left for training; seeds and curves need the rest.
TUNING_PART = 0.38


@dataclass(frozen=True, kw_only=True)
class Definition:
    """Everything that a study's figures depend on, save the speed of the machine where there is a clock.

    Attributes:
        dataset: fingerprint of the data.
        entrants: names (with widths), in order.
        metric: the deciding one.
        seed: trials use seed, seed + 1, ...
        budget_seconds: of the whole run; None for no clock.
        sizes: training sizes, ascending; the last is all there is.
        seeds: how many.
        steps: of every training; None lets budget and data decide.
        equal: what the networks have equally much of (see `bakeoff.study.design.matched_budgets`).
        device: where networks are trained, as it was asked for.
    """

    dataset: str
    entrants: tuple[str, ...]
    metric: str
    seed: int
    budget_seconds: float | None
    sizes: tuple[int, ...]
    seeds: int = SEEDS
    steps: int | None = None
    protocol: int = PROTOCOL
    equal: str = "steps"
    device: str = "auto"

    @property
    def context(self) -> str:
        """What a trial's key depends on beyond the trial itself."""
        return f"{self.protocol}/{self.dataset}"

    def to_json(self) -> dict[str, Any]:
        """For the store: a run is continued where all of it is the same."""
        return {
            name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()
        }


@dataclass(frozen=True, kw_only=True)
class Job:
    """Some trials of one entrant that run as one program. `contest`: they compete at the rejections."""

    name: str
    entrant: str
    trials: tuple[Trial, ...]
    contest: bool = False

    @property
    def is_tuning(self) -> bool:
        return self.name.endswith("/tuning")

    @property
    def is_rung(self) -> bool:
        """Whether it is a step of a climb (see `bakeoff.study.schedule.progressive_sampling`)."""
        return self.name.startswith(f"{self.entrant}/{RUNG}")


def training_sizes(dataset: Dataset, sizes: int = SIZES) -> tuple[int, ...]:
    """Geometric sizes n/16, n/8, n/4, n/2, n, without those that hold fewer than ten examples or two a class."""
    full = len(dataset.splits.train)
    least = max(10, 2 * dataset.schema.outputs if dataset.schema.is_classification else 10)
    return tuple(n for k in reversed(range(sizes)) if (n := full // 2**k) >= least or k == 0)


def full_steps(examples: int) -> int:
    """Steps of the whole protocol: `EPOCHS` passes over all examples, within bounds."""
    return min(max(EPOCHS * math.ceil(examples / BATCH), FEWEST_STEPS), MOST_STEPS)


def tuning_job(entrant: Entrant, definition: Definition, steps: int) -> Job:
    """Every setting at full size with the first seed, in one contest."""
    return Job(
        name=f"{entrant.name}/tuning",
        entrant=entrant.name,
        contest=True,
        trials=tuple(
            _trial(entrant, setting, definition.sizes[-1], definition.seed, steps)
            for setting in entrant.settings
        ),
    )


def rung_job(entrant: Entrant, definition: Definition, examples: int) -> Job:
    """Every setting of a classical entrant at a smaller size with the first seed: see `progressive_sampling`."""
    return Job(
        name=f"{entrant.name}/{RUNG}{examples}",
        entrant=entrant.name,
        trials=tuple(_trial(entrant, setting, examples, definition.seed, 0) for setting in entrant.settings),
    )


def _trial(entrant: Entrant, setting: float | None, examples: int, seed: int, steps: int) -> Trial:
    return Trial(
        entrant=entrant.name,
        setting=setting,
        examples=examples,
        seed=seed,
        steps=steps if entrant.kind == "network" else 0,
        width=entrant.width,
    )


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """One training of an entrant's curve: how many examples, and which seed. `rank`: lower goes first.

    `what` it is part of: "seeds" (at full size), "curve", "long curve", or "curve seeds".
    """

    entrant: str
    what: str
    rank: int
    examples: int
    seed: int

    @property
    def point(self) -> tuple[int, int]:
        return self.examples, self.seed


def curve_jobs(
    granted: Sequence[Parcel],
    entrants: Mapping[str, Entrant],
    best: Mapping[str, float | None],
    steps: Mapping[str, int],
    parts: Mapping[str, int] | None,
) -> list[Job]:
    """Each entrant's granted points at its best setting, as one job; `steps` of each network's trainings.

    Args:
        parts: into so many jobs an entrant's points are dealt out under a clock, since one would keep a single worker
            too long; None without a clock, where nothing may depend on a timing.
    """
    points: dict[str, list[tuple[int, int]]] = {}
    for parcel in granted:
        points.setdefault(parcel.entrant, []).append(parcel.point)
    jobs = []
    for name, places in points.items():
        places.sort(key=lambda place: (-place[0], place[1]))
        count = 1 if parts is None else min(parts.get(name, 1), len(places))
        for dealt in (places[first::count] for first in range(count)):
            trials = (_trial(entrants[name], best[name], *place, steps.get(name, 0)) for place in dealt)
            label = "curve" if parts is None else f"curve-{dealt[0][0]}-{dealt[0][1]}"
            jobs.append(Job(name=f"{name}/{label}", entrant=name, trials=tuple(trials)))
    return jobs


def tuning_work(steps: float) -> float:
    """Trainings' worth of steps in a tuning job: fewer than the settings, since the worst of them leave on the way.

    >>> tuning_work(100)  # 4 rates for a quarter, 3 for the next, 2 for the rest
    275.0
    """
    work, alive, before = 0.0, float(len(LEARNING_RATES)), 0.0
    for part in (*REJECTIONS, 1.0):
        work += alive * (part - before)
        alive, before = alive - 1, part
    return work * steps
