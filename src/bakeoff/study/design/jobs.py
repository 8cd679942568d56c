"""What is to be trained: the definition of a study, and its jobs.

A *job* is a group of trials of one entrant that runs as one task of a worker: a stack of replicas, or classical fits.
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
#: Parts of the steps after which the learning rate with the worst validation loss is eliminated (successive rejects).
REJECTIONS = (0.25, 0.5)
#: Examples a step, the same for every network.
BATCH = 100
#: Passes over the full training set, without a clock ...
EPOCHS = 120
#: ... but at least this many steps ...
FEWEST_STEPS = 1000
#: ... and at most this many.
MOST_STEPS = 6000
#: Under a clock no network is judged on fewer steps than this: it is left out instead.
SHORTEST_TRAINING = 150
#: Evaluations on the validation split in a training, evenly spaced.
EVALUATIONS = 12
#: Evaluations in a row without a better one before a training stops: 4 to 6 changed a verdict, 8 none
#: (docs/benchmarks/speed.md).
PATIENCE_EVALUATIONS = 8
#: Evaluations in a row that changed no validation answer before a training that does not improve stops: this saves what
#: the long patience costs.
UNCHANGED_EVALUATIONS = 3
#: Training sizes of a learning curve: n/16, n/8, n/4, n/2, n.
SIZES = 5
#: Seeds of every point of a learning curve, by default.
SEEDS = 3
#: Names of jobs of progressive sampling are ENTRANT/rung-EXAMPLES (stored: see
#: `bakeoff.study.schedule.progressive_sampling`).
RUNG = "rung-"
#: Part of the time left for training that tuning may take; seeds and learning curves need the rest.
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
        device: where networks are trained, as the user gave it.
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
        """The record in the store; an unfinished run with an equal record is continued."""
        return {
            name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()
        }


@dataclass(frozen=True, kw_only=True)
class Job:
    """Trials of one entrant that run as one task of a worker.

    Attributes:
        name: ENTRANT/tuning, ENTRANT/rung-EXAMPLES, ENTRANT/curve or ENTRANT/curve-EXAMPLES-SEED (stored).
        entrant: whose trials they are.
        trials: in order.
        is_tuning_group: whether their learning rates compete in successive rejects.
    """

    name: str
    entrant: str
    trials: tuple[Trial, ...]
    is_tuning_group: bool = False

    @property
    def is_tuning(self) -> bool:
        return self.name.endswith("/tuning")

    @property
    def is_rung(self) -> bool:
        """Whether it is one size of progressive sampling (see `bakeoff.study.schedule.progressive_sampling`)."""
        return self.name.startswith(f"{self.entrant}/{RUNG}")


def training_sizes(dataset: Dataset, sizes: int = SIZES) -> tuple[int, ...]:
    """The sizes of the learning curve, n/16, n/8, n/4, n/2, n, without those under ten examples or two a class."""
    full = len(dataset.splits.train)
    least = max(10, 2 * dataset.schema.outputs if dataset.schema.is_classification else 10)
    return tuple(n for k in reversed(range(sizes)) if (n := full // 2**k) >= least or k == 0)


def full_steps(examples: int) -> int:
    """Steps of the whole protocol: `EPOCHS` passes over all examples, within bounds."""
    return min(max(EPOCHS * math.ceil(examples / BATCH), FEWEST_STEPS), MOST_STEPS)


def tuning_job(entrant: Entrant, definition: Definition, steps: int) -> Job:
    """Every setting at full size with the first seed; the learning rates compete in successive rejects."""
    return Job(
        name=f"{entrant.name}/tuning",
        entrant=entrant.name,
        is_tuning_group=True,
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
class TrialRequest:
    """One point of an entrant's learning curve that should be trained, if there is time.

    Attributes:
        entrant: whose curve it is.
        what: "seeds" (further seeds at full size), "curve" (the two largest smaller sizes), "long curve" (the sizes
            below those) or "curve seeds" (further seeds of the smaller sizes).
        rank: lower is trained first.
        examples, seed: of the training.
    """

    entrant: str
    what: str
    rank: int
    examples: int
    seed: int

    @property
    def point(self) -> tuple[int, int]:
        """(examples, seed)."""
        return self.examples, self.seed


def curve_jobs(
    affordable: Sequence[TrialRequest],
    entrants: Mapping[str, Entrant],
    best: Mapping[str, float | None],
    steps: Mapping[str, int],
    parts: Mapping[str, int] | None,
) -> list[Job]:
    """The jobs that train each entrant's affordable points at its best setting.

    Args:
        steps: of every training, by network.
        parts: number of jobs that an entrant's points are split into, since a single job would occupy one worker for
            too long; None makes one job each, without a clock, where nothing may depend on a timing.
    """
    points: dict[str, list[tuple[int, int]]] = {}
    for request in affordable:
        points.setdefault(request.entrant, []).append(request.point)
    jobs = []
    for name, places in points.items():
        places.sort(key=lambda place: (-place[0], place[1]))
        count = 1 if parts is None else min(parts.get(name, 1), len(places))
        for chunk in (places[first::count] for first in range(count)):
            trials = (_trial(entrants[name], best[name], *place, steps.get(name, 0)) for place in chunk)
            label = "curve" if parts is None else f"curve-{chunk[0][0]}-{chunk[0][1]}"
            jobs.append(Job(name=f"{name}/{label}", entrant=name, trials=tuple(trials)))
    return jobs


def tuning_work(steps: float) -> float:
    """Steps of all learning rates of a tuning job together, where a full training has `steps`.

    Fewer than one full training for each rate, since the worst ones are eliminated on the way.

    >>> tuning_work(100)  # 4 rates for a quarter, 3 for the next, 2 for the rest
    275.0
    """
    work, alive, before = 0.0, float(len(LEARNING_RATES)), 0.0
    for part in (*REJECTIONS, 1.0):
        work += alive * (part - before)
        alive, before = alive - 1, part
    return work * steps
